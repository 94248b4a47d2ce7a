//! The loads: eight clients, each with a project of its own, that push or pull 71 KB as fast as they can.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use idse_core::remote::{
    Fetched, GatewayRemote, PushItem, PushOutcome, PushRequest, Remote as _, Revision, Target,
};
use idse_core::{Context, Digest, OpId, Stage};
use serde_json::{Map, Value, json};

use super::process::Gateway;
use crate::client::{Client, Head, rate};

const CLIENTS: usize = 8;
/// How long one text is: seven of them with their frame are 71 KB.
const LENGTH: usize = 10_000;

/// What the clients do.
pub(super) trait Load {
    /// Does it for a while and returns how often it was done a second.
    fn rate(&self, time: Duration, ids: &[String]) -> f64;

    fn is_through_gateway(&self) -> bool {
        true
    }
}

/// Makes a project for each client and returns their ids.
pub(super) fn projects(gateway: &Gateway) -> Vec<String> {
    let mut client = Client::new(gateway.address);
    let make = |n: usize| {
        let name = format!("load-{}-{n}", std::process::id());
        let mut body = push_body(0);
        body["project_name"] = name.into();
        let head = Head::new("POST", &[("Content-Type", "application/json")]);
        let answer: Value = parse(&client.ask(&head, "/sync/push", &body.to_string()));
        answer["project_id"].as_str().unwrap().to_owned()
    };
    (0..CLIENTS).map(make).collect()
}

fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// Returns the text of a stage in a round.
fn text(stage: Stage, round: usize) -> String {
    let mut text = format!("# {stage} {round}\n\n");
    while text.len() < LENGTH {
        text.push_str("One line of an ordinary artifact, with \"quotes\" and some words.\n");
    }
    text.truncate(LENGTH);
    text
}

fn artifacts(round: usize) -> Map<String, Value> {
    Stage::ALL.into_iter().map(|stage| (stage.column().to_owned(), text(stage, round).into())).collect()
}

fn state(round: usize) -> Value {
    let stages: Map<String, Value> =
        Stage::ALL.into_iter().map(|stage| (stage.name().to_owned(), "in_progress".into())).collect();
    json!({"session_id": "s1", "stages": stages, "last_agent": format!("agent {round}")})
}

/// What an existing client pushes.
fn push_body(round: usize) -> Value {
    json!({
        "project_id": null, "project_name": "load", "stack": "python", "framework": "agency-swarm",
        "artifacts": artifacts(round), "state_json": state(round), "timestamp": "2026-11-22T09:23:11.580909",
    })
}

/// PostgREST behind nginx, without a gateway.
pub(super) struct Direct {
    server: SocketAddr,
    key: String,
}

impl Direct {
    pub(super) fn new(server: SocketAddr, key: &str) -> Self {
        Self { server, key: key.to_owned() }
    }

    fn head(&self, method: &'static str, prefer: &str) -> Head {
        let token = format!("Bearer {}", self.key);
        let fields = [("apikey", self.key.as_str()), ("Authorization", &token), ("Prefer", prefer)];
        Head::new(method, &[&fields[..], &[("Content-Type", "application/json")]].concat())
    }

    /// Pushes; with `echo` they are guarded and get the row's new version and what was stored, as a push of the engine does.
    pub(super) fn pushes(&self, echo: bool) -> DirectPushes<'_> {
        DirectPushes { direct: self, echo }
    }

    pub(super) fn pulls(&self) -> DirectPulls<'_> {
        DirectPulls(self)
    }
}

pub(super) struct DirectPushes<'a> {
    direct: &'a Direct,
    echo: bool,
}

impl Load for DirectPushes<'_> {
    fn rate(&self, time: Duration, ids: &[String]) -> f64 {
        let head =
            self.direct.head("PATCH", if self.echo { "return=representation" } else { "return=minimal" });
        let columns = Stage::ALL.map(Stage::column).join(",");
        let clients = ids.iter().map(|id| (Client::new(self.direct.server), id, xmin(self.direct, id)));
        rate(time, clients, |(client, id, xmin), round| {
            let mut body = artifacts(round);
            body.insert("state_json".into(), state(round));
            body.insert("updated_at".into(), "now".into());
            let target = if self.echo {
                format!("/rest/v1/projects?id=eq.{id}&xmin=eq.{xmin}&select=id,xmin,updated_at,{columns}")
            } else {
                format!("/rest/v1/projects?id=eq.{id}")
            };
            let answer = client.ask(&head, &target, &Value::Object(body).to_string());
            if self.echo {
                *xmin = version(&answer);
            }
        })
    }

    fn is_through_gateway(&self) -> bool {
        false
    }
}

fn xmin(direct: &Direct, id: &str) -> String {
    let mut client = Client::new(direct.server);
    let target = format!("/rest/v1/projects?id=eq.{id}&select=xmin");
    version(&client.ask(&direct.head("GET", "count=none"), &target, ""))
}

/// Returns the version of the one row in an answer; where it stands is looked for, nothing else is read.
fn version(answer: &[u8]) -> String {
    let text = std::str::from_utf8(answer).unwrap();
    let after = text.split_once("\"xmin\":").expect("a push that is not guarded any more").1;
    after.trim_start_matches('"').chars().take_while(char::is_ascii_digit).collect()
}

pub(super) struct DirectPulls<'a>(&'a Direct);

impl Load for DirectPulls<'_> {
    fn rate(&self, time: Duration, ids: &[String]) -> f64 {
        let head = self.0.head("GET", "count=none");
        let clients = ids.iter().map(|id| (Client::new(self.0.server), id));
        rate(time, clients, |(client, id), _| {
            let answer = client.ask(&head, &format!("/rest/v1/projects?id=eq.{id}&select=*,xmin"), "");
            assert!(answer.len() > 7 * LENGTH);
        })
    }

    fn is_through_gateway(&self) -> bool {
        false
    }
}

/// Our client, in this process.
pub(super) struct Ours(GatewayRemote);

impl Ours {
    pub(super) fn new(url: &str) -> Self {
        let context = Context::default();
        Self(GatewayRemote::new(url, None, &idse_core::config::Limits::default(), &context.env).unwrap())
    }

    pub(super) fn pushes(&self) -> OurPushes<'_> {
        OurPushes(&self.0)
    }

    pub(super) fn pulls(&self) -> OurPulls<'_> {
        OurPulls(&self.0)
    }
}

fn target(id: &str) -> Target {
    Target { project_id: id.parse().unwrap(), session: "s1".parse().unwrap() }
}

pub(super) struct OurPushes<'a>(&'a GatewayRemote);

/// What a client knows of its row.
struct Known {
    id: String,
    revision: Revision,
    texts: BTreeMap<Stage, Digest>,
}

impl OurPushes<'_> {
    fn known(&self, id: &str) -> Known {
        let Fetched::Session(row) = self.0.fetch(&target(id), None, &Context::default()).unwrap() else {
            panic!("{id} is there")
        };
        let digests = row.texts.iter().filter_map(|(stage, text)| Some((*stage, Digest::of(text.text()?))));
        Known { id: id.to_owned(), texts: digests.collect(), revision: row.revision }
    }

    fn push(&self, known: &mut Known, round: usize) {
        let texts: BTreeMap<Stage, String> =
            Stage::ALL.into_iter().map(|stage| (stage, text(stage, round))).collect();
        let item = |(stage, text): (&Stage, &String)| PushItem {
            stage: *stage,
            text: Some(text.clone()),
            expected: known.texts.get(stage).copied(),
        };
        let request = PushRequest {
            target: target(&known.id),
            op: OpId::new(uuid::Uuid::new_v4()),
            revision: Some(known.revision.clone()),
            items: texts.iter().map(item).collect(),
            state: None,
            create: None,
        };
        match self.0.push(&request, &Context::default()).unwrap() {
            PushOutcome::Written { revision, in_step: true, .. } => known.revision = revision,
            other => panic!("nobody else writes: {other:?}"),
        }
        known.texts = texts.iter().map(|(stage, text)| (*stage, Digest::of(text))).collect();
    }
}

impl Load for OurPushes<'_> {
    fn rate(&self, time: Duration, ids: &[String]) -> f64 {
        let clients: Vec<_> = ids.iter().map(|id| self.known(id)).collect();
        rate(time, clients, |known, round| self.push(known, round))
    }
}

pub(super) struct OurPulls<'a>(&'a GatewayRemote);

impl Load for OurPulls<'_> {
    fn rate(&self, time: Duration, ids: &[String]) -> f64 {
        rate(time, ids, |id, _| {
            let fetched = self.0.fetch(&target(id), None, &Context::default()).unwrap();
            assert!(matches!(fetched, Fetched::Session(_)));
        })
    }
}

/// What our client sends, from the same plain client that asks PostgREST directly.
pub(super) struct Wire(SocketAddr);

impl Wire {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    pub(super) fn pushes(&self) -> WirePushes {
        WirePushes(self.0)
    }

    pub(super) fn pulls(&self) -> WirePulls {
        WirePulls(self.0)
    }
}

pub(super) struct WirePushes(SocketAddr);

/// A pull as our client sends it.
fn pull_body(id: &str) -> String {
    json!({"project_id": id, "session_id": "s1", "since": null}).to_string()
}

impl Load for WirePushes {
    fn rate(&self, time: Duration, ids: &[String]) -> f64 {
        let head = Head::new("POST", &[("Content-Type", "application/json")]);
        let clients: Vec<_> = ids
            .iter()
            .map(|id| {
                let mut client = Client::new(self.0);
                let pulled = parse(&client.ask(&head, "/sync/pull", &pull_body(id)));
                (client, id, pulled["digests"].clone(), pulled["revision"].clone())
            })
            .collect();
        rate(time, clients, |(client, id, digests, revision), round| {
            let body = json!({
                "project_id": id, "session_id": "s1", "artifacts": artifacts(round), "nulls": [],
                "base": digests, "op": uuid::Uuid::new_v4().to_string(), "revision": revision,
            });
            let answer = parse(&client.ask(&head, "/sync/push", &body.to_string()));
            assert_eq!(answer["in_step"], true);
            (*digests, *revision) = (answer["digests"].clone(), answer["revision"].clone());
        })
    }
}

pub(super) struct WirePulls(SocketAddr);

impl Load for WirePulls {
    fn rate(&self, time: Duration, ids: &[String]) -> f64 {
        let head = Head::new("POST", &[("Content-Type", "application/json")]);
        let clients = ids.iter().map(|id| (Client::new(self.0), pull_body(id)));
        rate(time, clients, |(client, body), _| {
            assert!(client.ask(&head, "/sync/pull", body).len() > 7 * LENGTH);
        })
    }
}

/// A client of the existing kind.
pub(super) struct Theirs(SocketAddr);

impl Theirs {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    pub(super) fn pushes(&self) -> TheirPushes {
        TheirPushes(self.0)
    }
}

pub(super) struct TheirPushes(SocketAddr);

impl Load for TheirPushes {
    fn rate(&self, time: Duration, ids: &[String]) -> f64 {
        let head = Head::new("POST", &[("Content-Type", "application/json")]);
        let clients = ids.iter().map(|id| (Client::new(self.0), id));
        rate(time, clients, |(client, id), round| {
            let mut body = push_body(round);
            body["project_id"] = id.as_str().into();
            client.ask(&head, "/sync/push", &body.to_string());
        })
    }
}
