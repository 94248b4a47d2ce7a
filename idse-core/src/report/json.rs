//! The report as one JSON document; `schemas/validation-report.schema.json` describes it.

use serde::Serialize;

use super::SCHEMA;
use crate::diagnostic::{Diagnostic, Severity, ValidationReport};

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

#[derive(Serialize)]
struct Envelope<'a> {
    schema: u32,
    kind: &'static str,
    summary: Summary,
    diagnostics: &'a [Diagnostic],
}

fn envelope(report: &ValidationReport) -> Envelope<'_> {
    let summary = Summary {
        errors: report.count(Severity::Error),
        warnings: report.count(Severity::Warning),
        infos: report.count(Severity::Info),
        sessions: report.sessions,
        artifacts: report.artifacts,
        baselined: report.baselined,
        suppressed: report.suppressed,
    };
    Envelope { schema: SCHEMA, kind: "validation-report", summary, diagnostics: &report.diagnostics }
}

pub(super) fn render(report: &ValidationReport) -> String {
    // Texts and numbers always serialize.
    let mut text = serde_json::to_string(&envelope(report)).unwrap_or_default();
    text.push('\n');
    text
}

/// Returns the report as the document that the form `json` writes.
pub(super) fn value(report: &ValidationReport) -> serde_json::Value {
    // Texts and numbers always serialize.
    serde_json::to_value(envelope(report)).unwrap_or_default()
}
