//! The coverage table of README.md: what of the Day-2 guide is covered, and shown to work by the tests.

use bud_sdk::Flavor;
use bud_sdk::operations::{OperationInfo, Support};

use crate::catalogues;
use crate::evidence::Evidence;
use crate::readme::{self, Blocks};
use crate::workspace::{Outcome, Workspace};

/// The part in which the tests in Rust beside kubectl, on a real control plane, leave what they saw, and the backend of those calls.
const REAL_CLUSTER: &str = "kubernetes";
/// The languages: name and part of the tests.
const LANGUAGES: [(&str, &str); 3] = [("Rust", "rust"), ("Python", "python"), ("Node", "node")];
const FLAVORS: [Flavor; 2] = [Flavor::Guide, Flavor::Runtime];

const LEGEND: &str = "
✓: every operation listed that this API has gave the right result in a scenario which this language replayed in the last
test run, requests compared byte for byte, and its route a good answer in the core's tests or, on the runtime API, in a
recorded exchange. n of m: that holds for n of the m that it has. –: there is none. In brackets stands the only API that
can do it; on the other it fails as `Unsupported`, and says what to use instead. The calls `kubernetes.*` go to the cluster,
whichever API the platform speaks: each is proven from Rust on a real control plane; for Python and Node a scenario comes on
top, or an example that ran on that control plane.
";

/// The guide's sections that ask for something to be done.
const SECTIONS: [(&str, &str); 29] = [
    ("2.1", "Morning Health Check"),
    ("2.2", "Health Check Commands"),
    ("3.1", "Create User"),
    ("3.2", "Modify User Role"),
    ("3.3", "Deactivate User"),
    ("3.4", "Password Reset"),
    ("4.1", "Create Project"),
    ("4.2", "Manage Project Permissions"),
    ("4.3", "Delete Project"),
    ("5.1", "Deploy Endpoint"),
    ("5.2", "Check Deployment Status"),
    ("5.3", "Scale Endpoint"),
    ("5.4", "Undeploy Endpoint"),
    ("6.1", "View Cluster Status"),
    ("6.2", "Cluster Health Check"),
    ("6.3", "Refresh Cluster Status"),
    ("7.1", "Key Dashboards"),
    ("7.2", "Key Metrics to Watch"),
    ("7.3", "Query Logs"),
    ("8.1", "Weekly Tasks"),
    ("8.2", "Monthly Tasks"),
    ("8.3", "Quarterly Tasks"),
    ("9.1", "Export Audit Log"),
    ("9.2", "Check API Quota Usage"),
    ("9.3", "Rotate API Key"),
    ("9.4", "View Service Logs"),
    ("10.1", "Service Not Responding"),
    ("10.2", "Database Connection Issues"),
    ("10.3", "Inference Failures"),
];

/// Writes the table into README.md.
pub fn write(workspace: &Workspace) -> Outcome {
    readme::write(workspace, &blocks(workspace)?)
}

/// Whether each part has left what it saw; what a part that did not run would show is not known.
pub fn complete(workspace: &Workspace) -> bool {
    let parts = LANGUAGES.iter().map(|(_, part)| *part).chain([REAL_CLUSTER]);
    parts.into_iter().all(|part| workspace.journal(part).is_file())
}

/// An error unless README.md has the table as it would be written now.
pub fn check(workspace: &Workspace) -> Outcome {
    readme::check(workspace, &blocks(workspace)?)
}

fn blocks(workspace: &Workspace) -> Outcome<Blocks> {
    Ok(vec![("coverage", generated(workspace)?), ("catalogues", catalogues::summary(&workspace.root)?)])
}

fn generated(workspace: &Workspace) -> Outcome<String> {
    let operations = bud_sdk::operations::all();
    let calls = bud_sdk::kubernetes::calls();
    let known = |section: &&str| SECTIONS.iter().any(|(number, _)| number == section);
    let on_platform = operations.iter().map(|info| (info.id, info.sections));
    for (id, sections) in on_platform.chain(calls.iter().map(|call| (call.id, call.sections))) {
        if let Some(section) = sections.iter().find(|section| !known(section)) {
            return Err(format!("{id} names section {section}, which is not in the table"));
        }
    }
    // All languages send by the core: what shows a route or the cluster is its tests.
    let routes = Evidence::of(workspace, "rust")?;
    let cluster = Evidence::of(workspace, REAL_CLUSTER)?;
    let mut columns = Vec::new();
    for flavor in FLAVORS {
        for (language, part) in LANGUAGES {
            let scenarios = Evidence::of(workspace, part)?;
            let own = if part == "rust" { &cluster } else { &scenarios };
            let on_platform = operations.iter().map(|info| state(info, flavor, &routes, &scenarios));
            let on_cluster = calls.iter().map(|call| cluster_state(call.id, &cluster, own));
            let states = on_platform.chain(on_cluster).collect();
            columns.push(Column { title: format!("{flavor}: {language}"), states });
        }
    }
    let on_platform = operations.iter().map(|info| (name(info), info.sections));
    let on_cluster = calls.iter().map(|call| (format!("`{}`", call.id), call.sections));
    let rows: Vec<Row> = on_platform.chain(on_cluster).collect();
    Ok(table(&rows, &columns))
}

/// An operation's name and sections.
type Row<'a> = (String, &'a [&'a str]);

/// The name, and the API if only one has it.
fn name(info: &OperationInfo) -> String {
    let offered = |flavor: &Flavor| matches!(info.on(flavor.as_str()), Some(Support::Offered(_)));
    match FLAVORS.into_iter().filter(offered).collect::<Vec<_>>()[..] {
        [only] => format!("`{}` ({only})", info.id),
        _ => format!("`{}`", info.id),
    }
}

struct Column {
    title: String,
    /// One for each operation.
    states: Vec<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    NotOffered,
    Offered,
    Shown,
}

fn state(info: &OperationInfo, flavor: Flavor, routes: &Evidence, scenarios: &Evidence) -> State {
    let flavor_name = flavor.as_str();
    match info.on(flavor_name) {
        None | Some(Support::Unsupported(_)) => State::NotOffered,
        Some(Support::Offered(route))
            if routes.shows(flavor_name, route.method.as_str(), route.path)
                && scenarios.called(flavor_name, info.id) =>
        {
            State::Shown
        }
        Some(Support::Offered(_)) => State::Offered,
    }
}

fn cluster_state(id: &str, real: &Evidence, own: &Evidence) -> State {
    if real.called(REAL_CLUSTER, id) && own.called(REAL_CLUSTER, id) { State::Shown } else { State::Offered }
}

fn table(rows: &[Row<'_>], columns: &[Column]) -> String {
    let titles: Vec<&str> = columns.iter().map(|column| column.title.as_str()).collect();
    let mut text = format!("| Guide section | Operations | {} |\n", titles.join(" | "));
    text += &format!("|---|---|{}\n", "---|".repeat(columns.len()));
    for (number, title) in SECTIONS {
        let mine: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].1.contains(&number)).collect();
        let names: Vec<&str> = mine.iter().map(|at| rows[*at].0.as_str()).collect();
        let names = if names.is_empty() { "–".to_owned() } else { names.join(", ") };
        text += &format!("| {number} {title} | {names} |");
        for column in columns {
            let states: Vec<State> = mine.iter().map(|at| column.states[*at]).collect();
            text += &format!(" {} |", cell(&states));
        }
        text.push('\n');
    }
    text + LEGEND
}

fn cell(states: &[State]) -> String {
    let count = |of: State| states.iter().filter(|state| **state == of).count();
    let (shown, unshown) = (count(State::Shown), count(State::Offered));
    match (shown, unshown) {
        (0, 0) => "–".to_owned(),
        (_, 0) => "✓".to_owned(),
        _ => format!("{shown} of {}", shown + unshown),
    }
}

#[cfg(test)]
mod tests {
    use super::{Column, Row, State, cell, name, table};

    #[test]
    fn cells() {
        use State::{NotOffered, Offered, Shown};
        assert_eq!(cell(&[]), "–");
        assert_eq!(cell(&[NotOffered, NotOffered]), "–");
        assert_eq!(cell(&[Shown, Shown]), "✓");
        assert_eq!(cell(&[Shown, NotOffered]), "✓");
        assert_eq!(cell(&[Shown, Offered, NotOffered]), "1 of 2");
        assert_eq!(cell(&[Offered]), "0 of 1");
    }

    #[test]
    fn one_row_per_section() {
        let rows: [Row<'_>; 2] =
            [("`users.create`".into(), &["3.1"]), ("`endpoints.get`".into(), &["5.2", "10.3"])];
        let columns = [
            Column { title: "guide: Rust".into(), states: vec![State::Shown, State::Offered] },
            Column { title: "runtime: Rust".into(), states: vec![State::NotOffered, State::NotOffered] },
        ];
        let text = table(&rows, &columns);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "| Guide section | Operations | guide: Rust | runtime: Rust |");
        assert_eq!(lines[1], "|---|---|---|---|");
        assert_eq!(lines[2], "| 2.1 Morning Health Check | – | – | – |");
        assert_eq!(lines[4], "| 3.1 Create User | `users.create` | ✓ | – |");
        assert!(lines.contains(&"| 10.3 Inference Failures | `endpoints.get` | 0 of 1 | – |"));
    }

    #[test]
    fn what_only_one_api_has_is_marked() {
        let names: Vec<String> = bud_sdk::operations::all().iter().map(name).collect();
        for expected in ["`users.list`", "`endpoints.deploy` (guide)", "`endpoints.deploy_model` (runtime)"] {
            assert!(names.iter().any(|name| name == expected), "{expected}");
        }
    }
}
