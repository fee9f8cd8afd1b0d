//! The registry: one line of Rust for everything that can be called, with its arguments and what they mean.
//!
//! Each line begins with its kind, one of the modules of [`kinds`]. Routes, guide sections and limitations are not repeated
//! here: they are the operation's own.

mod alertmanager;
mod audit;
mod endpoints;
mod kinds;
mod kubernetes;
mod projects;
mod prometheus;
mod quotas;
mod session;
mod users;

use super::Entry;
use crate::bud::Client;
use crate::bud::TimeRange;
use crate::error::{Error, Result};
use crate::types::Timestamp;

pub(super) const BUD: &[&[Entry]] = &[
    session::ENTRIES,
    users::ENTRIES,
    projects::ENTRIES,
    endpoints::ENTRIES,
    audit::ENTRIES,
    quotas::ENTRIES,
];
pub(super) const KUBERNETES: &[&[Entry]] = &[kubernetes::ENTRIES];
pub(super) const PROMETHEUS: &[&[Entry]] = &[prometheus::ENTRIES];
pub(super) const ALERTMANAGER: &[&[Entry]] = &[alertmanager::ENTRIES];

/// The entries of one file. It begins with the type of the client that they are called on.
macro_rules! entries {
    (on $client:ty; $($(#[doc = $doc:literal])* $kind:ident $resource:ident.$name:ident(
        $($(#[doc = $adoc:literal])* $arg:ident: $type:ty),* $(,)?
    ) -> $out:ty $([$update:ty])? = |$bud:ident| $body:expr;)*) => {
        pub(super) const ENTRIES: &[$crate::bindings::Entry] = &[$($crate::bindings::Entry {
            id: concat!(stringify!($resource), ".", stringify!($name)),
            kind: super::kinds::$kind::KIND,
            docs: concat!($($doc, "\n"),*),
            args: &[$($crate::bindings::Arg::new::<$type>(stringify!($arg), concat!($($adoc, "\n"),*))),*],
            output: <$out as $crate::schema::Described>::TYPE,
            update: entries!(@update $($update)?),
            options: super::kinds::$kind::OPTIONS,
            begin: |target, args, options| target.on(|$bud: &$client| {
                $(let $arg: $type = args.take(stringify!($arg))?;)*
                args.done()?;
                let id = concat!(stringify!($resource), ".", stringify!($name));
                super::kinds::$kind::begin::<_, $out>($body, options, id)
            }),
        }),*];
    };
    (@update) => { $crate::schema::Type::Nothing };
    (@update $update:ty) => { <$update as $crate::schema::Described>::TYPE };
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
