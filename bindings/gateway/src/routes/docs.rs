//! The description of the gateway, for programs and for people; neither needs the internet.

use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};

use crate::openapi;

/// The page loads nothing and runs nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], openapi::DOCUMENT)
        .into_response()
}

pub(super) async fn page() -> Response {
    ([(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))], Html(openapi::page()))
        .into_response()
}

pub(super) async fn home() -> Redirect {
    Redirect::temporary("/docs")
}
