//! Findings about the files themselves: missing, empty, unreadable, or in the wrong place.

use crate::artifact::{BlockedReason, Content};
use crate::diagnostic::Severity;
use crate::stage::Stage;

use super::finding::{Sink, shown};
use super::subject::{BlockedSubject, SessionSubject, TextSubject};
use super::{Rule, RuleInfo};

pub(super) struct MissingArtifact;

impl Rule for MissingArtifact {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE001",
            name: "missing-artifact",
            severity: Some(Severity::Error),
            summary: "the artifact of a stage does not exist",
            page: include_str!("pages/missing-artifact.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        for stage in Stage::ALL {
            if subject.session.artifact(stage).content == Content::Absent {
                let path = subject.session.artifact_path(stage);
                sink.file(
                    path,
                    Some(stage),
                    format!("the artifact of the stage `{stage}` does not exist"),
                    format!("Write `{}`, or pull it if the agency has it.", stage.path()),
                );
            }
        }
    }
}

pub(super) struct EmptyArtifact;

impl Rule for EmptyArtifact {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE002",
            name: "empty-artifact",
            severity: Some(Severity::Warning),
            summary: "an artifact holds nothing but white space",
            page: include_str!("pages/empty-artifact.md"),
        }
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        if subject.is_blank() {
            let message = format!("the artifact of the stage `{}` is empty", subject.stage);
            sink.file(
                subject.path.clone(),
                Some(subject.stage),
                message,
                "Write it, or undo what emptied it.",
            );
        }
    }
}

pub(super) struct NotUtf8;

impl Rule for NotUtf8 {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE003",
            name: "not-utf8",
            severity: Some(Severity::Error),
            summary: "an artifact is not UTF-8 text, or holds a NUL character",
            page: include_str!("pages/not-utf8.md"),
        }
    }

    fn check_blocked(&self, subject: &BlockedSubject<'_>, sink: &mut Sink<'_>) {
        let help = "Save the file as UTF-8 without NUL characters.";
        blocked(subject, &[BlockedReason::NotUtf8, BlockedReason::Nul], help, sink);
    }
}

pub(super) struct UnknownArtifact;

impl Rule for UnknownArtifact {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE004",
            name: "unknown-artifact",
            severity: Some(Severity::Info),
            summary: "a Markdown file in a stage folder is no artifact",
            page: include_str!("pages/unknown-artifact.md"),
        }
    }

    fn check_session(&self, subject: &SessionSubject<'_>, sink: &mut Sink<'_>) {
        for file in &subject.session.unknown {
            let stage = Stage::ALL.into_iter().find(|stage| file.split('/').next() == Some(stage.folder()));
            let help = match stage {
                Some(stage) if subject.session.artifact(stage).content == Content::Absent => {
                    format!("If it is the artifact, rename it to `{}`.", stage.path())
                }
                Some(stage) => format!("Only `{}` is validated and synced.", stage.path()),
                None => "It is neither validated nor synced.".to_owned(),
            };
            let path = format!("{}/{file}", subject.session.path);
            sink.file(path, stage, format!("`{}` is no artifact of the pipeline", shown(file)), help);
        }
    }
}

pub(super) struct TooLarge;

impl Rule for TooLarge {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE005",
            name: "too-large",
            severity: Some(Severity::Error),
            summary: "an artifact is larger than the limit",
            page: include_str!("pages/too-large.md"),
        }
    }

    fn check_blocked(&self, subject: &BlockedSubject<'_>, sink: &mut Sink<'_>) {
        let help =
            "Move what is not part of the artifact to another file, or raise the limit in the configuration.";
        blocked(subject, &[BlockedReason::TooLarge], help, sink);
    }
}

pub(super) struct UnreadableArtifact;

impl Rule for UnreadableArtifact {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE006",
            name: "unreadable-artifact",
            severity: Some(Severity::Error),
            summary: "an artifact is a symbolic link, is no regular file, or cannot be read",
            page: include_str!("pages/unreadable-artifact.md"),
        }
    }

    fn check_blocked(&self, subject: &BlockedSubject<'_>, sink: &mut Sink<'_>) {
        let help = "Put a regular file that you may read in its place.";
        let reasons = [BlockedReason::Symlink, BlockedReason::NotAFile, BlockedReason::Unreadable];
        blocked(subject, &reasons, help, sink);
    }
}

fn blocked(subject: &BlockedSubject<'_>, reasons: &[BlockedReason], help: &str, sink: &mut Sink<'_>) {
    if reasons.contains(&subject.blocked.reason) {
        let message = subject.blocked.message.clone();
        sink.file(subject.path.clone(), Some(subject.stage), message, help).span = subject.blocked.span;
    }
}
