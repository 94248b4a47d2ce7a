//! The two remotes with a store of their own: one suite over both, and what belongs to the file alone.

mod contention;
mod differential;
mod file;
mod full;

use std::path::Path;
use std::sync::Arc;

use idse_core::remote::{
    Fault, Fetched, MemoryRemote, NewProject, ProjectFilter, PushItem, PushOutcome, PushRequest, PushState,
    Remote, RemoteSession, RemoteText, Revision, Sessions, SqliteRemote, Target,
};
use idse_core::{Cancel, Context, Digest, ErrorKind, OpId, ProjectId, SessionId, Stage};
use serde_json::{Map, Value, json};

fn project(n: u8) -> ProjectId {
    format!("00000000-0000-4000-8000-0000000000{n:02x}").parse().expect("a UUID")
}

fn target(n: u8, session: &str) -> Target {
    Target { project_id: project(n), session: session.parse().expect("a name") }
}

fn op(n: u64) -> OpId {
    format!("11111111-0000-4000-8000-{n:012x}").parse().expect("a UUID")
}

/// A push of nothing; the methods below fill it.
fn push_to(target: &Target, n: u64) -> PushRequest {
    PushRequest {
        target: target.clone(),
        op: op(n),
        revision: None,
        items: vec![],
        state: None,
        create: None,
    }
}

fn item(stage: Stage, expected: Option<&str>, text: Option<&str>) -> PushItem {
    PushItem { stage, text: text.map(str::to_owned), expected: expected.map(Digest::of) }
}

fn new_project(name: &str) -> NewProject {
    NewProject { name: name.parse().expect("a name"), stack: Some("rust".into()), framework: None }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn session(remote: &dyn Remote, target: &Target) -> RemoteSession {
    match remote.fetch(target, None, &Context::default()) {
        Ok(Fetched::Session(session)) => *session,
        other => panic!("a session is expected, not {other:?}"),
    }
}

fn written(outcome: PushOutcome) -> (Revision, bool) {
    match outcome {
        PushOutcome::Written { revision, in_step, .. } => (revision, in_step),
        other => panic!("written is expected, not {other:?}"),
    }
}

fn created(remote: &dyn Remote, n: u8, session: &str, text: &str) -> Revision {
    let mut request = push_to(&target(n, session), 1);
    request.items = vec![item(Stage::Spec, None, Some(text))];
    request.state = Some(PushState { value: object(json!({"session_id": session})), expected: None });
    request.create = Some(new_project("portal"));
    let (revision, in_step) = written(remote.push(&request, &Context::default()).expect("created"));
    assert!(in_step);
    revision
}

type Case = fn(&dyn Remote);

const SUITE: &[(&str, Case)] = &[
    ("an empty agency", |remote| {
        let context = Context::default();
        let missing = Fetched::Missing { project_exists: false };
        assert_eq!(remote.fetch(&target(1, "s"), None, &context).expect("an answer"), missing);
        assert_eq!(
            remote.push(&push_to(&target(1, "s"), 1), &context).expect("an answer"),
            PushOutcome::Missing
        );
        assert_eq!(remote.projects(&ProjectFilter::All, &context).expect("a list"), vec![]);
        assert!(remote.health(&context).expect("health").healthy);
    }),
    ("what is pushed is fetched", |remote| {
        let text = "\u{feff}# Spec\r\n\0 é 😀\u{2028}'; DROP TABLE sessions; --";
        let revision = created(remote, 1, "s", text);
        let found = session(remote, &target(1, "s"));
        assert_eq!(found.revision, revision);
        assert_eq!((found.name.as_str(), found.stack.as_deref()), ("portal", Some("rust")));
        assert_eq!(found.session, "s".parse().ok());
        assert_eq!(found.texts[&Stage::Spec], RemoteText::Text(text.into()));
        assert_eq!(found.texts[&Stage::Plan], RemoteText::Absent);
        assert_eq!(found.texts.len(), 7);
        assert_eq!(found.state, Some(object(json!({"session_id": "s"}))));
        let again = remote.fetch(&target(1, "s"), Some(&revision), &Context::default());
        assert_eq!(again.expect("an answer"), Fetched::Unchanged);
    }),
    ("every item is guarded, all or nothing", |remote| {
        let revision = created(remote, 1, "s", "one\n");
        let mut request = push_to(&target(1, "s"), 2);
        request.revision = Some(revision.clone());
        request.items =
            vec![item(Stage::Plan, None, Some("plan")), item(Stage::Spec, Some("other\n"), Some("two\n"))];
        let differs = PushOutcome::Differs { stages: vec![Stage::Spec], state: false };
        assert_eq!(remote.push(&request, &Context::default()).expect("an answer"), differs);
        assert_eq!(session(remote, &target(1, "s")).revision, revision, "nothing was written");
        // Line endings do not count, and a stale revision alone is no obstacle.
        request.items[1].expected = Some(Digest::of("one\r\n"));
        request.revision = Some(Revision::new("stale"));
        let (next, in_step) = written(remote.push(&request, &Context::default()).expect("an answer"));
        assert!(next != revision && !in_step);
        request.items = vec![item(Stage::Spec, Some("two\n"), None)];
        request.revision = Some(next);
        assert!(written(remote.push(&request, &Context::default()).expect("an answer")).1, "in step");
        let found = session(remote, &target(1, "s"));
        assert_eq!(found.texts[&Stage::Spec], RemoteText::Absent);
        assert_eq!(found.texts[&Stage::Plan], RemoteText::Text("plan".into()));
    }),
    ("the state is guarded by its value", |remote| {
        created(remote, 1, "s", "one");
        let mut request = push_to(&target(1, "s"), 2);
        let value = object(json!({"session_id": "s", "n": 1.10}));
        request.state = Some(PushState { value: value.clone(), expected: None });
        let differs = PushOutcome::Differs { stages: vec![], state: true };
        assert_eq!(remote.push(&request, &Context::default()).expect("an answer"), differs);
        let expected = Some(Digest::of_json(&json!({"session_id": "s"})));
        request.state = Some(PushState { value: value.clone(), expected });
        written(remote.push(&request, &Context::default()).expect("an answer"));
        assert_eq!(session(remote, &target(1, "s")).state, Some(value));
    }),
    ("creating never overwrites", |remote| {
        created(remote, 1, "s", "one");
        let mut request = push_to(&target(1, "s"), 2);
        request.items = vec![item(Stage::Spec, None, Some("mine"))];
        request.create = Some(new_project("other"));
        let differs = PushOutcome::Differs { stages: vec![Stage::Spec], state: false };
        assert_eq!(remote.push(&request, &Context::default()).expect("an answer"), differs);
        assert_eq!(session(remote, &target(1, "s")).name, "portal");
        request.target = target(2, "s");
        request.items[0].expected = Some(Digest::of("x"));
        assert_eq!(remote.push(&request, &Context::default()).expect("an answer"), PushOutcome::Missing);
    }),
    ("a project holds many sessions", |remote| {
        let revision = created(remote, 1, "a", "one");
        let exists = Fetched::Missing { project_exists: true };
        assert_eq!(remote.fetch(&target(1, "b"), None, &Context::default()).expect("an answer"), exists);
        let mut request = push_to(&target(1, "b"), 2);
        request.items = vec![item(Stage::Spec, None, Some("two"))];
        request.revision = Some(revision);
        assert_eq!(remote.push(&request, &Context::default()).expect("an answer"), PushOutcome::Missing);
        request.revision = None;
        assert!(written(remote.push(&request, &Context::default()).expect("an answer")).1);
        created(remote, 2, "c", "three");
        let list =
            remote.projects(&ProjectFilter::Name("portal".into()), &Context::default()).expect("a list");
        let shown: Vec<(ProjectId, Vec<SessionId>)> = list
            .iter()
            .map(|p| (p.project_id, p.sessions.iter().filter_map(|s| s.session.clone()).collect()))
            .collect();
        let name = |s: &str| s.parse::<SessionId>().expect("a name");
        assert_eq!(shown, [(project(2), vec![name("c")]), (project(1), vec![name("b"), name("a")])]);
        let one = remote.projects(&ProjectFilter::Id(project(1)), &Context::default()).expect("a list");
        assert_eq!(one, list[1..]);
    }),
    ("a stage named twice is refused", |remote| {
        created(remote, 1, "s", "one");
        for n in [1, 2] {
            let mut request = push_to(&target(n, "s"), 2);
            request.items = vec![item(Stage::Plan, None, Some("a")), item(Stage::Plan, None, Some("b"))];
            let error = remote.push(&request, &Context::default()).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }),
    ("a cancelled call does nothing", |remote| {
        let revision = created(remote, 1, "s", "one");
        let context = Context { cancel: Cancel::default(), ..Context::default() };
        context.cancel.cancel();
        let mut request = push_to(&target(1, "s"), 2);
        request.items = vec![item(Stage::Spec, Some("one"), Some("two"))];
        assert_eq!(remote.push(&request, &context).expect_err("cancelled").kind(), ErrorKind::Cancelled);
        assert_eq!(session(remote, &target(1, "s")).revision, revision);
    }),
];

fn sqlite(folder: &Path) -> SqliteRemote {
    SqliteRemote::open(&folder.join("new/agency.db"), &Context::default()).expect("opened")
}

#[test]
fn one_suite_for_both() {
    for (name, case) in SUITE {
        println!("{name}");
        case(&MemoryRemote::new(Sessions::Many));
        let folder = tempfile::tempdir().expect("a folder");
        case(&sqlite(folder.path()));
    }
}

#[test]
fn one_session_is_the_one_of_the_state() {
    let remote = MemoryRemote::new(Sessions::One);
    created(&remote, 1, "a", "one");
    let found = session(&remote, &target(1, "b"));
    assert_eq!(found.session, "a".parse().ok());
    remote.edit(&target(1, "b"), |row| row.state = None);
    assert_eq!(session(&remote, &target(1, "a")).session, None);
}

#[test]
fn faults_do_what_they_say() {
    let context = Context::default();
    let remote = MemoryRemote::new(Sessions::One);
    created(&remote, 1, "s", "0");
    let here = target(1, "s");
    let push = |from: &str, to: &str| {
        let mut request = push_to(&here, 9);
        request.items = vec![item(Stage::Spec, Some(from), Some(to))];
        remote.push(&request, &context)
    };
    let kind = |result: Result<PushOutcome, idse_core::Error>| result.expect_err("a fault").kind();
    remote.fail_next(Fault::LoseRequest);
    assert_eq!(kind(push("0", "1")), ErrorKind::Unsettled);
    remote.fail_next(Fault::LoseReply);
    assert_eq!(kind(push("0", "2")), ErrorKind::Unsettled);
    remote.fail_next_push(Fault::Truncate);
    assert_eq!(session(&remote, &here).texts[&Stage::Spec], RemoteText::Text("2".into()));
    assert_eq!(kind(push("2", "3")), ErrorKind::Unsettled);
    remote.fail_next(Fault::ChangeBetween(Arc::new(|row| {
        row.texts.insert(Stage::Spec, "by hand".into());
    })));
    assert!(matches!(push("3", "4"), Ok(PushOutcome::Differs { .. })));
    remote.fail_next(Fault::Refuse(ErrorKind::RateLimited));
    assert_eq!(kind(push("by hand", "5")), ErrorKind::RateLimited);
    for fault in [Fault::LoseRequest, Fault::Truncate] {
        remote.fail_next(fault);
        assert!(remote.fetch(&here, None, &context).is_err());
    }
    assert_eq!(remote.history(&here, Stage::Spec), ["0", "2", "3", "by hand"]);
    assert_eq!((remote.requests().push, remote.requests().fetch), (6, 3));
}
