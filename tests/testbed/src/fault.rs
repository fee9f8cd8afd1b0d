//! Faults in front of the API: what happens to the answer of a route that would otherwise be right.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::lock;
use crate::log::fits;

type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// A fault on a route, applied `times` times (once unless said otherwise) and then gone.
///
/// With a status or a body of its own, a reset or a close, the request is **not** carried out: the fault answers
/// instead of the API, unless [`applied`](Self::applied) is set. Everything else (delay, cut, drip, wrong body, edit)
/// lets the API carry the request out and then spoils the answer.
#[derive(Clone)]
#[must_use = "a fault does nothing until it is given to Testbed::fault"]
pub struct Fault {
    method: String,
    path: String,
    skip: u32,
    times: u32,
    applied: bool,
    status: Option<StatusCode>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Option<Bytes>,
    wrong_body: Option<Bytes>,
    edit: Option<Edit>,
    pub(crate) delay: Duration,
    cut_after: Option<usize>,
    pub(crate) reset: bool,
    close: bool,
    pub(crate) drip: Option<Duration>,
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fault({} {}, {} left)", self.method, self.path, self.times)
    }
}

impl Fault {
    /// A fault on a method (`*` is any) and a path: exact, or a template like `/users/{id}`.
    pub fn on(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            skip: 0,
            times: 1,
            applied: false,
            status: None,
            headers: Vec::new(),
            body: None,
            wrong_body: None,
            edit: None,
            delay: Duration::ZERO,
            cut_after: None,
            reset: false,
            close: false,
            drip: None,
        }
    }

    /// Begins with the n-th matching request, counted from 1.
    pub fn nth(mut self, n: u32) -> Self {
        self.skip = n.saturating_sub(1);
        self
    }

    /// How many matching requests it spoils.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// It stays for good.
    pub fn always(self) -> Self {
        self.times(u32::MAX)
    }

    /// Answers this status.
    ///
    /// # Panics
    /// When it is not a final status (200 to 999); play others with a `Wire`.
    pub fn status(mut self, status: u16) -> Self {
        match StatusCode::from_u16(status) {
            Ok(code) if status >= 200 => self.status = Some(code),
            _ => panic!("{status} is not a final status"),
        }
        self
    }

    /// Adds a header to the answer (to the API's own too, when the fault has none); several of one name stay several.
    ///
    /// # Panics
    /// When name or value cannot be a header; send such bytes with a `Wire`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes())) {
            (Ok(name), Ok(value)) => self.headers.push((name, value)),
            _ => panic!("{name:?} with {value:?} cannot be a header"),
        }
        self
    }

    /// Answers this body instead of asking the API.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Lets the API carry the request out, then answers this body with the API's status and content type.
    pub fn wrong_body(mut self, body: impl Into<Bytes>) -> Self {
        self.wrong_body = Some(body.into());
        self
    }

    /// Lets the API carry the request out, then changes its JSON body.
    pub fn edit(mut self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.edit = Some(Arc::new(edit));
        self
    }

    /// Holds the answer back this long, after the request was carried out.
    pub fn delay(mut self, time: Duration) -> Self {
        self.delay = time;
        self
    }

    /// Closes the connection after this many bytes of the body. With [`reset`](Self::reset): resets it there.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Resets the connection (RST) instead of answering.
    pub fn reset(mut self) -> Self {
        self.reset = true;
        self
    }

    /// Closes the connection (FIN) instead of answering.
    pub fn close(mut self) -> Self {
        self.close = true;
        self
    }

    /// Lets the API carry the request out although its answer is replaced or lost: the client cannot know.
    pub fn applied(mut self) -> Self {
        self.applied = true;
        self
    }

    /// Sends the body one byte per 100 ms.
    pub fn drip(self) -> Self {
        self.drip_every(Duration::from_millis(100))
    }

    /// Sends the body one byte at a time, with this pause before each.
    pub fn drip_every(mut self, pause: Duration) -> Self {
        self.drip = Some(pause);
        self
    }

    /// Answers a redirect: 302 unless a status was given.
    pub fn redirect(mut self, to: &str) -> Self {
        self.status.get_or_insert(StatusCode::FOUND);
        self.header("location", to)
    }

    fn replaces(&self) -> bool {
        self.status.is_some() || self.body.is_some() || self.hangs_up()
    }

    /// Whether the connection ends without an answer.
    pub(crate) fn hangs_up(&self) -> bool {
        self.close || (self.reset && self.cut_after.is_none())
    }

    /// After how many bytes of the body the connection ends. A length of its own is a cut wherever the body ends
    /// before it, and has to be sent as one: hyper insists that a body of known length agrees with its header.
    pub(crate) fn cut(&self) -> Option<usize> {
        let lies = self.headers.iter().any(|(name, _)| name == header::CONTENT_LENGTH);
        self.cut_after.or(lies.then_some(usize::MAX))
    }

    /// Whether the API carries the request out.
    pub(crate) fn carries_out(&self) -> bool {
        self.applied || !self.replaces()
    }

    /// The answer to send, given the API's own when it was asked.
    pub(crate) async fn spoil(&self, own: Option<Response<Body>>) -> Response<Body> {
        let mut response = match own {
            Some(own) if self.status.is_none() && self.body.is_none() => self.rewrite(own).await,
            _ => self.own_answer(),
        };
        for (name, value) in &self.headers {
            if name == header::CONTENT_TYPE || name == header::CONTENT_LENGTH {
                response.headers_mut().insert(name, value.clone());
            } else {
                response.headers_mut().append(name, value.clone());
            }
        }
        response
    }

    async fn rewrite(&self, own: Response<Body>) -> Response<Body> {
        if self.wrong_body.is_none() && self.edit.is_none() {
            return own;
        }
        let (mut parts, body) = own.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        let bytes = match (&self.wrong_body, &self.edit) {
            (Some(wrong), _) => wrong.clone(),
            (None, edit) => {
                let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
                match (edit, serde_json::from_slice::<Value>(&bytes)) {
                    (Some(edit), Ok(mut value)) => {
                        edit(&mut value);
                        value.to_string().into()
                    }
                    _ => bytes,
                }
            }
        };
        Response::from_parts(parts, Body::from(bytes))
    }

    fn own_answer(&self) -> Response<Body> {
        let status = self.status.unwrap_or(StatusCode::OK);
        let body = self.body.clone().unwrap_or_else(|| match status.as_u16() {
            // These have no body by definition.
            100..=199 | 204 | 304 => Bytes::new(),
            code => json!({
                "object": "error", "code": code, "type": "FaultError",
                "message": format!("scripted fault: {status}"), "param": null,
            })
            .to_string()
            .into(),
        });
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    pub(crate) fn add(&self, fault: Fault) {
        lock(&self.0).push(fault);
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// The first fault that spoils this request. Only a fault that matches is counted down.
    pub(crate) fn pick(&self, method: &str, path: &str) -> Option<Fault> {
        let mut faults = lock(&self.0);
        let mut picked = None;
        for fault in faults.iter_mut() {
            if (fault.method != "*" && fault.method != method) || !fits(&fault.path, path) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 {
                picked = Some(fault.clone());
                if fault.times != u32::MAX {
                    fault.times -= 1;
                }
                break;
            }
        }
        faults.retain(|fault| fault.times > 0);
        picked
    }
}
