//! Whatever an answer depends on: after a change of it, the answers are those that there are without a cache.

use std::os::unix::fs::symlink;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::error::ErrorKind;
use crate::remote::Fault;
use crate::sync::PullOptions;

type Change = fn(&Fixture);

/// Each with a word that says whether the answers differ afterwards.
const CHANGES: &[(&str, bool, Change)] = &[
    ("a text, its size and time restored", true, |f| {
        let text = fs::read_to_string(f.plan()).unwrap();
        write_back_dated(&f.plan(), &text.replacen("# Plan", "# PlaN", 1).replacen("##", "xx", 1));
    }),
    ("a file of the same size and time moved over it", true, |f| {
        let before = fs::metadata(f.plan()).unwrap();
        let other = f.own("plans/other");
        fs::write(&other, "x".repeat(usize::try_from(before.len()).unwrap())).unwrap();
        date(&other, before.modified().unwrap());
        fs::rename(other, f.plan()).unwrap();
    }),
    ("a file that goes", true, |f| fs::remove_file(f.plan()).unwrap()),
    ("a folder that goes", true, |f| fs::remove_dir_all(f.own("plans")).unwrap()),
    ("a folder that comes", false, |f| fs::create_dir(f.own("plans/more")).unwrap()),
    ("a file beside it", true, |f| fs::write(f.own("plans/more.md"), "more").unwrap()),
    ("a file deep below", true, |f| {
        fs::create_dir_all(f.own("plans/a/b")).unwrap();
        f.expect_same("folders come first");
        settle();
        f.expect_same("and are known");
        fs::write(f.own("plans/a/b/more.md"), "more").unwrap();
    }),
    ("a link in its place", true, |f| {
        fs::rename(f.plan(), f.own("plans/real")).unwrap();
        symlink("real", f.plan()).unwrap();
    }),
    ("a link to its folder inside", false, |f| {
        fs::rename(f.own("plans"), f.own("moved")).unwrap();
        symlink("moved", f.own("plans")).unwrap();
    }),
    ("a link to its folder outside", true, |f| {
        let outside = tempfile::tempdir_in(f.folder.path().parent().unwrap()).unwrap().keep();
        fs::rename(f.own("plans"), outside.join("plans")).unwrap();
        symlink(outside.join("plans"), f.own("plans")).unwrap();
        f.expect_same("while the folder is outside");
        fs::remove_dir_all(outside).unwrap();
    }),
    ("a FIFO in its place", true, |f| {
        fs::remove_file(f.plan()).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(f.plan()).status().unwrap().success());
    }),
    ("a file in the place of its folder", true, |f| {
        fs::remove_dir_all(f.own("plans")).unwrap();
        fs::write(f.own("plans"), "").unwrap();
    }),
    ("bytes that are no text", true, |f| fs::write(f.plan(), b"\xff").unwrap()),
    ("the session's state", true, |f| {
        let state = r#"{"session_id": "s0", "stages": {"intent": "completed"}}"#;
        fs::write(f.own("metadata/session_state.json"), state).unwrap();
    }),
    ("a broken state", true, |f| fs::write(f.own("metadata/session_state.json"), "{").unwrap()),
    ("the project's mirror", true, |f| {
        let path = f.path(".idse/projects/portal/session_state.json");
        fs::write(path, r#"{"session_id": "s1", "stages": {"plan": "completed"}, "last_agent": "x"}"#)
            .unwrap();
    }),
    ("the pointer", true, |f| fs::write(f.path(".idse/projects/portal/CURRENT_SESSION"), "s0").unwrap()),
    ("no pointer", true, |f| fs::remove_file(f.path(".idse/projects/portal/CURRENT_SESSION")).unwrap()),
    ("the session's metadata", true, |f| fs::write(f.own("metadata/session.json"), "[]").unwrap()),
    ("the project's file", true, |f| {
        fs::write(f.path(".idse/projects/portal/metadata/project.json"), "[]").unwrap();
    }),
    ("the settings", true, |f| {
        fs::write(f.path(".idseconfig.json"), r#"{"validate": {"ignore": ["IDSE101"]}}"#).unwrap();
    }),
    ("a limit", true, |f| {
        fs::write(f.path(".idseconfig.json"), r#"{"limits": {"artifact_bytes": 100}}"#).unwrap();
    }),
    ("the settings of a project", true, |f| {
        fs::create_dir_all(f.path(".idse/projects/portal/.idse")).unwrap();
        let config = f.path(".idse/projects/portal/.idse/config.json");
        fs::write(config, r#"{"validate": {"severity": {"IDSE101": "warning"}}}"#).unwrap();
    }),
    ("the baseline", true, |f| {
        let keys = f.workspace.every_session().unwrap().keys;
        f.workspace.update_baseline(&keys, &Context::default()).unwrap();
    }),
    ("a broken baseline", true, |f| fs::write(f.path(".idse/validate-baseline.json"), "{").unwrap()),
    ("no base", true, |f| fs::remove_file(base(f)).unwrap()),
    ("a damaged base", true, |f| fs::write(base(f), "{").unwrap()),
    ("objects that go", false, |f| fs::remove_dir_all(f.path(".idse/sync/objects")).unwrap()),
    ("objects that go behind an edit", true, |f| {
        fs::write(f.plan(), "# Plan\n").unwrap();
        f.expect_same("the edit");
        settle();
        f.expect_same("the edit is known");
        fs::remove_dir_all(f.path(".idse/sync/objects")).unwrap();
    }),
    ("a push", true, |f| {
        fs::write(f.plan(), "# Plan\n").unwrap();
        f.expect_same("before the push");
        sync::push(&f.workspace, &f.key, &f.remote, &PushOptions::default(), &Context::default()).unwrap();
    }),
    ("a push whose reply was lost", true, |f| {
        fs::write(f.plan(), "# Plan\n").unwrap();
        f.expect_same("before the push");
        f.remote.fail_next_push(Fault::LoseReply);
        // What would find out what happened.
        f.remote.fail_next(Fault::Refuse(ErrorKind::Unauthorized));
        let options = PushOptions::default();
        sync::push(&f.workspace, &f.key, &f.remote, &options, &Context::default()).unwrap_err();
    }),
    ("a conflict", true, conflict),
    ("a conflict that goes", true, |f| {
        conflict(f);
        f.expect_same("the conflict");
        settle();
        f.expect_same("the conflict is known");
        fs::remove_dir_all(f.path(&format!(".idse/sync/{}/conflicts", f.info().key.as_str()))).unwrap();
    }),
    ("a session that comes", true, |f| {
        f.workspace.create_session(&key("portal/s2"), None, &Context::default()).unwrap();
    }),
    ("a session that goes", true, |f| fs::remove_dir_all(f.own("")).unwrap()),
    ("another session under its name", true, |f| {
        let s1 = f.path(".idse/projects/portal/sessions/s1");
        fs::write(s1.join("plans/plan.md"), "# Other\n").unwrap();
        fs::rename(f.own(""), f.path(".idse/projects/portal/sessions/away")).unwrap();
        fs::rename(s1, f.own("")).unwrap();
    }),
    ("no state of the engine", true, |f| fs::remove_dir_all(f.path(".idse/sync")).unwrap()),
];

fn base(f: &Fixture) -> PathBuf {
    f.path(&format!(".idse/sync/{}/base/portal/s0.json", f.info().key.as_str()))
}

fn conflict(f: &Fixture) {
    let other = tempfile::tempdir().unwrap();
    let context = uncached();
    let session = f.key.session.clone();
    sync::clone(other.path(), &f.remote, "portal", Some(&session), &context).unwrap();
    let other = Workspace::open(other.path()).unwrap();
    other.write(&f.key, Stage::Plan, "# Theirs\n", None, &context).unwrap();
    sync::push(&other, &f.key, &f.remote, &PushOptions::default(), &context).unwrap();
    fs::write(f.plan(), "# Ours\n").unwrap();
    sync::pull(&f.workspace, &f.key, &f.remote, &PullOptions::default(), &Context::default()).unwrap();
}

#[test]
fn whatever_changes_is_seen() {
    let mut wrong = Vec::new();
    for (what, differs, change) in CHANGES {
        let fixture = Fixture::new();
        fixture.warm();
        let before = fixture.told(&uncached());
        change(&fixture);
        let after = fixture.expect_same(what);
        if (before != after) != *differs {
            wrong.push(*what);
        }
        settle();
        fixture.expect_same(what);
        fixture.expect_same(what);
    }
    assert!(wrong.is_empty(), "they matter, or do not matter, against what the table says: {wrong:?}");
}

#[test]
fn an_edit_in_the_same_instant_is_seen() {
    let fixture = Fixture::new();
    let text = fs::read_to_string(fixture.plan()).unwrap();
    for round in 0..60 {
        let edited = text.replacen("# Plan", if round % 2 == 0 { "# PlaN" } else { "xxPlan" }, 1);
        write_back_dated(&fixture.plan(), &edited);
        let keys = [fixture.key.clone(), key("portal/s1")];
        let cached = fixture.workspace.validate_all(&keys, &[], &Context::default()).unwrap();
        write_back_dated(&fixture.plan(), &text);
        let after = fixture.workspace.validate_all(&keys, &[], &Context::default()).unwrap();
        assert_eq!(after, fixture.workspace.validate_all(&keys, &[], &uncached()).unwrap(), "{round}");
        assert_ne!(cached, after, "{round}");
    }
}

#[derive(Debug, Clone)]
enum Edit {
    Write { file: usize, text: usize, back_dated: bool },
    Remove { file: usize },
    Copy { from: usize, to: usize },
    Swap { one: usize, other: usize },
    Wait,
    Ask,
}

const FILES: [&str; 6] = [
    "portal/sessions/s0/plans/plan.md",
    "portal/sessions/s0/plans/extra.md",
    "portal/sessions/s1/plans/plan.md",
    "portal/sessions/s1/metadata/session_state.json",
    "portal/session_state.json",
    "portal/CURRENT_SESSION",
];
/// Of one length all of them, so that nothing but the change time tells them apart.
const TEXTS: [&str; 4] = [
    "## Plan\n\n[REQUIRES INPUT]          \n",
    "{\"stages\": {\"plan\": \"completed\"}}   \n",
    "s0                                 \n",
    "s1                                 \n",
];

fn edit() -> impl Strategy<Value = Edit> {
    let (file, text) = (0..FILES.len(), 0..TEXTS.len());
    prop_oneof![
        4 => (file.clone(), text, any::<bool>()).prop_map(|(file, text, back_dated)| Edit::Write { file, text, back_dated }),
        1 => file.clone().prop_map(|file| Edit::Remove { file }),
        1 => (file.clone(), file.clone()).prop_map(|(from, to)| Edit::Copy { from, to }),
        1 => (file.clone(), file).prop_map(|(one, other)| Edit::Swap { one, other }),
        2 => Just(Edit::Wait),
        2 => Just(Edit::Ask),
    ]
}

/// Does what can be done of an edit.
fn apply(fixture: &Fixture, edit: &Edit) -> std::io::Result<()> {
    let path = |file: usize| fixture.path(".idse/projects").join(FILES[file]);
    match edit {
        Edit::Write { file, text, back_dated: true } if path(*file).exists() => {
            write_back_dated(&path(*file), TEXTS[*text]);
            Ok(())
        }
        Edit::Write { file, text, .. } => fs::write(path(*file), TEXTS[*text]),
        Edit::Remove { file } => fs::remove_file(path(*file)),
        Edit::Copy { from, to } => fs::copy(path(*from), path(*to)).map(|_| ()),
        Edit::Swap { one, other } => {
            let between = fixture.path("between");
            fs::rename(path(*one), &between)?;
            fs::rename(path(*other), path(*one)).and_then(|()| fs::rename(&between, path(*other)))
        }
        Edit::Wait => {
            settle();
            Ok(())
        }
        Edit::Ask => {
            fixture.told(&Context::default());
            Ok(())
        }
    }
}

#[test]
fn any_edits_are_seen() {
    let fixture = Fixture::new();
    let files = FILES.map(|file| fixture.path(".idse/projects").join(file));
    let before = files.each_ref().map(|file| fs::read(file).ok());
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() };
    let edits = proptest::collection::vec(edit(), 1..25);
    let run = |edits: Vec<Edit>| {
        for (file, bytes) in files.iter().zip(&before) {
            match bytes {
                Some(bytes) => fs::write(file, bytes).unwrap(),
                // It may not be there.
                None => fs::remove_file(file).unwrap_or_default(),
            }
        }
        for edit in &edits {
            // What cannot be done is no edit.
            apply(&fixture, edit).unwrap_or_default();
            if matches!(edit, Edit::Ask) {
                fixture.expect_same(&format!("{edits:?}"));
            }
        }
        fixture.expect_same(&format!("{edits:?}"));
        Ok(())
    };
    TestRunner::new(config).run(&edits, run).unwrap();
}
