//! The wire cases: stories of requests and answers, replayed against gateways.
//!
//! `IDSE_GATEWAY_URL` replays them against one that runs already (and `IDSE_GATEWAY_TOKEN` is sent); else the
//! `idse-gateway` of this workspace is started, or the one that `IDSE_GATEWAY_PROGRAM` names.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what it likes"
)]

#[cfg(unix)]
mod client;
mod http;
mod pattern;
mod server;

use std::collections::BTreeMap;
use std::path::PathBuf;

use idse_tests::{Generation, OldGateway, Table};
use serde_json::{Value, json};

use http::{Answer, send};
use pattern::{Variables, differences, fill};
use server::{Server, Store};

/// A file of `tests/conformance/wire`.
struct Story {
    name: String,
    content: Value,
}

fn stories() -> Vec<Story> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/wire"));
    let mut stories: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| Story {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            content: serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap(),
        })
        .collect();
    stories.sort_by(|a, b| a.name.cmp(&b.name));
    stories
}

impl Story {
    fn role(&self) -> &str {
        self.content["role"].as_str().unwrap_or("open")
    }

    fn is_ours(&self) -> bool {
        self.content["ours"] != json!(false)
    }

    fn is_of(&self, generation: &str) -> bool {
        self.content["existing"].as_array().is_some_and(|list| list.contains(&json!(generation)))
    }

    /// Tells the story to a server; returns what did not come out as it says.
    fn tell(&self, server: &Server) -> Vec<String> {
        let mut known: Variables = BTreeMap::new();
        known.insert("name".into(), json!(format!("{}-{}", &self.name[..self.name.len().min(30)], unique())));
        known.extend(server.variables());
        let mut wrong = Vec::new();
        for (number, step) in (1..).zip(self.content["steps"].as_array().unwrap()) {
            let found = if step.get("row").is_some() {
                row(server, step, &mut known)
            } else {
                request(server, step, &mut known)
            };
            let shown = step.get("request").or(step.get("row")).and_then(Value::as_str).unwrap_or_default();
            wrong
                .extend(found.into_iter().map(|why| format!("{} step {number} ({shown}): {why}", self.name)));
            if !wrong.is_empty() {
                break;
            }
        }
        wrong
    }
}

fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..12].to_owned()
}

fn request(server: &Server, step: &Value, known: &mut Variables) -> Vec<String> {
    let line = fill(&step["request"], known);
    let (method, path) = line.as_str().unwrap().split_once(' ').unwrap();
    let mut headers = Vec::new();
    if let Some(token) = server.token() {
        headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    let body = match (step.get("json"), step.get("text"), step.get("hex")) {
        (Some(body), ..) => {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            fill(body, known).to_string().into_bytes()
        }
        (_, Some(text), _) => fill(text, known).as_str().unwrap().as_bytes().to_vec(),
        (.., Some(hex)) => bytes_of(hex.as_str().unwrap()),
        _ => Vec::new(),
    };
    let times = step["repeat"].as_u64().unwrap_or(1);
    let body = body.repeat(usize::try_from(times).unwrap());
    for (name, value) in step["headers"].as_object().into_iter().flatten() {
        headers.retain(|(known, _)| known != name);
        let value = fill(value, known).as_str().unwrap().to_owned();
        if !value.is_empty() {
            headers.push((name.clone(), value));
        }
    }
    let answer = send(server.address(), method, path, &headers, &body);
    check(step, &answer, known)
}

fn check(step: &Value, answer: &Answer, known: &mut Variables) -> Vec<String> {
    let mut wrong = Vec::new();
    if step["status"].as_u64() != Some(answer.status.into()) {
        let said = String::from_utf8_lossy(&answer.body);
        wrong.push(format!("status {} instead of {}: {said:.600}", answer.status, step["status"]));
        return wrong;
    }
    for (name, expected) in step["answer_headers"].as_object().into_iter().flatten() {
        let found = answer.headers.get(name).cloned().unwrap_or_default();
        let found = if name == "content-type" {
            found.split(';').next().unwrap_or_default().to_owned()
        } else {
            found
        };
        wrong.extend(differences(name, expected, &json!(found), known, false));
    }
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if let Some(expected) = step.get("answer") {
        wrong.extend(differences("", expected, &body, known, false));
    }
    if let Some(expected) = step.get("exact") {
        wrong.extend(differences("", expected, &body, known, true));
    }
    for key in step["absent"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if body.get(key).is_some() {
            wrong.push(format!("{key} is there"));
        }
    }
    wrong
}

/// Asserts what a row holds, as a pull tells it.
fn row(server: &Server, step: &Value, known: &mut Variables) -> Vec<String> {
    let mut body = json!({"project_id": fill(&step["row"], known)});
    if let Some(session) = step.get("session") {
        body["session_id"] = session.clone();
        body["since"] = Value::Null;
    }
    let asked = json!({"request": "POST /sync/pull", "json": body, "status": 200, "answer": {"project_id": step["row"]}});
    let mut wrong = request(server, &asked, known);
    let headers: Vec<_> = server
        .token()
        .map(|token| ("authorization".to_owned(), format!("Bearer {token}")))
        .into_iter()
        .collect();
    let mut headers = headers;
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let answer = send(server.address(), "POST", "/sync/pull", &headers, body.to_string().as_bytes());
    let found: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if let Some(texts) = step.get("texts") {
        wrong.extend(differences("artifacts", texts, &found["artifacts"], known, true));
    }
    if let Some(state) = step.get("state") {
        wrong.extend(differences("state_json", state, &found["state_json"], known, true));
    }
    wrong
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[track_caller]
fn assert_all(told: &[&Story], server: &Server) {
    let wrong: Vec<_> = told.iter().flat_map(|story| story.tell(server)).collect();
    assert!(wrong.is_empty(), "{} of {} stories:\n{}", wrong.len(), told.len(), wrong.join("\n"));
}

/// Tells our gateway over a store every story in the role that it is for.
#[track_caller]
fn tell_ours(store: Store) {
    let stories = stories();
    for role in ["open", "token", "require-base"] {
        let of_role = |story: &&Story| story.is_ours() && story.role() == role;
        let told: Vec<_> = stories.iter().filter(of_role).collect();
        assert!(!told.is_empty(), "there are cases for {role}");
        match Server::over(store, role) {
            Some(server) => assert_all(&told, &server),
            None => eprintln!("skipped: {} cases of the role {role} over {store:?}", told.len()),
        }
    }
}

#[test]
fn our_gateway_answers_as_the_cases_say() {
    tell_ours(Store::Sqlite);
}

#[cfg(unix)]
#[test]
fn our_gateway_before_postgrest_answers_as_the_cases_say() {
    tell_ours(Store::Supabase);
}

#[test]
fn the_double_answers_as_the_gateway_that_it_stands_for() {
    let stories = stories();
    for (name, generation) in [("first", Generation::First), ("second", Generation::Second)] {
        let gateway = OldGateway::start(generation, Table::deployed());
        let told: Vec<_> = stories.iter().filter(|story| story.is_of(name)).collect();
        assert!(told.len() > 1, "there are cases for the {name} generation");
        assert_all(&told, &Server::at(&gateway.url()));
    }
}

#[test]
fn every_case_says_why_and_expects_something() {
    for story in stories() {
        assert!(story.content["why"].as_str().is_some_and(|why| why.len() > 20), "{}", story.name);
        for step in story.content["steps"].as_array().unwrap() {
            let says = |key: &str| step.get(key).is_some();
            assert!(says("status") || says("texts") || says("state"), "{}: {step}", story.name);
        }
    }
}
