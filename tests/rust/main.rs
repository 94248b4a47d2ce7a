//! The suite.

mod remote;
