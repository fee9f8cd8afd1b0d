//! Where an operation goes, as data that the pipeline, the tests, the documentation and the bindings read.

use std::fmt;

use super::Describe;
use crate::error::{Error, ErrorKind, Result};

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

/// The APIs that a service may speak: its flavors. A service with one API has the flavor `()`.
pub trait ApiFlavor: Copy + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// All of them.
    const ALL: &'static [Self];
    /// The name in configurations and errors; empty where there is but one API.
    fn as_str(self) -> &'static str;
}

impl ApiFlavor for () {
    const ALL: &'static [Self] = &[()];
    fn as_str(self) -> &'static str {
        ""
    }
}

/// One value per API flavor.
#[derive(Debug, Clone, Copy)]
pub struct PerFlavor<F, T>([Option<(F, T)>; 2]);

impl<F: ApiFlavor, T: Copy> PerFlavor<F, T> {
    pub(crate) const fn new(values: [Option<(F, T)>; 2]) -> Self {
        Self(values)
    }

    /// The value on `flavor`.
    pub fn on(&self, flavor: F) -> Option<T> {
        self.iter().find(|(known, _)| *known == flavor).map(|(_, value)| value)
    }

    /// All values.
    pub fn iter(&self) -> impl Iterator<Item = (F, T)> {
        self.0.iter().copied().flatten()
    }
}

/// One operation's routes, by API flavor.
pub type Routes<F> = PerFlavor<F, Support>;

#[cfg(feature = "monitoring")]
impl Routes<()> {
    /// The route on the only API of a service.
    pub(crate) const fn only(route: Route) -> Self {
        Self([Some(((), Support::Offered(route))), None])
    }
}

impl<F: ApiFlavor> Routes<F> {
    pub(crate) fn route(&self, flavor: F) -> Result<Route> {
        match self.on(flavor) {
            Some(Support::Offered(route)) => Ok(route),
            other => {
                let message = format!("the `{}` API of this server does not offer it", flavor.as_str());
                let error = Error::new(ErrorKind::Unsupported, message);
                Err(match other {
                    Some(Support::Unsupported(instead)) => error.with_hint(instead),
                    _ => error,
                })
            }
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
    routes: fn() -> Vec<(&'static str, Support)>,
}

impl OperationInfo {
    pub(crate) const fn of<D: Describe>() -> Self {
        let routes = || D::ROUTES.iter().map(|(flavor, support)| (flavor.as_str(), support)).collect();
        Self { id: D::ID, sections: D::SECTIONS, routes }
    }

    /// Its routes, by the names of the API flavors.
    pub fn routes(&self) -> Vec<(&'static str, Support)> {
        (self.routes)()
    }

    /// What the API flavor of this name offers. None for a flavor that the service does not have.
    pub fn on(&self, flavor: &str) -> Option<Support> {
        self.routes().into_iter().find(|(name, _)| *name == flavor).map(|(_, support)| support)
    }
}
