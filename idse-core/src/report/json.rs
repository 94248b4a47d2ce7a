//! The report as one JSON document; `schemas/validation-report.schema.json` describes it.

use serde::Serialize;

use crate::diagnostic::{Diagnostic, Severity, ValidationReport};

#[derive(Serialize)]
struct Envelope<'a> {
    schema: u32,
    kind: &'static str,
    summary: Summary,
    diagnostics: &'a [Diagnostic],
}

#[derive(Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    infos: usize,
    sessions: u64,
    artifacts: u64,
    baselined: u64,
    suppressed: u64,
}

pub(super) fn render(report: &ValidationReport) -> String {
    let envelope = Envelope {
        schema: 1,
        kind: "validation-report",
        summary: Summary {
            errors: report.count(Severity::Error),
            warnings: report.count(Severity::Warning),
            infos: report.count(Severity::Info),
            sessions: report.sessions,
            artifacts: report.artifacts,
            baselined: report.baselined,
            suppressed: report.suppressed,
        },
        diagnostics: &report.diagnostics,
    };
    // Texts and numbers always serialize.
    let mut text = serde_json::to_string(&envelope).unwrap_or_default();
    text.push('\n');
    text
}
