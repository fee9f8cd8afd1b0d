//! Operations as values: what is asked, what the answer means. Pure; nothing here does I/O.

mod decode;
mod envelope;
mod error_body;
mod parts;
mod path;
mod quirk;
mod refusal;
mod route;

use std::hash::{Hash, Hasher};

use crate::error::{Error, Result};
use crate::types::Warning;

pub use envelope::Page;
#[cfg(test)]
pub(crate) use envelope::READS;
pub use parts::{Parts, Raw};
pub use route::{ApiFlavor, Method, OperationInfo, PerFlavor, Proof, Route, Routes, Support};

pub(crate) use decode::from_slice;
pub(crate) use envelope::Shape;
pub(crate) use error_body::{ServerMessage, clean};
pub(crate) use path::{check_raw_path, fill};
pub(crate) use quirk::{Evidence, Message, Quirk, explain};

/// A request as data: what it is called, where it goes on each flavor, what is sent.
///
/// Handles make these; programs do not need to name them. The trait is closed: its types cannot be named outside.
pub trait Describe: Send + Sync + 'static {
    /// The APIs that its service may speak.
    type Flavor: ApiFlavor;
    /// The name: span, documentation, coverage table, bindings.
    const ID: &'static str;
    /// The sections of the Day-2 guide that it serves.
    const SECTIONS: &'static [&'static str];
    /// Where it goes on each flavor.
    const ROUTES: Routes<Self::Flavor>;
    /// Path arguments, query and body. Refuses bad arguments.
    fn encode(&self, flavor: Self::Flavor) -> Result<Parts>;
    /// What this operation knows about its failures beyond the status.
    fn explain(&self, error: Error) -> Error {
        error
    }
}

/// A request whose answer is read whole.
pub trait Operation: Describe {
    /// What the caller gets.
    type Output: Send + 'static;
    /// Reads the answer.
    fn decode(&self, flavor: Self::Flavor, raw: Raw) -> Result<Reply<Self::Output>>;
    /// The result, when a refusal says that all is as asked already.
    fn settled(&self, _refusal: &Error) -> Option<Self::Output> {
        None
    }
}

/// What an answer leads to.
pub enum Reply<T> {
    /// The result.
    Done(T),
    /// The result, and what is worth knowing of it.
    Warned(T, Vec<Warning>),
    /// A further request is needed before there is a result.
    Then(Box<Next<T>>),
}

/// The further request of an operation, and how its answer is read.
pub struct Next<T> {
    pub(crate) route: Route,
    pub(crate) parts: Parts,
    pub(crate) read: Read<T>,
}

pub(crate) type Read<T> = Box<dyn FnOnce(Raw) -> Result<Reply<T>> + Send>;

impl<T> Reply<T> {
    pub(crate) fn then(
        route: Route,
        parts: Parts,
        read: impl FnOnce(Raw) -> Result<Reply<T>> + Send + 'static,
    ) -> Self {
        Self::Then(Box::new(Next { route, parts, read: Box::new(read) }))
    }
}

/// What proves that a filter of a list is honored on an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterProof {
    /// The rows show the property, so that they are filtered again.
    Rows,
    /// A recorded exchange, or the server's own description of the route. The text names it.
    Server(&'static str),
    /// It is part of the path.
    Path,
    /// Nothing: the filter is refused there.
    Refused,
}

/// A filter of a list, and why its result can be relied on, per API flavor.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Filter<F> {
    /// The filter's name.
    pub name: &'static str,
    /// The proof on each API.
    pub proofs: PerFlavor<F, FilterProof>,
}

impl<F: ApiFlavor> Filter<F> {
    pub(crate) const fn of(name: &'static str, proofs: [Option<(F, FilterProof)>; 2]) -> Self {
        Self { name, proofs: PerFlavor::new(proofs) }
    }
}

/// A list operation that can be asked for any of its pages.
pub trait Paged: Operation<Output = Page<Self::Item>> + Clone {
    /// What the list holds.
    type Item: Send + 'static;
    /// Its filters. None is trusted without a proof.
    const FILTERS: &'static [Filter<Self::Flavor>] = &[];
    /// The largest page that the server gives.
    const LARGEST_PAGE: u32 = 1000;
    /// What to do about a list of which the server does not show every item.
    const WHEN_INCOMPLETE: &'static str = "narrow the list with a filter, or ask for more items at a time";
    /// Two lists that make up this one, the one that the server gives first in front. For a server that gives rows no unique order:
    /// a list that is one page loses none.
    fn split(&self) -> Option<[Self; 2]> {
        None
    }
    /// Goes on with the next part of a list that the server gives in several.
    fn next_part(&mut self) {}
    /// Asks for page `page` (from 1) of `limit` items.
    fn set_page(&mut self, page: u32, limit: u32);
    /// What tells two items apart, to notice a server that repeats a page.
    fn key(item: &Self::Item) -> &str;
    /// The same, where it takes more than one text.
    fn hash_key(item: &Self::Item, hasher: &mut impl Hasher) {
        Self::key(item).hash(hasher);
    }
}
