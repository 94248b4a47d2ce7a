//! The engine against real servers: PostgreSQL and PostgREST behind a proxy that can spoil every exchange.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what it likes"
)]

mod contention;
mod faults;
mod harness;
mod lost;
mod origins;
mod rights;
mod texts;
mod trust;
mod verbs;
mod world;
