//! The C interface: handles and texts in, the engine's verbs, handles and texts out.
//!
//! It owns pointers, ownership and the guard against panics; everything that knows IDSE is in `idse-core`. What C
//! programs are promised about texts, ownership and threads stands at the head of `include/idse.h`.

#![warn(clippy::unwrap_used)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may fail"))]

mod call;
mod context;
mod error;
mod guard;
mod json;
mod overview;
mod report;
mod status;
#[cfg(test)]
mod tests;
mod text;
mod workspace;

pub use call::{idse_call, idse_merge_text};
pub use context::*;
pub use error::*;
pub use json::*;
pub use overview::*;
pub use report::*;
pub use status::*;
pub use text::{idse_abi_version, idse_string_free, idse_version};
pub use workspace::*;
