//! The entries of `tests/faults.md`, one module for each part of the way.

mod auth;
mod concurrency;
mod download;
mod input;
mod network;
mod redirect;
mod server;
mod tls;
