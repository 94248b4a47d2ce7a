//! Push, pull and everything between: what both sides last agreed on decides, never a clock.

pub mod merge;
mod report;
mod shim;
pub use shim::*;

pub use report::*;
