//! The tests of the SDK from outside, in one program: it is linked once.

#[cfg(feature = "testing")]
mod answers;
mod auth;
#[cfg(feature = "blocking")]
mod blocking;
mod canary;
mod common;
mod config;
mod day;
mod errors;
mod evolution;
mod export;
mod facts;
mod faults;
#[cfg(feature = "testing")]
mod honest_lists;
mod limits;
mod lists;
#[cfg(all(feature = "monitoring", feature = "testing"))]
mod monitoring;
mod official_sdk;
mod options;
#[cfg(feature = "testing")]
mod outages;
mod proxies;
mod recorded;
mod replay;
mod runtime;
#[cfg(feature = "bindings")]
mod scenarios;
#[cfg(feature = "testing")]
mod scripted;
mod sessions;
#[cfg(feature = "testing")]
mod success;
#[cfg(feature = "testing")]
mod testing;
mod ties;
mod waits;
