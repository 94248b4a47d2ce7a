//! The gateway before real PostgreSQL and PostgREST, on the table as it is found in the field.

#![allow(clippy::disallowed_methods, clippy::allow_attributes, reason = "tests read their own clocks")]

#[path = "../common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use idse_core::Digest;
use idse_core::remote::{
    Credentials, Fetched, PushItem, PushOutcome, PushRequest, Remote as _, Secret, SupabaseOptions,
    SupabaseRemote, Target,
};
use idse_core::{Context, Stage};
use idse_tests::proxy::{Fault, Proxy, When};
use idse_tests::stack::{Layout, Stack};
use serde_json::{Value, json};
use uuid::Uuid;

use common::{Answer, Gateway, send};

/// What the database checks the tokens of users with.
const JWT_SECRET: &str = "only-for-tests-only-for-tests-only-for-tests";

struct World {
    gateway: Gateway,
    proxy: Proxy,
    layout: Layout,
    displaced: PathBuf,
    _folder: tempfile::TempDir,
}

impl World {
    fn new(layout: Layout, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let stack = Stack::shared();
        let proxy = stack.supabase(layout);
        let folder = tempfile::tempdir().unwrap();
        let displaced = folder.path().join("displaced");
        let (url, place) = (proxy.url(), displaced.display().to_string());
        let keys = [
            ("SUPABASE_URL", url.as_str()),
            ("SUPABASE_SECRET_KEY", stack.keys().secret()),
            ("SUPABASE_PUBLISHABLE_KEY", stack.keys().publishable()),
        ];
        let arguments = [&["--store", "supabase", "--displaced", &place][..], arguments].concat();
        let gateway = Gateway::with(&arguments, &[&keys[..], variables].concat());
        Self { gateway, proxy, layout, displaced, _folder: folder }
    }

    fn open(layout: Layout) -> Self {
        Self::new(layout, &[], &[])
    }

    /// Makes a project with a name of its own.
    fn project(&self, spec: &str) -> String {
        self.gateway.project(&format!("p-{}", Uuid::new_v4()), spec)
    }

    fn column(&self, id: &str, column: &str) -> String {
        Stack::shared().sql(&format!("select {column} from {} where id = '{id}'", self.layout.table()))
    }

    fn directly(&self) -> SupabaseRemote {
        let key = Secret::new(Stack::shared().keys().secret());
        SupabaseRemote::new(&self.proxy.url(), Credentials::key(key), &SupabaseOptions::default()).unwrap()
    }
}

#[test]
fn existing_clients_are_served_on_every_table() {
    for layout in [Layout::Documented, Layout::Deployed, Layout::Viewed] {
        let world = World::open(layout);
        let gateway = &world.gateway;
        let name = format!("portal-{}", Uuid::new_v4());
        let body = json!({
            "project_id": null, "project_name": name, "stack": "python", "framework": "agency-swarm",
            "artifacts": {"intent_md": "# I\r\nGrüße 😀", "spec_md": "# S", "implementation_md": "# Impl", "meta_md": "# M"},
            "state_json": {"session_id": "s1", "stages": {"intent": "completed", "spec": "pending"}, "last_sync": null},
            "timestamp": "2026-11-22T09:23:11.580909",
        });
        let answer = gateway.push(&body).ok();
        let has_all = layout == Layout::Deployed;
        let synced =
            if has_all { json!(["intent", "spec", "implementation"]) } else { json!(["intent", "spec"]) };
        assert_eq!(answer["synced_stages"], synced, "{layout:?}: {answer}");
        let skipped = if has_all { json!(["meta_md"]) } else { json!(["implementation_md", "meta_md"]) };
        assert_eq!(answer["skipped"], skipped, "{layout:?}");
        let id = answer["project_id"].as_str().unwrap();
        let pulled = gateway.pull(id);
        assert_eq!(pulled["artifacts"]["intent_md"], "# I\r\nGrüße 😀");
        assert_eq!(pulled["framework"], if has_all { json!("agency-swarm") } else { Value::Null });
        assert_eq!((&pulled["session_id"], &pulled["sessions"]), (&json!("s1"), &json!("one")));
        // The same once more is nothing; something else replaces what is then kept.
        let mut again = body.clone();
        again["project_id"] = id.into();
        assert_eq!(gateway.push(&again).ok()["unchanged"], true, "{layout:?}");
        again["artifacts"] = json!({"spec_md": "# S2"});
        assert_eq!(gateway.push(&again).ok()["synced_stages"], json!(["spec"]));
        let kept = std::fs::read_dir(&world.displaced).unwrap().count();
        assert_eq!(kept, 1, "{layout:?}: the spec that was replaced");
        let status = gateway.get(&format!("/sync/status/{id}")).ok();
        assert_eq!((&status["project_name"], &status["last_agent"]), (&json!(name), &Value::Null));
        let has_created = layout != Layout::Viewed || status["created_at"].is_string();
        assert!(has_created && status["last_synced"].is_string(), "{status}");
        assert_eq!(gateway.get(&format!("/sync/projects?name={name}")).ok()["count"], 1);
        gateway.push(&json!({"project_name": name, "artifacts": {}})).problem(409);
        let unknown = Uuid::new_v4();
        gateway.get(&format!("/sync/status/{unknown}")).problem(404);
        gateway.post("/sync/pull", &json!({"project_id": unknown.to_string()})).problem(404);
        assert_eq!(gateway.get("/sync/health").ok()["status"], "healthy");
    }
}

#[test]
fn meta_is_stored_where_there_is_a_column_for_it() {
    let world = World::open(Layout::Extended);
    let gateway = &world.gateway;
    let name = format!("p-{}", Uuid::new_v4());
    let artifacts = |meta: &str| json!({"meta_md": meta, "spec_md": "# S"});
    let answer =
        gateway.push(&json!({"project_name": name, "artifacts": artifacts("# M \u{1f600}\r\n")})).ok();
    assert_eq!(
        (&answer["skipped"], &answer["synced_stages"]),
        (&json!([]), &json!(["meta", "spec"])),
        "{answer}"
    );
    let id = answer["project_id"].as_str().unwrap();
    let pulled = gateway.pull(id);
    assert_eq!(pulled["artifacts"], artifacts("# M \u{1f600}\r\n"));
    let by_path = gateway.post("/sync/pull", &json!({"project_id": id, "session_id": "s1"})).ok();
    assert_eq!(by_path["artifacts"]["meta/meta.md"], "# M \u{1f600}\r\n", "{by_path}");

    // The same is nothing; another one replaces it, and what it replaces is kept.
    let push = |meta: &str| gateway.push(&json!({"project_id": id, "artifacts": artifacts(meta)})).ok();
    let same = push("# M \u{1f600}\r\n");
    assert_eq!((&same["unchanged"], &same["skipped"]), (&json!(true), &json!([])), "{same}");
    let other = push("# Other");
    assert_eq!((&other["unchanged"], &other["skipped"]), (&json!(false), &json!([])), "{other}");
    assert_eq!(world.column(id, "meta_md"), "# Other");
    let kept: Vec<Value> = std::fs::read_dir(&world.displaced)
        .unwrap()
        .map(|entry| serde_json::from_slice(&std::fs::read(entry.unwrap().path()).unwrap()).unwrap())
        .collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!((&kept[0]["column"], &kept[0]["text"]), (&json!("meta_md"), &json!("# M \u{1f600}\r\n")));

    // A push that names only stages leaves it alone, and one with NUL is refused.
    gateway.push(&json!({"project_id": id, "artifacts": {"spec_md": "# S2"}})).ok();
    assert_eq!(world.column(id, "meta_md"), "# Other");
    gateway.push(&json!({"project_id": id, "artifacts": {"meta_md": "\u{0}"}})).problem(400);
}

#[test]
fn meta_of_somebody_else_is_kept_whenever_it_comes() {
    let world = World::open(Layout::Extended);
    let name = format!("p-{}", Uuid::new_v4());
    let made = world.gateway.push(&json!({"project_name": name, "artifacts": {"meta_md": "one"}})).ok();
    let id = made["project_id"].as_str().unwrap().to_owned();
    let table = world.layout.table();
    let hand = id.clone();
    world.proxy.before_it(When::NextWrite, move |_| {
        Stack::shared().sql(&format!("update {table} set meta_md = 'by hand' where id = '{hand}'"));
    });
    world.gateway.push(&json!({"project_id": id, "artifacts": {"meta_md": "two"}})).ok();
    assert_eq!(world.column(&id, "meta_md"), "two");
    let texts: Vec<String> = std::fs::read_dir(&world.displaced)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    assert!(texts.iter().any(|text| text.contains("\"by hand\"")), "{texts:?}");
}

#[test]
fn a_clean_guarded_push_and_pull_are_one_request_each() {
    let world = World::open(Layout::Documented);
    let id = world.project("one");
    let pull = |since: &Value| {
        world.gateway.post("/sync/pull", &json!({"project_id": id, "session_id": "s1", "since": since})).ok()
    };
    let pulled = pull(&Value::Null);
    world.proxy.requests();
    let answer = world
        .gateway
        .push(&json!({
            "project_id": id, "session_id": "s1", "artifacts": {"spec_md": "two"},
            "base": {"spec_md": pulled["digests"]["spec_md"]}, "revision": pulled["revision"],
        }))
        .ok();
    assert_eq!((world.proxy.requests().len(), &answer["in_step"]), (1, &json!(true)));
    assert_eq!(pull(&answer["revision"])["unchanged"], true);
    assert_eq!(world.proxy.requests().len(), 1);
    Stack::shared().sql(&format!("update documented.projects set spec_md = 'by hand' where id = '{id}'"));
    let conflict = world.gateway.push(&json!({
        "project_id": id, "session_id": "s1", "artifacts": {"spec_md": "three"},
        "base": {"spec_md": Digest::of("two")}, "revision": answer["revision"],
    }));
    assert_eq!(conflict.problem(409)["conflicts"][0]["digest"], json!(Digest::of("by hand")));
    assert_eq!(world.column(&id, "spec_md"), "by hand");
}

/// Sends as a user who has signed in.
fn ask(world: &World, user: &str, path: &str, body: &Value) -> Answer {
    let claims =
        json!({"sub": user, "role": "authenticated", "aud": "authenticated", "exp": 4_102_444_800_u64});
    let token = format!("Bearer {}", Stack::shared().keys().sign(&claims));
    let headers = [("authorization", token.as_str()), ("content-type", "application/json")];
    send(world.gateway.address, "POST", path, &headers, body.to_string().as_bytes())
}

#[test]
fn row_level_security_decides_by_the_users_own_token() {
    let world = World::new(Layout::Secured, &[], &[("IDSE_GATEWAY_JWT_SECRET", JWT_SECRET)]);
    let name = format!("p-{}", Uuid::new_v4());
    let made =
        ask(&world, "alice", "/sync/push", &json!({"project_name": name, "artifacts": {"spec_md": "hers"}}))
            .ok();
    let id = &made["project_id"];
    assert_eq!(
        ask(&world, "alice", "/sync/pull", &json!({"project_id": id})).ok()["artifacts"]["spec_md"],
        "hers"
    );
    ask(&world, "bob", "/sync/pull", &json!({"project_id": id})).problem(404);
    ask(&world, "bob", "/sync/push", &json!({"project_id": id, "artifacts": {"spec_md": "his"}}))
        .problem(404);
    assert_eq!(world.column(id.as_str().unwrap(), "spec_md"), "hers");
    let secret = Stack::shared().keys().secret();
    for request in world.proxy.requests() {
        assert!(request.header("authorization").is_some_and(|token| token.starts_with("Bearer ey")));
        assert_ne!(request.header("apikey"), Some(secret), "the gateway's own key stays at home");
    }
    assert!(!world.gateway.log().contains("eyJ") && !world.gateway.log().contains(secret));
}

/// Adds one to the number in `spec` through a gateway.
fn increment(gateway: &Gateway, id: &str) {
    loop {
        let pulled = gateway.pull(id);
        let number: usize = pulled["artifacts"]["spec_md"].as_str().unwrap().trim().parse().unwrap();
        let answer = gateway.push(&json!({
            "project_id": id, "session_id": "s1", "artifacts": {"spec_md": (number + 1).to_string()},
            "base": {"spec_md": pulled["digests"]["spec_md"]}, "revision": pulled["revision"],
        }));
        match answer.status {
            200 => return,
            409 | 503 => {}
            status => panic!("{status}: {}", answer.text()),
        }
    }
}

fn increment_directly(remote: &SupabaseRemote, id: &str) {
    let (context, target) =
        (Context::default(), Target { project_id: id.parse().unwrap(), session: "s1".parse().unwrap() });
    loop {
        let Fetched::Session(row) = remote.fetch(&target, None, &context).unwrap() else {
            panic!("it is there")
        };
        let text = row.texts[&Stage::Spec].text().unwrap();
        let number: usize = text.trim().parse().unwrap();
        let request = PushRequest {
            target: target.clone(),
            op: Uuid::new_v4().to_string().parse().unwrap(),
            revision: Some(row.revision.clone()),
            items: vec![PushItem {
                stage: Stage::Spec,
                text: Some((number + 1).to_string()),
                expected: Some(Digest::of(text)),
            }],
            state: None,
            create: None,
        };
        if matches!(remote.push(&request, &context), Ok(PushOutcome::Written { .. })) {
            return;
        }
    }
}

#[test]
fn writers_through_two_gateways_and_beside_them_lose_nothing() {
    const EACH: usize = 15;
    let worlds = [World::open(Layout::Documented), World::open(Layout::Documented)];
    let id = worlds[0].project("0");
    std::thread::scope(|scope| {
        for writer in 0..6 {
            let (worlds, id) = (&worlds, &id);
            scope.spawn(move || (0..EACH).for_each(|_| increment(&worlds[writer % 2].gateway, id)));
        }
        scope.spawn(|| {
            let remote = worlds[0].directly();
            (0..EACH).for_each(|_| increment_directly(&remote, &id));
        });
        scope.spawn(|| {
            let mut console = Stack::shared().console();
            for _ in 0..EACH {
                console.run(&format!(
                    "update documented.projects set spec_md = (spec_md::int + 1)::text where id = '{id}'"
                ));
                std::thread::sleep(Duration::from_millis(10));
            }
        });
    });
    assert_eq!(worlds[0].column(&id, "spec_md"), (8 * EACH).to_string());
}

#[test]
fn a_reply_that_is_lost_behind_the_gateway_is_said_to_be_lost() {
    let world = World::open(Layout::Documented);
    let id = world.project("one");
    let push = |from: &str, to: &str| {
        world.gateway.push(&json!({
            "project_id": id, "session_id": "s1", "artifacts": {"spec_md": to}, "base": {"spec_md": Digest::of(from)},
        }))
    };
    let mut held = "one".to_owned();
    for (fault, is_written) in [
        (Fault::CutRequest, false),
        (Fault::CutAfterCommit, true),
        (Fault::CutReply(10), true),
        (Fault::CutReplyBody, true),
        (Fault::Truncate, true),
        (Fault::AnswerAfterCommit(502), true),
    ] {
        let next = format!("{held}+");
        world.proxy.fail(When::NextWrite, fault.clone());
        let answer = push(&held, &next);
        assert!(matches!(answer.status, 503 | 504), "{fault:?}: {}", answer.text());
        assert!(answer.status == 504 || !is_written, "{fault:?}: 503 says that nothing was written");
        assert_eq!(world.column(&id, "spec_md"), if is_written { next.as_str() } else { &held }, "{fault:?}");
        if is_written {
            held = next;
        }
        assert_eq!(world.gateway.pull(&id)["artifacts"]["spec_md"], held, "it goes on");
    }
    for (fault, status) in
        [(Fault::status(500), None), (Fault::gateway(503), None), (Fault::html(200), Some(502))]
    {
        world.proxy.fail(When::Always, fault.clone());
        let answer = world.gateway.post("/sync/pull", &json!({"project_id": id}));
        world.proxy.heal();
        assert!(
            answer.status >= 500 && status.is_none_or(|status| answer.status == status),
            "{fault:?}: {}",
            answer.text()
        );
    }
    world.proxy.fail(When::Always, Fault::Reset);
    std::thread::sleep(Duration::from_millis(2100));
    let sick = world.gateway.get("/sync/health").ok();
    assert_eq!(sick["status"], "unhealthy");
    assert_eq!(world.gateway.get("/readyz").status, 503);
}

#[test]
fn a_locked_row_stalls_nobody_else() {
    let world = World::open(Layout::Documented);
    let (locked, free) = (world.project("one"), world.project("one"));
    let mut console = Stack::shared().console();
    console.run(&format!("begin; select 1 from documented.projects where id = '{locked}' for update"));
    std::thread::scope(|scope| {
        for n in 0..40 {
            let (world, locked) = (&world, &locked);
            scope.spawn(move || {
                let body = json!({"project_id": locked, "artifacts": {"plan_md": n.to_string()}});
                let answer = world.gateway.push(&body);
                assert!(matches!(answer.status, 200 | 503), "{}", answer.text());
            });
        }
        std::thread::sleep(Duration::from_millis(500));
        let mut slowest = Duration::ZERO;
        for n in 0..10 {
            let started = Instant::now();
            world.gateway.push(&json!({"project_id": free, "artifacts": {"plan_md": n.to_string()}})).ok();
            world.gateway.pull(&free);
            world.gateway.pull(&locked);
            world.gateway.get("/sync/health").ok();
            slowest = slowest.max(started.elapsed());
        }
        console.run("commit");
        assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    });
}

#[test]
fn hostile_texts_come_back_byte_for_byte() {
    let world = World::open(Layout::Documented);
    let id = world.project("");
    for text in [
        "\r\n\r\r\n\n",
        "\u{feff}bom",
        "\u{1f468}\u{200d}\u{1f469} e\u{301} é \u{202e}rtl",
        "\u{1}\u{7f}\u{80}\u{9f}\u{2028}\u{fffe}\u{ffff}\u{10ffff}",
        "'; DROP TABLE projects; --",
        r#"\ \u0041 \ud800 "quoted""#,
    ] {
        world.gateway.push(&json!({"project_id": id, "artifacts": {"spec_md": text}})).ok();
        assert_eq!(world.gateway.pull(&id)["artifacts"]["spec_md"], text, "{text:?}");
    }
    let before = world.gateway.pull(&id);
    for (status, artifacts) in
        [(400, r#"{"spec_md":"\u0000"}"#), (422, r#"{"spec_md":"\ud800"}"#), (422, r#"{"name":"owned"}"#)]
    {
        let body = format!(r#"{{"project_id":"{id}","artifacts":{artifacts}}}"#);
        world.gateway.post_text("/sync/push", &body).problem(status);
    }
    assert_eq!(world.gateway.pull(&id), before);
}
