//! Every verb of the program against every shape of the table, with both kinds of keys, and its requests counted.

use idse_core::Stage;
use idse_tests::proxy::Proxy;
use idse_tests::stack::{Layout, Stack};
use idse_tests::{Run, Sandbox};
use serde_json::Value;
use uuid::Uuid;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    /// With the key of the new kind that sees everything.
    Secret,
    /// With the key of the old kind that sees everything.
    Service,
    /// With the key of the old kind for everybody.
    Anon,
    /// Signed in, beside a publishable key.
    User(&'static str),
}

fn signed(sandbox: &Sandbox, who: Who) -> Sandbox {
    let keys = Stack::shared().keys();
    let sandbox = sandbox.clone();
    match who {
        Who::Secret => sandbox.env("SUPABASE_SECRET_KEY", keys.secret()),
        Who::Service => sandbox.env("SUPABASE_SERVICE_ROLE_KEY", keys.service()),
        Who::Anon => sandbox.env("SUPABASE_ANON_KEY", keys.anon()),
        Who::User(name) => {
            sandbox.env("SUPABASE_PUBLISHABLE_KEY", keys.publishable()).env("IDSE_TOKEN", keys.user(name))
        }
    }
}

/// A workspace whose agency is the project behind a proxy.
fn workspace(proxy: &Proxy, who: Who) -> (Sandbox, String) {
    let name = format!("p-{}", Uuid::new_v4().simple());
    let sandbox = signed(&Sandbox::new().env("SUPABASE_URL", proxy.url()), who);
    drop(sandbox.idse(&["init", &name, "--session", "s1"]).success());
    (sandbox, name)
}

/// Runs the program and counts what it asked; no key may show, whatever it says.
#[track_caller]
fn ask(sandbox: &Sandbox, proxy: &Proxy, args: &[&str]) -> (Run, usize) {
    proxy.requests();
    let run = sandbox.idse(&[&["-v"], args].concat());
    let keys = Stack::shared().keys();
    let shown = format!("{}{}", run.stdout, run.stderr);
    for key in [keys.secret(), keys.publishable(), "eyJ", &keys.secret()[14..30]] {
        assert!(!shown.contains(key), "{args:?} shows a key:\n{run}");
    }
    (run, proxy.requests().len())
}

fn edit(sandbox: &Sandbox, name: &str, stage: Stage, text: &str) {
    sandbox.write(&format!(".idse/projects/{name}/sessions/s1/{}", stage.path()), text);
}

#[test]
fn every_verb_works_on_every_table_with_every_key() {
    for (layout, who, guard) in [
        (Layout::Documented, Who::Secret, "row_version"),
        (Layout::Documented, Who::Anon, "row_version"),
        (Layout::Deployed, Who::Service, "row_version"),
        (Layout::Secured, Who::User("ada"), "row_version"),
        (Layout::Granted, Who::User("ada"), "updated_at"),
        (Layout::Viewed, Who::Secret, "updated_at"),
    ] {
        round(layout, who, guard);
    }
}

fn round(layout: Layout, who: Who, guard: &str) {
    let case = format!("{layout:?} {who:?}");
    let proxy = Stack::shared().supabase(layout);
    let (ada, name) = workspace(&proxy, who);
    let is_strong = guard == "row_version";
    let costs = |count: usize, expected: usize, what: &str| {
        // A weaker guard has to look before it writes, and first to find out what this caller may see.
        let most = if is_strong { expected } else { expected + 4 };
        assert!(count <= most && (count > 0) == (expected > 0), "{case}: {what} sent {count} requests");
    };
    let push = |sandbox: &Sandbox, expected: usize, what: &str| {
        let (run, count) = ask(sandbox, &proxy, &["--json", "sync", "push"]);
        let report = run.success().json("sync-report");
        assert_eq!(report["guard"], guard, "{case}: {what}");
        costs(count, expected, what);
        report
    };

    let first = push(&ada, 6, "a first push");
    assert_eq!(first["created"], true, "{case}");
    assert_eq!(first["notes"].as_array().map_or(0, Vec::len), usize::from(!is_strong), "{case}: {first:#}");
    let (run, count) = ask(&ada, &proxy, &["--json", "sync", "push"]);
    assert_eq!(
        (run.success().json("sync-report")["outcome"].as_str(), count),
        (Some("up_to_date"), 0),
        "{case}"
    );
    edit(&ada, &name, Stage::Spec, "# Spec\n\nada's\n");
    push(&ada, 1, "a clean push");
    for (args, expected) in [
        (&["status"][..], 0),
        (&["status", "--remote-check"], 1),
        (&["sync", "status"], 1),
        (&["sync", "diff", "--remote"], 1),
        (&["sync", "diff"], 0),
        (&["sync", "pull"], 1),
    ] {
        let (run, count) = ask(&ada, &proxy, args);
        drop(run.success());
        costs(count, expected, &format!("{args:?}"));
    }

    let bob = ada.beside("bob");
    drop(ask(&bob, &proxy, &["sync", "clone", &name]).0.success());
    let path = format!(".idse/projects/{name}/sessions/s1/{}", Stage::Spec.path());
    assert_eq!(bob.read(&path), "# Spec\n\nada's\n", "{case}");
    edit(&bob, &name, Stage::Spec, "# Spec\n\nbob's\n");
    push(&bob, 1, "a push from a clone");
    edit(&ada, &name, Stage::Plan, "# Plan\n\nada's\n");
    // Two people, two stages: neither knows of the other, and both get through.
    push(&ada, 4, "a push beside another");
    edit(&ada, &name, Stage::Spec, "# Spec\n\nada's again\n");
    let (run, _) = ask(&ada, &proxy, &["--json", "sync", "push"]);
    assert_eq!(run.exits(3).json("sync-report")["outcome"], "conflict", "{case}");
    edit(&ada, &name, Stage::Spec, "# Spec\n\nada's\n");
    let (run, count) = ask(&ada, &proxy, &["sync", "pull"]);
    drop(run.success());
    costs(count, 1, "a pull of news");
    assert_eq!(ada.read(&path), "# Spec\n\nbob's\n", "{case}");

    let listed = ask(&ada, &proxy, &["--json", "sync", "list"]).0.success();
    assert!(listed.stdout.contains(&name), "{case}: {listed}");
    let (run, _) = ask(&ada, &proxy, &["--json", "doctor", "--remote"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let state = |check: &str| {
        let checks = report["checks"].as_array().unwrap();
        let found = checks.iter().find(|c| c["name"] == check).unwrap_or_else(|| panic!("{check}: {run}"));
        found["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state("agency_health"), "ok", "{case}: {run}");
    assert_eq!(state("agency_guard"), if is_strong { "ok" } else { "warning" }, "{case}");
    assert_eq!(state("agency_update"), "ok", "{case}: {run}");
    let sees_all = matches!(who, Who::Secret | Who::Service);
    assert_eq!(state("agency_key"), if sees_all { "warning" } else { "ok" }, "{case}");
    assert_eq!(state("agency_columns"), if layout == Layout::Deployed { "ok" } else { "info" }, "{case}");
}

#[test]
fn a_list_goes_on_past_what_one_answer_holds() {
    let stack = Stack::shared();
    stack.sql("insert into listed.projects (name) select 'n' || i from generate_series(1, 2345) i");
    let proxy = stack.supabase(Layout::Listed);
    let (sandbox, _) = workspace(&proxy, Who::Secret);
    let (run, count) = ask(&sandbox, &proxy, &["--json", "sync", "list"]);
    let document: Value = serde_json::from_str(&run.success().stdout).unwrap();
    assert_eq!(document["projects"].as_array().unwrap().len(), 2345);
    // Three pages; one question more taught it that there is no `framework`.
    assert_eq!(count, 4);
}

#[test]
fn a_name_that_is_taken_is_not_taken_over() {
    let proxy = Stack::shared().supabase(Layout::Secured);
    let (ada, name) = workspace(&proxy, Who::User("ada"));
    edit(&ada, &name, Stage::Spec, "# Spec\n\nada's\n");
    drop(ask(&ada, &proxy, &["sync", "push"]).0.success());
    let table = Layout::Secured.table();
    let rows =
        || Stack::shared().sql(&format!("select id, owner, spec_md from {table} where name = '{name}'"));
    let before = rows();

    // Somebody who does not see the row meets its id.
    let eve = signed(&Sandbox::new().env("SUPABASE_URL", proxy.url()), Who::User("eve"));
    drop(eve.idse(&["init", &name, "--session", "s1"]).success());
    edit(&eve, &name, Stage::Spec, "# Spec\n\neve's\n");
    let run = ask(&eve, &proxy, &["--json", "sync", "push"]).0.exits(2);
    assert_eq!(run.error(), ("Exists".into(), "hidden".into()), "{run}");
    assert!(run.stdout.contains("--new-id"), "{run}");
    assert_eq!(rows(), before);

    // Somebody who sees it and has other texts is told so.
    Stack::shared().sql(&format!("update {table} set shared = true where name = '{name}'"));
    let run = ask(&eve, &proxy, &["--json", "sync", "push"]).0.exits(2);
    assert_eq!(run.error(), ("Exists".into(), "other_project".into()), "{run}");
    assert_eq!(rows(), before);

    // Who may read it and not change it is told that.
    let reader = signed(&Sandbox::new().env("SUPABASE_URL", proxy.url()), Who::User("eve"));
    drop(ask(&reader, &proxy, &["sync", "clone", &name]).0.success());
    edit(&reader, &name, Stage::Spec, "# Spec\n\neve's\n");
    let run = ask(&reader, &proxy, &["--json", "sync", "push"]).0.exits(5);
    assert_eq!(run.error(), ("Unauthorized".into(), "forbidden".into()), "{run}");
    assert_eq!(rows(), before);

    drop(ask(&eve, &proxy, &["sync", "push", "--new-id"]).0.success());
    let count = Stack::shared().sql(&format!("select count(*) from {table} where name = '{name}'"));
    assert_eq!(count, "2");
}

#[test]
fn a_row_that_is_gone_changes_nothing_here() {
    let proxy = Stack::shared().supabase(Layout::Documented);
    let (ada, name) = workspace(&proxy, Who::Secret);
    drop(ask(&ada, &proxy, &["sync", "push"]).0.success());
    let delete = || Stack::shared().sql(&format!("delete from documented.projects where name = '{name}'"));
    delete();
    edit(&ada, &name, Stage::Spec, "# Spec\n\nada's\n");
    for verb in ["push", "pull"] {
        let run = ask(&ada, &proxy, &["--json", "sync", verb]).0.exits(6);
        assert_eq!(run.error(), ("NotFound".into(), "remote_missing".into()), "{run}");
    }
    drop(ask(&ada, &proxy, &["sync", "push", "--recreate"]).0.success());
    let spec = Stack::shared().sql(&format!("select spec_md from documented.projects where name = '{name}'"));
    assert_eq!(spec.trim(), "# Spec\n\nada's");
}

#[test]
fn a_state_that_is_a_text_is_read_and_then_written_as_it_should_be() {
    let proxy = Stack::shared().supabase(Layout::Documented);
    let (ada, name) = workspace(&proxy, Who::Secret);
    drop(ask(&ada, &proxy, &["sync", "push"]).0.success());
    let of = |what: &str| {
        Stack::shared().sql(&format!("select {what} from documented.projects where name = '{name}'"))
    };
    Stack::shared().sql(&format!(
        "update documented.projects set state_json = to_jsonb(state_json::text) where name = '{name}'"
    ));
    assert_eq!(of("jsonb_typeof(state_json)"), "string");
    drop(ask(&ada, &proxy, &["sync", "pull"]).0.success());
    drop(ask(&ada, &proxy, &["stage", "set", "intent", "in_progress"]).0.success());
    drop(ask(&ada, &proxy, &["sync", "push"]).0.success());
    assert_eq!(of("state_json->'stages'->>'intent'"), "in_progress");
}

#[test]
fn keys_that_do_not_fit_are_refused_with_what_to_do() {
    let proxy = Stack::shared().supabase(Layout::Documented);
    let keys = Stack::shared().keys();
    let base = Sandbox::new().env("SUPABASE_URL", proxy.url());
    drop(base.idse(&["init", "portal", "--session", "s1"]).success());
    for (sandbox, said) in [
        (base.clone(), "SUPABASE_ANON_KEY"),
        (base.clone().env("SUPABASE_ANON_KEY", "sb_publishable_wrong"), "belongs to this project"),
        (
            base.clone()
                .env("SUPABASE_PUBLISHABLE_KEY", keys.publishable())
                .env("IDSE_TOKEN", keys.expired("ada")),
            "expired",
        ),
    ] {
        let (run, count) = ask(&sandbox, &proxy, &["--json", "sync", "list"]);
        assert_eq!(run.clone().exits(5).error().0, "Unauthorized", "{run}");
        assert!(run.stdout.contains(said) && count == 1, "{said}: {run}");
    }
}
