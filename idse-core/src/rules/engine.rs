//! Runs the rules over a session or a single text, and turns their findings into diagnostics.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::artifact::{Blocked, Content};
use crate::config::ValidateSettings;
use crate::diagnostic::{Diagnostic, Severity, ValidationReport};
use crate::markdown::Positions;
use crate::name::SessionKey;
use crate::session::Session;
use crate::stage::{Stage, StageStatus};

use super::finding::{Finding, Sink};
use super::selection::Selection;
use super::subject::{BlockedSubject, SessionSubject, TextSubject};
use super::suppression::{self, Suppressions};
use super::{RULES, index, meta};

/// Validates a session; `stages` empty means all. Pure: the same input gives the same report.
///
/// Findings about the session as a whole are reported whatever the stages.
pub fn validate(session: &Session, stages: &[Stage], settings: &ValidateSettings) -> ValidationReport {
    let selection = Selection::new(settings);
    let subject = SessionSubject::new(session, settings);
    let is_wanted = |stage: Stage| stages.is_empty() || stages.contains(&stage);
    let wanted = || subject.texts.iter().flatten().filter(|text| is_wanted(text.stage));

    let mut sink = Sink::new(&selection);
    meta::check_settings(settings, &mut sink);
    wanted().for_each(|text| check_text(text, &mut sink));
    for file in subject.blocked() {
        each_rule(&mut sink, |rule, sink| RULES[rule].check_blocked(&file, sink));
    }
    each_rule(&mut sink, |rule, sink| RULES[rule].check_session(&subject, sink));
    let mut findings = sink.findings;
    findings.retain(|finding| finding.stage.is_none_or(is_wanted));

    let mut suppressed = 0;
    for text in wanted() {
        suppressed += suppress(text, &selection, suppression::Scope::Session, &mut findings);
    }
    let mut sink = Sink::new(&selection);
    let errors = errors_by_stage(&findings);
    each_rule(&mut sink, |rule, sink| RULES[rule].check_outcome(&subject, &errors, sink));
    findings.extend(sink.findings.into_iter().filter(|finding| finding.stage.is_none_or(is_wanted)));

    let artifacts = Stage::ALL
        .into_iter()
        .filter(|stage| is_wanted(*stage) && session.artifact(*stage).content != Content::Absent);
    let mut report = ValidationReport {
        sessions: 1,
        artifacts: artifacts.count() as u64,
        suppressed,
        sources: sources(session, &findings),
        diagnostics: resolve(findings, Some(&session.key), |path| {
            subject.texts.iter().flatten().find(|text| text.path == path).map(|text| text.text)
        }),
        ..ValidationReport::default()
    };
    report.sort();
    report
}

/// Validates one text as the artifact of a stage, as an editor holds it before it is saved.
///
/// What needs the other artifacts or the state is left out. Without `key`, paths are those inside a session, and
/// the untouched template cannot be recognised.
///
/// ```
/// use idse_core::{Stage, StageStatus, config::ValidateSettings, rules};
/// let text = "## Phase 1\n\n- [REQUIRES INPUT]\n";
/// let found = rules::validate_text(None, Stage::Tasks, StageStatus::Pending, text, &ValidateSettings::default());
/// assert_eq!((found[0].code.as_str(), found[0].span.unwrap().start.line), ("IDSE101", 3));
/// ```
pub fn validate_text(
    key: Option<&SessionKey>,
    stage: Stage,
    status: StageStatus,
    text: &str,
    settings: &ValidateSettings,
) -> Vec<Diagnostic> {
    let selection = Selection::new(settings);
    let subject = TextSubject::new(key, stage, status, text, settings);
    let mut sink = Sink::new(&selection);
    let findings = match Blocked::of_text(text, &subject.path) {
        // As on the disk: what cannot be taken as a text has this one finding, whatever else is written there.
        Some(blocked) => {
            let file = BlockedSubject { stage, path: subject.path, blocked: &blocked };
            each_rule(&mut sink, |rule, sink| RULES[rule].check_blocked(&file, sink));
            sink.findings
        }
        None => {
            check_text(&subject, &mut sink);
            let mut findings = sink.findings;
            suppress(&subject, &selection, suppression::Scope::Text, &mut findings);
            findings
        }
    };
    let mut report = ValidationReport {
        diagnostics: resolve(findings, key, |_| Some(text)),
        ..ValidationReport::default()
    };
    report.sort();
    report.diagnostics
}

fn each_rule<'a>(sink: &mut Sink<'a>, mut check: impl FnMut(usize, &mut Sink<'a>)) {
    for rule in 0..RULES.len() {
        if sink.turn_to(rule) {
            check(rule, sink);
        }
    }
}

fn check_text(subject: &TextSubject<'_>, sink: &mut Sink<'_>) {
    each_rule(sink, |rule, sink| {
        if RULES[rule].applies(subject.status) {
            RULES[rule].check_text(subject, sink);
        }
    });
}

/// Takes out what comments in the text hold back, adds what is wrong with the comments, and counts.
fn suppress(
    subject: &TextSubject<'_>,
    selection: &Selection,
    scope: suppression::Scope,
    findings: &mut Vec<Finding>,
) -> u64 {
    let Some(mut suppressions) = Suppressions::of(subject) else { return 0 };
    let before = findings.len();
    findings.retain(|finding| finding.path != subject.path || !suppressions.hold_back(finding));
    let suppressed = before - findings.len();
    let mut sink = Sink::new(selection);
    meta::check_suppressions(subject, &suppressions, selection, scope, &mut sink);
    findings.append(&mut sink.findings);
    suppressed as u64
}

fn errors_by_stage(findings: &[Finding]) -> [usize; 7] {
    let mut errors = [0; 7];
    for finding in findings {
        if let Some(stage) = finding.stage
            && finding.severity == Severity::Error
            && !RULES[finding.rule].info().code.starts_with("IDSE2")
        {
            errors[index(stage)] += 1;
        }
    }
    errors
}

/// Returns the texts that findings point into.
fn sources(session: &Session, findings: &[Finding]) -> BTreeMap<String, Arc<str>> {
    let mut sources = BTreeMap::new();
    for stage in Stage::ALL {
        let path = session.artifact_path(stage);
        if let Content::Text(text) = &session.artifact(stage).content
            && findings.iter().any(|finding| finding.range.is_some() && finding.path == path)
        {
            sources.insert(path, Arc::clone(text));
        }
    }
    sources
}

/// Turns findings into diagnostics, text by text.
fn resolve<'a>(
    mut findings: Vec<Finding>,
    key: Option<&SessionKey>,
    text_at: impl Fn(&str) -> Option<&'a str>,
) -> Vec<Diagnostic> {
    findings.sort_by(|a, b| a.path.cmp(&b.path));
    let mut diagnostics = Vec::with_capacity(findings.len());
    let mut rest = findings.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut group = vec![first];
        while let Some(next) = rest.next_if(|next| next.path == group[0].path) {
            group.push(next);
        }
        let text = text_at(&group[0].path).unwrap_or_default();
        let positions = Positions::new(text, group.iter().flat_map(Finding::offsets));
        diagnostics.extend(group.into_iter().map(|finding| finding.resolve(key, &positions)));
    }
    diagnostics
}
