//! Operations as values: what is asked, what the answer means. Pure; nothing here does I/O.

mod decode;
mod envelope;
mod error_body;
mod parts;
mod path;
mod route;

use std::hash::{Hash, Hasher};

use crate::error::{Error, Result};

pub use envelope::Page;
pub use parts::{Parts, Raw};
pub use route::{Flavor, Method, OperationInfo, Route, Routes, Support};

pub(crate) use decode::from_slice;
pub(crate) use envelope::Shape;
pub(crate) use error_body::{ServerMessage, clean};
pub(crate) use path::{check_raw_path, fill};

/// A request as data: what it is called, where it goes on each flavor, what is sent.
///
/// Handles make these; programs do not need to name them. The trait is closed: its types cannot be named outside.
pub trait Describe: Send + Sync + 'static {
    /// The name: span, documentation, coverage table, bindings.
    const ID: &'static str;
    /// The sections of the Day-2 guide that it serves.
    const SECTIONS: &'static [&'static str];
    /// Where it goes on each flavor.
    const ROUTES: Routes;
    /// Path arguments, query and body. Refuses bad arguments.
    fn encode(&self, flavor: Flavor) -> Result<Parts>;
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
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Self::Output>>;
    /// The result, when a refusal says that all is as asked already.
    fn settled(&self, _refusal: &Error) -> Option<Self::Output> {
        None
    }
}

/// What an answer leads to.
pub enum Reply<T> {
    /// The result.
    Done(T),
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

/// The thing that a change answers with. An answer without it (a 204, or a mere "accepted") is followed by a look.
pub(crate) fn changed<T>(raw: Raw, name: &'static str, look: Route, parts: Parts) -> Result<Reply<T>>
where
    T: serde::de::DeserializeOwned + 'static,
{
    if raw.has_object(name) {
        return raw.object(name).map(Reply::Done);
    }
    Ok(Reply::then(look, parts, move |raw| raw.object(name).map(Reply::Done)))
}

/// A request for a page and nothing else.
pub(crate) fn paged(flavor: Flavor, page: u32, limit: u32) -> Parts {
    Parts::new().paged(flavor, page, limit)
}

/// A list operation that can be asked for any of its pages.
pub trait Paged: Operation<Output = Page<Self::Item>> + Clone {
    /// What the list holds.
    type Item: Send + 'static;
    /// Asks for page `page` (from 1) of `limit` items.
    fn set_page(&mut self, page: u32, limit: u32);
    /// What tells two items apart, to notice a server that repeats a page.
    fn key(item: &Self::Item) -> &str;
    /// The same, where it takes more than one text.
    fn hash_key(item: &Self::Item, hasher: &mut impl Hasher) {
        Self::key(item).hash(hasher);
    }
}
