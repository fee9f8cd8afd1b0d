//! The registry: one line of Rust for everything that can be called, with its arguments and what they mean.
//!
//! Lines are of these kinds: `call` for an operation, `raw` for the route of a caller's choice, `pages` for a list, `read` and
//! `run` for async functions that change nothing or may, `items` for single items, and `job` and `bytes` for streams. Routes, guide sections and losses are not repeated here: they are the operation's own.

mod audit;
mod endpoints;
mod kubernetes;
mod projects;
mod quotas;
mod session;
mod users;

use super::Entry;
use crate::bud::TimeRange;
use crate::call::Client;
use crate::error::{Error, Result};
use crate::types::Timestamp;

pub(super) const ALL: &[&[Entry]] = &[
    session::ENTRIES,
    users::ENTRIES,
    projects::ENTRIES,
    endpoints::ENTRIES,
    audit::ENTRIES,
    quotas::ENTRIES,
    kubernetes::ENTRIES,
];

macro_rules! entries {
    // What is called on a cluster; everything else is called on the platform.
    (on cluster; $($entries:tt)*) => { entries!(@all OnCluster $($entries)*); };
    (@all $target:ident $($(#[doc = $doc:literal])* $kind:ident $resource:ident.$name:ident(
        $($(#[doc = $adoc:literal])* $arg:ident: $type:ty),* $(,)?
    ) -> $out:ty $([$update:ty])? = |$bud:ident| $body:expr;)*) => {
        pub(super) const ENTRIES: &[$crate::bindings::Entry] = &[$($crate::bindings::Entry {
            id: concat!(stringify!($resource), ".", stringify!($name)),
            kind: entries!(@kind $kind),
            docs: concat!($($doc, "\n"),*),
            args: &[$($crate::bindings::Arg::new::<$type>(stringify!($arg), concat!($($adoc, "\n"),*))),*],
            output: <$out as $crate::schema::Described>::TYPE,
            update: entries!(@update $($update)?),
            options: entries!(@options $kind),
            begin: $crate::bindings::Begin::$target(|$bud, args, options| {
                $(let $arg: $type = args.take(stringify!($arg))?;)*
                args.done()?;
                entries!(@begin $kind $out, $body, options, concat!(stringify!($resource), ".", stringify!($name)))
            }),
        }),*];
    };
    (@kind call) => { $crate::bindings::Kind::Call };
    (@kind raw) => { $crate::bindings::Kind::Call };
    (@kind read) => { $crate::bindings::Kind::Call };
    (@kind run) => { $crate::bindings::Kind::Call };
    (@kind pages) => { $crate::bindings::Kind::Pages };
    (@kind items) => { $crate::bindings::Kind::Pages };
    (@kind bytes) => { $crate::bindings::Kind::Bytes };
    (@kind job) => { $crate::bindings::Kind::Job };
    (@options call) => { $crate::bindings::args::OF_CALLS };
    (@options raw) => { $crate::bindings::args::OF_CALLS };
    (@options pages) => { $crate::bindings::args::OF_PAGES };
    (@options read) => { $crate::bindings::args::OF_TASKS };
    (@options run) => { $crate::bindings::args::OF_TASKS };
    (@options $kind:ident) => { &[] };
    (@update) => { $crate::schema::Type::Nothing };
    (@update $update:ty) => { <$update as $crate::schema::Described>::TYPE };
    (@begin call $out:ty, $body:expr, $options:ident, $id:expr) => {
        $crate::bindings::task::call::<_, $out>($body, $options)
    };
    (@begin pages $out:ty, $body:expr, $options:ident, $id:expr) => {
        $crate::bindings::task::pages($body, $options)
    };
    (@begin raw $out:ty, $body:expr, $options:ident, $id:expr) => {
        $crate::bindings::task::raw::<$out>($body, $options)
    };
    (@begin read $out:ty, $body:expr, $options:ident, $id:expr) => {
        Ok($crate::bindings::task::run::<_, $out>($body, $options, false).named($id))
    };
    (@begin run $out:ty, $body:expr, $options:ident, $id:expr) => {
        Ok($crate::bindings::task::run::<_, $out>($body, $options, true).named($id))
    };
    // What takes no options.
    (@begin $kind:ident $out:ty, $body:expr, $options:ident, $id:expr) => {{
        let _ = $options;
        Ok($body)
    }};
    ($($entries:tt)*) => { entries!(@all OnPlatform $($entries)*); };
}
use entries;

/// A range whose end is not included.
fn range(start: Timestamp, end: Timestamp) -> Result<TimeRange> {
    if start < end {
        Ok((start..end).into())
    } else {
        Err(Error::invalid("end", "it is not after the start"))
    }
}

/// A range, or none.
fn within(start: Option<Timestamp>, end: Option<Timestamp>) -> Result<Option<TimeRange>> {
    match (start, end) {
        (Some(start), Some(end)) => range(start, end).map(Some),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::invalid("end", "a start without an end")),
        (None, Some(_)) => Err(Error::invalid("start", "an end without a start")),
    }
}

/// A client of its own for what outlives this call.
fn own(bud: &Client) -> Client {
    bud.clone()
}
