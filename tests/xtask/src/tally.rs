//! How many tests ran, read from what the test runner prints.

use std::fmt;

/// Totals over all test binaries.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
}

impl Tally {
    /// Counts a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`, pytest's `1 failed, 3 passed in 0.12s`,
    /// or Node's `ℹ pass 3`.
    pub fn read(&mut self, line: &str) {
        if let Some(result) = line.trim_start().strip_prefix("test result:") {
            self.passed += number_before(result, " passed");
            self.failed += number_before(result, " failed");
        } else if let Some(result) = pytest(line) {
            self.passed += number_before(result, " passed");
            self.failed += number_before(result, " failed") + number_before(result, " error");
        }
        self.passed += number_behind(line, "ℹ pass ");
        self.failed += number_behind(line, "ℹ fail ");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// The closing line of pytest.
fn pytest(line: &str) -> Option<&str> {
    let line = line.trim().trim_matches('=').trim();
    let (counts, time) = line.rsplit_once(" in ")?;
    let known = ["passed", "failed", "error", "errors", "skipped", "warning", "warnings", "deselected"];
    let count = |part: &str| {
        let mut words = part.split(' ');
        let number = words.next().is_some_and(|word| word.parse::<usize>().is_ok());
        number && words.next().is_some_and(|word| known.contains(&word)) && words.next().is_none()
    };
    let timed = time.trim_end_matches(')').starts_with(|char: char| char.is_ascii_digit());
    (timed && counts.split(", ").all(count)).then_some(counts)
}

fn number_before(text: &str, word: &str) -> usize {
    let before = text.split_once(word).map(|(before, _)| before);
    before.and_then(|before| before.split_whitespace().next_back()?.parse().ok()).unwrap_or(0)
}

fn number_behind(line: &str, words: &str) -> usize {
    line.trim_end().strip_prefix(words).and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn totals_over_result_lines_only() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test says 9 passed; 9 failed ... ok",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: \u{1b}[32mok\u{1b}[m. 1 passed; 0 failed; 0 ignored",
            "test result: unreadable",
            "2 failed, 20 passed, 1 skipped, 1 error in 1.23s",
            "======= 100 passed in 75.01s (0:01:15) =======",
            "3 passed in the morning",
            "it took 3 passed in 2.0s",
            "ℹ pass 5\n",
            "ℹ fail 1",
            "ℹ pass the salt",
            "✔ says ℹ pass 9",
        ] {
            tally.read(line);
        }
        assert_eq!(tally, Tally { passed: 139, failed: 6 });
        assert_eq!(tally.to_string(), "139 passed, 6 failed");
    }
}
