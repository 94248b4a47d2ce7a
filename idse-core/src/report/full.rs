//! The report with source lines and carets, for a person at a terminal.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity, Span, ValidationReport};
use crate::rules::explain_command;

use super::one_line;

/// In bytes; the renderer cuts what does not fit the terminal.
const LONGEST_LINE: usize = 4000;

pub(super) fn render(report: &ValidationReport, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for found in &report.diagnostics {
        let source = report.sources.get(&found.path).map(|source| &**source);
        text += &renderer.render(&[group(found, source)]);
        text += "\n\n";
    }
    text
}

fn group<'a>(found: &'a Diagnostic, source: Option<&'a str>) -> Group<'a> {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level.primary_title(one_line(&found.message)).id(found.code.as_str());
    let group = Group::with_title(title);
    let path = one_line(&found.path);
    let group = match (found.span, found.span.and_then(|span| excerpt(source?, span))) {
        (Some(span), Some((line, range))) => group.element(
            Snippet::source(line)
                .path(path)
                .line_start(span.start.line as usize)
                .annotation(AnnotationKind::Primary.span(range)),
        ),
        (Some(span), None) => group.element(
            Origin::path(path).line(span.start.line as usize).char_column(span.start.column as usize),
        ),
        (None, _) => group.element(Origin::path(path)),
    };
    let explain = format!("`{}` says more about {}", explain_command(&found.code), found.name);
    group.element(Level::HELP.message(one_line(&found.help))).element(Level::NOTE.message(explain))
}

/// Returns the first line of a span, and where in it the span lies; `None` for a line that is too long to show.
fn excerpt(source: &str, span: Span) -> Option<(String, Range<usize>)> {
    let at = span.start.offset as usize;
    let (before, after) = source.split_at_checked(at)?;
    // Bytes are enough to look for a line end, and the limit keeps many findings on one endless line cheap.
    let head = before.as_bytes().iter().rev().take(LONGEST_LINE + 1).position(|byte| *byte == b'\n');
    let tail = after.as_bytes().iter().take(LONGEST_LINE + 1).position(|byte| *byte == b'\n');
    let start = head.map_or(0, |length| at - length);
    let end = tail.map_or(source.len(), |length| at + length);
    if end - start > LONGEST_LINE {
        return None;
    }
    let start = if source[start..].starts_with('\u{feff}') && at > start {
        start + '\u{feff}'.len_utf8()
    } else {
        start
    };
    let line = source[start..end].trim_end_matches('\r');
    // Byte for byte as long as what it replaces, so that the carets stay in place.
    let shown = line.replace(|character: char| character.is_ascii_control() && character != '\t', "?");
    let last = (span.end.offset as usize).clamp(at, (start + line.len()).max(at));
    Some((shown, at - start..last - start))
}
