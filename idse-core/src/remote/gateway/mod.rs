//! An agency behind an HTTP gateway: ours in one guarded request, the existing ones by reading before and after.
//!
//! What goes over the wire is decided here and in `existing`; how it gets there belongs to `http`.

mod answer;
mod existing;
mod failure;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

use self::answer::{check_project, is_guarding, kind_of, stages, text};
use self::failure::{NotThere, not_there};
use super::http::{Call, Client, Method, Response, Secret};
use super::{
    Fetched, Guard, Health, ProjectFilter, ProjectSummary, PushOutcome, PushRequest, Remote, RemoteInfo,
    RemoteKey, RemoteSession, Revision, Sessions, Target,
};
use crate::config::Limits;
use crate::context::{Context, Env};
use crate::error::{Error, ErrorKind, Result};
use crate::stage::Stage;
use crate::text::Digest;
use crate::trust;

/// Where the paths of the protocol begin.
const SYNC: &str = "/sync";
/// How many projects an existing gateway lists at most, without saying that there are more.
const LIST_LIMIT: usize = 1000;

/// What is known about the program on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing yet.
    Unknown,
    /// Ours: a push says what it replaces.
    Guarded { guard: Guard, sessions: Sessions },
    /// One that stores whatever it is sent.
    Existing { sessions: Sessions },
}

/// An agency behind a gateway.
///
/// It speaks to `idse-gateway` and to both generations of the gateway before it. What is on the other side, it learns from the
/// answers; until then, and with a gateway that cannot guard, [`Remote::info`] says [`Guard::None`].
pub struct GatewayRemote {
    address: String,
    client: Client,
    token: Option<Secret>,
    kind: Mutex<Kind>,
}

impl fmt::Debug for GatewayRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayRemote").field("address", &self.address).finish_non_exhaustive()
    }
}

impl GatewayRemote {
    /// Makes a remote for an address with or without `/sync` at its end. It sends nothing yet.
    ///
    /// # Errors
    /// `InvalidArgument` (`origin`) where the address is neither https nor on this machine, or carries a user, a
    /// query or a fragment; `InvalidConfig` where the environment names a proxy that is none.
    pub fn new(url: &str, token: Option<Secret>, limits: &Limits, env: &Env) -> Result<Self> {
        let address = canonical(url);
        let client = Client::new(address.strip_suffix(SYNC).unwrap_or(&address), limits, env)?;
        Ok(Self { address, client, token, kind: Mutex::new(Kind::Unknown) })
    }

    /// Says what a gateway at an address is without asking it.
    pub fn info_of(url: &str) -> RemoteInfo {
        info(&canonical(url), Kind::Unknown)
    }

    fn kind(&self) -> Kind {
        *self.kind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, kind: Kind) {
        *self.kind.lock().unwrap_or_else(PoisonError::into_inner) = kind;
    }

    fn learn_from(&self, answer: &Map<String, Value>) {
        if let Some(kind) = kind_of(answer) {
            self.learn(kind);
        }
    }

    fn call(&self, method: Method, path: &str) -> Call {
        let call = Call::new(method, format!("{SYNC}{path}")).header("accept", "application/json");
        match &self.token {
            Some(token) => call.secret("authorization", "Bearer ", token),
            None => call,
        }
    }

    fn get(&self, path: &str, context: &Context) -> Result<Response> {
        self.client.read(&self.call(Method::Get, path), context)
    }

    /// Sends a push; returns an answer of any status.
    fn post_push(&self, body: Value, context: &Context) -> Result<Response> {
        self.client.write(&self.call(Method::Post, "/push").json(&body), context)
    }

    /// Asks for a session; `Err` of the inner result: it is not there.
    fn pull(&self, body: &Value, context: &Context) -> Result<Result<Map<String, Value>, NotThere>> {
        let response = self.client.read(&self.call(Method::Post, "/pull").json(body), context)?;
        if response.is_success() {
            let answer = object(&response)?;
            self.learn_from(&answer);
            return Ok(Ok(answer));
        }
        let missing = response.error_json().and_then(|answer| not_there(response.status(), &answer));
        let Some(missing) = missing else { return Err(failure::of_read(&response)) };
        if self.kind() == Kind::Unknown {
            // What our gateway is made of, its next answer tells.
            self.learn(if missing.is_ours {
                Kind::Guarded { guard: Guard::None, sessions: Sessions::One }
            } else {
                Kind::Existing { sessions: Sessions::One }
            });
        }
        Ok(Err(missing))
    }

    fn list(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> {
        let query = match filter {
            ProjectFilter::All => String::new(),
            ProjectFilter::Name(name) => format!("?name={}", percent(name)),
            ProjectFilter::Id(id) => format!("?id={id}"),
        };
        let response = self.get(&format!("/projects{query}"), context)?;
        if !response.is_success() {
            return Err(failure::of_read(&response));
        }
        let answer = object(&response)?;
        self.learn_from(&answer);
        let found = answer::projects(&answer, filter).map_err(|why| response.protocol(&why))?;
        let listed = answer.get("projects").and_then(Value::as_array).map_or(0, Vec::len);
        let is_guarded = matches!(self.kind(), Kind::Guarded { .. });
        if found.is_empty() && listed >= LIST_LIMIT && !is_guarded {
            let message = format!("{} lists {listed} projects and may have more", self.address);
            return Err(Error::new(ErrorKind::Protocol, message)
                .with_reason("list_cut")
                .with_hint("Say which project is meant by its id: `idse sync link ID`."));
        }
        Ok(found)
    }

    fn guarded(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> {
        let response = self.post_push(guarded_body(request), context)?;
        if response.is_success() {
            return self.written(request, &response);
        }
        let answer = response.error_json().unwrap_or_default();
        if response.status() == 409 {
            if answer.get("conflict") == Some(&Value::Bool(true)) {
                return Ok(differs(&answer));
            }
            // The same first push of somebody else was faster: what it made is there to be read.
            if request.create.is_some() && check_project(&answer, request.target.project_id).is_ok() {
                return Ok(everything_differs(request));
            }
        }
        match not_there(response.status(), &answer) {
            Some(_) => Ok(PushOutcome::Missing),
            None => Err(failure::of_write(&response)),
        }
    }

    fn written(&self, request: &PushRequest, response: &Response) -> Result<PushOutcome> {
        let lost = |why: &str| response.lost_write(&format!("{} is not understood: {why}", self.address));
        let answer = object(response).map_err(|error| response.lost_write(error.message()))?;
        let Some(revision) = text(&answer, "revision") else {
            // A gateway that cannot guard has taken the place of one that could: reading tells what it did.
            self.learn(Kind::Existing { sessions: Sessions::One });
            return Err(lost("it does not guard what it stores any more"));
        };
        self.learn_guard(&answer);
        check_project(&answer, request.target.project_id).map_err(|why| lost(&why))?;
        let skipped = stages(answer.get("skipped"));
        let digests = answer.get("digests").and_then(Value::as_object);
        for item in request.items.iter().filter(|item| !skipped.contains(&item.stage)) {
            let said = digests.and_then(|digests| digests.get(item.stage.column())).and_then(Value::as_str);
            let sent = item.text.as_deref().map(|text| Digest::of(text).to_string());
            if said.is_some() && said != sent.as_deref() {
                return Err(lost(&format!("it stored another text of {}", item.stage)));
            }
        }
        Ok(PushOutcome::Written {
            revision: Revision::new(revision),
            in_step: answer.get("in_step") == Some(&Value::Bool(true)),
            updated_at: text(&answer, "timestamp").map(str::to_owned),
            skipped,
        })
    }

    /// The answer to a push says how it was guarded, and not how many sessions there are.
    fn learn_guard(&self, answer: &Map<String, Value>) {
        let known = match self.kind() {
            Kind::Guarded { sessions, .. } | Kind::Existing { sessions } => sessions,
            Kind::Unknown => Sessions::One,
        };
        if let Some(Kind::Guarded { guard, .. }) = kind_of(answer) {
            self.learn(Kind::Guarded { guard, sessions: known });
        }
    }
}

impl Remote for GatewayRemote {
    fn info(&self) -> RemoteInfo {
        info(&self.address, self.kind())
    }

    fn fetch(&self, target: &Target, since: Option<&Revision>, context: &Context) -> Result<Fetched> {
        let body = json!({
            "project_id": target.project_id,
            "session_id": target.session,
            // Always there: it asks our gateway for columns, which NULL can be told from.
            "since": since,
        });
        let answer = match self.pull(&body, context)? {
            Ok(answer) => answer,
            Err(missing) => return Ok(Fetched::Missing { project_exists: missing.project_exists }),
        };
        if since.is_some() && answer.get("unchanged") == Some(&Value::Bool(true)) {
            check_project(&answer, target.project_id).map_err(|why| self.odd(&why))?;
            return Ok(Fetched::Unchanged);
        }
        Ok(match self.row(&answer, target)? {
            None => Fetched::Missing { project_exists: true },
            Some(row) if since == Some(&row.revision) => Fetched::Unchanged,
            Some(row) => Fetched::Session(Box::new(row)),
        })
    }

    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> {
        check_once(request)?;
        let was_guarding = request.revision.as_ref().is_some_and(is_guarding);
        if matches!(self.kind(), Kind::Guarded { .. }) || (self.kind() == Kind::Unknown && was_guarding) {
            return self.guarded(request, context);
        }
        // Whatever is sent to a gateway that cannot guard is stored, so that reading comes first, and says what it is.
        let before = self.fetch_row(request, context)?;
        match self.kind() {
            Kind::Guarded { .. } => self.guarded(request, context),
            Kind::Existing { .. } | Kind::Unknown => self.unguarded(request, before, context),
        }
    }

    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> {
        let ProjectFilter::Id(id) = filter else { return self.list(filter, context) };
        if matches!(self.kind(), Kind::Guarded { .. }) {
            return self.list(filter, context);
        }
        // An existing gateway has no question for one project that also works where its list does not.
        let answer = match self.pull(&json!({"project_id": id, "since": null}), context)? {
            Err(NotThere { project_exists: false, .. }) => return Ok(Vec::new()),
            Err(_) => return self.list(filter, context),
            Ok(answer) => answer,
        };
        if matches!(self.kind(), Kind::Guarded { .. }) {
            return self.list(filter, context);
        }
        let row = answer::session(&answer, *id, Kind::Existing { sessions: Sessions::One });
        Ok(row.map_err(|why| self.odd(&why))?.map(answer::summary_of).into_iter().collect())
    }

    fn health(&self, context: &Context) -> Result<Health> {
        let response = self.get("/health", context)?;
        if !response.is_success() {
            return Err(failure::of_read(&response));
        }
        let answer = object(&response)?;
        self.learn_from(&answer);
        let healthy = text(&answer, "status") == Some("healthy");
        let said = ["message", "error"].iter().find_map(|key| text(&answer, key)).unwrap_or_default();
        Ok(Health { healthy, message: super::http::printable(said) })
    }
}

impl GatewayRemote {
    fn row(&self, answer: &Map<String, Value>, target: &Target) -> Result<Option<RemoteSession>> {
        answer::session(answer, target.project_id, self.kind()).map_err(|why| self.odd(&why))
    }

    fn odd(&self, why: &str) -> Error {
        Error::new(ErrorKind::Protocol, format!("{} is not understood: {why}", self.address))
            .with_hint("Check that the address is the one of a gateway.")
            .with("origin", self.client.origin())
    }
}

/// Returns the body of a push that says what it replaces.
fn guarded_body(request: &PushRequest) -> Value {
    let mut artifacts = Map::new();
    let mut base = Map::new();
    let mut nulls = Vec::new();
    for item in &request.items {
        let column = item.stage.column();
        base.insert(column.to_owned(), json!(item.expected));
        match &item.text {
            Some(text) => drop(artifacts.insert(column.to_owned(), text.as_str().into())),
            None => nulls.push(column),
        }
    }
    let mut body = json!({
        "project_id": request.target.project_id,
        "session_id": request.target.session,
        "artifacts": artifacts,
        "nulls": nulls,
        "base": base,
        "op": request.op,
    });
    if let Some(revision) = request.revision.as_ref().filter(|revision| is_guarding(revision)) {
        body["revision"] = json!(revision);
    }
    if let Some(state) = &request.state {
        body["state_json"] = Value::Object(state.value.clone());
        body["state_base"] = json!(state.expected);
    }
    if let Some(new) = &request.create {
        body["create"] = true.into();
        body["project_name"] = new.name.as_str().into();
        body["stack"] = json!(new.stack);
        body["framework"] = json!(new.framework);
    }
    body
}

fn differs(answer: &Map<String, Value>) -> PushOutcome {
    let list = answer.get("conflicts").and_then(Value::as_array).into_iter().flatten();
    let columns = Value::Array(list.filter_map(|entry| entry.get("column").cloned()).collect());
    PushOutcome::Differs {
        stages: stages(Some(&columns)),
        state: answer.get("state") == Some(&Value::Bool(true)),
    }
}

fn everything_differs(request: &PushRequest) -> PushOutcome {
    let stages: Vec<Stage> = request.items.iter().map(|item| item.stage).collect();
    PushOutcome::Differs { stages, state: request.state.is_some() }
}

fn check_once(request: &PushRequest) -> Result<()> {
    let mut stages: Vec<_> = request.items.iter().map(|item| item.stage).collect();
    stages.sort_unstable();
    match stages.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(()),
        Some(twice) => Err(Error::argument(format!("the push names {} twice", twice[0]))
            .with_reason("stage")
            .with("stage", twice[0].name())),
    }
}

fn object(response: &Response) -> Result<Map<String, Value>> {
    match response.json()? {
        Value::Object(object) => Ok(object),
        _ => Err(response.protocol("its JSON is no object")),
    }
}

fn info(address: &str, kind: Kind) -> RemoteInfo {
    let (guard, sessions) = match kind {
        Kind::Unknown => (Guard::None, Sessions::One),
        Kind::Guarded { guard, sessions } => (guard, sessions),
        Kind::Existing { sessions } => (Guard::None, sessions),
    };
    RemoteInfo { key: RemoteKey::of(address), address: address.to_owned(), guard, sessions }
}

/// Returns the one spelling of an address: both forms in use, with and without `/sync`, are one agency.
fn canonical(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix(SYNC).unwrap_or(url).trim_end_matches('/');
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find(['/', '?', '#', '\\']).map_or("", |at| &rest[at..]);
    // What is no origin is refused when it is opened; until then it is named as it is.
    let origin = trust::origin(url).unwrap_or_else(|_| url.strip_suffix(path).unwrap_or(url).to_owned());
    format!("{origin}{path}{SYNC}")
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}
