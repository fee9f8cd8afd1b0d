//! The server, seen from the wire: no HTTP library on this side either.

mod client;

mod auth;
mod contract;
mod deployments;
mod export;
mod faults;
mod program;
mod recorded;
mod roles;
mod wire;
