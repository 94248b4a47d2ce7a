//! The files of the cache: when they count, and that nothing that happens to them is worse than having none.

use std::cell::Cell;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

use super::*;
use crate::cache::Cache;
use crate::error::Error;
use crate::fs::Found;

/// Asks for the plan of a session; tells what it is, and whether anybody had to look.
fn ask(fixture: &Fixture, question: &str, context: &Context) -> (String, bool) {
    let keys = [fixture.key.clone(), key("portal/s1")];
    let keys: Vec<_> = keys.iter().collect();
    let cache = Cache::open(&fixture.workspace, "test", &keys, context);
    let looked = Cell::new(false);
    let path = format!("{}/plans/plan.md", session_path(keys[0]));
    let answer = cache.answer(
        keys[0],
        &question,
        |_| true,
        |workspace| {
            looked.set(true);
            match workspace.dir().read(&path, 1 << 20)? {
                Found::Bytes(bytes) => Ok(String::from_utf8(bytes).unwrap()),
                other => Err(Error::internal(format!("{other:?}"))),
            }
        },
    );
    cache.save();
    (answer.unwrap(), looked.get())
}

#[test]
fn an_answer_counts_until_the_question_or_the_file_changes() {
    let fixture = Fixture::new();
    let context = Context::default();
    let text = fs::read_to_string(fixture.plan()).unwrap();
    assert_eq!(ask(&fixture, "q", &context), (text.clone(), true));
    assert_eq!(ask(&fixture, "q", &context), (text.clone(), false));
    assert_eq!(ask(&fixture, "another", &context), (text.clone(), true));
    assert_eq!(ask(&fixture, "another", &uncached()), (text.clone(), true));
    let env = [("IDSE_NO_CACHE", "1")].into_iter().collect();
    assert_eq!(ask(&fixture, "another", &Context { env, ..Context::default() }), (text.clone(), true));
    assert_eq!(ask(&fixture, "another", &context), (text, false));
    fs::write(fixture.plan(), "new").unwrap();
    assert_eq!(ask(&fixture, "another", &context), ("new".to_owned(), true));
}

#[test]
fn what_is_as_young_as_the_clock_is_not_kept() {
    let fixture = Fixture::new();
    let context = Context::default();
    let text = fs::read_to_string(fixture.plan()).unwrap();
    // No wait in between: the writes of one tick of the clock cannot be told apart by it.
    for round in 0..500 {
        for text in [text.replace('#', "+"), text.clone()] {
            write_back_dated(&fixture.plan(), &text);
            assert_eq!(ask(&fixture, "q", &context).0, text, "{round}");
        }
    }
    let seen = {
        let tracing = fixture.workspace.tracing().unwrap();
        tracing.dir().read(&format!("{}/plans/plan.md", session_path(&fixture.key)), 1 << 20).unwrap();
        tracing.dir().seen().unwrap()
    };
    let (dir, mut proof) = (fixture.workspace.dir(), Vec::new());
    let early = dir.moment(CACHE_FOLDER).unwrap();
    settle();
    fs::write(fixture.plan(), "x").unwrap();
    assert!(!dir.witness(&seen, Some(early), &mut proof), "it changed since");
    settle();
    let late = dir.moment(CACHE_FOLDER).unwrap();
    assert!(dir.witness(&seen, Some(late), &mut proof) && late > early);
    assert_eq!(fixture.files().iter().filter(|(name, _)| name.starts_with(".idse")).count(), 0);
}

const CACHE_FOLDER: &str = ".idse/sync/cache";

#[test]
fn what_could_not_be_looked_at_is_not_kept() {
    let fixture = Fixture::new();
    for path in ["plans/plan.md/below", "plans"] {
        let tracing = fixture.workspace.tracing().unwrap();
        drop(tracing.dir().read(&format!("{}/{path}", session_path(&fixture.key)), 100));
        assert_eq!(tracing.dir().seen(), None, "{path}");
    }
    let tracing = fixture.workspace.tracing().unwrap();
    drop(tracing.dir().list(&format!("{}/plans/plan.md", session_path(&fixture.key))));
    assert_eq!(tracing.dir().seen(), None);
    assert_eq!(fixture.workspace.dir().seen(), None, "nothing was noted");
}

#[test]
fn a_damaged_file_is_none() {
    let fixture = Fixture::new();
    fixture.warm();
    let truth = fixture.told(&uncached());
    for (name, _) in fixture.files() {
        let path = fixture.path(CACHE_FOLDER).join(&name);
        let whole = fs::read(&path).unwrap();
        let put = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            assert_eq!(fixture.told(&Context::default()), truth, "{name}");
        };
        for part in 0..24 {
            let at = whole.len() * part / 24;
            put(&whole[..at]);
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (part % 8);
            put(&flipped);
        }
        put(&[0; 4096]);
        put("s0\ts0\ts0\n\n\t\n\t\t\t\ns0\t\t{}\t{}\n".as_bytes());
        put(&whole.repeat(2));
        let text = String::from_utf8(whole).unwrap();
        // Answers of one session are none of another, and an answer that somebody thought out has no proof.
        put(text.replace("s0\t", "x\t").replace("s1\t", "s0\t").replace("x\t", "s1\t").as_bytes());
        put(text.replace("\"errors\":1", "\"errors\":0").replace("IDSE101", "IDSE102").as_bytes());
    }
}

#[test]
fn a_file_that_somebody_else_can_write_is_none() {
    let fixture = Fixture::new();
    let context = Context::default();
    let path = fixture.path(".idse/sync/cache/test.portal");
    let is_taken = |change: &dyn Fn()| {
        ask(&fixture, "q", &context);
        assert!(!ask(&fixture, "q", &context).1);
        change();
        !ask(&fixture, "q", &context).1
    };
    assert_eq!(fs::metadata(&path).map(|m| m.permissions().mode() & 0o777).ok(), None);
    assert!(is_taken(&|| ()));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!is_taken(&|| fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap()));
    assert!(!is_taken(&|| {
        fs::rename(&path, fixture.path("elsewhere")).unwrap();
        symlink(fixture.path("elsewhere"), &path).unwrap();
    }));
    assert!(!is_taken(&|| {
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    }));
    // Only a superuser can give a file away.
    if chown(fixture.path("elsewhere"), Some(4321), None).is_ok() {
        assert!(!is_taken(&|| chown(&path, Some(4321), None).unwrap()));
    }
}

#[test]
fn without_a_place_for_it_there_is_none() {
    let fixture = Fixture::new();
    fs::write(fixture.path(".idse/sync/cache"), "in the way").unwrap();
    fixture.expect_same("a file in the way");
    fixture.expect_same("again");
    assert_eq!(fs::read_to_string(fixture.path(".idse/sync/cache")).unwrap(), "in the way");
}

#[test]
fn answers_about_sessions_that_were_not_asked_for_stay() {
    let fixture = Fixture::new();
    fixture.warm();
    fs::write(fixture.plan(), "# Plan\n").unwrap();
    settle();
    let keys = [fixture.key.clone(), key("api/a0")];
    fixture.workspace.validate_all(&keys, &[], &Context::default()).unwrap();
    let lines = |fixture: &Fixture| {
        let text = fs::read_to_string(fixture.path(".idse/sync/cache/findings.portal")).unwrap();
        text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lines(&fixture), ["s0", "s1"]);
    fixture.warm();
    fs::remove_dir_all(fixture.path(".idse/projects/portal/sessions/s1")).unwrap();
    fs::write(fixture.plan(), "# Plan 2\n").unwrap();
    settle();
    fixture.expect_same("a session went");
    assert_eq!(lines(&fixture), ["s0"]);
}

#[test]
fn several_at_once_disturb_neither_each_other_nor_the_answers() {
    let fixture = Fixture::new();
    let text = fs::read_to_string(fixture.plan()).unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let workspace = Workspace::open(fixture.folder.path()).unwrap();
                    let keys = workspace.every_session().unwrap().keys;
                    for _ in 0..10 {
                        workspace.validate_all(&keys, &[], &Context::default()).unwrap();
                    }
                })
            })
            .collect();
        for round in 0..50 {
            let edited = text.replacen("# Plan", if round % 2 == 0 { "# PlaN" } else { "# Plan" }, 1);
            write_back_dated(&fixture.plan(), &edited);
            std::thread::sleep(Duration::from_millis(3));
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    fixture.expect_same("afterwards");
    settle();
    fixture.expect_same("and later");
    fixture.warm();
}

#[test]
fn what_mends_a_file_rests_on_the_file() {
    let fixture = Fixture::new();
    let context = Context::default();
    let text = "# Tasks\n\n<!-- idse-disable-next-line IDSE101 -->\n- Done\n";
    fixture.workspace.write(&fixture.key, Stage::Tasks, text, None, &context).unwrap();
    let keys = fixture.workspace.every_session().unwrap().keys;
    let mut report = fixture.workspace.validate_all(&keys, &[], &context).unwrap();
    let fixable = report.diagnostics.iter_mut().find(|d| d.fix.is_some()).unwrap();
    let edit = &mut fixable.fix.as_mut().unwrap().edits[0];
    (edit.start, edit.end) = (0, 3);
    let error = fixture.workspace.fix(&report, &context).unwrap_err();
    assert_eq!(error.reason(), "changed");
    let held = fixture.workspace.load(&fixture.key, &context).unwrap();
    assert_eq!(held.artifact(Stage::Tasks).text(), Some(text));
}
