//! The gate: which stages validation lets through, and what a push in the place of another session sends.

use std::collections::BTreeMap;

use crate::config::{Gate, ValidateSettings};
use crate::diagnostic::Severity;
use crate::error::Result;
use crate::remote::RemoteText;
use crate::rules;
use crate::session::Session;
use crate::stage::{Stage, StageStatus};
use crate::sync::engine::Located;
use crate::sync::plan::PushStep;
use crate::sync::{Action, Class};
use crate::text::Digest;
use crate::workspace::Workspace;

/// Returns a sentence for every stage that validation does not let through.
pub(crate) fn closed(
    local: &Session,
    workspace: &Workspace,
    settings: &ValidateSettings,
) -> Result<BTreeMap<Stage, String>> {
    let mut closed = BTreeMap::new();
    if settings.gate == Gate::Off {
        return Ok(closed);
    }
    let report = workspace.apply_baseline(rules::validate(local, &[], settings))?;
    for stage in Stage::ALL {
        let status = local.state.status(stage);
        // That a complete stage has errors (IDSE202) says the same once more.
        let of_stage = report.diagnostics.iter().filter(|d| d.stage == Some(stage) && d.code != "IDSE202");
        let (limit, when) = match settings.gate {
            Gate::Strict => (Severity::Warning, "the gate is strict"),
            _ if status == StageStatus::Complete => (Severity::Error, "it is marked complete"),
            _ => continue,
        };
        let count = of_stage.filter(|d| d.severity >= limit).count();
        if count > 0 {
            let findings = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
            closed.insert(stage, format!("{when} but has {findings}; run `idse validate {stage}`"));
        }
    }
    Ok(closed)
}

/// The row holds another session: every text of it is replaced, by ours or by nothing.
pub(super) fn replace_all(
    steps: &mut [PushStep],
    local: &Session,
    located: &Located,
    gate: &BTreeMap<Stage, String>,
) {
    for PushStep { step, status, sends } in steps {
        let remote = located.row.texts.get(&step.stage).and_then(RemoteText::text);
        if matches!(step.class, Class::Blocked | Class::Unmapped) {
            continue;
        }
        step.action = match (local.artifact(step.stage).text(), remote) {
            (Some(_), _) if gate.contains_key(&step.stage) => Action::Refuse,
            (Some(text), Some(remote)) if Digest::of(text) == Digest::of(remote) => Action::Record,
            (Some(_), _) => Action::Send,
            (None, Some(_)) => Action::SendNull,
            (None, None) => Action::None,
        };
        *sends = matches!(step.action, Action::Send | Action::SendNull);
        step.message = gate.get(&step.stage).filter(|_| step.action == Action::Refuse).cloned();
        *status = Some(local.state.status(step.stage));
    }
}
