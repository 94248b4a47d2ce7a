//! HTTP as the remotes need it: one client bound to one origin, with limits, and with an answer that can be trusted
//! about whether a write may have happened.
//!
//! What the bytes mean belongs to the remotes. A read is repeated where that helps; a write is never sent twice.

mod exchange;
mod proxy;
mod response;
mod retry;
mod secret;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, Request};

pub(crate) use response::Response;
pub use secret::Secret;
pub(crate) use secret::{Scrubber, printable};

use crate::config::Limits;
use crate::context::{Context, Env};
use crate::error::{Error, ErrorKind, Result};
use crate::trust;
use exchange::{Agents, Failure, Outgoing};

/// How long one header may be: servers and the proxies before them refuse longer ones.
const HEADER_LIMIT: usize = 8 << 10;
/// How long the path of a request may be.
const PATH_LIMIT: usize = 8 << 10;
const USER_AGENT: &str = concat!("idse/", env!("CARGO_PKG_VERSION"));

/// What a request does, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Patch,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
        }
    }
}

/// A request: everything but the origin that it goes to.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    /// Below the base of the client, with its query; already encoded.
    path: String,
    headers: Vec<(&'static str, String)>,
    secrets: Vec<(&'static str, &'static str, Secret)>,
    body: Option<Arc<[u8]>>,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), secrets: Vec::new(), body: None }
    }

    /// Returns the path with its query.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a header whose value must never be seen: `prefix` and the secret.
    pub(crate) fn secret(mut self, name: &'static str, prefix: &'static str, secret: &Secret) -> Self {
        self.secrets.push((name, prefix, secret.clone()));
        self
    }

    /// Adds a body of JSON.
    pub(crate) fn json(mut self, value: &serde_json::Value) -> Self {
        self.body = Some(value.to_string().into_bytes().into());
        self.header("content-type", "application/json")
    }
}

/// A client of one origin. Threads may share it; each request has a connection of its own while it lasts.
pub(crate) struct Client {
    origin: String,
    base: String,
    limits: Limits,
    agents: Agents,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.origin)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client for everything below an address. It sends nothing yet.
    ///
    /// # Errors
    /// `InvalidArgument` (`origin`) where the address is neither https nor on this machine, carries a user, a query
    /// or a fragment; `InvalidConfig` where the environment names a proxy that is none.
    pub(crate) fn new(url: &str, limits: &Limits, env: &Env) -> Result<Self> {
        let origin = trust::origin(url)?;
        let base = base_path(url)?;
        let proxy = proxy::of(&origin, env)?;
        let connect = Duration::from_secs(limits.connect_seconds);
        let agents = Agents::new(&origin, proxy, connect);
        Ok(Self { origin, base, limits: limits.clone(), agents })
    }

    /// Returns the canonical origin.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Sends a request that changes nothing; repeats it where the other side is busy or the connection broke.
    ///
    /// Returns an answer of any status: what a status means is the remote's to say, see [`Response::failure`].
    ///
    /// # Errors
    /// `Unavailable` (`dns`, `connect`, `tls`, `timeout`, `connection`), `Protocol`, `Cancelled`, `InvalidArgument`
    /// (`too_large`).
    pub(crate) fn read(&self, call: &Call, context: &Context) -> Result<Response> {
        let outgoing = self.outgoing(call)?;
        let end = context.clock.monotonic() + self.patience(context);
        let mut attempt = 0;
        loop {
            let answer = self.once(&outgoing, end, context);
            let again = match &answer {
                Ok(response) => retry::after_answer(response.status(), response.retry_after()),
                Err(failure) => retry::after_failure(failure.cause),
            };
            let pause = again.and_then(|again| again.pause(attempt, context.clock.unique().as_u128()));
            let pause = pause.filter(|pause| context.clock.monotonic() + *pause < end);
            let Some(pause) = pause else {
                return answer.map_err(|failure| failure.of_read(&self.origin));
            };
            attempt += 1;
            context.step(
                "waiting for the agency",
                &self.origin,
                u64::from(attempt),
                Some(retry::TIMES.into()),
            );
            retry::sleep(pause, context)?;
        }
    }

    /// Sends a request that writes, once.
    ///
    /// Returns an answer of any status; where it tells nothing about the write, [`Response::lost_write`] does.
    ///
    /// # Errors
    /// `Unsettled` where the request may have arrived and no whole answer came back; else as [`Client::read`], and
    /// then nothing was written.
    pub(crate) fn write(&self, call: &Call, context: &Context) -> Result<Response> {
        let outgoing = self.outgoing(call)?;
        let end = context.clock.monotonic() + self.patience(context);
        self.once(&outgoing, end, context).map_err(|failure| failure.of_write(&self.origin))
    }

    fn patience(&self, context: &Context) -> Duration {
        let whole = Duration::from_secs(self.limits.request_seconds);
        context.deadline.map_or(whole, |deadline| deadline.min(whole))
    }

    fn once(&self, outgoing: &Outgoing, end: Duration, context: &Context) -> Result<Response, Failure> {
        let left = end.saturating_sub(context.clock.monotonic());
        let answer = self.agents.exchange(outgoing, left, self.limits.response_bytes, context)?;
        Ok(Response::new(&self.origin, answer, outgoing.scrubber.clone()))
    }

    fn outgoing(&self, call: &Call) -> Result<Outgoing> {
        let body = call.body.clone();
        let length = body.as_ref().map_or(0, |body| body.len());
        if length as u64 > self.limits.request_bytes {
            let limit = self.limits.request_bytes;
            return Err(Error::argument(format!("the request is {length} bytes; it may have {limit}"))
                .with_reason("too_large")
                .with_hint(
                    "Push fewer stages at once, or raise `limits.request_bytes` in the configuration.",
                ));
        }
        if call.path.len() > PATH_LIMIT {
            return Err(
                Error::argument("the address of a request would be too long").with_reason("too_large")
            );
        }
        let url = format!("{}{}{}", self.origin, self.base, call.path);
        let mut builder =
            Request::builder().method(call.method.name()).uri(url).header("user-agent", USER_AGENT);
        for (name, value) in &call.headers {
            builder = builder.header(*name, value.as_str());
        }
        if body.is_some() {
            builder = builder.header("content-length", length);
        }
        for (name, prefix, secret) in &call.secrets {
            builder = builder.header(HeaderName::from_static(name), secret_header(prefix, secret)?);
        }
        // The parser's error may quote the address, never a header.
        let head = builder.body(()).map_err(|error| {
            Error::argument(format!("a request to {} cannot be made: {error}", self.origin))
                .with_reason("origin")
        })?;
        let scrubber = Scrubber::new(call.secrets.iter().map(|(_, _, secret)| secret));
        Ok(Outgoing { head, body, scrubber: Arc::new(scrubber) })
    }
}

fn secret_header(prefix: &str, secret: &Secret) -> Result<HeaderValue> {
    let unusable = || {
        Error::new(
            ErrorKind::InvalidConfig,
            "the key for the agency is no key: it does not fit into a header",
        )
        .with_reason("secret")
        .with_hint("Copy the key again, without quotes, spaces or line ends.")
    };
    let text = format!("{prefix}{}", secret.expose());
    if secret.expose().is_empty()
        || text.len() > HEADER_LIMIT
        || !secret.expose().bytes().all(|byte| byte.is_ascii_graphic())
    {
        return Err(unusable());
    }
    let mut value = HeaderValue::from_str(&text).map_err(|_| unusable())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns the path of an address without a slash at its end.
fn base_path(url: &str) -> Result<String> {
    let refuse = |why: &str| {
        Error::argument(format!("the address of an agency {why}"))
            .with_reason("origin")
            .with_hint("Give an address like https://agency.example/sync.")
    };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if rest.contains(['?', '#']) {
        return Err(refuse("has no query and no fragment"));
    }
    let path = rest.find(['/', '\\']).map_or("", |at| &rest[at..]).trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:@".contains(&byte);
    if !path.bytes().all(is_plain) || path.split('/').any(|part| part == "..") {
        return Err(refuse("has a path of plain letters and digits"));
    }
    Ok(path.to_owned())
}
