//! The page of cases from outside: each case has a row, and the tests that a row names did run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::workspace::{Outcome, Workspace};

const PAGE: &str = "tests/cases.md";

/// Cases that must have a row: a letter or two, and numbers.
const CASES: &[&str] = &[
    "T2-1", "T2-2", "T3-1", "T3-2", "T3-3", "T3-4", "T3-5", "T3-6", "T3-7", "A1", "A2", "A3", "A4", "A5",
    "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "D10", "D11", "D12", "D13", "D14", "E01", "E02",
    "E03", "E05", "E06", "E09", "E11", "E12", "E16", "R01", "R02", "R05", "S-H1", "S-H2", "S-H3", "S-M2",
    "P01", "P03", "P04", "P05", "P06", "P08", "N01", "N02", "N03", "N04", "N05", "N06", "N07", "N08", "K01",
    "K02", "K03", "K04", "K05", "K06", "K07", "K08", "K10", "K11", "K12", "K13", "K14", "K16", "K18", "K19",
    "R1",
];

/// A row: its cases, and the tests that hold them or the reason why there is none.
#[derive(Debug)]
struct Row<'a> {
    ids: Vec<&'a str>,
    tests: Vec<&'a str>,
    reason: bool,
}

/// Every case has a row with tests or a reason, and every test that is named passed in the last run of all parts.
pub fn check(workspace: &Workspace, ran: &BTreeSet<String>) -> Outcome {
    let text = read(&workspace.root)?;
    let (mut wrong, mut held) = (missing(&text), 0);
    for row in text.lines().filter_map(row) {
        for test in row.tests.iter().filter(|test| !ran.contains(last(test))) {
            wrong.push(format!("{}: {test} did not run", row.ids.join(", ")));
        }
        held += row.tests.len();
    }
    if wrong.is_empty() {
        println!("    {} cases, held by {held} tests that ran", CASES.len());
        return Ok(());
    }
    Err(format!("{PAGE}:\n    {}", wrong.join("\n    ")))
}

fn read(root: &Path) -> Outcome<String> {
    fs::read_to_string(root.join(PAGE)).map_err(|error| format!("{PAGE}: {error}"))
}

/// What the page lacks.
fn missing(text: &str) -> Vec<String> {
    let rows: Vec<Row<'_>> = text.lines().filter_map(row).collect();
    let named: BTreeSet<&str> = rows.iter().flat_map(|row| row.ids.iter().copied()).collect();
    let absent = CASES.iter().filter(|id| !named.contains(*id)).map(|id| format!("{id} has no row"));
    let bare = rows.iter().filter(|row| row.tests.is_empty() && !row.reason);
    absent
        .chain(bare.map(|row| format!("{} names neither a test nor a reason", row.ids.join(", "))))
        .collect()
}

fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line.trim_end().strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
    let ids: Vec<&str> = cells.next()?.split(", ").collect();
    if !ids.iter().all(|id| is_case(id)) {
        return None;
    }
    let last = cells.next_back()?;
    // Every second piece stands in backticks.
    let tests = last.split('`').skip(1).step_by(2).filter(|quoted| quoted.contains("::")).collect();
    let reason = last.chars().any(char::is_alphabetic);
    Some(Row { ids, tests, reason })
}

fn is_case(id: &str) -> bool {
    let digits = id.trim_start_matches(|c: char| c.is_ascii_uppercase() || c == '-');
    digits.len() < id.len() && digits.starts_with(|c: char| c.is_ascii_digit())
}

/// The name of a test without its file or module. A title of Node's may hold anything but two colons.
pub fn last(test: &str) -> &str {
    test.rsplit_once("::").map_or(test, |(_, name)| name)
}

/// The test that a runner reports as passed on this line.
pub fn passed(line: &str) -> Option<&str> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("test ").or_else(|| line.strip_prefix("scenario ")) {
        let (name, outcome) = rest.rsplit_once(" ... ")?;
        return outcome.starts_with("ok").then(|| last(name));
    }
    if let Some(rest) = line.strip_prefix("PASSED ") {
        let name = last(rest);
        return Some(name.split_once('[').map_or(name, |(name, _)| name));
    }
    let title = line.strip_prefix("\u{2714} ")?;
    Some(title.rsplit_once(" (").map_or(title, |(title, _)| title))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{is_case, last, missing, passed, read, row};

    #[test]
    fn rows() {
        let found = row("| K02, K03 | empty data | `a::b::c`, `x.test.mts::a title` |").unwrap();
        assert_eq!((found.ids, found.tests), (vec!["K02", "K03"], vec!["a::b::c", "x.test.mts::a title"]));
        let judged = row("| S-H3 | http | another rule holds |").unwrap();
        assert!(judged.tests.is_empty() && judged.reason);
        assert!(!row("| T3-1 | html | |").unwrap().reason);
        assert!(
            row("| Case | Given | Tests |").is_none()
                && row("|---|---|---|").is_none()
                && row("text").is_none()
        );
        assert!(is_case("T3-1") && is_case("S-H1") && !is_case("12") && !is_case("Case"));
    }

    #[test]
    fn tests_that_passed() {
        assert_eq!(passed("test api::tests::reads ... ok\n"), Some("reads"));
        assert_eq!(passed("test reads ... FAILED"), None);
        assert_eq!(passed("scenario connects ... ok (0.3 s)"), Some("connects"));
        assert_eq!(passed("PASSED tests/test_x.py::test_y[a-b]"), Some("test_y"));
        assert_eq!(passed("  \u{2714} a title: of (two) (1.2ms)"), Some("a title: of (two)"));
        assert_eq!(passed("something else"), None);
        assert_eq!(last("a.test.mts::a: b"), "a: b");
    }

    #[test]
    fn every_case_has_a_row() {
        let text = read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))).unwrap();
        assert_eq!(missing(&text), [""; 0]);
    }
}
