//! PEM as people hand it over: with its line breaks written as `\\n`, or a path in its place.

use std::borrow::Cow;

const BEGIN: &str = "-----BEGIN ";

/// Whether it is meant as PEM text.
pub(crate) fn is_pem(text: &str) -> bool {
    text.contains(BEGIN)
}

/// The text with real line breaks. A value of an environment variable often has `\\n` as two characters.
///
/// # Errors
/// Why it is no PEM text, in fixed words: the text itself may hold a private key.
pub(crate) fn pem_text(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if is_pem(text) {
        return Ok(match text.contains('\\') {
            true => Cow::Owned(text.replace("\\r", "").replace("\\n", "\n")),
            false => Cow::Borrowed(text),
        });
    }
    let text = text.trim();
    Err(if text.is_empty() {
        "it is empty"
    } else if is_path(text) {
        "text expected, not a path: give the content of the file"
    } else {
        "it must be PEM text, which begins with -----BEGIN"
    })
}

/// A short line that ends or is divided as paths are.
fn is_path(text: &str) -> bool {
    let ends = [".pem", ".crt", ".cer", ".key", ".der", ".p12"];
    let lower = text.to_ascii_lowercase();
    text.len() <= 4096
        && !text.contains(char::is_control)
        && (ends.iter().any(|end| lower.ends_with(end))
            || text.starts_with(['/', '~', '.'])
            || text.contains(":\\"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_taken_in_each_form() {
        let whole = "-----BEGIN X-----\nAAAA\n-----END X-----\n";
        for form in [whole.to_owned(), whole.replace('\n', "\\n"), whole.replace('\n', "\\r\\n")] {
            assert_eq!(pem_text(&form).unwrap(), whole, "{form}");
        }
    }

    #[test]
    fn what_is_no_pem_is_named_in_fixed_words() {
        for path in ["/etc/ssl/ca.pem", "ca.crt", "~/ca", "./x", "C:\\ca.cer", "CA.PEM"] {
            assert!(pem_text(path).unwrap_err().contains("not a path"), "{path}");
        }
        for other in ["canary", "MIIB", "{}"] {
            assert!(pem_text(other).unwrap_err().contains("-----BEGIN"), "{other}");
        }
        assert_eq!(pem_text(" \n"), Err("it is empty"));
    }
}
