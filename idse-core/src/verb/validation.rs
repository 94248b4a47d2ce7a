//! The verbs about texts: what is wrong with them, how they merge, what the rules are.

use serde_json::{Value, json};

use super::Call;
use super::Place;
use super::arguments::{each, parsed, request, usage};
use crate::config::Settings;
use crate::context::Context;
use crate::diagnostic::ValidationReport;
use crate::error::{Error, ErrorKind, Result};
use crate::name::SessionKey;
use crate::report;
use crate::rules::{self, RuleInfo};
use crate::stage::{Stage, StageStatus};
use crate::sync::merge::{self, Merge};
use crate::workspace::Workspace;

request! {
    Validate {
        stages: Vec<String> = "list of stage", "Only these stages; all without it.";
        all: bool = "true or false", "Every session of every project.";
        fix: bool = "true or false", "Mend first what can be mended for certain.";
        update_baseline: bool = "true or false", "Accept today's findings: hold them back from now on.";
    }
}

pub(super) fn validate(call: &Call<'_>) -> Result<Value> {
    let request: Validate = call.request()?;
    if request.update_baseline && (request.fix || !request.stages.is_empty()) {
        return Err(usage("`update_baseline` goes with neither `fix` nor `stages`"));
    }
    let scope = Scope::of(call, &request.stages, request.all)?;
    if request.update_baseline {
        scope.workspace.update_baseline(&scope.keys, call.context)?;
    }
    let report = scope.check(call)?;
    let is_mended = request.fix && !scope.workspace.fix(&report, call.context)?.is_empty();
    Ok(report::document(&if is_mended { scope.check(call)? } else { report }))
}

/// What is checked.
struct Scope {
    workspace: Workspace,
    keys: Vec<SessionKey>,
    stages: Vec<Stage>,
}

impl Scope {
    fn of(call: &Call<'_>, stages: &[String], all: bool) -> Result<Self> {
        if all && !stages.is_empty() {
            return Err(usage("`all` means every stage of every session; it takes no `stages`"));
        }
        let stages = each(stages)?;
        let workspace = call.place.workspace()?;
        let keys = if all { workspace.every_session()?.keys } else { vec![call.place.key(&workspace)?] };
        Ok(Self { workspace, keys, stages })
    }

    fn check(&self, call: &Call<'_>) -> Result<ValidationReport> {
        self.workspace.validate_all(&self.keys, &self.stages, call.context)
    }
}

request! {
    Fix {
        stages: Vec<String> = "list of stage", "Only these stages; all without it.";
        all: bool = "true or false", "Every session of every project.";
        dry_run: bool = "true or false", "Say what would be mended and mend nothing.";
    }
}

pub(super) fn fix(call: &Call<'_>) -> Result<Value> {
    let request: Fix = call.request()?;
    let scope = Scope::of(call, &request.stages, request.all)?;
    let report = scope.check(call)?;
    let files = if request.dry_run {
        scope.workspace.preview_fix(&report)
    } else {
        scope.workspace.fix(&report, call.context)?
    };
    call.answer(&json!({ "files": files, "dry_run": request.dry_run }))
}

request! {
    ValidateText {
        #[required] stage: String = "stage", "The stage whose artifact the text is.";
        #[required] text: String = "text", "The text.";
        status: Option<String> = "status", "How far the stage has come: `in_progress`, unless it is given.";
        path: Option<String> = "text", "What findings call the file: its path, unless it is given.";
    }
}

pub(super) fn validate_text(call: &Call<'_>) -> Result<Value> {
    let request: ValidateText = call.request()?;
    let question = TextQuestion {
        stage: request.stage.parse()?,
        text: &request.text,
        status: parsed(request.status.as_deref())?,
        path: request.path.as_deref(),
    };
    Ok(report::document(&check_text(&call.place, &question, call.context)?))
}

/// A text that is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextQuestion<'a> {
    /// The stage whose artifact it is.
    pub stage: Stage,
    /// The text.
    pub text: &'a str,
    /// How far the stage has come: in progress, unless it is given.
    pub status: Option<StageStatus>,
    /// What findings call the file: its path, unless it is given.
    pub path: Option<&'a str>,
}

/// Checks a text with the settings of its workspace, where there is one. The untouched template is recognised only
/// where the session is named.
///
/// # Errors
/// `InvalidArgument` (`too_large`), `InvalidConfig`; and where the place names what is not there.
pub fn check_text(place: &Place, question: &TextQuestion<'_>, context: &Context) -> Result<ValidationReport> {
    let TextQuestion { stage, text, status, path } = *question;
    let (settings, key) = text_settings(place, context)?;
    let limit = settings.limits.artifact_bytes;
    if text.len() as u64 > limit {
        let message = format!("the text for {stage} has {} bytes; the limit is {limit}", text.len());
        return Err(Error::argument(message).with_reason("too_large").with("stage", stage.name()));
    }
    let status = status.unwrap_or(StageStatus::InProgress);
    let mut diagnostics = rules::validate_text(key.as_ref(), stage, status, text, &settings.validate);
    if let Some(path) = path {
        diagnostics.iter_mut().for_each(|found| path.clone_into(&mut found.path));
    }
    Ok(ValidationReport { diagnostics, artifacts: 1, ..ValidationReport::default() })
}

fn text_settings(place: &Place, context: &Context) -> Result<(Settings, Option<SessionKey>)> {
    match place.workspace() {
        Ok(workspace) => {
            let is_named = place.project.is_some() || place.session.is_some();
            let project = match place.project(&workspace) {
                Err(error) if is_named => return Err(error),
                other => other.ok(),
            };
            let session = parsed(place.session.as_deref())?;
            let key = project.clone().zip(session).map(|(project, session)| SessionKey { project, session });
            Ok((workspace.settings(project.as_ref(), context)?, key))
        }
        Err(error)
            if place.root.is_none()
                && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidWorkspace) =>
        {
            Ok((Settings::load(place.start(), None, context)?, None))
        }
        Err(error) => Err(error),
    }
}

request! {
    MergeText {
        #[required] base: String = "text", "What both began with.";
        #[required] local: String = "text", "What was made of it here.";
        #[required] remote: String = "text", "What was made of it there.";
    }
}

pub(super) fn merge_text(call: &Call<'_>) -> Result<Value> {
    let MergeText { base, local, remote } = call.request()?;
    match merge::merge_text(&base, &local, &remote) {
        Merge::Clean(text) => call.answer(&json!({
            "clean": true, "text": text, "places": 0, "marker_length": null, "structure": null,
        })),
        Merge::Conflict(conflict) => call.answer(&json!({
            "clean": false,
            "text": conflict.marked,
            "places": conflict.places,
            "marker_length": conflict.marker_length,
            "structure": conflict.structure,
        })),
    }
}

request! {
    Explain {
        rule: Option<String> = "text", "A code (`IDSE101`) or a name (`requires-input`); without it, all rules are listed.";
    }
}

pub(super) fn explain(call: &Call<'_>) -> Result<Value> {
    let request: Explain = call.request()?;
    match request.rule {
        Some(rule) => call.answer(&rule_json(&rules::explain(&rule)?)),
        None => call.answer_many(&json!({ "rules": rules::all().iter().map(rule_json).collect::<Vec<_>>() })),
    }
}

fn rule_json(rule: &RuleInfo) -> Value {
    json!({
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.map_or("off", |severity| severity.name()),
        "summary": rule.summary,
        "page": rule.page,
    })
}
