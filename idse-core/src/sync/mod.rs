//! Push, pull and everything between: what both sides last agreed on decides, never a clock.

pub mod merge;
mod report;

pub use report::*;
