//! Loads, validates, conflict-checks and syncs the seven Markdown artifacts of Intent-Driven Systems Engineering.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::allow_attributes, reason = "a test may fail"))]

mod artifact;
mod cache;
pub mod config;
mod context;
mod diagnostic;
pub mod doctor;
mod error;
mod fs;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
mod markdown;
mod name;
mod parallel;
pub mod remote;
pub mod report;
pub mod rules;
mod selection;
mod session;
mod stage;
mod state;
pub mod sync;
pub mod template;
mod text;
pub mod trust;
mod validation;
pub mod verb;
mod workspace;

pub use artifact::{Artifact, Blocked, BlockedReason, Content};
pub use context::{Cancel, Clock, Context, Env, Progress, SystemClock};
pub use diagnostic::{Diagnostic, Edit, Fix, Position, Severity, Span, ValidationReport};
pub use error::{Error, ErrorKind, Result};
pub use name::{OpId, ProjectId, ProjectName, SessionId, SessionKey, did_you_mean};
pub use selection::Selection;
pub use session::{FileProblem, FileRole, Session, SessionMetadata, SessionSummary, SessionType};
pub use stage::{Stage, StageStatus};
pub use state::SessionState;
pub use text::{Digest, LineEnding, ObjectId, TextStyle, canonical};
pub use validation::FixedFile;
pub use workspace::{InitReport, InitRequest, Listing, ProjectFile, StageChange, Workspace};
