//! What rules report before positions are known, and the sink that takes it.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Edit, Fix, Severity, Span};
use crate::markdown::{Positions, small};
use crate::name::SessionKey;
use crate::stage::Stage;
use crate::workspace::{project_path, session_path};

use super::RULES;
use super::selection::Selection;
use super::subject::TextSubject;

/// A finding with a byte range; it becomes a [`Diagnostic`] when all of its text are known, so that one pass
/// over the text finds every position.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// Its place in `RULES`.
    pub(super) rule: usize,
    pub(super) severity: Severity,
    pub(super) message: String,
    pub(super) help: String,
    pub(super) path: String,
    pub(super) stage: Option<Stage>,
    pub(super) range: Option<Range<usize>>,
    /// Where it is, where that is known without a text.
    pub(super) span: Option<Span>,
    /// Where the other one stands that this one repeats; its line is added to the message.
    pub(super) first: Option<usize>,
    /// The title and the bytes to replace.
    pub(super) fix: Option<(&'static str, Range<usize>, String)>,
}

impl Finding {
    /// Returns every offset whose position the diagnostic needs.
    pub(super) fn offsets(&self) -> impl Iterator<Item = usize> {
        let (start, end) =
            self.range.as_ref().map_or((None, None), |range| (Some(range.start), Some(range.end)));
        [start, end, self.first].into_iter().flatten()
    }

    /// Returns the diagnostic.
    pub(super) fn resolve(self, key: Option<&SessionKey>, positions: &Positions) -> Diagnostic {
        let info = RULES[self.rule].info();
        let of_range =
            |range: Range<usize>| Span { start: positions.get(range.start), end: positions.get(range.end) };
        let span = self.span.or_else(|| self.range.map(of_range));
        // What lies beside the sessions belongs to all of them, and is the same finding in each.
        let is_in = |folder: String| {
            self.stage.is_some() || self.path.strip_prefix(&folder).is_some_and(|rest| rest.starts_with('/'))
        };
        let project = key.filter(|key| is_in(project_path(&key.project))).map(|key| key.project.clone());
        let session = key.filter(|key| is_in(session_path(key))).map(|key| key.session.clone());
        let message = match self.first {
            Some(offset) => format!("{} (first on line {})", self.message, positions.get(offset).line),
            None => self.message,
        };
        let fix = self.fix.map(|(title, range, replacement)| Fix {
            title: title.to_owned(),
            edits: vec![Edit { start: small(range.start), end: small(range.end), replacement }],
        });
        Diagnostic {
            code: info.code.to_owned(),
            name: info.name.to_owned(),
            severity: self.severity,
            message,
            help: self.help,
            path: self.path,
            project,
            session,
            stage: self.stage,
            span,
            fix,
        }
    }
}

/// Takes the findings of one rule at a time, in the severity that the project gives it.
pub(super) struct Sink<'a> {
    selection: &'a Selection,
    rule: usize,
    pub(super) findings: Vec<Finding>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(selection: &'a Selection) -> Self {
        Self { selection, rule: 0, findings: Vec::new() }
    }

    /// Turns to a rule; `false` where the project has it off.
    pub(super) fn turn_to(&mut self, rule: usize) -> bool {
        self.rule = rule;
        self.selection.severity(rule).is_some()
    }

    /// Takes a finding in a text.
    pub(super) fn text(
        &mut self,
        subject: &TextSubject<'_>,
        range: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> &mut Finding {
        let finding = self.push(subject.path.clone(), Some(subject.stage), message.into(), help.into());
        finding.range = Some(range);
        finding
    }

    /// Takes a finding about a file as a whole.
    pub(super) fn file(
        &mut self,
        path: impl Into<String>,
        stage: Option<Stage>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> &mut Finding {
        self.push(path.into(), stage, message.into(), help.into())
    }

    fn push(&mut self, path: String, stage: Option<Stage>, message: String, help: String) -> &mut Finding {
        let finding = Finding {
            rule: self.rule,
            severity: self.selection.severity(self.rule).unwrap_or(Severity::Warning),
            message,
            help,
            path,
            stage,
            range: None,
            span: None,
            first: None,
            fix: None,
        };
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

/// Returns words of a text for a message: shortened, without control characters.
pub(super) fn shown(text: &str) -> String {
    const LIMIT: usize = 60;
    let mut shown: String = text
        .trim()
        .chars()
        .take(LIMIT + 1)
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect();
    if shown.chars().count() > LIMIT {
        shown.pop();
        shown.push('…');
    }
    shown
}
