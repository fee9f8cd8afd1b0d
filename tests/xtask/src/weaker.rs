//! What became of the tests between two revisions: those that are gone, and those that assert less. A test is known by its
//! name, so one that moved to another file is still there. It is a report for a reader, who knows what was meant.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::source;
use crate::workspace::{Outcome, Workspace, output};

const SCENARIOS: &str = "tests/contract/scenarios/";
/// What a scenario is compared by, beside its requests.
const OUTCOMES: [&str; 7] = ["result", "pages", "bytes", "updates", "file", "error", "warnings"];

/// The tests of each language and name: how much each asserts, and where it stands.
type Tests = BTreeMap<(&'static str, String), Vec<(usize, String)>>;

/// Prints what is gone and what asserts less at `head` than at `base`.
pub fn report(workspace: &Workspace, base: &str, head: &str) -> Outcome {
    let [old, new] = [base, head].map(|revision| blobs(workspace, revision));
    let (old, new) = (old?, new?);
    // What is the same in both says nothing.
    let [before, after] = [(&old, &new), (&new, &old)].map(|(own, other)| {
        let mut tests = Tests::new();
        for (blob, path) in own.difference(other) {
            // The same text under another name.
            if !other.iter().any(|(known, _)| known == blob) {
                collect(path, &git(workspace, &["show", blob])?, &mut tests);
            }
        }
        Ok::<_, String>(tests)
    });
    let lines = compared(&before?, &after?);
    lines.iter().for_each(|line| println!("{line}"));
    let count = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    println!("{} gone, {} weaker between {base} and {head}", count("gone"), count("weaker"));
    Ok(())
}

/// The blobs and paths of a revision that may have tests.
fn blobs(workspace: &Workspace, revision: &str) -> Outcome<BTreeSet<(String, String)>> {
    let listed = git(workspace, &["ls-tree", "-r", revision])?;
    let entry = |line: &str| {
        let (facts, path) = line.split_once('\t')?;
        let tests = [".rs", ".py", ".mts"].iter().any(|end| path.ends_with(end));
        (tests || path.starts_with(SCENARIOS))
            .then(|| (facts.split(' ').nth(2).unwrap_or_default().to_owned(), path.to_owned()))
    };
    Ok(listed.lines().filter_map(entry).collect())
}

fn git(workspace: &Workspace, args: &[&str]) -> Outcome<String> {
    output(Command::new("git").arg("-C").arg(&workspace.root).args(args))
}

/// The tests of a file.
fn collect(path: &str, text: &str, tests: &mut Tests) {
    let found = match path.rsplit_once('.').map(|(_, end)| end) {
        Some("rs") => functions("rust", &source::without_literals(text), rust_test),
        Some("py") => functions("python", text, python_test),
        Some("mts") => functions("node", text, node_test),
        _ => scenarios(text),
    };
    for (language, name, asserts) in found {
        tests.entry((language, name)).or_default().push((asserts, path.to_owned()));
    }
}

type Found = Vec<(&'static str, String, usize)>;

/// The functions whose first line `named` knows. The body is what is indented more, or closes it.
fn functions(language: &'static str, text: &str, named: fn(&[&str], usize) -> Option<String>) -> Found {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let body = |at: usize| {
        let own = |line: &&&str| {
            let closes = line.trim_start().starts_with([')', '}', ']']) && indent(line) == indent(lines[at]);
            line.trim().is_empty() || closes || indent(line) > indent(lines[at])
        };
        lines[at + 1..].iter().take_while(own).map(|line| asserts(line)).sum::<usize>()
    };
    let found = (0..lines.len()).filter_map(|at| Some((at, named(&lines, at)?)));
    found.map(|(at, name)| (language, name, asserts(lines[at]) + body(at))).collect()
}

/// What stands right above: attributes or decorators. A test that is left out is none.
fn marks<'a>(lines: &'a [&'a str], at: usize) -> Option<Vec<&'a str>> {
    let above = lines[..at].iter().rev().map(|line| line.trim());
    let marks: Vec<&str> = above.take_while(|line| line.starts_with("#[") || line.starts_with('@')).collect();
    let skipped =
        marks.iter().any(|mark| mark.starts_with("#[ignore") || mark.starts_with("@pytest.mark.skip"));
    (!skipped).then_some(marks)
}

fn rust_test(lines: &[&str], at: usize) -> Option<String> {
    let line = lines[at].trim();
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")?;
    let test = |mark: &&str| mark.starts_with("#[test]") || mark.starts_with("#[tokio::test");
    let name = rest.split(['(', '<']).next()?;
    marks(lines, at)?.iter().any(test).then(|| name.to_owned())
}

fn python_test(lines: &[&str], at: usize) -> Option<String> {
    let line = lines[at].trim();
    let rest = line.strip_prefix("async ").unwrap_or(line).strip_prefix("def ")?;
    let name = rest.split('(').next().filter(|name| name.starts_with("test_"))?;
    marks(lines, at).map(|_| name.to_owned())
}

/// Its title may stand on the next line.
fn node_test(lines: &[&str], at: usize) -> Option<String> {
    let rest = lines[at].trim().strip_prefix("test(")?;
    let title = if rest.is_empty() { lines.get(at + 1)?.trim() } else { rest };
    let quote = title.chars().next().filter(|char| "'\"`".contains(*char))?;
    let title = &title[1..];
    let mut before = ' ';
    let ends = |char: char| {
        let end = char == quote && before != '\\';
        before = char;
        end
    };
    Some(title[..title.find(ends)?].to_owned())
}

/// How often a line asserts something.
fn asserts(line: &str) -> usize {
    let code = line.trim_start();
    if code.starts_with("//") || code.starts_with("# ") {
        return 0;
    }
    let part = |char: char| char.is_alphanumeric() || char == '_';
    let (mut count, mut rest) = (0, code);
    while let Some(start) = rest.find(part) {
        let word = &rest[start..];
        let (word, after) = word.split_at(word.find(|char| !part(char)).unwrap_or(word.len()));
        count += usize::from(match after.chars().next() {
            Some('(') => word.starts_with("assert") || word.starts_with("expect") || word == "raises",
            Some('!') => word.starts_with("assert") || word == "matches",
            // `assert.equal(` and Python's statement.
            Some('.' | ' ') => word == "assert",
            _ => false,
        });
        rest = after;
    }
    count
}

/// In a file of its own, or with others. Each of its requests is an assertion, and so is what comes of it.
fn scenarios(text: &str) -> Found {
    let all = match serde_json::from_str(text).unwrap_or_default() {
        Value::Array(all) => all,
        one => vec![one],
    };
    let count = |value: &Value| value.as_array().map_or(usize::from(!value.is_null()), Vec::len);
    all.iter()
        .filter_map(|scenario| {
            let outcomes: usize = OUTCOMES.iter().map(|name| count(&scenario[*name])).sum();
            Some((
                "scenario",
                scenario["name"].as_str()?.to_owned(),
                count(&scenario["exchanges"]) + outcomes,
            ))
        })
        .collect()
}

/// One line for each test that is gone or asserts less. Those of one name are told apart by how much they assert.
fn compared(before: &Tests, after: &Tests) -> Vec<String> {
    let mut lines = Vec::new();
    for ((language, name), old) in before {
        let descending = |tests: &[(usize, String)]| {
            let mut tests = tests.to_vec();
            tests.sort_by_key(|(asserts, _)| std::cmp::Reverse(*asserts));
            tests
        };
        let new = after.get(&(*language, name.clone())).map(|tests| descending(tests)).unwrap_or_default();
        for (at, (asserts, path)) in descending(old).iter().enumerate() {
            match new.get(at) {
                None => lines.push(format!("gone: {language} {name} ({path})")),
                Some((fewer, place)) if fewer < asserts => {
                    lines.push(format!(
                        "weaker: {language} {name}: {fewer} of {asserts} assertions ({place})"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Tests, asserts, collect, compared};

    fn tests(files: &[(&str, &str)]) -> Tests {
        let mut tests = Tests::new();
        files.iter().for_each(|(path, text)| collect(path, text, &mut tests));
        tests
    }

    fn counts(path: &str, text: &str) -> Vec<(String, usize)> {
        let found = tests(&[(path, text)]);
        found.into_iter().map(|((_, name), found)| (name, found[0].0)).collect()
    }

    #[test]
    fn what_asserts() {
        assert_eq!(asserts("assert_eq!(a, b); assert!(matches!(c, d));"), 3);
        assert_eq!(asserts("    x.await.expect(\"y\").expect_err(\"z\")"), 2);
        assert_eq!(asserts("await assert.rejects(expect(a), b);"), 2);
        assert_eq!(asserts("    assert one == two"), 1);
        assert_eq!(asserts("    with pytest.raises(Error) as raised:"), 1);
        assert_eq!(asserts("    // assert!(a)") + asserts("# assert a") + asserts("let asked = 1;"), 0);
    }

    #[test]
    fn tests_of_each_language() {
        let rust = "#[tokio::test]\nasync fn a() {\n    assert!(x);\n\n    // assert!(y)\n    f(\"assert!(z)\");\n}\n\nfn h() {\n    \
                    assert!(x);\n}\n\n#[test]\n#[ignore]\nfn b() {\n    assert!(x);\n}\n";
        assert_eq!(counts("a.rs", rust), [("a".to_owned(), 1)]);
        let python = "def test_a(\n    b: int,\n) -> None:\n    assert b\n    assert b\n\n\ndef helper():\n    assert 1\n";
        assert_eq!(counts("a.py", python), [("test_a".to_owned(), 2)]);
        let node =
            "test('it\\'s a', () => {\n  assert.equal(1, 1);\n});\ntest(\n  `b`,\n  () => assert(2),\n);\n";
        assert_eq!(counts("a.mts", node), [("b".to_owned(), 1), ("it\\'s a".to_owned(), 1)]);
        let scenarios = r#"[{"name":"c","exchanges":[1,2],"result":{}},{"name":"d","pages":[1]}]"#;
        assert_eq!(counts("x.json", scenarios), [("c".to_owned(), 3), ("d".to_owned(), 1)]);
    }

    #[test]
    fn moves_do_not_count_and_losses_do() {
        let test = |name: &str, asserts: usize| {
            format!("#[test]\nfn {name}() {{\n{}}}\n", "    assert!(x);\n".repeat(asserts))
        };
        let before = tests(&[("a.rs", &(test("same", 2) + &test("less", 2))), ("b.rs", &test("twice", 1))]);
        let before = Tests::from_iter(before.into_iter().chain(tests(&[("a.rs", &test("lost", 1))])));
        let after = tests(&[("c.rs", &(test("same", 2) + &test("less", 1) + &test("twice", 3)))]);
        assert_eq!(
            compared(&before, &after),
            ["weaker: rust less: 1 of 2 assertions (c.rs)", "gone: rust lost (a.rs)"]
        );
    }
}
