//! Findings about the validation itself: names of rules that do not exist, comments that hold nothing back.

use std::ops::Range;

use crate::config::ValidateSettings;
use crate::diagnostic::Severity;

use super::finding::{Sink, shown};
use super::selection::{Selection, is_known};
use super::subject::TextSubject;
use super::suppression::{Comment, Scope, Suppressions, Target};
use super::{RULES, Rule, RuleInfo, nearest};

/// The code of [`UnknownRuleInConfig`].
pub(super) const UNKNOWN_RULE: &str = "IDSE901";
const UNUSED: &str = "IDSE902";

pub(super) struct UnknownRuleInConfig;

impl Rule for UnknownRuleInConfig {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: UNKNOWN_RULE,
            name: "unknown-rule-in-config",
            severity: Some(Severity::Warning),
            summary: "the configuration or a comment names a rule that does not exist",
            page: include_str!("pages/unknown-rule-in-config.md"),
        }
    }
}

pub(super) struct UnusedSuppression;

impl Rule for UnusedSuppression {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: UNUSED,
            name: "unused-suppression",
            severity: Some(Severity::Warning),
            summary: "a comment holds back a finding that is not there",
            page: include_str!("pages/unused-suppression.md"),
        }
    }
}

fn turn_to(code: &str, sink: &mut Sink<'_>) -> bool {
    RULES.iter().position(|rule| rule.info().code == code).is_some_and(|rule| sink.turn_to(rule))
}

fn unknown_help(word: &str) -> String {
    nearest(word).map_or_else(
        || "Name a rule that `idse rule` lists.".to_owned(),
        |near| format!("Did you mean `{near}`?"),
    )
}

/// Looks for rules in the configuration that do not exist.
pub(super) fn check_settings(settings: &ValidateSettings, sink: &mut Sink<'_>) {
    if !turn_to(UNKNOWN_RULE, sink) {
        return;
    }
    let keys = [
        ("select", settings.select.iter().collect::<Vec<_>>()),
        ("ignore", settings.ignore.iter().collect()),
        ("severity", settings.severity.keys().collect()),
    ];
    let path = if settings.path.is_empty() { ".idseconfig.json" } else { &settings.path };
    for (key, entries) in keys {
        for entry in entries.into_iter().filter(|entry| !is_known(entry)) {
            let message = format!("`validate.{key}` names the rule `{}`, which does not exist", shown(entry));
            sink.file(path, None, message, unknown_help(entry));
        }
    }
}

/// Looks for comments that name unknown rules or hold nothing back.
pub(super) fn check_suppressions(
    subject: &TextSubject<'_>,
    suppressions: &Suppressions,
    selection: &Selection,
    scope: Scope,
    sink: &mut Sink<'_>,
) {
    if turn_to(UNKNOWN_RULE, sink) {
        for (range, near) in &suppressions.mistyped {
            let message = format!("`{}` is no known comment", shown(&subject.text[range.clone()]));
            sink.text(subject, range.clone(), message, format!("Did you mean `{near}`?"));
        }
        for target in suppressions.comments.iter().flat_map(|comment| &comment.targets) {
            if target.rule.is_none() && !target.range.is_empty() {
                let word = &subject.text[target.range.clone()];
                let message = format!("the comment names the rule `{}`, which does not exist", shown(word));
                sink.text(subject, target.range.clone(), message, unknown_help(word));
            }
        }
    }
    if turn_to(UNUSED, sink) {
        for comment in &suppressions.comments {
            let is_useless = |target: &Target| {
                !suppressions.is_used(comment, target) && is_judged(subject, target, selection, scope)
            };
            report_unused(subject, comment, is_useless, sink);
        }
    }
}

/// Tells whether the rules that a target means had their chance: one that is off, that waits for the stage to
/// begin, or that needs the whole session proves nothing about the comment.
fn is_judged(subject: &TextSubject<'_>, target: &Target, selection: &Selection, scope: Scope) -> bool {
    match target.rule {
        Some(rule) => {
            let info = RULES[rule].info();
            selection.severity(rule).is_some()
                && RULES[rule].applies(subject.status)
                && (scope == Scope::Session || !NEEDS_SESSION.contains(&info.code))
        }
        None => target.range.is_empty() && selection.is_whole && super::is_begun(subject.status),
    }
}

/// The rules that find something in a text only when they see the whole session.
const NEEDS_SESSION: [&str; 2] = ["IDSE303", "IDSE401"];

fn report_unused(
    subject: &TextSubject<'_>,
    comment: &Comment,
    is_useless: impl Fn(&Target) -> bool,
    sink: &mut Sink<'_>,
) {
    let word = |target: &Target| subject.text[target.range.clone()].to_owned();
    let (useless, kept): (Vec<_>, Vec<_>) = comment.targets.iter().partition(|target| is_useless(target));
    if useless.is_empty() {
        return;
    }
    let message = if comment.is_blanket() {
        "the comment holds no finding back".to_owned()
    } else {
        let codes: Vec<_> = useless.iter().map(|target| format!("`{}`", shown(&word(target)))).collect();
        format!("the comment holds back no finding of {}", codes.join(", "))
    };
    let finding = sink.text(subject, comment.range.clone(), message, "Remove what is not needed any more.");
    finding.fix = match (kept.is_empty(), comment.targets.first(), comment.targets.last()) {
        (false, Some(first), Some(last)) if kept.iter().all(|target| target.rule.is_some()) => {
            let codes: Vec<_> = kept.into_iter().map(word).collect();
            let range = first.range.start..last.range.end;
            Some(("Remove the unused rules from the comment", range, codes.join(", ")))
        }
        (false, ..) => None,
        _ => removal(subject.text, &comment.range)
            .map(|range| ("Remove the unused comment", range, String::new())),
    };
}

/// Returns what to cut so that a comment is gone and the text around it means the same; `None` where that is not
/// certain.
fn removal(text: &str, comment: &Range<usize>) -> Option<Range<usize>> {
    const BLANKS: [char; 3] = [' ', '\t', '\r'];
    let head = text[..comment.start].trim_end_matches(BLANKS);
    let tail = text[comment.end..].trim_start_matches(BLANKS);
    let begins = |head: &str| head.is_empty() || head.ends_with('\n') || head == "\u{feff}";
    let ends = |tail: &str| tail.is_empty() || tail.starts_with('\n');
    if !begins(head) {
        // Behind words a comment is only a comment; behind marks alone it may be what makes them text.
        return (is_words(head) && ends(tail)).then_some(head.len()..comment.end);
    }
    if !ends(tail) || (head.is_empty() && tail.trim_start().starts_with('\u{feff}')) {
        // What follows a comment at the beginning of a line is no Markdown, and would become it.
        return None;
    }
    let above = head.strip_suffix('\n').unwrap_or(head).trim_end_matches(BLANKS);
    let below = tail.strip_prefix('\n').unwrap_or(tail);
    // The comment may be all that keeps two paragraphs, or a text and an underline, apart.
    if !begins(above) && !ends(below.trim_start_matches(BLANKS)) {
        return Some(head.len()..comment.end);
    }
    Some(head.len()..text.len() - below.len())
}

/// Tells whether a text ends in two characters of a word, or in one and a full stop or the like.
fn is_words(text: &str) -> bool {
    let mut last = text.trim_end_matches(['.', ',', ':', ';', '!', '?', ')']).chars().rev();
    last.next().is_some_and(char::is_alphanumeric) && last.next().is_some_and(char::is_alphanumeric)
}
