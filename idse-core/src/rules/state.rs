//! What the state and metadata of a session say, against each other and against the artifacts.

use crate::artifact::Content;
use crate::diagnostic::Severity;
use crate::name::{SessionId, did_you_mean};
use crate::session::FileRole;
use crate::stage::{Stage, StageStatus};

use super::finding::{Sink, shown};
use super::subject::{SessionSubject, TextSubject};
use super::{Rule, RuleInfo, index};

pub(super) struct StageOrder;

impl Rule for StageOrder {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE201",
            name: "stage-order",
            severity: Some(Severity::Error),
            summary: "a stage is complete while an earlier one is not",
            page: include_str!("pages/stage-order.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        let status = |stage| subject.session.state.status(stage);
        let open: Vec<_> =
            Stage::ALL.into_iter().filter(|stage| status(*stage) != StageStatus::Complete).collect();
        for stage in Stage::ALL.into_iter().filter(|stage| status(*stage) == StageStatus::Complete) {
            if let Some(earlier) = open.first().filter(|earlier| **earlier < stage) {
                sink.file(
                    subject.state_path(),
                    Some(stage),
                    format!("`{stage}` is complete while `{earlier}` is {}", status(*earlier)),
                    format!("Complete `{earlier}` first, or reopen `{stage}` with `idse stage set {stage} in_progress`."),
                );
            }
        }
    }
}

pub(super) struct StateContradictsArtifact;

impl Rule for StateContradictsArtifact {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE202",
            name: "state-contradicts-artifact",
            severity: Some(Severity::Error),
            summary: "a stage is marked complete and its artifact is empty or has errors",
            page: include_str!("pages/state-contradicts-artifact.md"),
        }
    }

    fn check_outcome(&self, subject: &SessionSubject<'_>, errors: &[usize; 7], sink: &mut Sink<'_>) {
        for stage in Stage::ALL {
            let is_empty = subject.text(stage).is_some_and(TextSubject::is_blank);
            let count = errors[index(stage)];
            if subject.session.state.status(stage) != StageStatus::Complete || (count == 0 && !is_empty) {
                continue;
            }
            let why = match count {
                0 => "is empty".to_owned(),
                _ if subject.session.artifact(stage).content == Content::Absent => {
                    "does not exist".to_owned()
                }
                1 => "has an error".to_owned(),
                _ => format!("has {count} errors"),
            };
            sink.file(
                subject.session.artifact_path(stage),
                Some(stage),
                format!("`{stage}` is marked complete, but its artifact {why}"),
                format!("Mend the artifact, or reopen the stage with `idse stage set {stage} in_progress`."),
            );
        }
    }
}

pub(super) struct UnknownStageOrStatus;

impl Rule for UnknownStageOrStatus {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE203",
            name: "unknown-stage-or-status",
            severity: Some(Severity::Error),
            summary: "the state names a stage or a status that does not exist",
            page: include_str!("pages/unknown-stage-or-status.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        for (key, status) in subject.session.state.unknown_entries() {
            let stage = key.parse::<Stage>().ok();
            let (message, names) = match stage {
                Some(stage) => (
                    format!("the status of `{stage}` is `{}`, which is no status", shown(&status)),
                    StageStatus::ALL.map(StageStatus::name).to_vec(),
                ),
                None => (format!("`{}` is no stage", shown(&key)), Stage::ALL.map(Stage::name).to_vec()),
            };
            let wrong = if stage.is_some() { &status } else { &key };
            let help = match did_you_mean(&wrong.to_lowercase(), names.iter().copied()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("Use one of {}.", names.join(", ")),
            };
            sink.file(subject.state_path(), stage, message, help);
        }
    }
}

pub(super) struct InvalidSessionState;

impl Rule for InvalidSessionState {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE204",
            name: "invalid-session-state",
            severity: Some(Severity::Error),
            summary: "`session_state.json` cannot be used",
            page: include_str!("pages/invalid-session-state.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        let help = "Mend the file, or remove it: a session without state has all stages pending.";
        problems(subject, FileRole::State, help, sink);
    }
}

pub(super) struct CurrentSessionMissing;

impl Rule for CurrentSessionMissing {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE205",
            name: "current-session-missing",
            severity: Some(Severity::Error),
            summary: "`CURRENT_SESSION` names no session of the project",
            page: include_str!("pages/current-session-missing.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        problems(subject, FileRole::Pointer, "Choose a session with `idse session switch ID`.", sink);
    }
}

pub(super) struct InvalidSessionMetadata;

impl Rule for InvalidSessionMetadata {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE206",
            name: "invalid-session-metadata",
            severity: Some(Severity::Error),
            summary: "`metadata/session.json` cannot be used or contradicts its folder",
            page: include_str!("pages/invalid-session-metadata.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        problems(subject, FileRole::Metadata, "Mend the file.", sink);
        let Some(metadata) = &subject.session.metadata else { return };
        let session = &subject.session.key.session;
        let mut report = |message: String, help: String| {
            sink.file(subject.metadata_path(), None, message, help);
        };
        if let Some(id) = metadata.text("session_id").filter(|id| *id != session.as_str()) {
            report(
                format!("`session_id` is `{}`, but the folder is `{session}`", shown(id)),
                format!("Set `session_id` to `{session}`."),
            );
        }
        if let Some(kind) = metadata.text("session_type").filter(|_| metadata.session_type().is_none()) {
            report(
                format!("`session_type` is `{}`, which is no type of session", shown(kind)),
                "Use blueprint, feature or exploratory.".to_owned(),
            );
        }
        if let Some(parent) =
            metadata.text("parent_session").filter(|parent| parent.parse::<SessionId>().is_err())
        {
            report(
                format!("`parent_session` is `{}`, which can be the name of no session", shown(parent)),
                "Name a session, or set it to null.".to_owned(),
            );
        }
    }
}

fn problems(subject: &SessionSubject<'_>, file: FileRole, help: &str, sink: &mut Sink<'_>) {
    for problem in subject.session.problems.iter().filter(|problem| problem.file == file) {
        let message = match problem.position {
            Some((line, column)) => format!("{} (line {line}, column {column})", problem.message),
            None => problem.message.clone(),
        };
        sink.file(problem.path.clone(), None, message, help);
    }
}
