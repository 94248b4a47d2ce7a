//! The suite.

mod merge;
