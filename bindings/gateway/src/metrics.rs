//! Metrics: what is counted, and the page that Prometheus reads, on an address of its own.

use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use idse_core::{Error, ErrorKind, Result};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

const DURATION: &str = "http_request_duration_seconds";
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Counts an answer. The route is the pattern, never the path: what a client makes up is no name of a series.
pub(crate) fn answered(route: &str, method: &str, status: u16, took: Duration) {
    let method = match method {
        "GET" | "POST" | "PUT" | "DELETE" | "HEAD" | "OPTIONS" => method.to_owned(),
        _ => "other".to_owned(),
    };
    let labels = [("route", route.to_owned()), ("method", method), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!(DURATION, &labels[..2]).record(took.as_secs_f64());
}

/// Begins to count.
///
/// # Errors
/// `Internal` where this process counts already.
pub fn install() -> Result<PrometheusHandle> {
    let failed = |error: String| Error::new(ErrorKind::Internal, format!("metrics cannot be kept: {error}"));
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS)
        .map_err(|error| failed(error.to_string()))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| failed(error.to_string()))?;
    metrics::describe_counter!("http_requests_total", "Requests answered, by route, method and status.");
    metrics::describe_histogram!(DURATION, "How long answers took.");
    metrics::describe_counter!("idse_conflicts_total", "Pushes refused because the remote version is newer.");
    metrics::describe_counter!(
        "idse_displaced_texts_total",
        "Texts kept before a push without base replaced them."
    );
    Ok(handle)
}

/// Returns the page that Prometheus reads.
pub fn router(handle: PrometheusHandle) -> Router {
    let page = move || {
        let handle = handle.clone();
        async move {
            handle.run_upkeep();
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render())
        }
    };
    Router::new().route("/metrics", get(page))
}
