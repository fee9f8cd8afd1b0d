//! How a call is made.

mod builder;
mod capabilities;
mod check;
mod client;
mod download;
mod job;
mod listing;
mod page;
mod raw;
mod single;
mod wait;

pub use builder::ClientBuilder;
pub use capabilities::{Capabilities, Capability};
pub use client::Client;
pub(crate) use client::Unlock;
pub use download::{Completeness, Progress};
pub(crate) use download::{FileTarget, Inspect, Limits, OnProgress, Source, Transfer, write_into};
pub(crate) use job::{Job, OnUpdate, Teller};
pub use listing::Listing;
pub use page::{Items, List, Pages};
pub use raw::{RawCall, RawResponse};
pub use single::{Call, CallWithResponse, Response};
pub(crate) use wait::{SLOWEST, Verdict, Wait};
