//! Tables whose entries name the tests that hold them, or say why there is none.

use std::fs;
use std::path::Path;

use crate::workspace::Outcome;

const FAULTS: &str = "tests/faults.md";
const TRAPS: &str = "tests/traps.md";
/// In the comment at its top.
const OFFICIAL: &str = "bud-sdk/tests/it/official_sdk.rs";

/// What README.md says of them.
pub fn summary(root: &Path) -> Outcome<String> {
    let [faults, traps, official] = [FAULTS, TRAPS, OFFICIAL].map(|file| read(root, file));
    let (faults, traps, official) = (faults?, traps?, official?);
    Ok(format!(
        "{} of the {} entries of the [fault catalogue]({FAULTS}) are tests; the others stand there with their reason. So are \
         {} of the {} [traps of the platform as shipped]({TRAPS}), and all {} failures of the platform's own Python SDK that \
         are [known to us]({OFFICIAL}).\n",
        faults.tested,
        faults.entries,
        traps.tested,
        traps.entries,
        official.whole()?
    ))
}

/// How many entries a catalogue has.
#[derive(Debug)]
struct Count {
    file: &'static str,
    entries: usize,
    tested: usize,
}

impl Count {
    /// The number of entries, each of which must be tested.
    fn whole(&self) -> Outcome<usize> {
        if self.entries == self.tested {
            return Ok(self.entries);
        }
        Err(format!("{}: {} of {} entries name no test", self.file, self.entries - self.tested, self.entries))
    }
}

/// Counts the entries of a catalogue. An error if it names a test that is not there.
fn read(root: &Path, file: &'static str) -> Outcome<Count> {
    let path = root.join(file);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut count = Count { file, entries: 0, tested: 0 };
    for (id, tests) in text.lines().filter_map(entry) {
        count.entries += 1;
        count.tested += usize::from(!tests.is_empty());
        for test in tests {
            if !exists(root, test) {
                return Err(format!("{file}: {id} names the test {test}, which is not there"));
            }
        }
    }
    if count.entries == 0 { Err(format!("{file} has no entries")) } else { Ok(count) }
}

/// `| N1 | what happens | tests or reason |`, in a comment or not: the entry, and the tests in its last cell.
fn entry(line: &str) -> Option<(&str, Vec<&str>)> {
    let line = line.strip_prefix("//! ").unwrap_or(line).trim_end();
    let mut cells = line.strip_prefix('|')?.strip_suffix('|')?.split('|').map(str::trim);
    let id = cells.next()?;
    let number = id.strip_prefix(|c: char| c.is_ascii_uppercase()).unwrap_or(id);
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Every second piece stands in backticks.
    let quoted = cells.next_back()?.split('`').skip(1).step_by(2);
    Some((id, quoted.filter(|quoted| quoted.contains("::")).collect()))
}

/// `faults::network::n01_x` stands in `bud-sdk/tests/it/faults/network.rs`, `replay::x` in `bud-sdk/tests/it/replay/mod.rs`,
/// `http::tests::x` in `bud-sdk/src/http/tests.rs`, `test_x.py::test_y` and `x.test.mts::its title` among the tests of Python and Node.
fn exists(root: &Path, test: &str) -> bool {
    let Some((file, name)) = test.rsplit_once("::") else { return false };
    let text =
        |folder: &str, file: &str| fs::read_to_string(root.join(folder).join(file)).unwrap_or_default();
    if file.ends_with(".py") {
        return text("bud-sdk-py/tests", file).contains(&format!("def {name}("));
    }
    if file.ends_with(".mts") {
        // One title of many tests ends with what tells them apart.
        let titles = [format!("test('{name}',"), format!("test(`{name}`,"), format!("test(`{name}: ${{")];
        let text = text("bud-sdk-node/test", file);
        return titles.iter().any(|title| text.contains(title));
    }
    let file = file.replace("::", "/");
    let files = [format!("{file}.rs"), format!("{file}/mod.rs")];
    ["bud-sdk/tests/it", "bud-sdk/src"]
        .iter()
        .any(|folder| files.iter().any(|file| text(folder, file).contains(&format!("fn {name}("))))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FAULTS, OFFICIAL, TRAPS, entry, exists, read};

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    #[test]
    fn entries() {
        assert_eq!(entry("| N1 | refused | `a::b`, `c::d::e` |"), Some(("N1", vec!["a::b", "c::d::e"])));
        assert_eq!(
            entry("| B9 | it blocks | `x.test.mts::a: b, c` |"),
            Some(("B9", vec!["x.test.mts::a: b, c"]))
        );
        assert_eq!(entry("| D5 | resume | later: by `ETag` |"), Some(("D5", vec![])));
        assert_eq!(entry("//! | 16 | `x::y` | written first | `a::b` |"), Some(("16", vec!["a::b"])));
        assert_eq!(entry("|---|---|---|"), None);
        assert_eq!(entry("| Entry | What | Tests |"), None);
        assert_eq!(entry("text"), None);
    }

    #[test]
    fn every_catalogue_names_tests_that_are_there() {
        for file in [FAULTS, TRAPS, OFFICIAL] {
            let count = read(root(), file).unwrap();
            assert!(count.tested > 0, "{count:?}");
        }
        for absent in [
            "official_sdk::no_such_test",
            "no_file::entries",
            "test_process.py::test_none",
            "test_none.py::test_scenario",
            "process.test.mts::threads",
            "none.test.mts::a signal that times out",
        ] {
            assert!(!exists(root(), absent), "{absent}");
        }
        assert!(exists(root(), "signals.test.mts::a signal that times out"));
    }

    #[test]
    fn no_failure_of_the_official_sdk_is_left_out() {
        let text = std::fs::read_to_string(root().join(OFFICIAL)).unwrap();
        let ids: Vec<&str> = text.lines().filter_map(entry).map(|(id, _)| id).collect();
        for number in 1..=16 {
            assert!(ids.contains(&number.to_string().as_str()), "{number} is not in {ids:?}");
        }
        read(root(), OFFICIAL).unwrap().whole().unwrap();
    }
}
