//! How the gateway feels, for people and for those who start and stop it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::answer;
use crate::agency;
use crate::app::App;

/// The body that existing clients read; 200 also where the store is not well, as they expect.
pub(super) async fn health(State(app): State<Arc<App>>) -> Response {
    answer(&agency::health(&app.health().await, &app.store().info()))
}

/// The process answers.
pub(super) async fn live() -> Response {
    answer(&json!({"status": "ok"}))
}

/// The process may get requests: the store answers, and nobody asked the gateway to end.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let (status, word) = if app.is_stopping() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if app.health().await.healthy {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the store is not well")
    };
    (status, answer(&json!({"status": word}))).into_response()
}
