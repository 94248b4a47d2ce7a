//! The checks: one list, from which help, docs and tests are made.

use crate::config::ValidateSettings;
use crate::diagnostic::{Diagnostic, Severity, ValidationReport};
use crate::error::Result;
use crate::name::SessionKey;
use crate::session::Session;
use crate::stage::{Stage, StageStatus};

/// Validates a session; `stages` empty means all. Pure: the same input gives the same report.
pub fn validate(_session: &Session, _stages: &[Stage], _settings: &ValidateSettings) -> ValidationReport {
    todo!()
}

/// Validates one text as the artifact of a stage, as an editor holds it before it is saved.
pub fn validate_text(
    _key: Option<&SessionKey>,
    _stage: Stage,
    _status: StageStatus,
    _text: &str,
    _settings: &ValidateSettings,
) -> Vec<Diagnostic> {
    todo!()
}

/// What a rule says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo {
    /// `IDSE101`.
    pub code: &'static str,
    /// `requires-input`.
    pub name: &'static str,
    /// `None` is off.
    pub severity: Option<Severity>,
    /// One line.
    pub summary: &'static str,
    /// The page, as Markdown.
    pub page: &'static str,
}

/// Lists the rules by code.
pub fn all() -> Vec<RuleInfo> {
    todo!()
}

/// Finds a rule by code or name.
///
/// # Errors
/// `NotFound`, with the nearest name.
pub fn explain(_rule: &str) -> Result<RuleInfo> {
    todo!()
}
