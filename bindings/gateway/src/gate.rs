//! The gate: what happens to every request before and after its route, whatever the route.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use idse_core::ErrorKind;
use tokio::time::Instant;
use uuid::Uuid;

use crate::app::App;
use crate::auth::{Caller, Scope, refused};
use crate::problem::{LogDetail, Problem};

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, logs and counts its answer, and sets the headers of every answer.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    request.extensions_mut().insert(Subject::default());
    let subject = request.extensions().get::<Subject>().cloned().unwrap_or_default();
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let status = response.status();
    let took = started.elapsed();
    crate::metrics::answered(&route, method.as_str(), status.as_u16(), took);
    let detail = response.extensions().get::<LogDetail>().map(|detail| detail.0.as_str()).unwrap_or_default();
    let (id, who) = (id.to_str().unwrap_or_default(), subject.get());
    let (status, ms) = (status.as_u16(), took.as_millis());
    if status >= 500 {
        tracing::error!(request_id = id, %method, route, status, ms, subject = who, detail, "request");
    } else {
        tracing::info!(request_id = id, %method, route, status, ms, subject = who, detail, "request");
    }
    response
}

/// Who sent the request, once that is known.
#[derive(Debug, Clone, Default)]
struct Subject(Arc<std::sync::OnceLock<String>>);

impl Subject {
    fn get(&self) -> &str {
        self.0.get().map(String::as_str).unwrap_or_default()
    }
}

/// Takes over an id that a proxy gave, where it can stand in a log, else makes one.
#[expect(clippy::disallowed_methods, reason = "the id of a request is nobody's to choose")]
fn request_id(request: &Request) -> HeaderValue {
    let is_plain = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=64).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
    };
    let given = request.headers().get(REQUEST_ID).filter(is_plain).cloned();
    given.unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::new_v4().simple().to_string()).unwrap_or(HeaderValue::from_static("-"))
    })
}

/// Refuses requests for hosts that this gateway does not go by, and those that a foreign page had a browser send.
///
/// A page whose name was made to point at this machine sends its own name as the host; a page of another origin
/// sends its origin.
pub(crate) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let forbidden = |detail: &str| Problem::new(ErrorKind::Unauthorized, "forbidden", detail).into_response();
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or(request.uri().authority().map(|authority| authority.as_str()));
    let hosts = &app.options.hosts;
    if !hosts.is_empty() && !host.is_some_and(|host| hosts.iter().any(|known| *known == host_name(host))) {
        return forbidden("this gateway does not go by that host name");
    }
    if let Some(origin) = request.headers().get(header::ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let is_own = host.is_some_and(|host| {
            origin
                .split_once("://")
                .is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && rest == host)
        });
        if !is_own && !app.options.origins.iter().any(|known| known == origin) {
            return forbidden("pages of that origin may not call this gateway");
        }
    }
    next.run(request).await
}

/// Returns a host without its port, in lower case as it is compared.
fn host_name(host: &str) -> String {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.to_ascii_lowercase()
}

/// Lets a request in whose caller may do what the route does.
pub(crate) async fn admit(app: Arc<App>, scope: Scope, mut request: Request, next: Next) -> Response {
    let address = request.extensions().get::<Peer>().map(|peer| peer.0.ip().to_string()).unwrap_or_default();
    let caller = match app.auth.caller(request.headers()).await {
        Ok(caller) => caller,
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            let slow = app.guesses.check(&address).err();
            return slow.unwrap_or(problem).into_response();
        }
        Err(problem) => return problem.into_response(),
    };
    if let Some(subject) = request.extensions().get::<Subject>() {
        drop(subject.0.set(caller.subject.clone()));
    }
    if let Err(problem) = may(&caller, scope).and_then(|()| app.rate.check(&caller.subject)) {
        return problem.into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}

fn may(caller: &Caller, scope: Scope) -> Result<(), Problem> {
    let (allowed, word) = match scope {
        Scope::Read => (caller.scopes.read, "read"),
        Scope::Write => (caller.scopes.write, "write"),
    };
    if allowed {
        return Ok(());
    }
    let detail = format!("the token does not have the scope `{word}`");
    Err(Problem::new(ErrorKind::Unauthorized, "forbidden", detail))
}

/// Returns the answer to a request whose caller got lost: a route without its gate.
pub(crate) fn no_caller() -> Problem {
    refused("nobody was let in")
}
