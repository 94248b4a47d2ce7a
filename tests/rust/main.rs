//! The suite.

mod validate;
