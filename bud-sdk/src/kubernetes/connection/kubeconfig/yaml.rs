//! YAML and JSON as Kubernetes' own tools read them, with errors in fixed words: the text of a parser shows the lines that
//! it read, and those hold passwords and tokens.

use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;

/// Larger files are no kubeconfigs; this one has room for ten thousand clusters.
pub(crate) const LARGEST: u64 = 32 << 20;

/// What is wrong with a text, and where.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", shown(*place))]
pub(crate) struct Wrong {
    what: &'static str,
    /// Line and column, counted from one; none where the parser does not name them.
    place: Option<(u64, u64)>,
}

fn shown(place: Option<(u64, u64)>) -> String {
    place.map(|(line, column)| format!("line {line}, column {column}: ")).unwrap_or_default()
}

/// Reads the first document. An empty text is null. Of a key that is given twice, the last one counts, as in kubectl.
pub(crate) fn tree(bytes: &[u8]) -> Result<Value, Wrong> {
    // JSON allows tabs where YAML does not.
    if bytes.trim_ascii_start().first() == Some(&b'{')
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        return Ok(value);
    }
    // Those that begin with a byte order mark may be UTF-16.
    if !matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
        && let Err(error) = std::str::from_utf8(bytes)
    {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = good.iter().filter(|byte| **byte == b'\n').count();
        let column = good.iter().rev().take_while(|byte| **byte != b'\n').count();
        return Err(Wrong {
            what: "must be text in UTF-8",
            place: Some((line as u64 + 1, column as u64 + 1)),
        });
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    let mut reader = bytes;
    let first = serde_saphyr::read_with_options::<_, Value>(&mut reader, options).next();
    first.transpose().map(Option::unwrap_or_default).map_err(|error| wrong(&error))
}

fn wrong(error: &serde_saphyr::Error) -> Wrong {
    use serde_saphyr::Error;
    let error = error.without_snippet();
    let place = error.location().map(|location| (location.line(), location.column()));
    let what = match error {
        Error::Eof { .. } => "the file ends too early",
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => "too many aliases",
        _ => "must be valid YAML (check indentation, tabs, quotes and brackets)",
    };
    Wrong { what, place }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_yaml_and_json() {
        assert_eq!(tree(b"a: 1\nb: [x, 'no']\n"), Ok(json!({ "a": 1, "b": ["x", "no"] })));
        assert_eq!(tree(b"{\n\t\"a\": 1\n}"), Ok(json!({ "a": 1 })));
        assert_eq!(tree(b"\xef\xbb\xbfa: x"), Ok(json!({ "a": "x" })));
        for empty in ["", "\n", "# nothing\n", "---\n"] {
            assert_eq!(tree(empty.as_bytes()), Ok(Value::Null), "{empty:?}");
        }
        assert_eq!(tree(b"a: x\na: z\n"), Ok(json!({ "a": "z" })));
        assert_eq!(tree(b"a: x\n---\na: z\n"), Ok(json!({ "a": "x" })));
        assert_eq!(
            tree(b"a: &x {b: c}\nd:\n  <<: *x\n"),
            Ok(json!({ "a": { "b": "c" }, "d": { "b": "c" } }))
        );
    }

    #[test]
    fn errors_name_the_place_and_show_no_text() {
        for text in [
            "users:\n- name: canary\n\tuser: canary\n",
            "token: \"canary\nb: c",
            "token: [canary\n",
            "a: b: canary\n",
            "{\"token\": \"canary\", }}",
            "- a\nb: canary\n",
            "token: 'canary''\n",
            "? [canary]\n: x\n",
            "a: *canary\n",
            "a: !!binary canary?\n",
        ] {
            let Err(wrong) = tree(text.as_bytes()) else { continue };
            let shown = wrong.to_string();
            assert!(!shown.contains("canary"), "{shown}");
            assert!(shown.starts_with("line "), "{text:?}: {shown}");
        }
        let wrong = tree(b"a: b\nc: \xff\xfe canary").unwrap_err().to_string();
        assert_eq!(wrong, "line 2, column 4: must be text in UTF-8");
    }

    #[test]
    fn bombs_end() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..30 {
            let all = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb += &format!("a{level}: &a{level} [{all}]\n");
        }
        assert!(tree(bomb.as_bytes()).is_err());
        assert!(tree("[".repeat(100_000).as_bytes()).is_err());
        assert!(tree("{\"a\":".repeat(100_000).as_bytes()).is_err());
    }
}
