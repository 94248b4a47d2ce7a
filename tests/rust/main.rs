//! The suite.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what it likes"
)]

mod cli;
mod doors;
mod errors;
mod examples;
mod faults;
mod gateway;
mod merge;
mod package;
mod remote;
mod schemas;
mod sync;
mod validate;
