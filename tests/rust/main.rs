//! The suite.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what it likes"
)]

mod cli;
mod errors;
mod merge;
mod remote;
mod sync;
