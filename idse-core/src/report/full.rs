//! The report with source lines and carets, for a person at a terminal.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Severity, Span, ValidationReport};
use crate::rules::explain_command;

use super::one_line;

/// How many bytes of a line are shown around a finding; a longer line is cut.
const WINDOW: usize = 160;

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
    let mut origin = Origin::path(one_line(&found.path));
    if let Some(span) = found.span {
        origin = origin.line(span.start.line as usize).char_column(span.start.column as usize);
    }
    let mut group = Group::with_title(title).element(origin);
    if let Some((span, (line, range))) = found.span.and_then(|span| Some((span, excerpt(source?, span)?))) {
        let snippet = Snippet::source(line)
            .line_start(span.start.line as usize)
            .annotation(AnnotationKind::Primary.span(range));
        group = group.element(snippet);
    }
    let explain = format!("`{}` says more about {}", explain_command(&found.code), found.name);
    group.element(Level::HELP.message(one_line(&found.help))).element(Level::NOTE.message(explain))
}

/// Returns the first line of a span, cut to the surroundings of the span, and where in it the span lies.
fn excerpt(source: &str, span: Span) -> Option<(String, Range<usize>)> {
    let start = span.start.offset as usize;
    let (before, after) = source.split_at_checked(start)?;
    let mut from = start.saturating_sub(WINDOW);
    while !source.is_char_boundary(from) {
        from += 1;
    }
    let from = before[from..].rfind('\n').map_or(from, |at| from + at + 1);
    let from =
        if from == 0 && source.starts_with('\u{feff}') { '\u{feff}'.len_utf8().min(start) } else { from };
    let mut to = (start + WINDOW).min(source.len());
    while !source.is_char_boundary(to) {
        to -= 1;
    }
    let to = after[..to - start].find('\n').map_or(to, |at| start + at);
    let line = source[from..to].trim_end_matches('\r');
    let end = (span.end.offset as usize).clamp(start, from + line.len());
    // Byte for byte as long as what it replaces, so that the carets stay in place.
    let shown = line.replace(|c: char| c.is_ascii_control() && c != '\t', "?");
    Some((shown, start - from..end.saturating_sub(from).max(start - from)))
}
