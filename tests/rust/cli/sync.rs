//! The verbs that sync, as two people use them with one agency.

use idse_core::Stage;
use idse_tests::Sandbox;

const INTENT: &str = "# Intent\n\nSell shoes.\n\nTo everybody.\n";

/// Alice's project, pushed; Bob's clone of it.
fn two() -> (Sandbox, Sandbox) {
    let alice = Sandbox::with_project();
    alice.write_stage(Stage::Intent, INTENT);
    drop(alice.idse(&["sync", "push"]).success());
    let bob = alice.beside("bob");
    drop(bob.idse(&["sync", "clone", "portal"]).success());
    (alice, bob)
}

#[test]
fn the_answers_of_push_and_status() {
    let sandbox = Sandbox::with_project();
    for stage in [Stage::Intent, Stage::Context, Stage::Spec] {
        sandbox.write_stage(stage, &format!("# {stage}\n\nWritten.\n"));
    }
    drop(sandbox.idse(&["stage", "set", "intent", "in_progress", "--agent", "Claude Code"]).success());
    insta::assert_snapshot!("push_dry_run", sandbox.idse(&["sync", "push", "--dry-run"]));
    assert!(!sandbox.root().join(".idse/sync/objects").exists());
    assert!(!sandbox.agency().exists(), "a dry run makes no agency");
    insta::assert_snapshot!("push_three", sandbox.idse(&["sync", "push", "intent", "context", "spec"]));
    insta::assert_snapshot!("push_rest", sandbox.idse(&["sync", "push"]));
    insta::assert_snapshot!("push_again", sandbox.idse(&["sync", "push"]));
    insta::assert_snapshot!("sync_status", sandbox.idse(&["sync", "status"]));
    insta::assert_snapshot!("sync_list", sandbox.idse(&["sync", "list"]));
    insta::assert_snapshot!("status_synced", sandbox.idse(&["status", "--exit-code"]));
}

#[test]
fn marks_are_plain_where_the_locale_is() {
    let push = |sandbox: Sandbox| sandbox.idse(&["sync", "push"]).success().stdout;
    assert!(push(Sandbox::with_project()).starts_with("✅ Synced 7 stages to Agency Core\n"));
    for sandbox in
        [Sandbox::with_project().env("IDSE_ASCII", "1"), Sandbox::with_project().env("LC_ALL", "C")]
    {
        assert!(push(sandbox).starts_with("[ok] Synced 7 stages to Agency Core\n"));
    }
}

#[test]
fn one_stage_at_a_time() {
    let (alice, bob) = two();
    alice.write_stage(Stage::Spec, "# Spec\n\nAlice.\n");
    alice.write_stage(Stage::Plan, "# Plan\n\nAlice.\n");
    let run = alice.idse(&["sync", "push", "spec"]).success();
    assert!(run.stdout.contains("Synced 1 stage to") && run.stdout.contains("Stages: spec\n"), "{run}");
    drop(bob.idse(&["sync", "pull"]).success());
    assert_eq!(bob.read_stage(Stage::Spec), "# Spec\n\nAlice.\n");
    assert_ne!(bob.read_stage(Stage::Plan), "# Plan\n\nAlice.\n");
}

#[test]
fn what_is_newer_there_is_named_and_stays() {
    let (alice, bob) = two();
    alice.write_stage(Stage::Spec, "# Spec\n\nAlice.\n");
    drop(alice.idse(&["sync", "push"]).success());
    bob.write_stage(Stage::Tasks, "# Tasks\n\nBob.\n");
    drop(bob.idse(&["sync", "push"]).success());
    insta::assert_snapshot!("push_newer", bob.idse(&["sync", "push", "spec"]));
    insta::assert_snapshot!("remote_check", bob.idse(&["status", "--remote-check", "--exit-code"]));
    insta::assert_snapshot!("pull", bob.idse(&["sync", "pull"]));
    drop(alice.idse(&["sync", "pull"]).success());
    assert_eq!(alice.read_stage(Stage::Tasks), "# Tasks\n\nBob.\n");
}

/// Both change the same line; Bob comes second.
fn in_conflict() -> (Sandbox, Sandbox) {
    let (alice, bob) = two();
    alice.write_stage(Stage::Intent, &INTENT.replace("shoes", "boots"));
    drop(alice.idse(&["sync", "push"]).success());
    bob.write_stage(Stage::Intent, &INTENT.replace("shoes", "hats"));
    (alice, bob)
}

#[test]
fn a_conflict_from_push_to_push() {
    let (alice, bob) = in_conflict();
    insta::assert_snapshot!("conflict_push", bob.idse(&["sync", "push"]));
    insta::assert_snapshot!("conflict_pull", bob.idse(&["sync", "pull"]));
    assert_eq!(bob.read_stage(Stage::Intent), INTENT.replace("shoes", "hats"), "the file stays as it is");
    insta::assert_snapshot!("conflict_status", bob.idse(&["status", "--exit-code"]));
    drop(bob.idse(&["sync", "push"]).exits(3));
    insta::assert_snapshot!("conflict_resolve", bob.idse(&["sync", "resolve", "intent", "--local"]));
    drop(bob.idse(&["sync", "resolve", "intent", "--local"]).exits(6));
    drop(bob.idse(&["sync", "push"]).success());
    drop(alice.idse(&["sync", "pull"]).success());
    assert_eq!(alice.read_stage(Stage::Intent), INTENT.replace("shoes", "hats"));
}

#[test]
fn a_conflict_is_resolved_from_a_file_and_undone() {
    let (_, bob) = in_conflict();
    drop(bob.idse(&["sync", "pull"]).exits(3));
    bob.write("agreed.md", "# Intent\n\nSell boots and hats.\n");
    drop(bob.idse(&["sync", "resolve", "intent", "--file", "missing.md"]).exits(6));
    drop(bob.idse(&["sync", "resolve", "intent", "--file", "agreed.md"]).success());
    assert_eq!(bob.read_stage(Stage::Intent), "# Intent\n\nSell boots and hats.\n");
    insta::assert_snapshot!("undo", bob.idse(&["sync", "undo"]));
    assert_eq!(bob.read_stage(Stage::Intent), INTENT.replace("shoes", "hats"));
    drop(bob.idse(&["status", "--exit-code"]).exits(3));
}

#[test]
fn merged_and_remote_are_answers_too() {
    let (_, bob) = in_conflict();
    drop(bob.idse(&["sync", "pull"]).exits(3));
    drop(bob.idse(&["sync", "resolve", "intent", "--merged"]).exits(2));
    drop(bob.idse(&["sync", "resolve", "intent", "--remote"]).success());
    assert_eq!(bob.read_stage(Stage::Intent), INTENT.replace("shoes", "boots"));
    drop(bob.idse(&["sync", "push"]).success());
}

#[test]
fn different_places_merge() {
    let (alice, bob) = two();
    alice.write_stage(Stage::Intent, &INTENT.replace("shoes", "boots"));
    drop(alice.idse(&["sync", "push"]).success());
    bob.write_stage(Stage::Intent, &INTENT.replace("everybody", "everyone"));
    insta::assert_snapshot!("pull_merges", bob.idse(&["sync", "pull"]));
    assert_eq!(
        bob.read_stage(Stage::Intent),
        INTENT.replace("shoes", "boots").replace("everybody", "everyone")
    );
    drop(bob.idse(&["sync", "push"]).success());
}

#[test]
fn a_conflict_of_the_status_has_two_sides() {
    let (alice, bob) = two();
    drop(alice.idse(&["stage", "set", "spec", "in_progress"]).success());
    drop(alice.idse(&["sync", "push"]).success());
    for stage in Stage::ALL {
        bob.write_stage(stage, &format!("# {stage}\n\nDone.\n"));
    }
    bob.write(".idseconfig.json", "{\"validate\": {\"gate\": \"off\"}}");
    drop(bob.idse(&["stage", "set", "spec", "complete"]).success());
    drop(bob.idse(&["sync", "push"]).exits(3));
    insta::assert_snapshot!("conflict_status_pull", bob.idse(&["sync", "pull"]));
    drop(bob.idse(&["sync", "resolve", "spec", "--local"]).success());
    drop(bob.idse(&["sync", "push"]).success());
    let status = alice.idse(&["sync", "status"]).success();
    assert!(status.stdout.contains("  spec: complete\n"), "{status}");
}

#[test]
fn agencies_that_cannot_be_used() {
    let sandbox = Sandbox::with_project();
    for (agency, exit) in [
        ("sqlite:/proc/nothing/agency.db", 2),
        ("sqlite:.", 2),
        ("sqlite:", 2),
        ("ftp://agency.example", 2),
        ("https://user:secret@agency.example/sync", 2),
        ("agency", 2),
    ] {
        let run = sandbox.idse(&["--json", "sync", "push", "--remote", agency]);
        assert_eq!(run.code, Some(exit), "{agency}: {run}");
        drop(run.json("error"));
        assert!(!run.to_string().contains("secret"), "{run}");
    }
    assert!(!sandbox.agency().exists(), "the embedded agency is no substitute");
}

#[test]
fn a_closed_gate_stops_a_push() {
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["stage", "set", "intent", "complete"]).success());
    let run = sandbox.idse(&["sync", "push"]).exits(1);
    assert!(run.stdout.contains("intent: ") && !run.stdout.contains("Stages: "), "{run}");
    drop(sandbox.idse(&["sync", "push", "spec"]).success());
}

#[test]
fn diffs_can_be_applied() {
    let (alice, bob) = two();
    alice.write_stage(Stage::Intent, &INTENT.replace("shoes", "boots"));
    insta::assert_snapshot!("diff", alice.idse(&["sync", "diff"]));
    insta::assert_snapshot!("diff_nothing", bob.idse(&["sync", "diff", "--exit-code"]));
    drop(alice.idse(&["sync", "push"]).success());
    let run = bob.idse(&["sync", "diff", "intent", "--remote", "--exit-code"]).exits(1);
    assert!(run.stdout.contains("-Sell boots.\n+Sell shoes.\n"), "{run}");
    drop(bob.idse(&["sync", "diff", "--base", "--remote"]).exits(2));
}

#[test]
fn deleting_needs_a_word() {
    let (alice, bob) = two();
    std::fs::remove_file(alice.root().join(alice.artifact(Stage::Feedback))).unwrap();
    let run = alice.idse(&["sync", "push"]).success();
    assert!(run.stdout.contains("--delete feedback"), "{run}");
    drop(alice.idse(&["sync", "push", "--delete", "feedback"]).success());
    let run = bob.idse(&["sync", "pull"]).success();
    assert!(run.stdout.contains("--accept-clear"), "{run}");
    drop(bob.idse(&["sync", "pull", "--accept-clear"]).success());
    assert!(!bob.root().join(bob.artifact(Stage::Feedback)).exists());
    drop(bob.idse(&["sync", "undo"]).success());
    assert!(bob.root().join(bob.artifact(Stage::Feedback)).exists());
}

#[test]
fn a_project_of_the_same_name_is_linked_by_hand() {
    let (_, _) = two();
    let alice = Sandbox::with_project();
    alice.write_stage(Stage::Intent, "# Intent\n\nOne.\n");
    drop(alice.idse(&["sync", "push"]).success());
    let carol = alice.beside("carol");
    drop(carol.idse(&["init", "portal", "--session", "s1"]).success());
    carol.write_stage(Stage::Intent, "# Intent\n\nAnother.\n");
    let run = carol.idse(&["sync", "push"]).exits(2);
    assert!(run.stderr.contains("sync link"), "{run}");
    insta::assert_snapshot!("link", carol.idse(&["sync", "link", "portal"]));
    drop(carol.idse(&["sync", "pull"]).exits(3));
    drop(carol.idse(&["sync", "resolve", "intent", "--remote"]).success());
    assert_eq!(carol.read_stage(Stage::Intent), "# Intent\n\nOne.\n");
}

#[test]
fn all_sessions_at_once() {
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["session", "create", "s2"]).success());
    drop(sandbox.idse(&["init", "billing", "--session", "b1"]).success());
    let run = sandbox.idse(&["sync", "push", "--all", "--json"]).success();
    let answer = run.json("sync-reports");
    assert_eq!(answer["reports"].as_array().unwrap().len(), 3, "{run}");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 0, "{run}");
    insta::assert_snapshot!("pull_all", sandbox.idse(&["sync", "pull", "--all"]));
    for extra in [&["--replace-session"][..], &["--delete", "spec"], &["--recreate"]] {
        let args = [&["sync", "push", "--all"][..], extra].concat();
        drop(sandbox.idse(&args).exits(2));
    }
}

#[test]
fn the_worst_of_all_sessions_speaks() {
    let (_, bob) = in_conflict();
    drop(bob.idse(&["init", "billing", "--session", "b1"]).success());
    drop(bob.idse(&["--project", "billing", "stage", "set", "intent", "complete"]).success());
    let run = bob.idse(&["sync", "push", "--all", "--json"]).exits(3);
    let outcomes: Vec<_> = run.json("sync-reports")["reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["refused", "conflict"], "{run}");
}

#[test]
fn suggested_commands_name_the_agency_that_was_named() {
    let (alice, bob) = in_conflict();
    let agency = format!("sqlite:{}", alice.agency().display());
    let run = bob.idse(&["sync", "pull", "--remote", &agency]).exits(3);
    assert!(run.stdout.contains("--agency sqlite:"), "{run}");
    drop(bob.idse(&["sync", "resolve", "intent", "--local", "--agency", &agency]).success());
}

#[test]
fn quiet_says_nothing_but_trouble() {
    let (_, bob) = in_conflict();
    let run = bob.idse(&["-q", "sync", "pull"]).exits(3);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("portal/s1"), "{run}");
    drop(bob.idse(&["-q", "sync", "resolve", "intent", "--local"]).success());
    let run = bob.idse(&["-q", "sync", "push"]).success();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}
