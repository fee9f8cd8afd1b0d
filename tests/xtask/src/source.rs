//! Rust source as tokens: enough to see which names it uses, outside comments, literals and tests.

/// A word, `::` or another single character, with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// The tokens of `text` that are neither in a comment nor in a literal nor in a `#[cfg(test)]` item.
pub fn tokens(text: &str) -> Vec<Token> {
    let plain = without_literals(text);
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut joins = false;
    for char in plain.chars() {
        let word = is_word(char);
        match tokens.last_mut() {
            Some(last) if joins && word && last.text.ends_with(is_word) => last.text.push(char),
            Some(last) if joins && char == ':' && last.text == ":" => last.text.push(char),
            _ if char.is_whitespace() => {}
            _ => tokens.push(Token { text: char.to_string(), line }),
        }
        joins = !char.is_whitespace();
        line += usize::from(char == '\n');
    }
    without_tests(tokens)
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Comments and literals become blanks; line breaks stay.
pub fn without_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut plain = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        match end {
            Some(end) => {
                let end = end.min(chars.len());
                plain.extend(chars[at..end].iter().map(|char| if *char == '\n' { '\n' } else { ' ' }));
                at = end;
            }
            None => {
                plain.push(chars[at]);
                at += 1;
            }
        }
    }
    plain
}

/// Where the comment or literal that starts at `at` ends.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let rest = &chars[at..];
    let after_word = at > 0 && is_word(chars[at - 1]) && !matches!(chars[at - 1], 'b' | 'c');
    match rest {
        ['/', '/', ..] => Some(at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => Some(at + block_comment(rest)),
        ['r', '"' | '#', ..] if !after_word => raw_string(rest).map(|length| at + length),
        ['"', ..] => Some(at + quoted(rest, '"')),
        ['\'', '\\', ..] => Some(at + quoted(rest, '\'')),
        ['\'', _, '\'', ..] => Some(at + 3),
        _ => None,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// None for a raw identifier.
fn raw_string(rest: &[char]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    let open = hashes + 1;
    if rest.get(open) != Some(&'"') {
        return None;
    }
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = &rest[open + 1..];
    let found = body.windows(closing.len()).position(|window| window == closing);
    Some(found.map_or(rest.len(), |found| open + 1 + found + closing.len()))
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if starts_test(&tokens[at..]) {
            at += item_length(&tokens[at..]);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn starts_test(tokens: &[Token]) -> bool {
    let starts = |words: &[&str]| {
        tokens.len() >= words.len() && words.iter().zip(tokens).all(|(word, token)| token.text == *word)
    };
    starts(&["#", "[", "cfg", "(", "test", ")", "]"]) || starts(&["#", "[", "cfg", "(", "all", "(", "test"])
}

/// Up to the item's `;` or the end of its braces.
fn item_length(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth <= 1 => return at + 1,
            "}" => depth -= 1,
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::tokens;

    fn words(text: &str) -> String {
        tokens(text).into_iter().map(|token| token.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn paths_and_words() {
        assert_eq!(words("use crate::a_b::{C, d};"), "use crate :: a_b :: { C , d } ;");
        let lines: Vec<usize> = tokens("a\n\nb c\n").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 3]);
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(words("a // crate::x\nb /* c /* d */ e */ f"), "a b f");
        assert_eq!(words(r#"a("b \" c", 'd', '\'', '"') e"#), "a ( , , , ) e");
        assert_eq!(words("r\"a\" br#\"b\"c\"# r#type d"), "b r # type d");
        assert_eq!(words("fn f<'a>(x: &'a str) {}"), "fn f < ' a > ( x : & ' a str ) { }");
        assert_eq!(tokens("\"a\nb\" c")[0].line, 2);
    }

    #[test]
    fn tests_are_no_code() {
        assert_eq!(words("a; #[cfg(test)] mod tests { fn b() { c } } d"), "a ; d");
        assert_eq!(words("#[cfg(test)] mod tests; a"), "a");
        assert_eq!(words("#[cfg(all(test, unix))] fn a() { b } c"), "c");
        assert_eq!(words("#[cfg(feature = \"x\")] mod a;"), "# [ cfg ( feature = ) ] mod a ;");
    }
}
