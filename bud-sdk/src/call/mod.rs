//! How a call is made.

mod builder;
mod check;
mod download;
mod job;
mod listing;
mod options;
mod page;
mod raw;
mod single;
mod wait;

#[cfg(feature = "monitoring")]
pub(crate) use builder::Checked;
pub(crate) use builder::{ConnectionBuilder, connection_setters};
pub use download::{Completeness, Progress};
pub(crate) use download::{FileTarget, Inspect, Limits, OnProgress, Source, Transfer, write_into};
pub(crate) use job::{Job, OnUpdate, Teller};
pub use listing::Listing;
pub use page::{Items, List, Pages};
pub use raw::{RawCall, RawResponse};
pub use single::{Call, CallWithResponse, Response};
pub(crate) use wait::{SLOWEST, Verdict, Wait};
