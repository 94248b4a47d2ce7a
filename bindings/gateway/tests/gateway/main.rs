//! The gateway over its embedded store, as clients see it: a process, and bytes on a socket.

#![allow(
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "tests read their own files and clocks"
)]

#[path = "../common/mod.rs"]
mod common;

mod auth;
mod contention;
mod existing;
mod guarded;
mod hostile;
mod lost;
mod openapi;
mod operations;
