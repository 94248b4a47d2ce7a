//! Push, pull and everything between: what both sides last agreed on decides, never a clock.
//!
//! `classify`, `merge` and `plan` decide and are pure; `transaction` and the verbs act. See `docs/design.md`.

mod base;
mod classify;
mod clone;
mod engine;
pub mod merge;
#[cfg(test)]
mod model;
mod options;
mod plan;
mod preview;
mod pull;
mod push;
mod query;
mod record;
mod report;
mod resolve;
mod retention;
mod rows;
mod settle;
mod stage;
mod status;
mod store;
mod transaction;
mod undo;
mod unfinished;

pub use clone::{clone, link};
pub use options::*;
pub use preview::plan;
pub use pull::pull;
pub use push::push;
pub use query::{diff, diff_remote, remote_status};
pub use report::*;
pub use resolve::resolve;
pub use settle::settle;
pub use status::{status, status_checked, statuses};
pub use undo::undo;
pub(crate) use unfinished::unfinished;
#[cfg(any(test, fuzzing))]
pub(crate) use {
    base::Base,
    record::{JournalEntry, LogRecord},
};
