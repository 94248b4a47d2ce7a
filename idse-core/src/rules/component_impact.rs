//! The report of an implementation on the components that it changed.

use crate::diagnostic::Severity;
use crate::stage::{Stage, StageStatus};

use super::finding::Sink;
use super::section_names::{COMPONENT_IMPACT_REPORT, Section};
use super::subject::TextSubject;
use super::{Rule, RuleInfo, is_begun};

pub(super) struct ComponentImpactReport;

impl Rule for ComponentImpactReport {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            code: "IDSE110",
            name: "component-impact-report",
            severity: Some(Severity::Error),
            summary: "an implementation does not say which components it changed",
            page: include_str!("pages/component-impact-report.md"),
        }
    }

    fn applies(&self, status: StageStatus) -> bool {
        is_begun(status)
    }

    fn check_text(&self, subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
        if subject.stage != Stage::Implementation || subject.is_blank() {
            return;
        }
        let outline = subject.outline();
        let section = Section::new(&[COMPONENT_IMPACT_REPORT]);
        let is_report = |index: usize| {
            let name = subject.names().get(index);
            section.as_ref().zip(name).is_some_and(|(section, name)| section.is_named_by(name))
        };
        let mut reports = outline.headings.iter().enumerate().filter(|(index, _)| is_report(*index));
        let Some((first, heading)) = reports.next() else {
            let message = format!("the section “{COMPONENT_IMPACT_REPORT}” is missing");
            let help =
                format!("Add `## {COMPONENT_IMPACT_REPORT}` and list each component as `- **Name** (file)`.");
            sink.file(subject.path.clone(), Some(subject.stage), message, help);
            return;
        };
        let has_entries = |index: usize| {
            let range = outline.headings[index].range.end..outline.section_end(index, subject.text);
            outline.entries_in(range).iter().any(|entry| entry.lead.is_some())
        };
        if !has_entries(first) && !reports.any(|(index, _)| has_entries(index)) {
            let message = format!("the section “{COMPONENT_IMPACT_REPORT}” lists no component");
            let help = "List each changed component as `- **Name** (file)`, or `- None` if there is none.";
            sink.text(subject, heading.range.clone(), message, help);
        }
    }
}
