//! Existing gateways: the remote and the whole list of verbs against a double of both generations.

use idse_core::config::Limits;

use idse_core::remote::{
    Fetched, GatewayRemote, Guard, NewProject, ProjectFilter, PushItem, PushOutcome, PushRequest, PushState,
    Remote, RemoteText, Target,
};
use idse_core::{Context, Digest, Env, ErrorKind, OpId, ProjectId, Stage};
use idse_tests::{Generation, OldFault, OldGateway, Run, Sandbox, Table};
use serde_json::{Value, json};

const GENERATIONS: [Generation; 2] = [Generation::First, Generation::Second];

fn remote(gateway: &OldGateway) -> GatewayRemote {
    GatewayRemote::new(&gateway.url(), None, &Limits::default(), &Env::default()).unwrap()
}

/// Alice and Bob at the gateway.
struct Pair {
    gateway: OldGateway,
    alice: Sandbox,
    bob: Sandbox,
}

impl Pair {
    /// Alice has pushed `spec` and `plan`, Bob has cloned them.
    fn new(generation: Generation) -> Self {
        let gateway = OldGateway::start(generation, Table::deployed());
        let alice = Sandbox::new().env("IDSE_REMOTE", gateway.url());
        drop(alice.idse(&["init", "portal", "--session", "s1"]).success());
        alice.write_stage(Stage::Spec, "# Spec\n\none\n\ntwo\n\nthree\n");
        alice.write_stage(Stage::Plan, "# Plan\n");
        drop(alice.idse(&["sync", "push"]).success());
        let bob = alice.beside("bob");
        drop(bob.idse(&["sync", "clone", "portal"]).success());
        Self { gateway, alice, bob }
    }

    fn stored(&self, stage: Stage) -> Option<String> {
        self.gateway.table().named("portal")?.get(stage.column()).map(str::to_owned)
    }
}

fn json_of(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn what_one_pushes_the_other_gets_and_the_report_says_how_it_was_guarded() {
    for generation in GENERATIONS {
        let pair = Pair::new(generation);
        assert_eq!(pair.bob.read_stage(Stage::Spec), pair.alice.read_stage(Stage::Spec), "{generation:?}");
        pair.alice.write_stage(Stage::Spec, "# Spec\n\nONE\n\ntwo\n\nthree\n");
        let report = json_of(&pair.alice.idse(&["sync", "push", "--json"]).success());
        assert_eq!(report["guard"], "none", "{report}");
        // Different stages do not disturb each other, and the same stage is merged.
        pair.bob.write_stage(Stage::Plan, "# Plan of Bob\n");
        pair.bob.write_stage(Stage::Spec, "# Spec\n\none\n\ntwo\n\nTHREE\n");
        drop(pair.bob.idse(&["sync", "push", "plan"]).success());
        drop(pair.bob.idse(&["sync", "pull"]).success());
        assert_eq!(pair.bob.read_stage(Stage::Spec), "# Spec\n\nONE\n\ntwo\n\nTHREE\n");
        drop(pair.bob.idse(&["sync", "push"]).success());
        drop(pair.alice.idse(&["sync", "pull"]).success());
        assert_eq!(pair.alice.read_stage(Stage::Spec), "# Spec\n\nONE\n\ntwo\n\nTHREE\n");
        assert_eq!(pair.alice.read_stage(Stage::Plan), "# Plan of Bob\n");
    }
}

#[test]
fn what_both_changed_is_a_conflict_and_nothing_is_overwritten() {
    for generation in GENERATIONS {
        let pair = Pair::new(generation);
        pair.alice.write_stage(Stage::Spec, "# Spec of Alice\n");
        drop(pair.alice.idse(&["sync", "push"]).success());
        pair.bob.write_stage(Stage::Spec, "# Spec of Bob\n");
        assert_eq!(pair.bob.idse(&["sync", "push"]).code, Some(3), "{generation:?}");
        assert_eq!(pair.stored(Stage::Spec).as_deref(), Some("# Spec of Alice\n"));
        assert_eq!(pair.bob.idse(&["sync", "pull"]).code, Some(3));
        assert_eq!(pair.bob.read_stage(Stage::Spec), "# Spec of Bob\n");
        drop(pair.bob.idse(&["sync", "resolve", "spec", "--local"]).success());
        drop(pair.bob.idse(&["sync", "push"]).success());
        assert_eq!(pair.stored(Stage::Spec).as_deref(), Some("# Spec of Bob\n"));
        drop(pair.bob.idse(&["sync", "undo"]).success());
        assert_eq!(pair.bob.read_stage(Stage::Spec), "# Spec of Alice\n");
    }
}

#[test]
fn every_question_is_answered() {
    for generation in GENERATIONS {
        let pair = Pair::new(generation);
        let list = json_of(&pair.bob.idse(&["sync", "list", "--json"]).success());
        assert_eq!(list["projects"][0]["name"], "portal", "{list}");
        drop(pair.bob.idse(&["sync", "status"]).success());
        drop(pair.gateway.take_requests());
        drop(pair.bob.idse(&["status"]).success());
        drop(pair.bob.idse(&["sync", "diff"]).success());
        assert_eq!(pair.gateway.take_requests(), Vec::<String>::new(), "local verbs ask nobody");
        pair.bob.write_stage(Stage::Spec, "# Other\n");
        assert!(pair.bob.idse(&["sync", "diff", "--remote"]).success().stdout.contains("+# Other"));
        let third = pair.bob.beside("third");
        drop(third.idse(&["init", "portal", "--session", "s1"]).success());
        let id = pair.gateway.table().rows[0].id.clone();
        drop(third.idse(&["sync", "link", &id]).success());
        drop(third.idse(&["sync", "pull"]).success());
        assert_eq!(third.read_stage(Stage::Plan), "# Plan\n");
        drop(third.idse(&["doctor", "--remote"]));
    }
}

#[test]
fn a_push_reads_before_and_after_and_a_second_one_has_nothing_to_do() {
    let pair = Pair::new(Generation::First);
    pair.alice.write_stage(Stage::Spec, "# New\n");
    drop(pair.gateway.take_requests());
    drop(pair.alice.idse(&["sync", "push"]).success());
    assert_eq!(pair.gateway.take_requests(), ["POST /sync/pull", "POST /sync/push", "POST /sync/pull"]);
    drop(pair.alice.idse(&["sync", "pull"]).success());
    assert_eq!(pair.gateway.take_requests(), ["POST /sync/pull"]);
}

#[test]
fn the_documented_table_takes_what_it_has_columns_for() {
    let gateway = OldGateway::start(Generation::First, Table::documented());
    let alice = Sandbox::new().env("IDSE_REMOTE", gateway.url());
    drop(alice.idse(&["init", "portal", "--session", "s1"]).success());
    let refused = alice.idse(&["sync", "push"]);
    assert_eq!(refused.code, Some(4), "its list asks for a column that is not there");
    assert!(refused.stderr.contains("idse sync link"), "{}", refused.stderr);
}

#[test]
fn a_lost_answer_is_settled_and_nobody_is_overwritten() {
    for generation in GENERATIONS {
        for fault in ["request", "reply", "cut", "proxy", "third"] {
            let pair = Pair::new(generation);
            pair.alice.write_stage(Stage::Spec, "# Spec of Alice\n");
            let push = |fault| pair.gateway.fail_next("/sync/push", fault);
            match fault {
                "request" => push(OldFault::LoseRequest),
                "reply" => push(OldFault::LoseReply),
                "cut" => push(OldFault::CutReply),
                "proxy" => push(OldFault::ProxyAfter(502)),
                _ => {
                    push(OldFault::LoseReply);
                    // Somebody writes between the lost answer and the read that settles it.
                    pair.gateway.fail_next("/sync/pull", OldFault::After(Box::new(|_| ())));
                    pair.gateway.fail_next(
                        "/sync/pull",
                        OldFault::Before(Box::new(|table| {
                            let row = table.named("portal").unwrap();
                            row.set("spec_md", Some("# Spec of Bob\n"));
                            let id = row.id.clone();
                            drop(
                                table.documents.insert(
                                    (id, "s1".into(), "specs/spec.md".into()),
                                    "# Spec of Bob\n".into(),
                                ),
                            );
                        })),
                    );
                }
            }
            let run = pair.alice.idse(&["sync", "push"]);
            let stored = pair.stored(Stage::Spec);
            if fault == "third" {
                assert_eq!(stored.as_deref(), Some("# Spec of Bob\n"), "{generation:?}: {}", run.stderr);
                drop(pair.alice.idse(&["sync", "pull"]));
                assert!(pair.stored(Stage::Spec).as_deref() == Some("# Spec of Bob\n"));
            } else {
                assert_eq!(run.code, Some(0), "{generation:?} {fault}: {}", run.stderr);
                assert_eq!(stored.as_deref(), Some("# Spec of Alice\n"), "{generation:?} {fault}");
                assert_eq!(pair.alice.idse(&["sync", "push"]).code, Some(0));
            }
        }
    }
}

#[test]
fn what_is_stored_only_in_part_is_noticed() {
    let pair = Pair::new(Generation::Second);
    assert!(pair.gateway.table().refused.insert("specs/spec.md".into()));
    pair.alice.write_stage(Stage::Spec, "# New spec\n");
    let run = pair.alice.idse(&["sync", "push", "--json"]);
    assert_eq!(run.code, Some(4));
    assert_eq!(json_of(&run)["error"]["reason"], "not_stored", "{}", run.stdout);
    pair.gateway.table().refused.clear();
    drop(pair.alice.idse(&["sync", "push"]).success());
    drop(pair.bob.idse(&["sync", "pull"]).success());
    assert_eq!(pair.bob.read_stage(Stage::Spec), "# New spec\n");
}

#[test]
fn somebody_who_comes_between_writing_and_reading_back_is_a_conflict() {
    for generation in GENERATIONS {
        let pair = Pair::new(generation);
        pair.alice.write_stage(Stage::Spec, "# Spec of Alice\n");
        pair.gateway.fail_next(
            "/sync/push",
            OldFault::After(Box::new(|table| {
                let row = table.named("portal").unwrap();
                row.set("spec_md", Some("# Spec by hand\n"));
                let id = row.id.clone();
                drop(
                    table
                        .documents
                        .insert((id, "s1".into(), "specs/spec.md".into()), "# Spec by hand\n".into()),
                );
            })),
        );
        assert_eq!(pair.alice.idse(&["sync", "push"]).code, Some(3), "{generation:?}");
        assert_eq!(pair.stored(Stage::Spec).as_deref(), Some("# Spec by hand\n"));
        assert_eq!(pair.alice.read_stage(Stage::Spec), "# Spec of Alice\n");
    }
}

#[test]
fn texts_survive_byte_for_byte() {
    let texts = [
        "",
        "\u{feff}# BOM\r\nCRLF\r\n",
        "no end",
        "emoji 🦀 e\u{301} \u{202e}rtl\u{2028}line",
        "\u{1}\u{7f}\u{85} \\u0041 \\ud800 \"quotes\" \\\\",
        "{{ template }} </script> ' ; DROP TABLE projects; --",
        "tab\tand\r\r\nmixed\n\r\n",
    ];
    for generation in GENERATIONS {
        let gateway = OldGateway::start(generation, Table::deployed());
        let id = gateway_project(&gateway);
        let mut before: Option<String> = None;
        for text in texts.iter().filter(|text| generation == Generation::First || !text.is_empty()) {
            let request = push(id, Stage::Spec, before.as_deref(), text);
            let outcome = remote(&gateway).push(&request, &Context::default()).unwrap();
            assert!(matches!(outcome, PushOutcome::Written { .. }), "{text:?} {outcome:?}");
            let Fetched::Session(row) =
                remote(&gateway).fetch(&request.target, None, &Context::default()).unwrap()
            else {
                panic!("there is a row")
            };
            assert_eq!(row.texts[&Stage::Spec], RemoteText::Text((*text).to_owned()), "{generation:?}");
            before = Some((*text).to_owned());
        }
    }
}

/// Makes a project with a state as an existing client does, and returns its id.
fn gateway_project(gateway: &OldGateway) -> ProjectId {
    let remote = remote(gateway);
    let mut request = push("00000000-0000-4000-8000-000000000001".parse().unwrap(), Stage::Spec, None, "");
    request.items.clear();
    let value = json!({"session_id": "s1"}).as_object().unwrap().clone();
    request.state = Some(PushState { value, expected: None });
    request.create =
        Some(NewProject { name: "portal".parse().unwrap(), stack: Some("rust".into()), framework: None });
    let outcome = remote.push(&request, &Context::default()).unwrap();
    // The gateway chooses the id: the push is planned anew once it is known.
    assert!(matches!(outcome, PushOutcome::Differs { .. }), "{outcome:?}");
    let found = remote.projects(&ProjectFilter::Name("portal".into()), &Context::default()).unwrap();
    assert_eq!((found.len(), remote.info().guard), (1, Guard::None));
    found[0].project_id
}

fn push(project_id: ProjectId, stage: Stage, expected: Option<&str>, text: &str) -> PushRequest {
    PushRequest {
        target: Target { project_id, session: "s1".parse().unwrap() },
        op: "11111111-0000-4000-8000-000000000001".parse::<OpId>().unwrap(),
        revision: None,
        items: vec![PushItem { stage, text: Some(text.to_owned()), expected: expected.map(Digest::of) }],
        state: None,
        create: None,
    }
}

#[test]
fn what_others_of_the_family_keep_in_the_row_stays() {
    for generation in GENERATIONS {
        let gateway = OldGateway::start(generation, Table::deployed());
        let id = gateway_project(&gateway);
        gateway.table().named("portal").unwrap().set("constraints", Some("none"));
        let request = push(id, Stage::Plan, None, "P");
        drop(remote(&gateway).push(&request, &Context::default()).unwrap());
        let mut table = gateway.table();
        let row = table.named("portal").unwrap();
        assert_eq!(
            (row.get("name"), row.get("stack"), row.get("constraints")),
            (Some("portal"), Some("rust"), Some("none"))
        );
        assert_eq!(row.state["session_id"], "s1");
    }
}

#[test]
fn whatever_answers_there_is_told_by_its_kind() {
    let answers: [(&str, ErrorKind); 6] = [
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
            ErrorKind::Protocol,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]",
            ErrorKind::Protocol,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{\"artifacts\": {\"a\":\"\\ud800\"}",
            ErrorKind::Protocol,
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: https://evil.example/\r\ncontent-length: 0\r\n\r\n",
            ErrorKind::Protocol,
        ),
        ("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n", ErrorKind::Unauthorized),
        ("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", ErrorKind::NotFound),
    ];
    for (answer, kind) in answers {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}/sync", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            let (mut stream, _) = listener.accept().unwrap();
            // A body arrives with its head or right behind it; both are read before the answer.
            let mut bytes = [0; 4096];
            let mut seen = Vec::new();
            while !seen.windows(2).any(|pair| pair == b"}}" || pair == b"l}" || pair == b"\"}") {
                let count = stream.read(&mut bytes).unwrap();
                if count == 0 {
                    break;
                }
                seen.extend_from_slice(&bytes[..count]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let remote = GatewayRemote::new(&url, None, &Limits::default(), &Env::default()).unwrap();
        let target = Target {
            project_id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            session: "s1".parse().unwrap(),
        };
        let error = remote.fetch(&target, None, &Context::default()).unwrap_err();
        assert_eq!(error.kind(), kind, "{answer}: {error}");
        server.join().unwrap();
    }
}
