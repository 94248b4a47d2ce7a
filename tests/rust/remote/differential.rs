//! Random histories: the file and the memory give the same answers.

use proptest::prelude::*;
use rusqlite::Connection;

use super::*;

/// Which text or digest a request names.
#[derive(Debug, Clone, Copy)]
enum Expect {
    Nothing,
    WhatIsThere,
    SomethingElse,
}

#[derive(Debug, Clone)]
enum Step {
    Push {
        at: usize,
        create: bool,
        revision: Expect,
        items: Vec<(usize, Expect, Option<u8>)>,
        state: Option<(Expect, u8)>,
    },
    Fetch {
        at: usize,
        since: Expect,
    },
    List(u8),
    HandEdit {
        at: usize,
        stage: usize,
        text: Option<u8>,
    },
    DropRow(usize),
    DropProject(u8),
}

const PLACES: [(u8, &str); 4] = [(1, "a"), (1, "b"), (2, "a"), (2, "__blueprint__")];
const TEXTS: [&str; 5] = ["", "one\n", "one\r\n", "\u{feff}one\n", "two 'x' \0 é"];

fn expect() -> impl Strategy<Value = Expect> {
    prop_oneof![2 => Just(Expect::Nothing), 5 => Just(Expect::WhatIsThere), 1 => Just(Expect::SomethingElse)]
}

fn step() -> impl Strategy<Value = Step> {
    let text = || proptest::option::weighted(0.8, 0..5u8);
    let items = proptest::collection::vec((0..3usize, expect(), text()), 0..3);
    let state = proptest::option::of((expect(), 0..3u8));
    prop_oneof![
        8 => (0..4usize, any::<bool>(), expect(), items, state)
            .prop_map(|(at, create, revision, items, state)| Step::Push { at, create, revision, items, state }),
        3 => (0..4usize, expect()).prop_map(|(at, since)| Step::Fetch { at, since }),
        1 => (0..4u8).prop_map(Step::List),
        2 => (0..4usize, 0..3usize, text()).prop_map(|(at, stage, text)| Step::HandEdit { at, stage, text }),
        1 => (0..4usize).prop_map(Step::DropRow),
        1 => (1..3u8).prop_map(Step::DropProject),
    ]
}

fn place(at: usize) -> Target {
    target(PLACES[at].0, PLACES[at].1)
}

fn text(n: u8) -> String {
    TEXTS[usize::from(n)].to_owned()
}

/// What the next request can know: the row as it is.
fn known(remote: &dyn Remote, target: &Target) -> Option<RemoteSession> {
    match remote.fetch(target, None, &Context::default()).expect("an answer") {
        Fetched::Session(session) => Some(*session),
        _ => None,
    }
}

fn revision(expect: Expect, known: Option<&RemoteSession>) -> Option<Revision> {
    match expect {
        Expect::Nothing => None,
        Expect::WhatIsThere => known.map(|known| known.revision.clone()),
        Expect::SomethingElse => Some(Revision::new("else")),
    }
}

fn request(step: &Step, n: u64, known: Option<&RemoteSession>) -> Option<PushRequest> {
    let Step::Push { at, create, revision: since, items, state } = step else { return None };
    let mut request = push_to(&place(*at), n);
    request.create = create.then(|| new_project("portal"));
    request.revision = revision(*since, known);
    for (stage, expect, new) in items {
        let stage = Stage::ALL[*stage];
        let there = known.and_then(|known| known.texts[&stage].text());
        let expected = match expect {
            Expect::Nothing => None,
            Expect::WhatIsThere => there,
            Expect::SomethingElse => Some("something else"),
        };
        request.items.push(item(stage, expected, new.map(text).as_deref()));
    }
    request.state = state.map(|(expect, n)| PushState {
        value: object(json!({"n": n, "session_id": PLACES[*at].1})),
        expected: match expect {
            Expect::Nothing => None,
            Expect::WhatIsThere => known
                .and_then(|known| known.state.clone())
                .map(|state| Digest::of_json(&Value::Object(state))),
            Expect::SomethingElse => Some(Digest::of("else")),
        },
    });
    Some(request)
}

/// Carries a step out and returns the answer as text, without times.
fn answer(remote: &dyn Remote, step: &Step, n: u64) -> String {
    let context = Context::default();
    match step {
        Step::Push { at, .. } => {
            let known = known(remote, &place(*at));
            let request = request(step, n, known.as_ref()).expect("a push");
            match remote.push(&request, &context) {
                Ok(PushOutcome::Written { revision, in_step, updated_at, .. }) => {
                    format!("written {revision} {in_step} {}", updated_at.is_some())
                }
                Ok(other) => format!("{other:?}"),
                Err(error) => format!("{} {error}", error.kind()),
            }
        }
        Step::Fetch { at, since } => {
            let known = known(remote, &place(*at));
            match remote.fetch(&place(*at), revision(*since, known.as_ref()).as_ref(), &context) {
                Ok(Fetched::Session(mut session)) => {
                    session.updated_at = None;
                    format!("{session:?}")
                }
                other => format!("{other:?}"),
            }
        }
        Step::List(n) => {
            let filter = match n {
                0 => ProjectFilter::All,
                1 => ProjectFilter::Name("portal".into()),
                2 => ProjectFilter::Name("nobody".into()),
                _ => ProjectFilter::Id(project(2)),
            };
            let mut list = remote.projects(&filter, &context).expect("a list");
            for project in &mut list {
                project.updated_at = None;
                project.sessions.iter_mut().for_each(|session| session.updated_at = None);
            }
            format!("{list:?}")
        }
        Step::HandEdit { .. } | Step::DropRow(_) | Step::DropProject(_) => String::new(),
    }
}

/// Does what the engine cannot: the work of somebody at the table.
fn by_hand(step: &Step, memory: &MemoryRemote, file: &Connection) {
    match step {
        Step::HandEdit { at, stage, text: n } => {
            let (stage, target) = (Stage::ALL[*stage], place(*at));
            memory.edit(&target, |row| {
                match n {
                    Some(n) => row.texts.insert(stage, text(*n)),
                    None => row.texts.remove(&stage),
                };
            });
            let sql = format!(
                "UPDATE sessions SET {} = ?1 WHERE project_id = ?2 AND session_id = ?3",
                stage.column()
            );
            let changed = (n.map(text), target.project_id.to_string(), target.session.as_str());
            file.execute(&sql, changed).expect("edited");
        }
        Step::DropRow(at) => {
            let target = place(*at);
            memory.drop_row(&target);
            let key = (target.project_id.to_string(), target.session.as_str());
            file.execute("DELETE FROM sessions WHERE project_id = ?1 AND session_id = ?2", key)
                .expect("deleted");
        }
        Step::DropProject(n) => {
            memory.drop_project(project(*n));
            file.execute("DELETE FROM projects WHERE id = ?1", [project(*n).to_string()]).expect("deleted");
        }
        Step::Push { .. } | Step::Fetch { .. } | Step::List(_) => {}
    }
}

fn cases() -> u32 {
    u32::try_from(idse_tests::volume(48)).unwrap_or(u32::MAX)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn the_file_and_the_memory_answer_alike(steps in proptest::collection::vec(step(), 1..40)) {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, memory) = (sqlite(folder.path()), MemoryRemote::new(Sessions::Many));
        // Another project first, so that there is a file to edit by hand.
        for remote in [&file as &dyn Remote, &memory] {
            created(remote, 9, "s", "first");
        }
        let hand = Connection::open(folder.path().join("new/agency.db")).expect("opened");
        hand.pragma_update(None, "foreign_keys", true).expect("set");
        for (n, step) in (2..).zip(&steps) {
            by_hand(step, &memory, &hand);
            prop_assert_eq!(answer(&file, step, n), answer(&memory, step, n), "step {}: {:?}", n, step);
        }
    }
}
