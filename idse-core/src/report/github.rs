//! The report as workflow commands of GitHub Actions, which show up beside the changed lines.
//!
//! Escaping follows the runner's own (`@actions/core`, `command.ts`).

use crate::diagnostic::{Diagnostic, Severity};

pub(super) fn line(found: &Diagnostic) -> String {
    let command = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = format!("file={}", property(&found.path));
    if let Some(span) = found.span {
        properties += &format!(",line={},endLine={}", span.start.line, span.end.line);
        // The columns of a range over several lines would be taken as those of its first line.
        if span.start.line == span.end.line {
            properties += &format!(",col={},endColumn={}", span.start.column, span.end.column);
        }
    }
    let title = property(&format!("{} {}", found.code, found.name));
    let message = data(&format!("{}. {}", found.message, found.help));
    format!("::{command} {properties},title={title}::{message}\n")
}

fn data(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    // The log is shown by terminals too.
    text.replace(char::is_control, "\u{fffd}")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
