//! Where an operation goes, as data that the pipeline, the tests, the documentation and the bindings read.

use std::fmt;

use super::Describe;
use crate::error::{Error, ErrorKind, Result};

/// Which of the two APIs a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flavor {
    /// The API that the Day-2 guide documents.
    Guide,
    /// The API of the platform as shipped.
    Runtime,
}

impl Flavor {
    /// `guide` or `runtime`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guide => "guide",
            Self::Runtime => "runtime",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Guide, Self::Runtime].into_iter().find(|flavor| flavor.as_str() == name)
    }
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Read.
    Get,
    /// Create, or act.
    Post,
    /// Replace.
    Put,
    /// Change in part.
    Patch,
    /// Remove.
    Delete,
}

impl Method {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What proves that a change was made. A status of 2xx alone proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proof {
    /// The body of the answer shows the result.
    Body,
    /// The body shows the change, or a read that follows does. A state that is still the old one is `Unconfirmed`.
    Read,
    /// The server accepts the change: by 204, by an empty body where the route is known for it, or by an acknowledgment. The
    /// result claims no state that was not shown.
    Accepted,
}

impl Proof {
    /// `body`, `read` or `accepted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Read => "read",
            Self::Accepted => "accepted",
        }
    }
}

/// One operation's route on one flavor.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path template: `/users/{id}`.
    pub path: &'static str,
    /// Sending it twice has the effect of sending it once, so that it may be repeated when its outcome is unknown.
    pub idempotent: bool,
    /// The server's rate limiter answers 429 before anything else happens, so that a 429 may be repeated.
    pub limited_first: bool,
    /// Statuses that mean success when a repeated request gets them: the first one had worked.
    pub done_on_repeat: &'static [u16],
    /// It changes nothing, though its method could.
    pub reads: bool,
    /// The server drops the rows beyond so many, and does not say so: what is more has to be asked for in parts.
    pub most_rows: Option<u64>,
    /// What proves the change; `None` for a read.
    pub proof: Option<Proof>,
    /// What this flavor does less than the operation's intent.
    pub limitation: Option<&'static str>,
}

impl Route {
    const fn new(method: Method, path: &'static str, idempotent: bool) -> Self {
        Self {
            method,
            path,
            idempotent,
            limited_first: false,
            done_on_repeat: &[],
            reads: matches!(method, Method::Get),
            most_rows: None,
            proof: if matches!(method, Method::Get) { None } else { Some(Proof::Body) },
            limitation: None,
        }
    }
    pub(crate) const fn get(path: &'static str) -> Self {
        Self::new(Method::Get, path, true)
    }
    /// Not idempotent, unless said otherwise.
    pub(crate) const fn post(path: &'static str) -> Self {
        Self::new(Method::Post, path, false)
    }
    pub(crate) const fn put(path: &'static str) -> Self {
        Self::new(Method::Put, path, true)
    }
    pub(crate) const fn patch(path: &'static str) -> Self {
        Self::new(Method::Patch, path, true)
    }
    /// A 404 on a repeat means that the first one had worked.
    pub(crate) const fn delete(path: &'static str) -> Self {
        let mut route = Self::new(Method::Delete, path, true);
        route.done_on_repeat = &[404];
        route
    }
    pub(crate) const fn any(method: Method, idempotent: bool) -> Self {
        Self::new(method, "", idempotent)
    }
    /// It changes nothing.
    pub(crate) fn is_read(&self) -> bool {
        self.reads
    }
    /// It only reads, whatever its method, and so may be repeated.
    pub(crate) const fn reading(mut self) -> Self {
        (self.reads, self.idempotent) = (true, true);
        self.proof = None;
        self
    }
    /// A read that follows shows the change, where the body does not.
    pub(crate) const fn shown_by_a_read(mut self) -> Self {
        self.proof = Some(Proof::Read);
        self
    }
    /// The server's acceptance is all that there is.
    pub(crate) const fn accepted(mut self) -> Self {
        self.proof = Some(Proof::Accepted);
        self
    }
    pub(crate) const fn cut_at(mut self, rows: u64) -> Self {
        self.most_rows = Some(rows);
        self
    }
    pub(crate) const fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }
    pub(crate) const fn limited_first(mut self) -> Self {
        self.limited_first = true;
        self
    }
    /// A refusal with this status on a repeat means that the first one had worked.
    pub(crate) const fn done_on_repeat(mut self, statuses: &'static [u16]) -> Self {
        self.done_on_repeat = statuses;
        self
    }
    pub(crate) const fn limitation(mut self, limitation: &'static str) -> Self {
        self.limitation = Some(limitation);
        self
    }
}

/// What a flavor offers of an operation.
#[derive(Debug, Clone, Copy)]
pub enum Support {
    /// It is offered, by this route.
    Offered(Route),
    /// It is not; this is what to do instead.
    Unsupported(&'static str),
}

/// One operation's routes.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Routes {
    /// On the documented API.
    pub guide: Support,
    /// On the platform as shipped.
    pub runtime: Support,
}

impl Routes {
    pub(crate) const fn both(guide: Route, runtime: Route) -> Self {
        Self { guide: Support::Offered(guide), runtime: Support::Offered(runtime) }
    }
    /// Offered on the guide's API; `instead` says what to do on the platform as shipped.
    pub(crate) const fn guide_only(guide: Route, instead: &'static str) -> Self {
        Self { guide: Support::Offered(guide), runtime: Support::Unsupported(instead) }
    }

    /// Offered on the platform as shipped; `instead` says what to do on the guide's API.
    pub(crate) const fn runtime_only(runtime: Route, instead: &'static str) -> Self {
        Self { guide: Support::Unsupported(instead), runtime: Support::Offered(runtime) }
    }

    /// What `flavor` offers.
    pub fn on(&self, flavor: Flavor) -> Support {
        match flavor {
            Flavor::Guide => self.guide,
            Flavor::Runtime => self.runtime,
        }
    }

    pub(crate) fn route(&self, flavor: Flavor) -> Result<Route> {
        match self.on(flavor) {
            Support::Offered(route) => Ok(route),
            Support::Unsupported(instead) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("the `{flavor}` API of this server does not offer it"),
            )
            .with_hint(instead)),
        }
    }
}

/// What is known of an operation: the source of the coverage table and of `client.capabilities()`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct OperationInfo {
    /// `users.set_role`.
    pub id: &'static str,
    /// The sections of the Day-2 guide that it serves.
    pub sections: &'static [&'static str],
    /// Its routes.
    pub routes: Routes,
}

impl OperationInfo {
    pub(crate) const fn of<D: Describe>() -> Self {
        Self { id: D::ID, sections: D::SECTIONS, routes: D::ROUTES }
    }
}
