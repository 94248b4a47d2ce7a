//! What is decided about gateways without one: spellings, answers, errors.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::name::{OpId, ProjectId};
use crate::remote::{PushItem, PushState, RemoteText};

const ID: &str = "cfb3dbaa-4c2f-4794-810a-d9f6df63f01f";

fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn id() -> ProjectId {
    ID.parse().unwrap()
}

#[test]
fn both_forms_of_an_address_are_one_agency() {
    for url in [
        "https://mcp.example/sync",
        "https://mcp.example/sync/",
        "https://mcp.example/",
        "HTTPS://MCP.example:443",
        " https://mcp.example./sync ",
    ] {
        assert_eq!(GatewayRemote::info_of(url).address, "https://mcp.example/sync", "{url}");
    }
    let below = GatewayRemote::info_of("https://mcp.example/a/b/sync");
    assert_eq!(below.address, "https://mcp.example/a/b/sync");
    for bad in ["http://mcp.example", "ftp://x", "https://a@b.example", "https://x.example/?a", ""] {
        let limits = Limits::default();
        assert!(GatewayRemote::new(bad, None, &limits, &Env::default()).is_err(), "{bad}");
    }
}

#[test]
fn every_generation_is_known_by_its_answer() {
    let first = map(json!({"project_id": ID, "name": "portal", "stack": "python", "framework": null,
        "artifacts": {"spec_md": "S", "plan_md": ""}, "state_json": {"session_id": "s1"}, "updated_at": "t"}));
    let second = map(
        json!({"project_id": ID, "session_id": "s2", "name": "portal", "stack": null, "framework": "f",
        "artifacts": {"specs/spec.md": "S", "meta/meta.md": "M", "../../evil.md": "E"}, "session_state": {}, "updated_at": "t"}),
    );
    let ours = map(
        json!({"project_id": ID, "session_id": "s3", "name": "portal", "guard": "row_version", "sessions": "many",
        "artifacts": {"spec_md": "S"}, "state_json": null, "session_state": {}, "revision": "7-a", "skipped": ["plan_md"]}),
    );
    let read = |answer: &Map<String, Value>| {
        answer::session(answer, id(), kind_of(answer).unwrap()).unwrap().unwrap()
    };
    assert_eq!(kind_of(&first), Some(Kind::Existing { sessions: Sessions::One }));
    assert_eq!(kind_of(&second), Some(Kind::Existing { sessions: Sessions::Many }));
    let guarded = Kind::Guarded { guard: Guard::RowVersion, sessions: Sessions::Many };
    assert_eq!(kind_of(&ours), Some(guarded));
    for (answer, session, plan) in [
        (&first, "s1", RemoteText::Text(String::new())),
        (&second, "s2", RemoteText::Unknown),
        (&ours, "s3", RemoteText::Unmapped),
    ] {
        let row = read(answer);
        assert_eq!(row.session.unwrap().as_str(), session);
        assert_eq!(row.texts[&Stage::Spec], RemoteText::Text("S".into()));
        assert_eq!(row.texts[&Stage::Plan], plan);
        assert_eq!(is_guarding(&row.revision), session == "s3");
    }
    assert_eq!(read(&ours).texts[&Stage::Tasks], RemoteText::Absent);
    assert_eq!(read(&first).texts[&Stage::Tasks], RemoteText::Unknown);
    // A session that nobody pushed yet is answered with nothing, and not refused.
    let mut unknown = second;
    unknown.insert("artifacts".into(), json!({}));
    assert_eq!(answer::session(&unknown, id(), kind_of(&unknown).unwrap()), Ok(None));
}

#[test]
fn an_answer_that_cannot_be_true_is_refused() {
    let good = map(json!({"project_id": ID, "guard": "row_version", "sessions": "one", "revision": "1",
        "artifacts": {"spec_md": "S"}, "digests": {"spec_md": Digest::of("S").to_string()}}));
    assert!(answer::session(&good, id(), kind_of(&good).unwrap()).is_ok());
    for (key, value) in [
        ("project_id", json!("00000000-0000-4000-8000-000000000001")),
        ("project_id", json!(null)),
        ("artifacts", json!({"spec_md": 7})),
        ("artifacts", json!([])),
        ("revision", json!(1)),
        ("digests", json!({"spec_md": Digest::of("other").to_string()})),
    ] {
        let mut bad = good.clone();
        bad.insert(key.into(), value);
        assert!(answer::session(&bad, id(), kind_of(&bad).unwrap()).is_err(), "{key}");
    }
}

#[test]
fn a_made_up_revision_changes_with_whatever_is_seen() {
    let base = map(
        json!({"project_id": ID, "name": "p", "artifacts": {"spec_md": "S"}, "state_json": {"a": 1, "b": 2}, "updated_at": "t"}),
    );
    let revision = |answer: &Map<String, Value>| {
        answer::session(answer, id(), kind_of(answer).unwrap()).unwrap().unwrap().revision
    };
    let first = revision(&base);
    let mut same = base.clone();
    same.insert("state_json".into(), json!({"b": 2, "a": 1}));
    assert_eq!(revision(&same), first);
    for (key, value) in
        [("artifacts", json!({"plan_md": "S"})), ("state_json", json!({"a": 2})), ("updated_at", json!("u"))]
    {
        let mut other = base.clone();
        other.insert(key.into(), value);
        assert_ne!(revision(&other), first, "{key}");
    }
}

#[test]
fn a_push_says_what_it_replaces() {
    let item = |stage, text: Option<&str>, expected: Option<&str>| PushItem {
        stage,
        text: text.map(str::to_owned),
        expected: expected.map(Digest::of),
    };
    let request = PushRequest {
        target: Target { project_id: id(), session: "s1".parse().unwrap() },
        op: OpId::new(uuid::Uuid::nil()),
        revision: Some(Revision::new("7-a")),
        items: vec![
            item(Stage::Spec, Some("new"), Some("old")),
            item(Stage::Plan, None, Some("gone")),
            item(Stage::Tasks, Some("t"), None),
        ],
        state: Some(PushState { value: map(json!({"session_id": "s1"})), expected: None }),
        create: None,
    };
    let body = guarded_body(&request);
    assert_eq!(body["artifacts"], json!({"spec_md": "new", "tasks_md": "t"}));
    assert_eq!(body["nulls"], json!(["plan_md"]));
    assert_eq!(
        body["base"],
        json!({"spec_md": Digest::of("old"), "plan_md": Digest::of("gone"), "tasks_md": null})
    );
    assert_eq!((&body["revision"], &body["state_base"]), (&json!("7-a"), &json!(null)));
    assert!(body.get("create").is_none() && body.get("stack").is_none());
    let made_up = PushRequest { revision: Some(Revision::new("seen-1")), ..request };
    assert!(guarded_body(&made_up).get("revision").is_none());
}

#[test]
fn what_is_not_there_is_told_in_four_ways() {
    let there = |project_exists, is_ours| Some(NotThere { project_exists, is_ours });
    for (status, answer, expected) in [
        (404, json!({"kind": "NotFound", "project_exists": true}), there(true, true)),
        (404, json!({"kind": "NotFound", "project_exists": false}), there(false, true)),
        (404, json!({"detail": "Project not found"}), there(false, false)),
        (500, json!({"detail": "404: Project not found"}), there(false, false)),
        (404, json!({"detail": "Not Found"}), None),
        (500, json!({"detail": "[Errno 111] Connection refused"}), None),
        (500, json!({"detail": [1]}), None),
        (200, json!({}), None),
    ] {
        assert_eq!(not_there(status, &map(answer.clone())), expected, "{status} {answer}");
    }
    let detail = "{'message': \"Column 'implementation_md' of relation 'projects' does not exist\", 'code': 'PGRST204'}";
    assert_eq!(failure::missing_column(&map(json!({"detail": detail}))), Some(Stage::Implementation));
    let other = detail.replace("implementation_md", "framework");
    assert_eq!(failure::missing_column(&map(json!({"detail": other}))), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!(ID)),
        Just(json!("seen-x")),
    ];
    let key = prop_oneof![
        Just("project_id".to_owned()),
        Just("artifacts".to_owned()),
        Just("spec_md".to_owned()),
        Just("specs/spec.md".to_owned()),
        Just("state_json".to_owned()),
        Just("session_state".to_owned()),
        Just("projects".to_owned()),
        Just("sessions".to_owned()),
        Just("conflicts".to_owned()),
        Just("digests".to_owned()),
        Just("skipped".to_owned()),
        Just("guard".to_owned()),
        Just("revision".to_owned()),
        Just("detail".to_owned()),
        Just("kind".to_owned()),
        ".{0,4}",
    ];
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..10)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_makes_it_fall(answer in any_json(), status in 100u16..600) {
        let answer = answer.as_object().cloned().unwrap_or_default();
        let kind = kind_of(&answer).unwrap_or(Kind::Unknown);
        drop(answer::session(&answer, id(), kind));
        drop(answer::projects(&answer, &ProjectFilter::All));
        drop(answer::stages(answer.get("skipped")));
        drop(differs(&answer));
        _ = not_there(status, &answer);
        _ = failure::missing_column(&answer);
    }

    #[test]
    fn no_address_makes_it_fall(url in "(https?://)?[a-zA-Z0-9./?#@:\\[\\]\\\\ é-]{0,40}") {
        let info = GatewayRemote::info_of(&url);
        prop_assert_eq!(GatewayRemote::info_of(&info.address).address, info.address);
        drop(GatewayRemote::new(&url, None, &Limits::default(), &Env::default()));
    }
}
