//! Files that the program writes into a workspace and that other tools read.

use std::path::Path;

use idse_core::Stage;
use idse_tests::Sandbox;
use serde_json::Value;

use super::{assert_valid, repository, schema};

/// The schema of a file, by its name.
fn schema_of(path: &Path) -> Option<&'static str> {
    match path.file_name()?.to_str()? {
        "session_state.json" => Some("session_state"),
        "session.json" => Some("session"),
        "project.json" => Some("project"),
        "validate-baseline.json" => Some("baseline"),
        ".idseconfig.json" | "config.json" => Some("config"),
        _ => None,
    }
}

/// Checks every file below a folder that has a schema, and returns the schemas that were used.
fn check_below(folder: &Path) -> Vec<&'static str> {
    let mut used = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // The engine's own folder is private.
            if !path.ends_with(".idse/sync") {
                used.extend(check_below(&path));
            }
            continue;
        }
        let Some(name) = schema_of(&path) else { continue };
        let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_valid(
            &jsonschema::draft202012::new(&schema(name)).unwrap(),
            &document,
            &path.display().to_string(),
        );
        used.push(name);
    }
    used.sort_unstable();
    used.dedup();
    used
}

#[test]
fn what_the_program_writes_is_as_its_schemas_say() {
    let sandbox = Sandbox::with_project();
    assert_eq!(check_below(sandbox.root()), ["project", "session", "session_state"]);
    for args in [
        &["session", "create", "s2", "--parent", "s1"][..],
        &["session", "create", "__blueprint__"],
        &["session", "switch", "s1"],
        &["stage", "set", "intent", "complete", "--agent", "Claude Code"],
        &["stage", "set", "spec", "in_progress"],
        &["validate", "--update-baseline"],
        &["sync", "push", "spec", "plan"],
        &["sync", "push", "tasks"],
    ] {
        drop(sandbox.idse(args).success());
    }
    sandbox.write_stage(Stage::Spec, "# Spec\n");
    drop(sandbox.idse(&["sync", "push", "spec"]).success());
    assert_eq!(check_below(sandbox.root()), ["baseline", "project", "session", "session_state"]);
    let bob = sandbox.beside("bob");
    drop(bob.idse(&["sync", "clone", "portal"]).success());
    assert_eq!(check_below(bob.root()), ["project", "session", "session_state"]);
}

#[test]
fn the_sample_workspace_is_as_the_schemas_say() {
    let used = check_below(&repository().join("examples/workspace"));
    for name in ["project", "session", "session_state"] {
        assert!(used.contains(&name), "{name}: {used:?}");
    }
}
