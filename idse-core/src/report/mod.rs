//! A validation report as people and machines read it.

use crate::diagnostic::ValidationReport;

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With source lines and carets.
    Full,
    /// One line a finding.
    Concise,
    /// The JSON of `docs/wire.md`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// JUnit XML.
    Junit,
}

/// Writes a report in a form; `color` matters to [`Format::Full`] and [`Format::Concise`] only.
pub fn render(_report: &ValidationReport, _format: Format, _color: bool) -> String {
    todo!()
}
