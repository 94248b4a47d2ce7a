//! The checks: one list, from which validation, help, documentation and tests are made.
//!
//! Everything here is pure; who reads the disk and who refuses a push are `workspace` and `sync`.

mod baseline;
mod component_impact;
mod conflict;
mod docs;
mod engine;
mod files;
mod finding;
mod fix;
mod markers;
mod meta;
mod section_names;
mod sections;
mod selection;
mod state;
mod subject;
mod suppression;
mod template_unchanged;
mod trace;

use crate::diagnostic::Severity;
use crate::error::{Error, Result};
use crate::name::did_you_mean;
use crate::stage::{Stage, StageStatus};

pub(crate) use baseline::Fingerprints;
pub use baseline::{BASELINE_PATH, Baseline};
pub use docs::reference;
pub use engine::{validate, validate_text};
pub use fix::apply_fixes;

use finding::Sink;
use subject::{BlockedSubject, SessionSubject, TextSubject};

/// What a rule says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo {
    /// `IDSE101`.
    pub code: &'static str,
    /// `requires-input`.
    pub name: &'static str,
    /// `None` is off.
    pub severity: Option<Severity>,
    /// One line.
    pub summary: &'static str,
    /// The page, as Markdown.
    pub page: &'static str,
}

/// A check. It overrides the one of the four functions that sees what it needs.
trait Rule: Sync {
    /// Returns what the rule says about itself.
    fn info(&self) -> RuleInfo;

    /// Tells whether the rule looks at a stage with this status.
    fn applies(&self, _status: StageStatus) -> bool {
        true
    }

    /// Looks at one artifact that has a text.
    fn check_text(&self, _text: &TextSubject<'_>, _sink: &mut Sink<'_>) {}

    /// Looks at one artifact that cannot be taken as a text.
    fn check_blocked(&self, _file: &BlockedSubject<'_>, _sink: &mut Sink<'_>) {}

    /// Looks at a session as a whole.
    fn check_session(&self, _session: &SessionSubject<'_>, _sink: &mut Sink<'_>) {}

    /// Looks at what the other rules found: how many errors each stage has, suppressed ones left out.
    fn check_outcome(&self, _session: &SessionSubject<'_>, _errors: &[usize; 7], _sink: &mut Sink<'_>) {}
}

/// Every rule, by code. Codes are permanent: a retired one stays here as a comment and is never used again.
const RULES: &[&dyn Rule] = &[
    &files::MissingArtifact,
    &files::EmptyArtifact,
    &files::NotUtf8,
    &files::UnknownArtifact,
    &files::TooLarge,
    &files::UnreadableArtifact,
    &markers::RequiresInput,
    &markers::TemplatePlaceholder,
    &sections::MissingSection,
    &sections::EmptySection,
    &sections::DuplicateSection,
    &template_unchanged::TemplateUnchanged,
    &component_impact::ComponentImpactReport,
    &state::StageOrder,
    &state::StateContradictsArtifact,
    &state::UnknownStageOrStatus,
    &state::InvalidSessionState,
    &state::CurrentSessionMissing,
    &state::InvalidSessionMetadata,
    &trace::DuplicateRequirementId,
    &trace::RequirementWithoutAcceptance,
    &trace::TaskReferencesUnknownRequirement,
    &conflict::ConflictOpen,
    &meta::UnknownRuleInConfig,
    &meta::UnusedSuppression,
];

/// Lists the rules by code.
///
/// ```
/// let codes: Vec<_> = idse_core::rules::all().iter().map(|rule| rule.code).collect();
/// assert!(codes.contains(&"IDSE101") && codes.is_sorted());
/// ```
pub fn all() -> Vec<RuleInfo> {
    RULES.iter().map(|rule| rule.info()).collect()
}

/// Finds a rule by code or name; letter case does not matter.
///
/// ```
/// use idse_core::rules::explain;
/// assert_eq!(explain("requires-input")?.code, "IDSE101");
/// assert_eq!(explain("reqires-input").unwrap_err().hint(), Some("Did you mean `requires-input`?"));
/// # Ok::<(), idse_core::Error>(())
/// ```
///
/// # Errors
/// `NotFound`, with the nearest name.
pub fn explain(rule: &str) -> Result<RuleInfo> {
    all().into_iter().find(|info| info.is_called(rule)).ok_or_else(|| {
        let hint = nearest(rule).map_or_else(
            || "`idse rule` lists the rules.".to_owned(),
            |near| format!("Did you mean `{near}`?"),
        );
        Error::not_found(format!("there is no rule `{rule}`"))
            .with_reason("rule")
            .with_hint(hint)
            .with("rule", rule)
    })
}

impl RuleInfo {
    /// Tells whether `text` is the code or the name of the rule.
    fn is_called(&self, text: &str) -> bool {
        self.code.eq_ignore_ascii_case(text) || self.name.eq_ignore_ascii_case(text)
    }
}

/// Returns the name, or the code, that a mistyped `text` most likely meant.
fn nearest(text: &str) -> Option<&'static str> {
    let infos = all();
    let is_code = text.len() >= 4 && text.as_bytes()[..4].eq_ignore_ascii_case(b"IDSE");
    did_you_mean(text, infos.iter().map(|info| if is_code { info.code } else { info.name }))
}

/// Returns what to type to see the page of a rule.
pub(crate) fn explain_command(code: &str) -> String {
    format!("idse rule {code}")
}

/// Tells whether a stage with this status is being worked on; a pending one may still be the bare template.
fn is_begun(status: StageStatus) -> bool {
    status >= StageStatus::InProgress
}

/// Returns the place of a stage in arrays by stage.
fn index(stage: Stage) -> usize {
    stage as usize
}
