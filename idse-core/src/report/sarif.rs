//! The report as SARIF 2.1.0
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), for code scanning and IDEs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Severity, ValidationReport};
use crate::rules::{self, Fingerprints, RuleInfo};

pub(super) fn render(report: &ValidationReport) -> String {
    let infos = rules::all();
    let mut fingerprints = Fingerprints::new(report);
    let results: Vec<_> =
        report.diagnostics.iter().map(|found| result(found, &infos, &mut fingerprints)).collect();
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "idse",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": infos.iter().map(rule).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{document}\n")
}

fn rule(info: &RuleInfo) -> Value {
    json!({
        "id": info.code,
        "name": info.name,
        "shortDescription": {"text": info.summary},
        "help": {"text": info.page, "markdown": info.page},
        "defaultConfiguration": {
            "enabled": info.severity.is_some(),
            "level": level(info.severity.unwrap_or(Severity::Warning)),
        },
    })
}

fn result(found: &Diagnostic, infos: &[RuleInfo], fingerprints: &mut Fingerprints) -> Value {
    let mut place = json!({"artifactLocation": {"uri": uri(&found.path)}});
    if let Some(span) = found.span {
        place["region"] = json!({
            "startLine": span.start.line,
            "startColumn": span.start.column,
            "endLine": span.end.line,
            "endColumn": span.end.column,
        });
    }
    let mut result = json!({
        "ruleId": found.code,
        "level": level(found.severity),
        "message": {"text": format!("{}. {}", found.message, found.help)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"idse/v1": fingerprints.of(found)},
    });
    if let Some(index) = infos.iter().position(|info| info.code == found.code) {
        result["ruleIndex"] = index.into();
    }
    result
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// Returns a relative path as a URI reference (RFC 3986): everything but unreserved characters and `/` escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
