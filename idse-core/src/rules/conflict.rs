//! Stages whose last pull ended in a conflict that nobody has resolved yet.

use crate::diagnostic::Severity;

use super::finding::Sink;
use super::subject::SessionSubject;
use super::{Rule, RuleInfo};

pub(super) struct ConflictOpen;

impl Rule for ConflictOpen {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE401",
            name: "conflict-open",
            severity: Some(Severity::Error),
            summary: "a stage has a conflict that is not resolved",
            page: include_str!("pages/conflict-open.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        for stage in &subject.session.open_conflicts {
            sink.file(
                subject.session.artifact_path(*stage),
                Some(*stage),
                format!("`{stage}` has an open conflict between the local and the remote text"),
                format!("Resolve it with `idse sync resolve {stage} --local`, `--remote` or `--merged`."),
            );
        }
    }
}
