//! Every exit code is reached. 70 is a unit test of the program itself: there is no defect to order.

use idse_core::Stage;
use idse_tests::Sandbox;

#[test]
fn zero_done() {
    drop(Sandbox::with_project().idse(&["status", "--exit-code"]));
    drop(Sandbox::with_project().idse(&["status"]).success());
}

#[test]
fn one_findings_and_differences() {
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["validate"]).exits(1));
    drop(sandbox.idse(&["status", "--exit-code"]).exits(1));
    drop(sandbox.idse(&["status"]).success());
}

#[test]
fn strict_makes_warnings_count() {
    let sandbox = Sandbox::with_project();
    for stage in Stage::ALL {
        sandbox.write_stage(stage, "# Title\n\nText without the sections that belong here.\n");
    }
    drop(sandbox.idse(&["stage", "set", "spec", "in_progress"]).success());
    drop(sandbox.idse(&["validate", "spec"]).success());
    drop(sandbox.idse(&["validate", "spec", "--strict"]).exits(1));
}

#[test]
fn two_usage_configuration_and_disk() {
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["stage", "set", "spec", "done"]).exits(2));
    drop(sandbox.idse(&["init", "../x"]).exits(2));
    drop(sandbox.idse(&["session", "create", "s1"]).exits(2));
    sandbox.write(".idseconfig.json", "{\"mode\": \"online\"}");
    let run = sandbox.idse(&["--json", "status"]).exits(2);
    assert_eq!(run.error().0, "InvalidConfig");
    assert!(run.stderr.contains(".idseconfig.json") && run.stderr.contains("mode"), "{run}");
}

#[test]
fn four_the_other_side() {
    let sandbox = Sandbox::with_project();
    sandbox
        .write("agency.db", "this is no database, and it is longer than the header of one would be; really.");
    let run = sandbox.idse(&["--json", "sync", "push", "--remote", "sqlite:agency.db"]).exits(4);
    assert!(run.json("error")["error"]["temporary"].is_boolean(), "{run}");
}

#[test]
fn six_not_found() {
    drop(Sandbox::new().idse(&["status"]).exits(6));
    let sandbox = Sandbox::with_project();
    drop(sandbox.idse(&["session", "switch", "nothing"]).exits(6));
    drop(sandbox.idse(&["sync", "clone", "nothing"]).exits(6));
    drop(sandbox.idse(&["sync", "undo"]).exits(6));
}
