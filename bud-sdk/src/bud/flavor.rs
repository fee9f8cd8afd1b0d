//! The two APIs of the platform, and what differs between them in every request.

use std::fmt;

use http::HeaderValue;

use crate::error::{Error, Result};
use crate::operation::{ApiFlavor, Filter, FilterProof, Parts, Route, Routes, Support};
use crate::types::{ProjectId, check_segment};

/// Which of the two APIs a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flavor {
    /// The API that the Day-2 guide documents.
    Guide,
    /// The runtime API, which the platform serves.
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
        Self::ALL.iter().copied().find(|flavor| flavor.as_str() == name)
    }
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ApiFlavor for Flavor {
    const ALL: &'static [Self] = &[Self::Guide, Self::Runtime];
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

impl Routes<Flavor> {
    const fn of(guide: Support, runtime: Support) -> Self {
        Self::new([Some((Flavor::Guide, guide)), Some((Flavor::Runtime, runtime))])
    }

    pub(crate) const fn both(guide: Route, runtime: Route) -> Self {
        Self::of(Support::Offered(guide), Support::Offered(runtime))
    }

    /// Offered on the guide API; `instead` says what to do on the runtime API.
    pub(crate) const fn guide_only(guide: Route, instead: &'static str) -> Self {
        Self::of(Support::Offered(guide), Support::Unsupported(instead))
    }

    /// Offered on the runtime API; `instead` says what to do on the guide API.
    pub(crate) const fn runtime_only(runtime: Route, instead: &'static str) -> Self {
        Self::of(Support::Unsupported(instead), Support::Offered(runtime))
    }
}

impl Filter<Flavor> {
    pub(crate) const fn new(name: &'static str, guide: FilterProof, runtime: FilterProof) -> Self {
        Self::of(name, [Some((Flavor::Guide, guide)), Some((Flavor::Runtime, runtime))])
    }

    /// The rows show it on both APIs.
    pub(crate) const fn rows(name: &'static str) -> Self {
        Self::new(name, FilterProof::Rows, FilterProof::Rows)
    }
}

impl Parts {
    /// Names the project that grants the permission. The runtime API has no global permission for endpoints: without this header
    /// only superusers reach them.
    pub(crate) fn scope(mut self, flavor: Flavor, project: Option<&ProjectId>) -> Result<Self> {
        let Some(project) = project else {
            return Ok(self);
        };
        check_segment("project_id", project.as_str())?;
        if flavor == Flavor::Runtime {
            let id = HeaderValue::try_from(project.as_str())
                .map_err(|_| Error::invalid("project_id", "it cannot be sent"))?;
            self.headers.push(("x-resource-type", HeaderValue::from_static("project")));
            self.headers.push(("x-entity-id", id));
        }
        Ok(self)
    }

    /// The query of a page. Pages of the runtime API overlap without a unique order: rows that were created at the same moment
    /// change places between requests.
    pub(crate) fn paged(self, flavor: Flavor, page: u32, limit: u32) -> Self {
        let parts = self.query("page", page.max(1)).query("limit", limit.max(1));
        match flavor {
            Flavor::Guide => parts,
            Flavor::Runtime => parts.query("order_by", "created_at,id"),
        }
    }
}

/// A request for a page and nothing else.
pub(crate) fn paged(flavor: Flavor, page: u32, limit: u32) -> Parts {
    Parts::new().paged(flavor, page, limit)
}
