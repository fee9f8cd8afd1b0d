//! Operations as values: what is asked, what the answer means. Pure; nothing here does I/O.

mod decode;
mod envelope;
mod error_body;
mod parts;
mod path;
mod refusal;
mod route;

use std::hash::{Hash, Hasher};

use crate::error::{Error, ErrorKind, Result};
use crate::types::Warning;

pub use envelope::Page;
pub use parts::{Parts, Raw};
pub use route::{Flavor, Method, OperationInfo, Proof, Route, Routes, Support};

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

/// The thing that a change answers with, if it shows the change. Otherwise (a 204, a mere "accepted", the old state) a read
/// follows, which must not show the old state. `shows` is `None` for a thing that does not tell.
pub(crate) fn changed<T>(
    raw: Raw,
    name: &'static str,
    look: Route,
    parts: Parts,
    shows: impl Fn(&T) -> Option<bool> + Send + 'static,
) -> Result<Reply<T>>
where
    T: serde::de::DeserializeOwned + 'static,
{
    if let Some(answered) = raw.object_if_any::<T>(name)? {
        // With a blame beside it, it must show the change.
        match shows(&answered) {
            Some(true) => return Ok(Reply::Done(answered)),
            None if !raw.is_blaming() => return Ok(Reply::Done(answered)),
            _ => {}
        }
    }
    let status = raw.status;
    Ok(Reply::then(look, parts, move |raw| {
        let found = raw.object::<T>(name)?;
        match shows(&found) {
            Some(true) => Ok(Reply::Done(found)),
            // It was accepted, and the thing does not tell.
            None if status == 204 => Ok(not_shown(found)),
            shown => {
                let state = if shown.is_some() {
                    "the state is still the old one"
                } else {
                    "nothing shows the change"
                };
                let message = format!("the server answered {status}, and {state}");
                Err(Error::new(ErrorKind::Unconfirmed, message).with_status(status))
            }
        }
    }))
}

fn not_shown<T>(found: T) -> Reply<T> {
    let message = "the server accepted it, and the state that was read afterwards does not show it yet";
    Reply::Warned(found, vec![Warning::new(Warning::NOT_SHOWN, message)])
}

/// The thing that the start of work answers with. An answer without it is followed by a read, which shows the work or not: it is
/// done in its own time.
pub(crate) fn accepted<T>(
    raw: Raw,
    name: &'static str,
    look: Route,
    parts: Parts,
    shows: impl Fn(&T) -> Option<bool> + Send + 'static,
) -> Result<Reply<T>>
where
    T: serde::de::DeserializeOwned + 'static,
{
    match raw.object_if_any::<T>(name)? {
        Some(answered) if shows(&answered) == Some(true) || !raw.is_blaming() => {
            return Ok(Reply::Done(answered));
        }
        // The error may be the thing's own.
        Some(_) => {}
        None => raw.acknowledged(Flavor::Guide)?,
    }
    Ok(Reply::then(look, parts, move |raw| {
        let found = raw.object::<T>(name)?;
        Ok(if shows(&found) == Some(true) { Reply::Done(found) } else { not_shown(found) })
    }))
}

/// A request for a page and nothing else.
pub(crate) fn paged(flavor: Flavor, page: u32, limit: u32) -> Parts {
    Parts::new().paged(flavor, page, limit)
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

/// A filter of a list, and why its result can be relied on, per API.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Filter {
    /// The filter's name.
    pub name: &'static str,
    /// On the documented API.
    pub guide: FilterProof,
    /// On the platform as shipped.
    pub runtime: FilterProof,
}

impl Filter {
    pub(crate) const fn new(name: &'static str, guide: FilterProof, runtime: FilterProof) -> Self {
        Self { name, guide, runtime }
    }
    /// The rows show it on both APIs.
    pub(crate) const fn rows(name: &'static str) -> Self {
        Self::new(name, FilterProof::Rows, FilterProof::Rows)
    }
}

/// A list operation that can be asked for any of its pages.
pub trait Paged: Operation<Output = Page<Self::Item>> + Clone {
    /// What the list holds.
    type Item: Send + 'static;
    /// Its filters. None is trusted without a proof.
    const FILTERS: &'static [Filter] = &[];
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
