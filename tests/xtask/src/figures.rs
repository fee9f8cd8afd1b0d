//! The measured ratios: what they are to be, what they were in each run, and README.md's table of the newest.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::readme;
use crate::workspace::{Outcome, Workspace, clean, output};

/// The languages: part of the benchmarks, and name.
pub const LANGUAGES: [(&str, &str); 3] = [("rust", "Rust"), ("python", "Python"), ("node", "Node")];
const TARGETS: &str = "tests/bench/targets.json";
const HISTORY: &str = "tests/bench/history";

/// Ratios by their names in the list of targets.
pub type Ratios = BTreeMap<String, f64>;

/// What a ratio is of, and what it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    language: String,
    name: String,
    what: String,
    against: String,
    unit: String,
    limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Target {
    fn read(value: &Value) -> Option<Self> {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        let limit = match (value["at_most"].as_f64(), value["at_least"].as_f64()) {
            (Some(limit), None) => Limit::AtMost(limit),
            (None, Some(limit)) => Limit::AtLeast(limit),
            _ => return None,
        };
        Some(Self {
            language: text("language")?,
            name: text("name")?,
            what: text("what")?,
            against: text("against")?,
            unit: text("unit").unwrap_or_else(|| "x".to_owned()),
            limit,
        })
    }

    fn met(&self, ratio: f64) -> bool {
        match self.limit {
            Limit::AtMost(limit) => ratio <= limit,
            Limit::AtLeast(limit) => ratio >= limit,
        }
    }

    fn limit(&self) -> String {
        match self.limit {
            Limit::AtMost(limit) => format!("at most {limit}{}", self.unit),
            Limit::AtLeast(limit) => format!("at least {limit}{}", self.unit),
        }
    }
}

/// The targets, in the order of the table.
pub fn targets(root: &Path) -> Outcome<Vec<Target>> {
    let text = fs::read_to_string(root.join(TARGETS)).map_err(|error| format!("{TARGETS}: {error}"))?;
    read_targets(&text).map_err(|reason| format!("{TARGETS}: {reason}"))
}

fn read_targets(text: &str) -> Outcome<Vec<Target>> {
    let values: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut targets: Vec<Target> = Vec::new();
    for value in values {
        let target = Target::read(&value).ok_or_else(|| format!("not a target: {value}"))?;
        if LANGUAGES.iter().all(|(language, _)| *language != target.language) {
            return Err(format!("{} is no language", target.language));
        }
        if targets.iter().any(|other| (&other.language, &other.name) == (&target.language, &target.name)) {
            return Err(format!("{} of {} is there twice", target.name, target.language));
        }
        targets.push(target);
    }
    Ok(targets)
}

/// Ratios as the benchmarks hand them over.
pub fn read_ratios(text: &str) -> Outcome<Ratios> {
    let ratios: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let number = |(name, value): (String, Value)| match value.as_f64() {
        Some(ratio) if ratio.is_finite() => Ok((name, ratio)),
        _ => Err(format!("{name} is no number")),
    };
    ratios.into_iter().map(number).collect()
}

/// A line for each ratio, and whether it is as it is to be.
pub fn judge(targets: &[Target], language: &str, ratios: &Ratios) -> Outcome<Vec<(String, bool)>> {
    let judged = ratios.iter().map(|(name, ratio)| {
        let mut all = targets.iter().filter(|target| target.language == language && target.name == *name);
        let target = all.next().ok_or_else(|| format!("{TARGETS} has no {name} of {language}"))?;
        let (met, Target { what, against, unit, .. }) = (target.met(*ratio), target);
        let word = if met { "ok" } else { "MISS" };
        let limit = target.limit();
        Ok((format!("{word:<5}{what}: {ratio:.3}{unit}, compared with {against}; target {limit}"), met))
    });
    judged.collect()
}

/// A run: its day, the commit that it was of, and what it measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub date: String,
    pub commit: String,
    pub ratios: Ratios,
}

impl Run {
    fn read(line: &str) -> Outcome<Self> {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let text =
            |key: &str| value[key].as_str().map(str::to_owned).ok_or_else(|| format!("there is no {key}"));
        Ok(Self {
            date: text("date")?,
            commit: text("commit")?,
            ratios: read_ratios(&value["ratios"].to_string())?,
        })
    }

    fn line(&self) -> String {
        let rounded = self.ratios.iter().map(|(name, ratio)| (name, (ratio * 1e3).round() / 1e3));
        let ratios: BTreeMap<&String, f64> = rounded.collect();
        // By hand, for the date to come first.
        format!(
            "{{\"date\":{},\"commit\":{},\"ratios\":{}}}\n",
            json!(self.date),
            json!(self.commit),
            json!(ratios)
        )
    }
}

fn history(root: &Path, language: &str) -> PathBuf {
    root.join(HISTORY).join(format!("{language}.jsonl"))
}

/// The runs of a language, the oldest first.
fn runs(root: &Path, language: &str) -> Outcome<Vec<Run>> {
    let path = history(root, language);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.map_err(|error| format!("{}: {error}", path.display()))?,
    };
    read_runs(&text).map_err(|reason| format!("{HISTORY}/{language}.jsonl: {reason}"))
}

fn read_runs(text: &str) -> Outcome<Vec<Run>> {
    let lines = text.lines().enumerate();
    lines.map(|(at, line)| Run::read(line).map_err(|reason| format!("line {}: {reason}", at + 1))).collect()
}

/// Adds a run to those of a language.
pub fn keep(root: &Path, language: &str, run: &Run) -> Outcome {
    let path = history(root, language);
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(root.join(HISTORY)).map_err(failed)?;
    let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
    file.write_all(run.line().as_bytes()).map_err(failed)
}

/// The commit that is checked out, with a `+` if sources differ from it.
pub fn commit(workspace: &Workspace) -> Outcome<String> {
    let git = |args: &[&str]| output(clean("git").current_dir(&workspace.root).args(args));
    let commit = git(&["rev-parse", "--short=7", "HEAD"])?;
    let history = format!(":(exclude){HISTORY}");
    let changed = git(&["status", "--porcelain", "--", ".", &history, ":(exclude)README.md"])?;
    Ok(format!("{}{}", commit.trim(), if changed.trim().is_empty() { "" } else { "+" }))
}

/// Writes the table into README.md.
pub fn write(workspace: &Workspace) -> Outcome {
    readme::write(workspace, &vec![("figures", current(&workspace.root)?)])
}

/// An error unless README.md has the table as it would be written now.
pub fn check(workspace: &Workspace) -> Outcome {
    readme::check(workspace, &vec![("figures", current(&workspace.root)?)])
}

fn current(root: &Path) -> Outcome<String> {
    let all = LANGUAGES.iter().map(|(language, _)| Ok((*language, runs(root, language)?)));
    Ok(table(&targets(root)?, &all.collect::<Outcome<BTreeMap<_, _>>>()?))
}

/// Each ratio as the newest run that measured it has it; without one it has no row.
fn table(targets: &[Target], runs: &BTreeMap<&str, Vec<Run>>) -> String {
    let mut text = "| language | what | compared with | measured | target | in a run of |\n".to_owned();
    text += "|---|---|---|---|---|---|\n";
    for target in targets {
        let all = runs.get(target.language.as_str()).into_iter().flatten();
        let newest = all.filter_map(|run| Some((run, *run.ratios.get(&target.name)?))).next_back();
        let Some((run, ratio)) = newest else { continue };
        let language = LANGUAGES.iter().find(|(language, _)| *language == target.language);
        let (language, Target { what, against, unit, .. }) = (language.map_or("", |(_, name)| name), target);
        let missed = if target.met(ratio) { "" } else { ", missed" };
        let (limit, Run { date, commit, .. }) = (target.limit(), run);
        text += &format!(
            "| {language} | {what} | {against} | {ratio}{unit}{missed} | {limit} | {date}, `{commit}` |\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::{Limit, Run, current, judge, read_ratios, read_runs, read_targets, table, targets};

    const TWO: &str = r#"[
        {"language": "rust", "name": "call_cpu", "what": "one call, CPU", "against": "reqwest", "at_most": 1.15},
        {"language": "node", "name": "call_speed", "what": "one call", "against": "fetch", "at_least": 3},
        {"language": "rust", "name": "memory", "what": "memory", "against": "less", "unit": " MiB", "at_most": 16}
    ]"#;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    #[test]
    fn a_target_has_one_limit_and_one_place() {
        let all = read_targets(TWO).unwrap();
        assert_eq!((all[0].limit, all[1].limit), (Limit::AtMost(1.15), Limit::AtLeast(3.0)));
        assert_eq!(all[0].limit() + &all[2].limit(), "at most 1.15xat most 16 MiB");
        assert!(all[0].met(1.15) && !all[0].met(1.151) && all[1].met(3.0) && !all[1].met(2.9));
        for (old, new) in [
            ("\"at_most\": 1.15", "\"at_most\": 1, \"at_least\": 2"),
            ("\"at_least\": 3", "\"limit\": 3"),
            ("node", "ruby"),
            ("memory", "call_cpu"),
        ] {
            assert!(read_targets(&TWO.replace(old, new)).is_err(), "{new}");
        }
    }

    #[test]
    fn ratios_are_judged_by_their_own_language() {
        let all = read_targets(TWO).unwrap();
        let ratios = read_ratios(r#"{"call_cpu": 1.2, "memory": 3}"#).unwrap();
        let judged = judge(&all, "rust", &ratios).unwrap();
        assert_eq!(judged.iter().map(|(_, met)| *met).collect::<Vec<_>>(), [false, true]);
        assert_eq!(judged[0].0, "MISS one call, CPU: 1.200x, compared with reqwest; target at most 1.15x");
        let refused = judge(&all, "node", &ratios).unwrap_err();
        assert_eq!(refused, "tests/bench/targets.json has no call_cpu of node");
        assert_eq!(read_ratios(r#"{"call_cpu": null}"#).unwrap_err(), "call_cpu is no number");
    }

    #[test]
    fn a_run_is_read_as_it_was_kept() {
        let ratios = [("a".to_owned(), 1.23456), ("b".to_owned(), 2.0)].into_iter().collect();
        let mut run = Run { date: "2026-11-30".to_owned(), commit: "38001f3+".to_owned(), ratios };
        let line = run.line();
        assert_eq!(
            line,
            "{\"date\":\"2026-11-30\",\"commit\":\"38001f3+\",\"ratios\":{\"a\":1.235,\"b\":2.0}}\n"
        );
        run.ratios.insert("a".to_owned(), 1.235);
        assert_eq!(read_runs(&line.repeat(2)).unwrap(), [run.clone(), run]);
        assert!(read_runs(&format!("{line}half")).unwrap_err().starts_with("line 2: "));
        assert_eq!(read_runs("{\"date\":\"2026-11-30\"}").unwrap_err(), "line 1: there is no commit");
    }

    #[test]
    fn rows_are_the_newest_and_none_is_made_up() {
        let line = |date: &str, ratios: &str| {
            format!("{{\"date\":\"{date}\",\"commit\":\"c\",\"ratios\":{ratios}}}")
        };
        let text =
            [line("d1", r#"{"call_cpu":1.0,"memory":2.5}"#), line("d2", r#"{"call_cpu":1.2,"old":1}"#)];
        let runs = BTreeMap::from([("rust", read_runs(&text.join("\n")).unwrap()), ("node", Vec::new())]);
        let table = table(&read_targets(TWO).unwrap(), &runs);
        assert_eq!(
            table.lines().skip(2).collect::<Vec<_>>(),
            [
                "| Rust | one call, CPU | reqwest | 1.2x, missed | at most 1.15x | d2, `c` |",
                "| Rust | memory | less | 2.5 MiB | at most 16 MiB | d1, `c` |",
            ]
        );
    }

    #[test]
    fn what_is_committed_can_be_read() {
        assert!(!targets(root()).unwrap().is_empty());
        assert!(current(root()).unwrap().lines().count() > 2);
    }
}
