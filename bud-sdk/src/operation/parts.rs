//! The two ends of an operation: what goes out, and what came back.

use std::fmt;

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::types::{Secret, check_segment};

/// What an operation sends besides its method and path template.
#[derive(Default, Clone)]
pub struct Parts {
    pub(crate) segments: Vec<(&'static str, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(&'static str, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
    /// What the body is; JSON if nothing is said.
    pub(crate) content_type: Option<HeaderValue>,
    /// A path in place of the route's template, for `client.raw`; already checked.
    pub(crate) raw_path: Option<String>,
    /// Another template than the route's, where the arguments decide.
    pub(crate) template: Option<&'static str>,
    /// What must not appear in any text that comes back, should the server echo it.
    pub(crate) secrets: Vec<Secret>,
}

impl Parts {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Fills `{name}` in the path template. Refuses what could leave its segment.
    pub(crate) fn segment(mut self, name: &'static str, value: &str) -> Result<Self> {
        check_segment(name, value)?;
        self.segments.push((name, value.to_owned()));
        Ok(self)
    }

    /// Goes to another path than the route's.
    pub(crate) fn at(mut self, template: &'static str) -> Self {
        self.template = Some(template);
        self
    }

    pub(crate) fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a query parameter if there is something to say.
    pub(crate) fn query_opt(self, name: &str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::invalid("body", format!("it cannot be written as JSON: {error}")))?;
        self.body = Some(body.into());
        Ok(self)
    }

    /// A body of named values, as a form in a browser sends it.
    #[cfg(feature = "monitoring")]
    pub(crate) fn form<'a>(mut self, values: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(values);
        self.body = Some(form.finish().into());
        self.content_type = Some(HeaderValue::from_static("application/x-www-form-urlencoded"));
        self
    }

    pub(crate) fn secret(mut self, secret: &Secret) -> Self {
        self.secrets.push(secret.clone());
        self
    }
}

/// Shows names only: values may be secrets or personal.
impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("segments", &self.segments)
            .field("query", &self.query.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// A successful answer, whole.
pub struct Raw {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Raw {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.body.iter().all(u8::is_ascii_whitespace)
    }
}
