//! The verbs that open no connection.

use idse_core::Stage;
use idse_tests::Sandbox;

#[test]
fn a_first_day() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(
        "init",
        sandbox.idse(&["init", "customer-portal", "--session", "s1", "--stack", "python"])
    );
    insta::assert_snapshot!("status_fresh", sandbox.idse(&["status"]));
    insta::assert_snapshot!(
        "stage_set",
        sandbox.idse(&["stage", "set", "intent", "in_progress", "--agent", "Ada"])
    );
    insta::assert_snapshot!("stage_set_again", sandbox.idse(&["stage", "set", "intent", "in-progress"]));
    insta::assert_snapshot!("session_create", sandbox.idse(&["session", "create", "s2", "--parent", "s1"]));
    insta::assert_snapshot!("session_switch", sandbox.idse(&["session", "switch", "s1"]));
    let listed = sandbox.idse(&["session", "list"]).success();
    assert!(listed.stdout.contains("* s1") && listed.stdout.contains("  s2"), "{listed}");
    insta::assert_snapshot!("status_all", sandbox.idse(&["status", "--all"]));
}

#[test]
fn init_keeps_what_is_there() {
    let sandbox = Sandbox::new();
    sandbox.write(".idse/projects/portal/sessions/s1/intents/intent.md", "mine");
    let run = sandbox.idse(&["init", "portal", "--session", "s1"]);
    assert_eq!(sandbox.read_stage(Stage::Intent), "mine", "{run}");
}

#[test]
fn a_fresh_project_has_requires_input_findings_and_no_others() {
    let sandbox = Sandbox::with_project();
    let run = sandbox.idse(&["validate"]).exits(1);
    let findings: Vec<_> = run.stdout.lines().collect();
    assert!(!findings.is_empty());
    assert!(findings.iter().all(|line| line.contains("IDSE101")), "{run}");
    assert!(run.stderr.starts_with("Checked 7 artifacts in 1 session: "), "{run}");
}

#[test]
fn validate_in_every_form() {
    let sandbox = Sandbox::with_project();
    for format in ["full", "concise", "json", "sarif", "github", "junit"] {
        let run = sandbox.idse(&["validate", "intent", "--format", format]).exits(1);
        assert!(run.stdout.contains("IDSE101"), "{format}: {run}");
        assert!(!run.stdout.contains(char::from(27)), "{format}: colours off a terminal");
    }
    drop(sandbox.idse(&["validate", "--format", "xml"]).exits(2));
}

#[test]
fn standard_input_is_checked_with_and_without_a_workspace() {
    for sandbox in [Sandbox::new(), Sandbox::with_project()] {
        let run = sandbox
            .idse_with_input(&["validate", "-", "--stage", "spec"], "# Spec\n\n[REQUIRES INPUT]\n")
            .exits(1);
        assert!(run.stdout.contains("<stdin>:3:1") && run.stdout.contains("IDSE101"), "{run}");
        drop(sandbox.idse_with_input(&["validate", "-"], "x").exits(2));
        drop(sandbox.idse_with_input(&["validate", "-", "--stage", "spec", "--fix"], "x").exits(2));
    }
}

#[test]
fn the_baseline_holds_findings_back() {
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["validate"]).exits(1));
    drop(sandbox.idse(&["session", "create", "s2"]).success());
    let run = sandbox.idse(&["--session", "s1", "validate", "--update-baseline"]).success();
    assert!(run.stderr.contains("in the baseline"), "{run}");
    drop(sandbox.idse(&["--session", "s1", "validate"]).success());
    drop(sandbox.idse(&["validate"]).exits(1));
    drop(sandbox.idse(&["validate", "--update-baseline"]).success());
    // What was adopted of another session stays adopted, and what is mended is forgotten.
    drop(sandbox.idse(&["validate", "--all"]).success());
    drop(sandbox.idse(&["session", "switch", "s1"]).success());
    sandbox.write_stage(Stage::Plan, "# Plan\n\nA new gap: [REQUIRES INPUT] and [REQUIRES INPUT]\n");
    drop(sandbox.idse(&["validate"]).exits(1));
    sandbox.write(".idse/validate-baseline.json", "{");
    let run = sandbox.idse(&["validate"]).exits(2);
    assert!(
        run.stderr.contains("validate-baseline.json") && run.stderr.contains("--update-baseline"),
        "{run}"
    );
    drop(sandbox.idse(&["doctor"]).exits(1));
    drop(sandbox.idse(&["validate", "--all", "--update-baseline"]).success());
    drop(sandbox.idse(&["doctor"]).success());
}

#[test]
fn what_is_certain_is_mended() {
    let sandbox = Sandbox::with_project();
    let text = "# Tasks\r\n\r\n<!-- idse-disable-next-line IDSE101 -->\r\n- Done, by Ada\r\n";
    sandbox.write_stage(Stage::Tasks, text);
    let run = sandbox.idse(&["validate", "tasks"]);
    assert!(run.stdout.contains("IDSE902"), "{run}");
    let run = sandbox.idse(&["validate", "tasks", "--fix"]);
    assert!(run.stderr.contains("Mended 1 finding in "), "{run}");
    assert!(!run.stdout.contains("IDSE902"), "{run}");
    assert_eq!(sandbox.read_stage(Stage::Tasks), "# Tasks\r\n\r\n- Done, by Ada\r\n");
    let run = sandbox.idse(&["validate", "tasks", "--fix"]);
    assert!(!run.stderr.contains("Mended"), "{run}");
}

#[test]
fn rules_are_explained() {
    let sandbox = Sandbox::new();
    let by_code = sandbox.idse(&["rule", "IDSE101"]).success();
    assert_eq!(by_code.stdout, sandbox.idse(&["rule", "requires-input"]).success().stdout);
    insta::assert_snapshot!("rules", sandbox.idse(&["rule"]));
    let wrong = sandbox.idse(&["rule", "requires-inptu"]).exits(6);
    assert!(wrong.stderr.contains("hint: ") && wrong.stderr.contains("requires-input"), "{wrong}");
}

#[test]
fn everything_works_from_below() {
    let sandbox = Sandbox::with_project();
    let folder = sandbox.root().join(".idse/projects/portal/sessions/s1/specs");
    for args in [&["status"][..], &["session", "list"], &["sync", "push", "--dry-run"]] {
        let mut command = sandbox.command(args);
        command.current_dir(&folder);
        let run = sandbox.run(command);
        assert_eq!(run.code, Some(0), "{args:?}: {run}");
    }
}

#[test]
fn root_leads_to_another_workspace() {
    let alice = Sandbox::with_project();
    let bob = alice.beside("bob");
    let root = alice.root().to_str().unwrap();
    let expected = alice.idse(&["status"]).success().stdout;
    assert_eq!(bob.idse(&["--root", root, "status"]).success().stdout, expected);
    assert_eq!(bob.idse(&["--root", "../alice", "status"]).success().stdout, expected);
    assert_eq!(bob.clone().env("IDSE_ROOT", root).idse(&["status"]).success().stdout, expected);
}

#[test]
fn nothing_to_check_is_said() {
    let sandbox = Sandbox::new();
    sandbox.write(".idse/projects/portal/metadata/.keep", "");
    let run = sandbox.idse(&["validate", "--all"]).success();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "Checked nothing: there are no sessions\n"));
}

#[test]
fn mistyped_names_are_suggested() {
    let sandbox = Sandbox::with_project();
    let run = sandbox.idse(&["--project", "prtal", "status"]).exits(6);
    assert!(run.stderr.contains("hint: ") && run.stderr.contains("portal"), "{run}");
    drop(sandbox.idse(&["session", "create", "checkout"]).success());
    let run = sandbox.idse(&["--session", "checkuot", "status"]).exits(6);
    assert!(run.stderr.contains("hint: ") && run.stderr.contains("checkout"), "{run}");
}

#[test]
fn trust_is_for_the_user_and_by_origin() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("trust", sandbox.idse(&["trust", "https://MCP.idse-agent.io/sync"]));
    insta::assert_snapshot!("trust_again", sandbox.idse(&["trust", "https://mcp.idse-agent.io:443"]));
    assert_eq!(sandbox.idse(&["trust"]).success().stdout, "https://mcp.idse-agent.io\n");
    let file = sandbox.home().join("config/idse/trusted.json");
    assert!(file.is_file());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
        assert_eq!(mode(&file), 0, "nobody else reads it");
        assert_eq!(mode(file.parent().unwrap()), 0, "nobody else reads it");
    }
    drop(sandbox.idse(&["trust", "http://mcp.idse-agent.io"]).exits(2));
}

#[test]
fn doctor_says_what_is_wrong_and_how_to_mend_it() {
    let sandbox = Sandbox::with_project();
    let run = sandbox.idse(&["doctor"]).success();
    assert!(run.stdout.contains("0 errors, 0 warnings"), "{run}");
    sandbox.write(".idse/projects/portal/sessions/s1/metadata/session_state.json", "{");
    std::fs::create_dir(sandbox.root().join(".idse/projects/bad name")).unwrap();
    let run = sandbox.idse(&["doctor"]).exits(1);
    assert!(run.stdout.contains("session_state.json") && run.stdout.contains("bad name"), "{run}");
    assert!(run.stdout.contains("hint: "), "{run}");
    let nowhere = Sandbox::new().idse(&["doctor"]).exits(1);
    assert!(nowhere.stdout.contains("idse init"), "{nowhere}");
}

#[test]
fn doctor_asks_the_agency_only_when_told() {
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["doctor"]).success());
    assert!(!sandbox.agency().exists());
    let run = sandbox.idse(&["doctor", "--remote"]).success();
    assert!(run.stdout.contains("agency_health"), "{run}");
}

#[test]
fn no_local_verb_makes_an_agency() {
    let sandbox = Sandbox::with_project();
    for args in
        [&["status"][..], &["status", "--all"], &["session", "list"], &["stage", "set", "spec", "pending"]]
    {
        drop(sandbox.idse(args).success());
    }
    drop(sandbox.idse(&["validate"]).exits(1));
    drop(sandbox.idse(&["sync", "diff"]).exits(6));
    assert!(!sandbox.agency().exists());
}

/// Puts the program into a folder of its own, where nothing else of this build lies beside it.
fn alone(sandbox: &Sandbox) -> std::process::Command {
    let program = sandbox.root().join("bin/idse");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    drop(std::fs::remove_file(&program));
    // A copy could be refused as still being written, by a process that another test began in between.
    if std::fs::hard_link(idse_tests::idse_program(), &program).is_err() {
        std::fs::copy(idse_tests::idse_program(), &program).unwrap();
    }
    let mut command = std::process::Command::new(&program);
    command.arg("dashboard").current_dir(sandbox.root()).env_clear().env("HOME", sandbox.home());
    command
}

#[test]
fn the_dashboard_needs_the_gateway() {
    let sandbox = Sandbox::with_project();
    // What a repository has under the name of the gateway is not the gateway.
    sandbox.write("idse-gateway", "#!/bin/sh\nexit 7\n");
    sandbox.write("tools/idse-gateway", "#!/bin/sh\nexit 7\n");
    for path in ["", ".", ":/usr/bin", "tools"] {
        let mut command = alone(&sandbox);
        command.env("PATH", path);
        let run = sandbox.run(command).exits(6);
        assert!(run.stderr.contains("idse-gateway") && run.stderr.contains("hint: "), "{run}");
    }
}

#[cfg(unix)]
#[test]
fn the_dashboard_becomes_the_gateway() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::with_project();
    sandbox.write("bin/idse-gateway", "#!/bin/sh\necho \"$@\"\nexit 7\n");
    let gateway = sandbox.root().join("bin/idse-gateway");
    std::fs::set_permissions(gateway, std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = sandbox.run(alone(&sandbox)).exits(7);
    assert_eq!(run.stdout, "--workspace [ROOT] --open\n");
}
