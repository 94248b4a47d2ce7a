//! The sections of an artifact: required ones that are missing or doubled, and ones without content.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::stage::{Stage, StageStatus};

use super::finding::{Sink, shown};
use super::section_names::{PHASE, required};
use super::subject::TextSubject;
use super::{Rule, RuleInfo, is_begun};

pub(super) struct MissingSection;

impl Rule for MissingSection {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE103",
            name: "missing-section",
            severity: Some(Severity::Warning),
            summary: "an artifact lacks a section that its stage requires",
            page: include_str!("pages/missing-section.md"),
        }
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        if subject.is_blank() {
            return;
        }
        for section in required(subject.stage, subject.settings).iter() {
            if subject.names().iter().any(|name| section.is_named_by(name)) {
                continue;
            }
            let help = if subject.stage == Stage::Tasks && section.name == PHASE {
                "Group the tasks under headings such as `## Phase 1`.".to_owned()
            } else {
                format!("Add a heading `## {}` and write it.", section.name)
            };
            let message = format!("the section “{}” is missing", section.name);
            sink.file(subject.path.clone(), Some(subject.stage), message, help);
        }
    }
}

pub(super) struct EmptySection;

impl Rule for EmptySection {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE104",
            name: "empty-section",
            severity: Some(Severity::Warning),
            summary: "a heading is followed by nothing",
            page: include_str!("pages/empty-section.md"),
        }
    }

    fn applies(&self, status: StageStatus) -> bool {
        is_begun(status)
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        let headings = &subject.outline().headings;
        for (index, heading) in headings.iter().enumerate() {
            let has_parts = headings.get(index + 1).is_some_and(|next| next.level > heading.level);
            if !heading.has_content && !has_parts {
                let message = format!("the section “{}” is empty", shown(&heading.text));
                sink.text(subject, heading.range.clone(), message, "Write it, or remove the heading.");
            }
        }
    }
}

pub(super) struct DuplicateSection;

impl Rule for DuplicateSection {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE105",
            name: "duplicate-section",
            severity: Some(Severity::Warning),
            summary: "a required section occurs twice under the same heading",
            page: include_str!("pages/duplicate-section.md"),
        }
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        let outline = subject.outline();
        let sections = required(subject.stage, subject.settings);
        let mut seen = HashMap::new();
        for (index, (heading, name)) in outline.headings.iter().zip(subject.names()).enumerate() {
            let Some(first) = seen.insert((heading.parent, heading.level, name.whole()), heading.range.start)
            else {
                continue;
            };
            if !sections.iter().any(|section| section.is_named_by(name)) {
                continue;
            }
            let message = format!("the section “{}” is there twice", shown(&heading.text));
            let finding =
                sink.text(subject, heading.range.clone(), message, "Merge the two sections into one.");
            finding.first = Some(first);
            let end = outline.headings.get(index + 1).map_or(subject.text.len(), |next| next.range.start);
            let is_leaf = outline.section_end(index, subject.text) == end;
            let is_empty = subject.text[heading.range.end..end].trim().is_empty();
            // Without a blank line the heading may be all that keeps what is above and below it apart.
            let above = subject.text[..heading.range.start].trim_end_matches([' ', '\t', '\r']);
            let above = above.strip_suffix('\n').unwrap_or(above).trim_end_matches([' ', '\t', '\r']);
            if is_leaf && is_empty && (above.is_empty() || above.ends_with('\n')) {
                finding.fix =
                    Some(("Remove the second, empty section", heading.range.start..end, String::new()));
            }
        }
    }
}
