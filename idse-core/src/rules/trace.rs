//! Requirement ids: that each means one thing, that tasks name existing ones, that each can be accepted.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::diagnostic::Severity;
use crate::markdown::Outline;
use crate::stage::Stage;

use super::finding::Sink;
use super::subject::{SessionSubject, TextSubject};
use super::{Rule, RuleInfo};

/// What requirement ids begin with. A fixed list, so that `UTF-8` or `SHA-256` is never one.
const PREFIXES: [&str; 14] =
    ["AC", "BR", "CON", "DR", "FR", "IR", "NFR", "QR", "REQ", "SC", "SR", "TR", "UC", "US"];

/// Returns the requirement id that a text begins with: `FR-1`, `NFR-2.1`, `FR-AUTH-003`.
fn id_at(text: &str) -> Option<&str> {
    let prefix = PREFIXES
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-')))?;
    let mut end = prefix.len();
    loop {
        let part = text[end..].strip_prefix('-')?;
        let length =
            part.find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit()).unwrap_or(part.len());
        end += 1 + length;
        if length == 0 {
            return None;
        }
        if part[..length].bytes().all(|byte| byte.is_ascii_digit()) {
            break;
        }
    }
    while let Some(part) = text[end..].strip_prefix('.') {
        let length = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        if length == 0 {
            break;
        }
        end += 1 + length;
    }
    let ends = !text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
    ends.then_some(&text[..end])
}

fn prefix_of(id: &str) -> &str {
    id.split('-').next().unwrap_or_default()
}

/// Returns the ids that a text mentions, with their bytes.
fn mentions(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    text.match_indices('-').filter_map(|(dash, _)| {
        let start =
            text[..dash].rfind(|c: char| !c.is_ascii_uppercase()).map_or(0, |at| at + char_len(text, at));
        // Only the first dash of an id begins it, and no word or path around it does.
        let is_start =
            dash - start <= 3 && !text[..start].ends_with(|c: char| c.is_alphanumeric() || "_-/".contains(c));
        let id = is_start.then(|| id_at(&text[start..])).flatten()?;
        Some((start..start + id.len(), id))
    })
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// A place that gives an id its meaning.
struct Definition<'a> {
    id: &'a str,
    range: Range<usize>,
    /// What belongs to it: the item, the row, or the section.
    block: Range<usize>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Form {
    Heading,
    Item,
    Row,
}

/// Returns the definitions of a text: ids that begin a heading, a list item or a table row.
fn definitions<'a>(text: &'a str, outline: &Outline) -> Vec<Definition<'a>> {
    let at = |lead: usize, block: Range<usize>, form| {
        let lead = lead + text[lead..].find(|c: char| !matches!(c, '[' | '(' | '`' | ' ')).unwrap_or(0);
        id_at(&text[lead..]).map(|id| Definition { id, range: lead..lead + id.len(), block, form })
    };
    let headings = outline.headings.iter().enumerate().filter_map(|(index, heading)| {
        at(heading.lead, heading.range.start..outline.section_end(index, text), Form::Heading)
    });
    let entries = outline.entries.iter().filter_map(|entry| {
        let form = match entry.kind {
            crate::markdown::EntryKind::Item => Form::Item,
            crate::markdown::EntryKind::Row => Form::Row,
        };
        at(entry.lead?, entry.range.clone(), form)
    });
    let mut found: Vec<_> = headings.chain(entries).collect();
    found.sort_by_key(|definition| definition.range.start);
    found
}

/// Returns, for each heading, the section of level 2 or 1 that it belongs to.
fn chapters(outline: &Outline) -> Vec<usize> {
    let mut chapters: Vec<usize> = Vec::with_capacity(outline.headings.len());
    for (index, heading) in outline.headings.iter().enumerate() {
        let chapter = match heading.parent {
            Some(parent) if heading.level > 2 && outline.headings[parent].level >= 2 => chapters[parent],
            _ => index,
        };
        chapters.push(chapter);
    }
    chapters
}

pub(super) struct DuplicateRequirementId;

impl Rule for DuplicateRequirementId {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE301",
            name: "duplicate-requirement-id",
            severity: Some(Severity::Error),
            summary: "two requirements of one section have the same id",
            page: include_str!("pages/duplicate-requirement-id.md"),
        }
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        if subject.stage != Stage::Spec || !mentions_any(subject.text) {
            return;
        }
        let outline = subject.outline();
        let chapters = chapters(outline);
        let mut seen = HashMap::<_, (usize, Range<usize>)>::new();
        for definition in definitions(subject.text, outline) {
            let start = definition.range.start;
            let chapter = outline.heading_at(start).map(|heading| chapters[heading]);
            let key = (definition.id, definition.form, chapter);
            match seen.get(&key) {
                // An item below the item of the same id says more about it.
                Some((_, block)) if definition.form == Form::Item && block.contains(&start) => {}
                Some((first, _)) => {
                    let message = format!("the requirement `{}` is defined twice", definition.id);
                    let help = "Give one of the two an id of its own, or merge them.";
                    sink.text(subject, definition.range, message, help).first = Some(*first);
                }
                None => _ = seen.insert(key, (start, definition.block)),
            }
        }
    }
}

fn mentions_any(text: &str) -> bool {
    PREFIXES.iter().any(|prefix| text.contains(prefix))
}

pub(super) struct RequirementWithoutAcceptance;

impl Rule for RequirementWithoutAcceptance {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE302",
            name: "requirement-without-acceptance",
            severity: None,
            summary: "a functional requirement has no acceptance criterion",
            page: include_str!("pages/requirement-without-acceptance.md"),
        }
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        if subject.stage != Stage::Spec || !mentions_any(subject.text) {
            return;
        }
        let (text, outline) = (subject.text, subject.outline());
        let mut accepted: HashSet<&str> = HashSet::new();
        let mut done = 0;
        for (index, heading) in outline.headings.iter().enumerate() {
            if heading.range.start >= done && heading.text.to_lowercase().contains("acceptance") {
                done = outline.section_end(index, text);
                accepted.extend(mentions(&text[heading.range.end..done]).map(|(_, id)| id));
            }
        }
        let mut seen = HashSet::new();
        for definition in definitions(text, outline) {
            let is_functional = matches!(prefix_of(definition.id), "FR" | "REQ");
            let says_how = || text[definition.block.clone()].to_lowercase().contains("accept");
            if is_functional && seen.insert(definition.id) && !accepted.contains(definition.id) && !says_how()
            {
                let message = format!("`{}` has no acceptance criterion", definition.id);
                let help = format!("Name `{}` in a criterion under “Acceptance Criteria”.", definition.id);
                sink.text(subject, definition.range, message, help);
            }
        }
    }
}

pub(super) struct TaskReferencesUnknownRequirement;

impl Rule for TaskReferencesUnknownRequirement {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE303",
            name: "task-references-unknown-requirement",
            severity: Some(Severity::Warning),
            summary: "the tasks name a requirement that the spec does not have",
            page: include_str!("pages/task-references-unknown-requirement.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        let (Some(spec), Some(tasks)) = (subject.text(Stage::Spec), subject.text(Stage::Tasks)) else {
            return;
        };
        if !mentions_any(spec.text) || !mentions_any(tasks.text) {
            return;
        }
        let defined = definitions(spec.text, spec.outline());
        let prefixes: HashSet<_> = defined.iter().map(|definition| prefix_of(definition.id)).collect();
        let known: HashSet<_> = mentions(spec.text).map(|(_, id)| id).collect();
        for (range, id) in mentions(tasks.text) {
            if prefixes.contains(prefix_of(id))
                && !known.contains(id)
                && !tasks.outline().is_hidden(range.start)
            {
                let message = format!("the spec has no requirement `{id}`");
                sink.text(tasks, range, message, "Correct the id, or add the requirement to the spec.");
            }
        }
    }
}
