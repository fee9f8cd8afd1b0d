//! A Bud API server of our own, for tests and examples: real state, real signed tokens, scripted faults.
//!
//! [`Testbed`] serves the API; [`Fault`] spoils single answers of it; [`Wire`] is a raw TCP server that plays a
//! [`Script`] per connection. It shares no model with the SDK: what it answers is written here a second time, on purpose.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use bud_testbed::{Fault, Testbed};
//!
//! let bed = Testbed::builder().deploy_polls(2).start().await?;
//! bed.fault(Fault::on("GET", "/users").status(503).header("retry-after", "1"));
//! // ... a client of bed.url() logs in with bed.admin_email() and bed.admin_password() ...
//! assert_eq!(bed.count("GET", "/users"), 2);
//! # Ok(()) }
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};

mod bed;
mod fault;
mod guide;
mod ids;
mod log;
mod options;
mod runtime;
mod script;
mod server;
mod state;
mod wire;

pub use bed::{SeededUser, Testbed};
pub use fault::Fault;
pub use log::SeenRequest;
pub use options::{Builder, Flavor, ListShape, ObjectShape, Outage, UnknownFlavor};
pub use script::{Script, Step, gzip_bomb, respond, respond_chunked, respond_json, respond_until_close};
pub use wire::{Wire, WireBuilder};

/// A panic elsewhere must not hide itself behind a poisoned lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
