//! Places that somebody still has to fill in: `[REQUIRES INPUT]` and what templates leave behind.

use std::ops::Range;

use crate::diagnostic::Severity;
use crate::stage::{Stage, StageStatus};

use super::finding::{Sink, shown};
use super::subject::TextSubject;
use super::{Rule, RuleInfo, is_begun};

pub(super) struct RequiresInput;

impl Rule for RequiresInput {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE101",
            name: "requires-input",
            severity: Some(Severity::Error),
            summary: "a `[REQUIRES INPUT]` marker is still to be answered",
            page: include_str!("pages/requires-input.md"),
        }
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        for range in markers(subject.text).filter(|range| !subject.outline().is_hidden(range.start)) {
            let outline = subject.outline();
            let heading = outline.heading_at(range.start).map(|index| shown(&outline.headings[index].text));
            let message = match heading.filter(|heading| !heading.is_empty()) {
                Some(heading) => format!("“{heading}” still requires input"),
                None => "the artifact still requires input".to_owned(),
            };
            sink.text(subject, range, message, "Answer it and remove the marker.");
        }
    }
}

/// Finds the markers: `[REQUIRES INPUT]` in any letter case, with a blank, `_` or `-` between the words, and with
/// a note for whom it is meant (`[REQUIRES INPUT: the owner]`).
fn markers(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('[').filter_map(|(start, _)| {
        let inner = &text[start + 1..];
        let after = strip_word(inner, "requires")?;
        let gap = after.trim_start_matches([' ', '\t', '_', '-']);
        let after = strip_word(gap, "input").filter(|_| gap.len() < after.len())?;
        let note = after.trim_start_matches([' ', '\t']);
        if !note.starts_with([']', ':']) {
            return None;
        }
        let end = note.char_indices().take(LONGEST_NOTE).find(|(_, c)| matches!(c, ']' | '[' | '\n'))?.0;
        let end = text.len() - note.len() + end;
        text[end..].starts_with(']').then_some(start..end + 1)
    })
}

/// In characters; what has no end within these is prose and no note.
const LONGEST_NOTE: usize = 300;

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.get(..word.len()).filter(|start| start.eq_ignore_ascii_case(word)).map(|_| &text[word.len()..])
}

pub(super) struct TemplatePlaceholder;

/// What templates of the implementation stage ask the author to replace.
const PLACEHOLDERS: [&str; 10] = [
    "[Any changes from the original plan, with justification]",
    "[Describe the architecture of what was implemented]",
    "[List files that don't map to tracked components]",
    "[Summary of implementation work]",
    "[Test results, coverage, linting]",
    "[brief description]",
    "[one-line description]",
    "ExampleComponent",
    "NewComponentName",
    "PrimitiveName",
];

impl Rule for TemplatePlaceholder {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE102",
            name: "template-placeholder",
            severity: Some(Severity::Warning),
            summary: "the text still holds a placeholder of a template",
            page: include_str!("pages/template-placeholder.md"),
        }
    }

    fn applies(&self, status: StageStatus) -> bool {
        is_begun(status)
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        let mut found: Vec<_> =
            variables(subject.text).filter(|range| !subject.outline().is_hidden(range.start)).collect();
        if subject.stage == Stage::Implementation {
            for placeholder in PLACEHOLDERS {
                found.extend(subject.visible(placeholder).filter(|range| is_word(subject.text, range)));
            }
        }
        found.sort_by_key(|range| range.start);
        for range in found {
            let message = format!("`{}` is a placeholder of a template", shown(&subject.text[range.clone()]));
            sink.text(subject, range, message, "Replace it with what is meant, or remove the line.");
        }
    }
}

/// Finds `{{ name }}`.
fn variables(text: &str) -> impl Iterator<Item = Range<usize>> {
    const LONGEST: usize = 80;
    text.match_indices("{{").filter_map(|(start, _)| {
        let inner = &text[start + 2..];
        let name = inner.trim_start_matches([' ', '\t']);
        let word =
            name.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        let after = word.trim_start_matches([' ', '\t']);
        let end = start + 2 + inner.len() - after.len() + 2;
        (word.len() < name.len() && after.starts_with("}}") && end - start <= LONGEST).then_some(start..end)
    })
}

/// Tells whether a range is not part of a longer word.
fn is_word(text: &str, range: &Range<usize>) -> bool {
    let is_letter = |character: char| character.is_alphanumeric() || character == '_';
    text[range.start..].starts_with('[')
        || !(text[..range.start].ends_with(is_letter) || text[range.end..].starts_with(is_letter))
}
