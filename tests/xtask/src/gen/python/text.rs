//! Documentation as Python shows it.

/// The widest line.
const WIDTH: usize = 100;

/// Rust's documentation without its links and code blocks, in one line per paragraph.
pub fn plain(docs: &str) -> String {
    let mut paragraphs: Vec<String> = vec![String::new()];
    let mut code = false;
    for line in docs.lines().map(str::trim) {
        if line.starts_with("```") {
            code = !code;
        } else if line.is_empty() {
            paragraphs.push(String::new());
        } else if !code && !line.starts_with('#') {
            let paragraph = paragraphs.last_mut().expect("there is always one");
            if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(line);
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    without_links(&paragraphs.join("\n\n"))
}

/// `` [`a`](b) `` and `` [`a`] `` become `` `a` ``.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("[`") {
        let (before, link) = rest.split_at(at);
        plain.push_str(before);
        let Some(end) = link.find("`]") else {
            plain.push_str(link);
            return plain;
        };
        plain.push_str(&link[1..=end]);
        rest = &link[end + 2..];
        if rest.starts_with('(') {
            rest = rest.find(')').map_or(rest, |close| &rest[close + 1..]);
        }
    }
    plain + rest
}

/// The text in lines of at most the house's width with this indent. A line that begins with blanks keeps them, and what is
/// broken off it stands further in.
pub fn wrapped(text: &str, indent: usize, hang: usize) -> String {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let own = paragraph.len() - paragraph.trim_start_matches(' ').len();
        let hang = if own > 0 { 4 } else { hang };
        let mut line = " ".repeat(indent + own);
        let mut empty = true;
        for word in paragraph.split(' ').filter(|word| !word.is_empty()) {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                lines.push(std::mem::replace(&mut line, " ".repeat(indent + own + hang)));
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        lines.push(if empty { String::new() } else { line });
    }
    lines.join("\n")
}

/// A docstring with this indent.
pub fn docstring(text: &str, indent: usize) -> String {
    let text = text.replace('\\', "\\\\").replace("\"\"\"", "'''");
    let pad = " ".repeat(indent);
    let one = format!("{pad}\"\"\"{}\"\"\"\n", text.trim());
    if !text.trim().contains('\n') && one.chars().count() <= WIDTH + 1 {
        return one;
    }
    let body = wrapped(&format!("\"\"\"{}", text.trim()), indent, 0);
    format!("{body}\n{pad}\"\"\"\n")
}

#[cfg(test)]
mod tests {
    use super::{docstring, plain, wrapped};

    #[test]
    fn rust_links_and_code_are_no_text() {
        let docs = " Reads [`User`](crate::User) and\n [`all`].\n\n ```no_run\n x\n ```\n # Errors\n None.";
        assert_eq!(plain(docs), "Reads `User` and `all`.\n\nNone.");
    }

    #[test]
    fn lines_are_broken_at_words() {
        let long = "word ".repeat(30);
        let text = wrapped(&long, 4, 4);
        assert!(text.lines().all(|line| line.len() <= 100));
        assert!(text.lines().nth(1).unwrap().starts_with("        word"));
        let text = wrapped(&format!("Args:\n    a: {long}"), 4, 0);
        assert!(text.lines().nth(1).unwrap().starts_with("        a: word"));
        assert!(text.lines().nth(2).unwrap().starts_with("            word"));
        assert_eq!(docstring("Short.", 4), "    \"\"\"Short.\"\"\"\n");
        assert!(docstring(&long, 4).ends_with("word\n    \"\"\"\n"));
    }
}
