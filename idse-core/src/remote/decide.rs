//! Whether a push may be written: the one decision that every remote of this crate with its own store makes.
//!
//! It is pure. Reading what is there and writing what was decided belong to the store.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::name::OpId;
use crate::remote::{PushOutcome, PushRequest, Revision};
use crate::stage::Stage;
use crate::text::Digest;

/// What a row holds, as far as a push asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) revision: Revision,
    /// The digests of the texts that are there.
    pub(super) texts: BTreeMap<Stage, Digest>,
    /// The digest of the state, where it is an object.
    pub(super) state: Option<Digest>,
}

/// What is there before a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Before {
    NoProject,
    NoSession,
    Row(Held),
}

/// What a push does to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// Make the project and the row.
    CreateProject,
    /// Make the row.
    CreateRow,
    /// Change the row.
    Update { in_step: bool },
    /// Nothing; this is the answer.
    Refuse(PushOutcome),
}

/// Decides whether a push may be written over what is there.
pub(super) fn decide(request: &PushRequest, before: &Before) -> Result<Decision> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = request.items.iter().find(|item| !seen.insert(item.stage)) {
        return Err(Error::argument(format!("the push names {} twice", twice.stage))
            .with_reason("stage")
            .with("stage", twice.stage.name()));
    }
    Ok(match before {
        Before::NoProject
            if request.create.is_some() && request.revision.is_none() && expects_nothing(request) =>
        {
            Decision::CreateProject
        }
        Before::NoProject => Decision::Refuse(PushOutcome::Missing),
        Before::NoSession if request.revision.is_some() => Decision::Refuse(PushOutcome::Missing),
        Before::NoSession => match differences(request, &BTreeMap::new(), None) {
            None => Decision::CreateRow,
            Some(differs) => Decision::Refuse(differs),
        },
        Before::Row(held) => match differences(request, &held.texts, held.state) {
            None => Decision::Update { in_step: request.revision.as_ref() == Some(&held.revision) },
            Some(differs) => Decision::Refuse(differs),
        },
    })
}

fn expects_nothing(request: &PushRequest) -> bool {
    differences(request, &BTreeMap::new(), None).is_none()
}

fn differences(
    request: &PushRequest,
    texts: &BTreeMap<Stage, Digest>,
    held_state: Option<Digest>,
) -> Option<PushOutcome> {
    let stages: Vec<_> = request
        .items
        .iter()
        .filter(|item| item.expected != texts.get(&item.stage).copied())
        .map(|item| item.stage)
        .collect();
    let state = request.state.as_ref().is_some_and(|state| state.expected != held_state);
    (state || !stages.is_empty()).then_some(PushOutcome::Differs { stages, state })
}

/// Returns the version of a row: a counter that never goes back, and who wrote last.
///
/// The operation keeps the versions of two stores apart that counted to the same number: a file that was deleted
/// or restored from a copy starts over.
pub(super) fn revision(counter: i64, op: &str) -> Revision {
    Revision::new(format!("{counter}-{op}"))
}

/// Returns the part of an operation id that goes into a revision.
pub(super) fn op_mark(op: OpId) -> String {
    op.uuid().simple().to_string().split_off(20)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::remote::{PushItem, Target};

    fn request(expected: Option<&str>, revision: Option<&str>) -> PushRequest {
        PushRequest {
            target: Target { project_id: crate::ProjectId::new(Uuid::nil()), session: "s".parse().unwrap() },
            op: OpId::new(Uuid::nil()),
            revision: revision.map(Revision::new),
            items: vec![PushItem {
                stage: Stage::Spec,
                text: Some("new".into()),
                expected: expected.map(Digest::of),
            }],
            state: None,
            create: Some(crate::remote::NewProject {
                name: "p".parse().unwrap(),
                stack: None,
                framework: None,
            }),
        }
    }

    fn row(text: Option<&str>) -> Before {
        Before::Row(Held {
            revision: Revision::new("7"),
            texts: text.map(|t| (Stage::Spec, Digest::of(t))).into_iter().collect(),
            state: None,
        })
    }

    #[test]
    fn every_case_has_its_answer() {
        let differs = || Decision::Refuse(PushOutcome::Differs { stages: vec![Stage::Spec], state: false });
        let missing = || Decision::Refuse(PushOutcome::Missing);
        for (request, before, want) in [
            (request(None, None), Before::NoProject, Decision::CreateProject),
            (request(Some("a"), None), Before::NoProject, missing()),
            (request(None, Some("7")), Before::NoProject, missing()),
            (request(None, None), Before::NoSession, Decision::CreateRow),
            (request(Some("a"), None), Before::NoSession, differs()),
            (request(None, Some("7")), Before::NoSession, missing()),
            (request(None, None), row(None), Decision::Update { in_step: false }),
            (
                request(Some("a"), Some("7")),
                row(Some("a\r\n".trim_end())),
                Decision::Update { in_step: true },
            ),
            (request(Some("a\n"), Some("6")), row(Some("a\r\n")), Decision::Update { in_step: false }),
            (request(Some("a"), Some("7")), row(Some("b")), differs()),
            (request(None, Some("7")), row(Some("")), differs()),
            (request(Some(""), Some("7")), row(None), differs()),
        ] {
            assert_eq!(decide(&request, &before).unwrap(), want, "{request:?} on {before:?}");
        }
    }

    #[test]
    fn a_stage_named_twice_is_refused() {
        let mut twice = request(None, None);
        twice.items.push(twice.items[0].clone());
        assert_eq!(decide(&twice, &row(None)).unwrap_err().kind(), crate::ErrorKind::InvalidArgument);
    }
}
