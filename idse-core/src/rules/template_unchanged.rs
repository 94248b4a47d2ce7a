//! Artifacts of stages that have begun and still are the template.

use crate::diagnostic::Severity;
use crate::stage::StageStatus;
use crate::template;

use super::finding::Sink;
use super::subject::TextSubject;
use super::{Rule, RuleInfo, is_begun};

pub(super) struct TemplateUnchanged;

impl Rule for TemplateUnchanged {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE106",
            name: "template-unchanged",
            severity: Some(Severity::Warning),
            summary: "a stage has begun and its artifact still is the template",
            page: include_str!("pages/template-unchanged.md"),
        }
    }

    fn applies(&self, status: StageStatus) -> bool {
        is_begun(status)
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        if subject.key.is_some_and(|key| template::is_untouched(subject.stage, key, subject.text)) {
            let message =
                format!("`{}` is {} and its artifact still is the template", subject.stage, subject.status);
            let help =
                format!("Write it, or set the stage back with `idse stage set {} pending`.", subject.stage);
            sink.file(subject.path.clone(), Some(subject.stage), message, help);
        }
    }
}
