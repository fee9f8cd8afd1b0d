//! The fault catalogue, `tests/faults.md`: each entry names tests that exist, or a reason.

use std::fs;

use crate::workspace::{Outcome, Workspace};

const CATALOGUE: &str = "tests/faults.md";

/// What README.md says of the catalogue.
pub fn summary(workspace: &Workspace) -> Outcome<String> {
    let path = workspace.root.join(CATALOGUE);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (mut entries, mut tested) = (0, 0);
    for (id, tests) in text.lines().filter_map(entry) {
        entries += 1;
        tested += usize::from(!tests.is_empty());
        for test in tests {
            if !exists(workspace, test) {
                return Err(format!("{CATALOGUE}: {id} names the test {test}, which is not there"));
            }
        }
    }
    if entries == 0 {
        return Err(format!("{CATALOGUE} has no entries"));
    }
    Ok(format!(
        "{tested} of the {entries} entries of the [fault catalogue]({CATALOGUE}) are tests; the others stand there with \
         their reason.\n"
    ))
}

/// `| N1 | what happens | tests or reason |`: the entry and its tests.
fn entry(line: &str) -> Option<(&str, Vec<&str>)> {
    let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
    let id = cells.next()?;
    let number = id.strip_prefix(|c: char| c.is_ascii_uppercase())?;
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let tests = cells.nth(1)?;
    // Every second piece stands in backticks.
    let quoted = tests.split('`').skip(1).step_by(2);
    Some((id, quoted.filter(|quoted| quoted.contains("::")).collect()))
}

/// `faults_network::n01_x` stands in `bud-sdk/tests/faults_network.rs`, `pipeline::tests::x` in
/// `bud-sdk/src/pipeline/tests.rs`.
fn exists(workspace: &Workspace, test: &str) -> bool {
    let Some((file, name)) = test.rsplit_once("::") else { return false };
    let file = format!("{}.rs", file.replace("::", "/"));
    ["bud-sdk/tests", "bud-sdk/src"].iter().any(|folder| {
        let text = fs::read_to_string(workspace.root.join(folder).join(&file)).unwrap_or_default();
        text.contains(&format!("fn {name}("))
    })
}

#[cfg(test)]
mod tests {
    use super::entry;

    #[test]
    fn entries() {
        assert_eq!(entry("| N1 | refused | `a::b`, `c::d::e` |"), Some(("N1", vec!["a::b", "c::d::e"])));
        assert_eq!(entry("| D5 | resume | later: by `ETag` |"), Some(("D5", vec![])));
        assert_eq!(entry("|---|---|---|"), None);
        assert_eq!(entry("| Entry | What | Tests |"), None);
        assert_eq!(entry("text"), None);
    }
}
