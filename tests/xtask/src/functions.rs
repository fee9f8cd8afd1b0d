//! Functions that are too long to be read at once.

use crate::source::without_literals;

/// With their signature. Most have a quarter of that.
const MOST_LINES: usize = 80;

/// The functions that are longer, by the lines where they begin, but for tests.
pub fn too_long(text: &str) -> Vec<(usize, String)> {
    let plain = without_literals(text);
    let lines: Vec<&str> = plain.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let Some(end) = end(&lines[start..]) else { continue };
        if end > MOST_LINES && !is_test(&lines[..start]) {
            found.push((start + 1, format!("`{name}` has {end} lines, more than {MOST_LINES}")));
        }
    }
    found
}

/// The name of the function that begins in this line.
fn function(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| {
        matches!(*word, "pub" | "const" | "async" | "unsafe" | "extern")
            || word.starts_with("pub(")
            || matches!(*word, "crate)" | "super)" | "in")
            || word.ends_with(')') && word.contains("crate::")
    });
    let name = (words.next()? == "fn").then(|| words.next()).flatten()?;
    name.split(['(', '<']).next()
}

/// How many lines it has; none for a declaration without a body.
fn end(lines: &[&str]) -> Option<usize> {
    let mut depth = 0;
    let mut inside = 0;
    for (at, line) in lines.iter().enumerate() {
        for char in line.chars() {
            match char {
                '(' | '[' => inside += 1,
                ')' | ']' => inside -= 1,
                ';' if depth == 0 && inside == 0 => return None,
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
    }
    None
}

fn is_test(before: &[&str]) -> bool {
    let attributes = before.iter().rev().take_while(|line| line.trim_start().starts_with(['#', '/']));
    attributes.into_iter().any(|line| line.contains("test]") || line.contains("test("))
}

#[cfg(test)]
mod tests {
    use super::too_long;

    fn with(head: &str, lines: usize) -> String {
        format!("{head} {{\n{}}}\n", "    let brace = \"}\";\n".repeat(lines))
    }

    #[test]
    fn lines_are_counted_from_the_signature_to_the_last_brace() {
        for head in ["fn f()", "pub(crate) async fn f<T>(a: [u8; 3])", "    pub(in crate::bud) const fn f()"]
        {
            assert!(too_long(&with(head, 78)).is_empty(), "{head}");
            let found = too_long(&format!("\n{}", with(head, 79)));
            assert_eq!(found, [(2, "`f` has 81 lines, more than 80".to_owned())], "{head}");
        }
    }

    #[test]
    fn tests_declarations_and_types_do_not_count() {
        let long = with("fn f()", 90);
        assert!(too_long(&format!("#[tokio::test(start_paused = true)]\nasync {long}")).is_empty());
        assert!(too_long(&format!("fn f(a: [u8; 4]);\n{}", with("impl A for B", 90))).is_empty());
    }
}
