//! The list of projects, a page at a time: a server gives at most so many rows an answer and does not say so.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{LESSONS, SupabaseRemote, failure, query, row};
use crate::context::Context;
use crate::error::Result;
use crate::name::ProjectId;
use crate::remote::http::{Call, Response};
use crate::remote::{ProjectFilter, ProjectSummary, RemoteSessionSummary};

/// A list longer than this is no list of projects.
const MOST: usize = 1_000_000;

pub(super) fn projects(
    remote: &SupabaseRemote,
    filter: &ProjectFilter,
    context: &Context,
) -> Result<Vec<ProjectSummary>> {
    let mut found = match filter {
        ProjectFilter::All => all(remote, context)?,
        ProjectFilter::Name(name) => {
            // A name that holds NUL is in no row, and no question.
            if name.contains('\0') || name.len() > 1000 {
                return Ok(Vec::new());
            }
            summaries(&ask(remote, context, |columns| query::named(name, columns))?)?
        }
        ProjectFilter::Id(id) => summaries(&ask(remote, context, |columns| query::read(*id, columns))?)?,
    };
    let time =
        |project: &ProjectSummary| project.updated_at.as_deref().and_then(|t| t.parse::<Timestamp>().ok());
    found.sort_by_cached_key(|project| (Reverse(time(project)), project.project_id));
    Ok(found)
}

fn all(remote: &SupabaseRemote, context: &Context) -> Result<Vec<ProjectSummary>> {
    let mut found: Vec<ProjectSummary> = Vec::new();
    let mut after: Option<ProjectId> = None;
    loop {
        let response = ask(remote, context, |columns| query::page(after, columns))?;
        let page = summaries(&response)?;
        let Some(last) = page.last().map(|project| project.project_id) else { return Ok(found) };
        if after.is_some_and(|after| last <= after) || found.len() > MOST {
            return Err(response.protocol("its pages do not go on"));
        }
        let is_last = total(&response) == Some(page.len() as u64);
        found.extend(page);
        context.step("listing projects", &remote.address, found.len() as u64, None);
        if is_last {
            return Ok(found);
        }
        after = Some(last);
    }
}

/// Asks until the question fits the table.
fn ask(remote: &SupabaseRemote, context: &Context, question: impl Fn(&str) -> Call) -> Result<Response> {
    for _ in 0..LESSONS {
        let asked = remote.shape().clone();
        let call = remote.call(question(&asked.list_columns()));
        let response = remote.client.read(&call, context)?;
        if response.is_success() {
            return Ok(response);
        }
        let code = failure::Code::of(&response);
        if code.code != "42703" || !remote.shape().learn_from_read(&asked, &code) {
            return Err(remote.explain(&response));
        }
    }
    Err(failure::no_agency("the table changes while it is read"))
}

/// Returns how many rows there are in all: what stands behind the slash.
fn total(response: &Response) -> Option<u64> {
    response.header("content-range")?.rsplit_once('/')?.1.parse().ok()
}

fn summaries(response: &Response) -> Result<Vec<ProjectSummary>> {
    let objects = row::objects(response)?;
    objects.iter().map(|object| summary(object).map_err(|why| response.protocol(&why))).collect()
}

fn summary(object: &Map<String, Value>) -> Result<ProjectSummary, String> {
    let state = row::state(object);
    let updated_at = row::text(object, "updated_at");
    let session = RemoteSessionSummary {
        session: state.as_ref().and_then(row::session_of),
        updated_at: updated_at.clone(),
        state,
    };
    Ok(ProjectSummary {
        project_id: row::project_id(object)?,
        name: row::text(object, "name").unwrap_or_default(),
        stack: row::text(object, "stack"),
        framework: row::text(object, "framework"),
        updated_at,
        sessions: vec![session],
    })
}
