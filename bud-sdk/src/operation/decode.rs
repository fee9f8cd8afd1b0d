//! JSON into types. A wrong shape is an error that says where and never shows the value.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::envelope::{Page, find_object};
use super::{Raw, Shape};
use crate::error::{Error, Result};
use crate::schema::leniently;

impl Raw {
    /// Reads the answer as it stands.
    pub(crate) fn whole<T: DeserializeOwned>(&self) -> Result<T> {
        from_slice(self.json_body()?).map_err(|error| self.explain(error))
    }

    /// Reads one thing: bare, or under `name`, `data`, `item` or `result`.
    pub(crate) fn object<T: DeserializeOwned>(&self, name: &'static str) -> Result<T> {
        let body = self.json_body()?;
        let found = find_object(body, name, 0);
        from_slice(found.json).map_err(|error| self.explain(error.within(&found.path)))
    }

    /// Reads one thing of which nothing may be lost, such as tokens.
    pub(crate) fn object_exact<T: DeserializeOwned>(&self, name: &'static str) -> Result<T> {
        let body = self.json_body()?;
        let found = find_object(body, name, 0);
        exact(found.json).map_err(|error| self.explain(error.within(&found.path)))
    }

    /// Reads a thing with an id, bare or wrapped, if there is one.
    pub(crate) fn object_if_any<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>> {
        if self.is_nothing() {
            return Ok(None);
        }
        let found = find_object(&self.body, name, 0);
        if found.has_id {
            return from_slice(found.json).map(Some).map_err(|error| self.explain(error.within(&found.path)));
        }
        // What breaks off or is no JSON is no acknowledgment either.
        from_slice::<serde::de::IgnoredAny>(&self.body).map(|_| None).map_err(|error| self.explain(error))
    }

    /// Reads a list: bare, or the page whose items stand under `names`, `data`, `items` or `results`.
    pub(crate) fn page<T: DeserializeOwned>(&self, names: &'static str) -> Result<Page<T>> {
        let shape = Shape::<T>::named(names);
        let body = self.json_body()?;
        // Checked as UTF-8 once and not string by string.
        let page = std::str::from_utf8(body).ok().and_then(|text| {
            let mut json = serde_json::Deserializer::from_str(text);
            let page = serde::de::DeserializeSeed::deserialize(&shape, &mut json).ok()?;
            json.end().ok().map(|()| page)
        });
        let lenient = || {
            let mut json = serde_json::Deserializer::from_slice(body);
            let page = leniently(|| serde::de::DeserializeSeed::deserialize(&shape, &mut json)).ok()?;
            // A list of which no row can be read is another list than the one that was asked for.
            json.end().ok().filter(|()| page.unreadable == 0 || !page.items.is_empty()).map(|()| page)
        };
        match page.or_else(lenient) {
            Some(page) => Ok(Page { answer: self.body.clone(), ..page }),
            None => {
                let mut json = serde_json::Deserializer::from_slice(body);
                let mut track = serde_path_to_error::Track::new();
                let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
                let result = serde::de::DeserializeSeed::deserialize(&shape, tracked);
                match result.and_then(|page| json.end().map(|()| page)) {
                    // Not UTF-8 in a field that nobody reads.
                    Ok(page) => Ok(Page { answer: self.body.clone(), ..page }),
                    Err(error) => Err(self.explain(wrong_shape(&error, &track.path().to_string()))),
                }
            }
        }
    }

    /// Reads what stands under `result`, which may have no id.
    pub(crate) fn result<T: DeserializeOwned>(&self) -> Result<T> {
        #[derive(Deserialize)]
        struct Wrapped<T> {
            result: T,
        }
        self.whole::<Wrapped<T>>().map(|wrapped| wrapped.result)
    }

    /// For an answer in which nothing is required, so that one about something else would read as an empty one.
    pub(crate) fn expect(&self, found: bool, field: &'static str) -> Result<()> {
        if found {
            return Ok(());
        }
        Err(self.explain(Error::decode(format!(".{field}"), "it is missing")))
    }

    fn json_body(&self) -> Result<&[u8]> {
        if self.is_empty() {
            return Err(
                Error::decode(".", "the answer is empty where a body was expected").with_status(self.status)
            );
        }
        Ok(&self.body)
    }

    /// Adds what the server called the body, when that is the likely cause.
    fn explain(&self, error: Error) -> Error {
        let error = error.with_status(self.status);
        match self.header("content-type") {
            Some(kind) if !kind.contains("json") => {
                let kind = super::clean(kind.split(';').next().unwrap_or(kind), 60);
                error
                    .with_message(format!("the answer is {kind}, not JSON"))
                    .with_hint("is this the API's address?")
            }
            _ => error,
        }
    }
}

/// Decodes plainly; only on failure leniently, and then once more with the path, which costs nearly twice as much.
pub(crate) fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    if let Ok(value) = serde_json::from_slice(json) {
        return Ok(value);
    }
    leniently(|| exact(json))
}

/// Decodes without another way to read the same.
fn exact<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    if let Ok(value) = serde_json::from_slice(json) {
        return Ok(value);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) => {
            let path = error.path().to_string();
            Err(wrong_shape(error.inner(), &path))
        }
        // The value was whole, so something stands behind it.
        Ok(_) => Err(Error::decode(".", "the answer goes on after its end")),
    }
}

/// serde's own text quotes the offending value, which may be a secret: only its words are kept.
fn wrong_shape(error: &serde_json::Error, path: &str) -> Error {
    let text = error.to_string();
    let place = match path {
        "." | "?" => ".".to_owned(),
        // The names are the server's.
        path => format!(".{}", super::clean(path, 200)),
    };
    let message = if error.is_eof() {
        "the answer breaks off".to_owned()
    } else if text.starts_with("recursion limit exceeded") {
        "the answer is nested too deep".to_owned()
    } else if error.is_syntax() {
        format!("the answer is not JSON (line {}, column {})", error.line(), error.column())
    } else if let Some(rest) = text.strip_prefix("missing field ") {
        format!("a required field is missing: {}", rest.split(" at line").next().unwrap_or(rest))
    } else if let Some((_, rest)) = text.rsplit_once("expected ") {
        let expected = rest.split(" at line").next().unwrap_or(rest);
        // serde names a type of this crate, which says nothing to its users.
        let expected = if expected.starts_with("struct ") { "an object" } else { expected };
        let found = text.strip_prefix("invalid type: ").and_then(|text| text.split([' ', ',']).next());
        let found = found.map(|found| match found {
            "sequence" => "a list",
            "map" => "an object",
            "string" => "text",
            "integer" | "floating" => "a number",
            "boolean" => "true or false",
            other => other,
        });
        match found {
            Some(found) => format!("expected {expected}, found {found}"),
            None => format!("expected {expected}"),
        }
    } else {
        "the answer has an unexpected shape".to_owned()
    };
    Error::decode(place, message)
}
