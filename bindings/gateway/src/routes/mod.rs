//! The routes: which path and method leads where, and what it asks of its caller.

mod docs;
mod health;
mod read;
mod sync;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request};
use axum::handler::Handler;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri, request::Parts};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use idse_core::ErrorKind;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tower_http::cors::CorsLayer;

use crate::app::App;
use crate::auth::{Caller, Scope};
use crate::problem::Problem;
use crate::{gate, json};

/// How long a client may take to send a body.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

/// A router that remembers what leads where.
struct Routes {
    app: Arc<App>,
    router: Router<Arc<App>>,
    list: Vec<(&'static str, &'static str)>,
}

impl Routes {
    fn add<H, T>(&mut self, method: &'static str, path: &'static str, scope: Option<Scope>, handler: H)
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let filter = match method {
            "POST" => MethodFilter::POST,
            "PUT" => MethodFilter::PUT,
            "DELETE" => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        let mut route = on(filter, handler);
        if let Some(scope) = scope {
            let app = self.app.clone();
            route = route
                .route_layer(from_fn(move |request, next| gate::admit(app.clone(), scope, request, next)));
        }
        self.router = std::mem::take(&mut self.router).route(path, route);
        self.list.push((method, path));
    }
}

fn routes(app: &Arc<App>) -> Routes {
    let mut routes = Routes { app: app.clone(), router: Router::new(), list: Vec::new() };
    let (read, write) = (Some(Scope::Read), Some(Scope::Write));
    routes.add("POST", "/sync/push", write, sync::push);
    routes.add("POST", "/sync/pull", read, sync::pull);
    routes.add("GET", "/sync/status/{project_id}", read, read::status);
    routes.add("GET", "/sync/status/{project_id}/{session_id}", read, read::session_status);
    routes.add("PUT", "/sync/status/{project_id}/{session_id}", write, sync::change_status);
    routes.add("GET", "/sync/projects", read, read::projects);
    routes.add("GET", "/sync/blueprints", read, read::blueprints);
    routes.add("DELETE", "/sync/sessions/{project}/{session_id}", write, sync::delete);
    routes.add("GET", "/sync/health", None, health::health);
    routes.add("GET", "/livez", None, health::live);
    routes.add("GET", "/readyz", None, health::ready);
    routes.add("GET", "/openapi.json", None, docs::document);
    routes.add("GET", "/docs", None, docs::page);
    routes.add("GET", "/", None, docs::home);
    routes
}

/// Returns every route as method and path.
pub fn list(app: &Arc<App>) -> Vec<(&'static str, &'static str)> {
    routes(app).list
}

/// Returns the gateway as a service.
pub fn router(app: &Arc<App>) -> Router {
    routes(app)
        .router
        .method_not_allowed_fallback(wrong_method)
        .fallback(not_found)
        .layer(from_fn_with_state(app.clone(), gate::guard))
        .layer(cors(&app.options.origins))
        .layer(from_fn(gate::observe))
        .with_state(app.clone())
}

/// Lets pages of the listed origins call, with a token but never with cookies; without a list, none.
fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<_> = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()).collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static("x-request-id")])
        .max_age(Duration::from_secs(600))
}

async fn wrong_method() -> Problem {
    Problem::new(ErrorKind::InvalidArgument, "usage", "Method Not Allowed")
        .with_status(StatusCode::METHOD_NOT_ALLOWED)
}

/// Answers to a path that leads nowhere; one that only ends in a slash too many is sent on, as existing gateways do.
async fn not_found(uri: Uri) -> Response {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    if trimmed.len() < path.len()
        && trimmed.starts_with("/sync/")
        && let Ok(location) = HeaderValue::from_str(trimmed)
    {
        return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response();
    }
    Problem::new(ErrorKind::NotFound, "", "Not Found").into_response()
}

/// The caller that the gate let in.
struct In(Caller);

impl FromRequestParts<Arc<App>> for In {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, Problem> {
        parts.extensions.get::<Caller>().cloned().map(Self).ok_or_else(gate::no_caller)
    }
}

/// The variable parts of a path.
struct At<T>(T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for At<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, app).await {
            Ok(Path(at)) => Ok(Self(at)),
            Err(_) => Err(Problem::new(ErrorKind::InvalidArgument, "usage", "the path is not UTF-8 text")),
        }
    }
}

/// Reads the body of a request as one JSON object.
async fn body(app: &App, request: Request) -> Result<Map<String, Value>, Problem> {
    let (parts, body) = request.into_parts();
    if let Some(kind) = parts.headers.get(header::CONTENT_TYPE) {
        let essence = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            let detail = "the body must be sent as application/json";
            return Err(Problem::new(ErrorKind::InvalidArgument, "media_type", detail));
        }
    }
    if parts.headers.contains_key(header::CONTENT_ENCODING) {
        let detail = "the body must be sent without a content encoding";
        return Err(Problem::new(ErrorKind::InvalidArgument, "media_type", detail));
    }
    let limit = app.options.body_bytes;
    let length =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large(limit));
    }
    let patience = BODY_PATIENCE.min(app.options.request_time);
    let bytes = match tokio::time::timeout(patience, read(body, limit)).await {
        Ok(bytes) => bytes?,
        Err(_) => {
            let detail = "the body did not arrive in time; nothing was done";
            return Err(Problem::new(ErrorKind::InvalidArgument, "usage", detail)
                .with_status(StatusCode::REQUEST_TIMEOUT)
                .with_header(header::CONNECTION, HeaderValue::from_static("close")));
        }
    };
    json::object(&bytes)
}

async fn read(body: Body, limit: usize) -> Result<axum::body::Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(limit)),
        Err(_) => {
            Err(Problem::new(ErrorKind::InvalidArgument, "usage", "the body broke off; nothing was done"))
        }
    }
}

fn too_large(limit: usize) -> Problem {
    Problem::new(ErrorKind::InvalidArgument, "too_large", format!("the body is longer than {limit} bytes"))
        .with_hint("Push fewer stages at once.")
        .with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

/// Returns JSON as an answer.
fn answer(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], value.to_string())
        .into_response()
}
