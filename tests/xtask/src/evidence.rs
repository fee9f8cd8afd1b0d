//! What shows that a route works: the answers of the last test run, and recorded exchanges.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::workspace::{Outcome, Workspace};

/// One answered request: method, path, status.
pub type Answer = (String, String, u64);

/// The routes that were answered with success.
#[derive(Debug, Default)]
pub struct Evidence {
    /// `flavor METHOD /path/{}`
    journal: BTreeSet<String>,
    /// Of the platform as shipped.
    recorded: Vec<(String, String)>,
}

impl Evidence {
    /// For the languages of `part`; its tests must have run.
    pub fn of(workspace: &Workspace, part: &str) -> Outcome<Self> {
        let journal = fs::read_to_string(workspace.journal(part)).map_err(|_| {
            format!("no record of a passed test run; run `cargo xtask test --only {part}` first")
        })?;
        // Only where its examples were run on a cluster.
        let cluster = fs::read_to_string(workspace.cluster_journal(part)).unwrap_or_default();
        Ok(Self::new(&(journal + &cluster), recorded_routes(&workspace.root.join("tests/contract/runtime"))?))
    }

    /// From the text of a journal and recorded exchanges.
    pub fn new(journal: &str, recorded: Vec<Answer>) -> Self {
        let recorded = recorded.into_iter().filter(|(_, _, status)| success(*status));
        Self {
            journal: journal.lines().filter_map(answered).collect(),
            recorded: recorded.map(|(method, path, _)| (method, path)).collect(),
        }
    }

    /// Whether the call gave the right result in a scenario: a line `on CALL /id 200`.
    pub fn called(&self, on: &str, id: &str) -> bool {
        self.journal.contains(&format!("{on} CALL /{id}"))
    }

    /// Whether a request to this route got a 2xx.
    pub fn shows(&self, flavor: &str, method: &str, template: &str) -> bool {
        let recorded = || self.recorded.iter().any(|(m, path)| m == method && fits(template, path));
        self.journal.contains(&format!("{flavor} {method} {}", nameless(template)))
            || flavor == "runtime" && recorded()
    }
}

/// The route of a journal line `flavor METHOD path-template status`, if the status means success.
fn answered(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let [flavor, method, template, status] = words[..] else { return None };
    success(status.parse().ok()?).then(|| format!("{flavor} {method} {}", nameless(template)))
}

fn success(status: u64) -> bool {
    (200..300).contains(&status)
}

/// The template without its parameters' names, which server and client choose for themselves.
fn nameless(template: &str) -> String {
    let parts = template.split('/').map(|part| if is_parameter(part) { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether a request to `path` went to `template`.
fn fits(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (wanted, given): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    // Ids have a digit; `/users/me` is a route of its own.
    let fit = |(wanted, given): (&&str, &&str)| match is_parameter(wanted) {
        true => given.contains(|char: char| char.is_ascii_digit()),
        false => wanted == given,
    };
    wanted.len() == given.len() && wanted.iter().zip(&given).all(fit)
}

fn is_parameter(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

/// The exchanges recorded in `folder`'s `*.jsonl`; none if there is no such folder.
fn recorded_routes(folder: &Path) -> Outcome<Vec<Answer>> {
    let mut routes = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(routes) };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|end| end == "jsonl") {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                let route = recorded_route(line);
                routes.push(route.ok_or_else(|| format!("{}:{}: no exchange", path.display(), at + 1))?);
            }
        }
    }
    Ok(routes)
}

fn recorded_route(line: &str) -> Option<Answer> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some((line["method"].as_str()?.to_owned(), line["path"].as_str()?.to_owned(), line["status"].as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::{Evidence, fits, nameless, recorded_route};

    #[test]
    fn the_names_of_parameters_do_not_matter() {
        assert_eq!(nameless("/users/{user_id}/x"), nameless("/users/{id}/x"));
        assert_ne!(nameless("/users/{id}"), nameless("/users/{id}/"));
    }

    #[test]
    fn paths_fit_templates() {
        assert!(fits("/users/{id}", "/users/255a177a-0db8"));
        assert!(fits("/users/", "/users/?page=1"));
        assert!(!fits("/users/{id}", "/users/me"));
        assert!(!fits("/users/{id}", "/users/"));
        assert!(!fits("/users/{id}", "/users/1/permissions"));
        assert!(!fits("/users", "/users/"));
    }

    #[test]
    fn only_success_counts() {
        let journal = "guide GET /users/{user_id} 200\nguide POST /users 409\nguide PUT /x 204\nnonsense\n";
        let recorded = [("GET", "/users/7", 200), ("PATCH", "/users/7", 500)];
        let recorded = recorded.map(|(method, path, status)| (method.to_owned(), path.to_owned(), status));
        let evidence = Evidence::new(journal, recorded.to_vec());
        assert!(evidence.shows("guide", "GET", "/users/{id}"));
        assert!(evidence.shows("guide", "PUT", "/x"));
        assert!(!evidence.shows("guide", "POST", "/users"));
        assert!(evidence.shows("runtime", "GET", "/users/{id}"));
        assert!(!evidence.shows("runtime", "PATCH", "/users/{id}"));
        assert!(!evidence.shows("runtime", "PUT", "/x"));
    }

    #[test]
    fn calls_are_by_name() {
        let evidence = Evidence::new("guide CALL /users.list 200\n", Vec::new());
        assert!(evidence.called("guide", "users.list"));
        assert!(!evidence.called("runtime", "users.list"));
        assert!(!evidence.called("guide", "users.get"));
    }

    #[test]
    fn reads_exchanges() {
        let line = r#"{"name":"a","method":"GET","path":"/users/1","status":200}"#;
        assert_eq!(recorded_route(line), Some(("GET".into(), "/users/1".into(), 200)));
        assert_eq!(recorded_route("{}"), None);
    }
}
