//! The plan of a push or a pull from what was last seen of the agency: local, and changing nothing.
//!
//! It is as old as the last sync; a dry run asks the agency instead.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::name::{ProjectId, SessionKey};
use crate::remote::RemoteInfo;
use crate::stage::Stage;
use crate::sync::base::Base;
use crate::sync::plan::{Sides, plan_pull, plan_push};
use crate::sync::push::closed_gates;
use crate::sync::status::last_seen;
use crate::sync::store::{Store, StoredBase};
use crate::sync::{PlanReport, PullOptions, PushOptions, Verb, rows};
use crate::workspace::Workspace;

/// Says what a push or a pull of these stages would do, from what was last seen of the agency; no stages means all.
///
/// # Errors
/// `InvalidArgument` (`usage`) for a verb that has no plan; and whatever loading the session reports.
pub fn plan(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &RemoteInfo,
    verb: Verb,
    stages: &[Stage],
    context: &Context,
) -> Result<PlanReport> {
    let store = Store::new(workspace.dir());
    let base = match store.base(&remote.key, key)? {
        StoredBase::Base(base) => Some(*base),
        StoredBase::None | StoredBase::Damaged => None,
    };
    let local = workspace.load(key, context)?;
    let seen = match &base {
        Some(base) => last_seen(&store, base, &local)?,
        None => None,
    };
    let row = seen.unwrap_or_else(|| rows::nothing(ProjectId::new(Uuid::nil()), key));
    let settings = workspace.settings(Some(&key.project), context)?;
    let open = store.conflicts(remote.key.as_str(), key)?;
    let sides = Sides { local: &local, base: base.as_ref(), remote: &row, open: &open };
    let steps = match verb {
        Verb::Push => {
            let gate = closed_gates(&local, workspace, &settings.validate)?;
            let options = PushOptions { stages: stages.to_vec(), ..PushOptions::default() };
            plan_push(&sides, &options, &gate).into_iter().map(|planned| planned.step).collect()
        }
        Verb::Pull => {
            let options = PullOptions { stages: stages.to_vec(), ..PullOptions::default() };
            let agreed = agreed_texts(&store, base.as_ref())?;
            let planned = plan_pull(&sides, &options, &agreed, settings.limits.artifact_bytes);
            planned.into_iter().map(|planned| planned.step).collect()
        }
        Verb::Clone | Verb::Resolve | Verb::Undo | Verb::Settle => {
            return Err(Error::argument("only a push or a pull has a plan").with_reason("usage"));
        }
    };
    Ok(PlanReport {
        verb,
        project: key.project.clone(),
        session: key.session.clone(),
        remote: remote.clone(),
        last_synced: base.and_then(|base| base.updated_at),
        steps,
    })
}

/// Returns the agreed texts that are still in the object store.
pub(crate) fn agreed_texts(store: &Store<'_>, base: Option<&Base>) -> Result<BTreeMap<Stage, String>> {
    let mut texts = BTreeMap::new();
    let Some(base) = base else { return Ok(texts) };
    for stage in Stage::ALL {
        let Some(agreed) = base.stage(stage).agreed else { continue };
        texts.extend(store.text(agreed.object)?.map(|text| (stage, text)));
    }
    Ok(texts)
}
