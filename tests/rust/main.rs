//! The suite.

#![expect(clippy::disallowed_methods, reason = "a test writes what it likes")]

mod package;
mod remote;
