//! The routes that only read.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use idse_core::ErrorKind;
use serde::Deserialize;

use super::{At, In, answer};
use crate::agency;
use crate::app::App;
use crate::form;
use crate::problem::Problem;
use crate::service::filter;
use crate::store::Purpose;

pub(super) async fn status(
    State(app): State<Arc<App>>,
    In(caller): In,
    At(project): At<String>,
) -> Result<Response, Problem> {
    let id = form::project_id(&project)?;
    Ok(answer(&app.work(caller, Purpose::Read, Some(id), move |agency| agency::status(agency, id)).await?))
}

pub(super) async fn session_status(
    State(app): State<Arc<App>>,
    In(caller): In,
    At((project, session)): At<(String, String)>,
) -> Result<Response, Problem> {
    let (id, session) = (form::project_id(&project)?, form::session(&session)?);
    let read = move |agency: &agency::Agency<'_>| agency::session_status(agency, id, &session);
    Ok(answer(&app.work(caller, Purpose::Read, Some(id), read).await?))
}

/// Which projects to list.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    id: Option<String>,
    name: Option<String>,
}

pub(super) async fn projects(
    State(app): State<Arc<App>>,
    In(caller): In,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(which) = which.map_err(|_| {
        Problem::new(ErrorKind::InvalidArgument, "usage", "`id` or `name`, once, is expected in the query")
    })?;
    let filter = filter(which.id.as_deref(), which.name.as_deref())?;
    let list = move |agency: &agency::Agency<'_>| agency::projects(agency, &filter);
    Ok(answer(&app.work(caller, Purpose::Read, None, list).await?))
}

pub(super) async fn blueprints(State(app): State<Arc<App>>, In(caller): In) -> Result<Response, Problem> {
    Ok(answer(&app.work(caller, Purpose::Read, None, agency::blueprints).await?))
}
