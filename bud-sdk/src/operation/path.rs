//! Paths: templates filled with checked segments. No text is ever joined into a URL.

use url::Url;

use super::Parts;
use crate::error::{Error, Result};
use crate::types::check_segment;

/// The URL of a request: the base URL's own path, then the template's segments, then the query.
pub(crate) fn fill(base: &Url, template: &str, parts: &Parts) -> Result<Url> {
    let mut url = base.clone();
    let path = parts.raw_path.as_deref().or(parts.template).unwrap_or(template);
    {
        let mut segments =
            url.path_segments_mut().map_err(|()| Error::config("the base URL cannot have a path"))?;
        segments.pop_if_empty();
        for part in path.trim_start_matches('/').split('/') {
            match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                Some(name) => {
                    let value = parts.segments.iter().find(|(key, _)| *key == name);
                    let (name, value) =
                        value.ok_or_else(|| Error::config(format!("no value for `{name}` in {template}")))?;
                    check_segment(name, value)?;
                    segments.push(value);
                }
                None => {
                    segments.push(part);
                }
            }
        }
    }
    if !parts.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&parts.query);
    }
    Ok(url)
}

/// Checks a path that a caller wrote himself: absolute, and of segments that stay where they are.
pub(crate) fn check_raw_path(path: &str) -> Result<()> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err(Error::invalid("path", "it must begin with /"));
    };
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        // A trailing slash is the last, empty segment.
        if segment.is_empty() && segments.peek().is_none() {
            break;
        }
        check_segment("path", segment)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_below_the_base_path_and_keeps_a_trailing_slash() {
        let parts =
            Parts::new().segment("id", "a-1").unwrap().query("start_date", "2026-01-01T00:00:00+05:30");
        let base = Url::parse("https://api.example.com/v1/").unwrap();
        assert_eq!(
            fill(&base, "/users/{id}/", &parts).unwrap().as_str(),
            "https://api.example.com/v1/users/a-1/?start_date=2026-01-01T00%3A00%3A00%2B05%3A30"
        );
    }

    #[test]
    fn a_raw_path_stays_where_it_is() {
        for path in
            ["users", "//evil.test/x", "/a/../b", "/a/%2e%2e/b", "/a?x=1", "/a#f", "/a\\b", "/a//b", "/\r\n"]
        {
            assert_eq!(check_raw_path(path).unwrap_err().param(), Some("path"), "{path:?}");
        }
        for path in ["/", "/users/", "/audit/records/7"] {
            assert!(check_raw_path(path).is_ok(), "{path:?}");
        }
    }
}
