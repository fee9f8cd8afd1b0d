//! The registry: one line of Rust for everything that can be called, with its arguments and what they mean.
//!
//! Lines are of these kinds: `call` for an operation, `raw` for the route of a caller's choice, `pages` for a list, `read` and
//! `run` for async functions that change nothing or may, `parcels` for single items, and `job` and `bytes` for streams. Routes, guide sections and losses are not repeated here: they are the operation's own.

mod audit;
mod endpoints;
mod kubernetes;
mod projects;
mod quotas;
mod session;
mod users;

use super::Entry;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::resources::TimeRange;
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
        pub(super) const ENTRIES: &[$crate::door::Entry] = &[$($crate::door::Entry {
            id: concat!(stringify!($resource), ".", stringify!($name)),
            kind: entries!(@kind $kind),
            docs: concat!($($doc, "\n"),*),
            args: &[$($crate::door::Arg::new::<$type>(stringify!($arg), concat!($($adoc, "\n"),*))),*],
            output: <$out as $crate::types::Described>::TYPE,
            update: entries!(@update $($update)?),
            options: entries!(@options $kind),
            begin: $crate::door::Begin::$target(|$bud, args, options| {
                $(let $arg: $type = args.take(stringify!($arg))?;)*
                args.done()?;
                entries!(@begin $kind $out, $body, options, concat!(stringify!($resource), ".", stringify!($name)))
            }),
        }),*];
    };
    (@kind call) => { $crate::door::Kind::Call };
    (@kind raw) => { $crate::door::Kind::Call };
    (@kind read) => { $crate::door::Kind::Call };
    (@kind run) => { $crate::door::Kind::Call };
    (@kind pages) => { $crate::door::Kind::Pages };
    (@kind parcels) => { $crate::door::Kind::Pages };
    (@kind bytes) => { $crate::door::Kind::Bytes };
    (@kind job) => { $crate::door::Kind::Job };
    (@options call) => { $crate::door::args::OF_CALLS };
    (@options raw) => { $crate::door::args::OF_CALLS };
    (@options pages) => { $crate::door::args::OF_PAGES };
    (@options read) => { $crate::door::args::OF_WORK };
    (@options run) => { $crate::door::args::OF_WORK };
    (@options $kind:ident) => { &[] };
    (@update) => { $crate::types::Type::Nothing };
    (@update $update:ty) => { <$update as $crate::types::Described>::TYPE };
    (@begin call $out:ty, $body:expr, $options:ident, $id:expr) => {
        $crate::door::work::call::<_, $out>($body, $options)
    };
    (@begin pages $out:ty, $body:expr, $options:ident, $id:expr) => {
        $crate::door::work::pages($body, $options)
    };
    (@begin raw $out:ty, $body:expr, $options:ident, $id:expr) => {
        $crate::door::work::raw::<$out>($body, $options)
    };
    (@begin read $out:ty, $body:expr, $options:ident, $id:expr) => {
        Ok($crate::door::work::run::<_, $out>($body, $options, false).named($id))
    };
    (@begin run $out:ty, $body:expr, $options:ident, $id:expr) => {
        Ok($crate::door::work::run::<_, $out>($body, $options, true).named($id))
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
