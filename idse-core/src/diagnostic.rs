//! Findings: what a rule saw, where, and what to do about it.
//!
//! Which findings there are is up to `rules`, and how they are shown is up to `report`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::{ProjectName, SessionId};
use crate::stage::Stage;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Should be mended; fails only with `--strict`.
    Warning,
    /// Must be mended.
    Error,
}

impl Severity {
    /// Returns the stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// From 1.
    pub line: u32,
    /// From 1, in Unicode scalar values.
    pub column: u32,
    /// From 0, in bytes of the file as it is on disk.
    pub offset: u32,
}

/// A range of a text; `end` is the place behind the last character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first character.
    pub start: Position,
    /// Behind the last character.
    pub end: Position,
}

/// A change that mends a finding for certain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// What it does, as an imperative sentence.
    pub title: String,
    /// The replacements, in order, not overlapping.
    pub edits: Vec<Edit>,
}

/// The replacement of a range of bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The first byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
    /// What stands there afterwards.
    pub replacement: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The permanent code: `IDSE101`.
    pub code: String,
    /// The rule's name: `requires-input`.
    pub name: String,
    /// How much it matters in this project.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// The file, relative to the workspace, with forward slashes.
    pub path: String,
    /// The project.
    pub project: Option<ProjectName>,
    /// The session.
    pub session: Option<SessionId>,
    /// The stage, where the finding belongs to one.
    pub stage: Option<Stage>,
    /// Where, where that is known.
    pub span: Option<Span>,
    /// The change that mends it, where that is certain.
    pub fix: Option<Fix>,
}

/// The findings of one validation, ordered by project, session, path, place and code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidationReport {
    /// The findings.
    pub diagnostics: Vec<Diagnostic>,
    /// How many sessions were looked at.
    pub sessions: u64,
    /// How many artifacts were looked at.
    pub artifacts: u64,
    /// How many findings the baseline file holds back.
    pub baselined: u64,
    /// How many findings inline comments hold back.
    pub suppressed: u64,
    /// The texts that findings point into, by path: for drawing, not part of the JSON.
    #[serde(skip)]
    pub sources: BTreeMap<String, std::sync::Arc<str>>,
}

impl ValidationReport {
    /// Returns how many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == severity).count()
    }

    /// Tells whether the validation passed; with `strict`, warnings fail too.
    pub fn is_clean(&self, strict: bool) -> bool {
        let limit = if strict { Severity::Warning } else { Severity::Error };
        self.diagnostics.iter().all(|d| d.severity < limit)
    }

    /// Takes in the findings of another report; what both found about a shared file stays one finding.
    pub fn merge(&mut self, other: Self) {
        // Sessions mostly come in their order; then there is nothing to sort.
        let is_behind = match (self.diagnostics.last(), other.diagnostics.first()) {
            (Some(last), Some(first)) => last.order() < first.order(),
            _ => true,
        };
        self.diagnostics.extend(other.diagnostics);
        self.sessions += other.sessions;
        self.artifacts += other.artifacts;
        self.baselined += other.baselined;
        self.suppressed += other.suppressed;
        self.sources.extend(other.sources);
        if !is_behind {
            self.sort();
            self.diagnostics.dedup();
        }
    }

    /// Puts the findings in their order: by project, session, path, place, code and message. A finding about a
    /// file as a whole comes before those that have a place in it.
    pub fn sort(&mut self) {
        self.diagnostics.sort_by(|a, b| a.order().cmp(&b.order()));
    }
}

impl Diagnostic {
    fn order(&self) -> impl Ord + '_ {
        (&self.project, &self.session, &self.path, self.span, &self.code, &self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, code: &str, severity: Severity) -> ValidationReport {
        let diagnostic = Diagnostic {
            code: code.into(),
            name: String::new(),
            severity,
            message: String::new(),
            help: String::new(),
            path: path.into(),
            project: None,
            session: None,
            stage: None,
            span: None,
            fix: None,
        };
        ValidationReport { diagnostics: vec![diagnostic], sessions: 1, ..ValidationReport::default() }
    }

    #[test]
    fn merged_reports_are_in_order_whatever_came_first() {
        let parts = [
            found("b", "IDSE101", Severity::Error),
            found("a", "IDSE103", Severity::Warning),
            found("a", "IDSE101", Severity::Info),
        ];
        let mut forward = ValidationReport::default();
        parts.iter().cloned().for_each(|part| forward.merge(part));
        let mut backward = ValidationReport::default();
        parts.into_iter().rev().for_each(|part| backward.merge(part));
        assert_eq!(forward, backward);
        assert_eq!(forward.sessions, 3);
        let order: Vec<_> = forward.diagnostics.iter().map(|d| (d.path.as_str(), d.code.as_str())).collect();
        assert_eq!(order, [("a", "IDSE101"), ("a", "IDSE103"), ("b", "IDSE101")]);
        forward.merge(backward.clone());
        assert_eq!(forward.diagnostics, backward.diagnostics);
    }

    #[test]
    fn strict_looks_at_warnings_too() {
        let warning = found("a", "IDSE103", Severity::Warning);
        assert!(warning.is_clean(false) && !warning.is_clean(true));
        assert!(!found("a", "IDSE101", Severity::Error).is_clean(false));
        assert!(found("a", "IDSE004", Severity::Info).is_clean(true));
    }
}
