//! The routes that take a body.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use idse_core::ErrorKind;
use idse_core::remote::Target;

use super::{At, In, answer, body};
use crate::agency;
use crate::app::App;
use crate::form::{self, Pull, Push, StatusChange};
use crate::problem::Problem;
use crate::store::Purpose;

pub(super) async fn push(
    State(app): State<Arc<App>>,
    In(caller): In,
    request: Request,
) -> Result<Response, Problem> {
    let form = Push::read(&body(&app, request).await?)?;
    let project = form.project_id;
    let answered =
        app.work(caller, Purpose::Write, project, move |agency| agency::push(agency, form)).await?;
    Ok(answer(&answered))
}

pub(super) async fn pull(
    State(app): State<Arc<App>>,
    In(caller): In,
    request: Request,
) -> Result<Response, Problem> {
    let form = Pull::read(&body(&app, request).await?)?;
    let project = Some(form.project_id);
    let answered =
        app.work(caller, Purpose::Read, project, move |agency| agency::pull(agency, &form)).await?;
    Ok(answer(&answered))
}

pub(super) async fn change_status(
    State(app): State<Arc<App>>,
    In(caller): In,
    At((project, session)): At<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    let target = Target { project_id: form::project_id(&project)?, session: form::session(&session)? };
    let change = StatusChange::read(&body(&app, request).await?)?;
    let project = Some(target.project_id);
    let changed = move |agency: &agency::Agency<'_>| agency::change(agency, &target, &change);
    Ok(answer(&app.work(caller, Purpose::Write, project, changed).await?))
}

/// Nothing that was authored is removed over the wire: whoever may do that has the store itself.
pub(super) async fn delete(In(_): In) -> Problem {
    Problem::new(ErrorKind::InvalidArgument, "usage", "this gateway removes no sessions")
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
        .with_hint("Remove the session in the store itself, where a copy of it can be made first.")
        .with_header(header::ALLOW, HeaderValue::from_static(""))
}
