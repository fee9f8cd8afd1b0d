//! The platform as shipped.

mod answers;
mod clusters;
mod day;
mod deploy;
mod endpoints;
mod export;
mod traps;
mod users;
