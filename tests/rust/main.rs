//! The suite.

mod remote;
mod sync;
