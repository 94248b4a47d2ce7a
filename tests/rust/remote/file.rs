//! What belongs to the agency file alone: who may read it, what it refuses, and edits behind the engine's back.

use std::fs;
use std::time::Duration;

use rusqlite::Connection;

use super::*;

fn by_hand(folder: &Path, sql: &str) {
    Connection::open(folder.join("new/agency.db")).expect("opened").execute_batch(sql).expect(sql);
}

#[test]
fn reading_creates_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    let context = Context::default();
    remote.fetch(&target(1, "s"), None, &context).expect("an answer");
    remote.projects(&ProjectFilter::All, &context).expect("a list");
    remote.push(&push_to(&target(1, "s"), 1), &context).expect("an answer");
    assert!(remote.health(&context).expect("health").message.contains("the first push creates it"));
    assert_eq!(fs::read_dir(folder.path()).expect("a list").count(), 0);
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    created(&remote, 1, "s", "secret");
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).expect(name);
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("new"), 0o700);
    for name in ["new/agency.db", "new/agency.db-wal", "new/agency.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
}

#[test]
fn an_edit_by_hand_is_a_new_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    let revision = created(&remote, 1, "s", "one");
    by_hand(folder.path(), "UPDATE sessions SET plan_md = 'by hand'");
    let found = session(&remote, &target(1, "s"));
    assert_ne!(found.revision, revision);
    assert_eq!(found.texts[&Stage::Plan], RemoteText::Text("by hand".into()));
    let mut request = push_to(&target(1, "s"), 2);
    request.items = vec![item(Stage::Spec, Some("one"), Some("two"))];
    request.revision = Some(revision);
    assert!(!written(remote.push(&request, &Context::default()).expect("an answer")).1, "not in step");
    by_hand(folder.path(), "INSERT INTO sessions (project_id, session_id) SELECT id, 'added' FROM projects");
    assert_ne!(session(&remote, &target(1, "added")).revision.as_str(), "0-");
}

#[test]
fn a_version_never_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    let first = created(&remote, 1, "s", "one");
    by_hand(folder.path(), "PRAGMA foreign_keys = ON; DELETE FROM projects");
    let missing = Fetched::Missing { project_exists: false };
    assert_eq!(remote.fetch(&target(1, "s"), Some(&first), &Context::default()).expect("an answer"), missing);
    let mut again = push_to(&target(1, "s"), 2);
    again.create = Some(new_project("portal"));
    let (second, _) = written(remote.push(&again, &Context::default()).expect("an answer"));
    // The counter of a new file starts over; who wrote keeps the versions apart.
    fs::remove_dir_all(folder.path().join("new")).expect("removed");
    again.op = op(3);
    let (third, _) = written(remote.push(&again, &Context::default()).expect("an answer"));
    assert!(first != second && first != third && second != third, "{first} {second} {third}");
}

#[test]
fn a_file_that_was_replaced_is_opened_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    created(&remote, 1, "s", "old");
    fs::rename(folder.path().join("new"), folder.path().join("away")).expect("renamed");
    let missing = Fetched::Missing { project_exists: false };
    assert_eq!(remote.fetch(&target(1, "s"), None, &Context::default()).expect("an answer"), missing);
    created(&remote, 1, "s", "new");
    assert_eq!(session(&sqlite(folder.path()), &target(1, "s")).texts[&Stage::Spec].text(), Some("new"));
}

#[test]
fn odd_values_are_read_or_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    created(&remote, 1, "s", "one");
    by_hand(folder.path(), "UPDATE sessions SET plan_md = 42, tasks_md = x'c3a9', state_json = '[not json'");
    let found = session(&remote, &target(1, "s"));
    assert_eq!(found.texts[&Stage::Plan].text(), Some("42"));
    assert_eq!(found.texts[&Stage::Tasks].text(), Some("é"));
    assert_eq!(found.state, None);
    by_hand(folder.path(), "UPDATE sessions SET plan_md = x'ff'");
    let error = remote.fetch(&target(1, "s"), None, &Context::default()).expect_err("no text");
    assert_eq!((error.kind(), error.get("column")), (ErrorKind::Protocol, Some("plan_md")));
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    type Make<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));
    let folder = tempfile::tempdir().expect("a folder");
    let text = |path: &Path| fs::write(path, "no database, only some text\n".repeat(99)).expect("written");
    let table = |path: &Path| sql(path, "CREATE TABLE mine (a); INSERT INTO mine VALUES (1)");
    let newer = |path: &Path| sql(path, "PRAGMA application_id = 0x69647365; PRAGMA user_version = 2");
    let made: [Make<'_>; 3] = [
        ("text", "not_an_agency", &text),
        ("table", "not_an_agency", &table),
        ("newer", "newer_format", &newer),
    ];
    for (name, reason, make) in made {
        let path = folder.path().join(name);
        make(&path);
        let bytes = fs::read(&path).expect("read");
        let error = SqliteRemote::open(&path, &Context::default()).expect_err(reason);
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Protocol, reason), "{error}");
        assert!(error.hint().is_some() && error.to_string().contains(name), "{error}");
        assert_eq!(fs::read(&path).expect("read"), bytes);
    }
}

fn sql(path: &Path, sql: &str) {
    Connection::open(path).expect("opened").execute_batch(sql).expect(sql);
}

#[test]
fn a_torn_file_is_an_error_and_an_empty_one_is_new() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/agency.db");
    fs::create_dir(folder.path().join("new")).expect("made");
    fs::write(&path, "").expect("written");
    let remote = sqlite(folder.path());
    let context = Context::default();
    assert_eq!(remote.projects(&ProjectFilter::All, &context).expect("a list"), vec![]);
    created(&remote, 1, "s", &"text ".repeat(20_000));
    drop(remote);
    let whole = fs::read(&path).expect("read");
    for keep in [whole.len() / 2, 4096, 200] {
        fs::write(&path, &whole[..keep]).expect("written");
        let refused = SqliteRemote::open(&path, &context)
            .and_then(|remote| remote.fetch(&target(1, "s"), None, &context))
            .expect_err("torn");
        assert_eq!(refused.kind(), ErrorKind::Protocol, "{keep}: {refused}");
        assert!(refused.hint().is_some());
    }
}

/// The superuser may write everything, so there this test has nothing to look at.
#[cfg(unix)]
#[test]
fn a_read_only_file_can_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new/agency.db");
    let keep_open = sqlite(folder.path());
    created(&keep_open, 1, "s", "one");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("set");
    let superuser = fs::OpenOptions::new().append(true).open(&path).is_ok();
    let remote = sqlite(folder.path());
    assert_eq!(session(&remote, &target(1, "s")).texts[&Stage::Spec].text(), Some("one"));
    let mut request = push_to(&target(1, "s"), 2);
    request.items = vec![item(Stage::Spec, Some("one"), Some("two"))];
    match remote.push(&request, &Context::default()) {
        Ok(PushOutcome::Written { .. }) => assert!(superuser),
        Err(error) => assert_eq!((error.kind(), error.reason()), (ErrorKind::Io, "no_access"), "{error}"),
        Ok(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_folder_in_its_place_or_above_it_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = SqliteRemote::open(folder.path(), &Context::default()).expect_err("a folder");
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Io, "no_access"));
    fs::write(folder.path().join("new"), "a file").expect("written");
    let remote = sqlite(folder.path());
    let mut request = push_to(&target(1, "s"), 1);
    request.create = Some(new_project("portal"));
    let error = remote.push(&request, &Context::default()).expect_err("a file in the way");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}

#[test]
fn waiting_ends_at_the_deadline_or_when_cancelled() {
    let folder = tempfile::tempdir().expect("a folder");
    let remote = sqlite(folder.path());
    created(&remote, 1, "s", "one");
    let other = Connection::open(folder.path().join("new/agency.db")).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    assert_eq!(session(&remote, &target(1, "s")).texts[&Stage::Spec].text(), Some("one"), "readers go on");
    let mut request = push_to(&target(1, "s"), 2);
    request.items = vec![item(Stage::Spec, Some("one"), Some("two"))];
    let context = Context { deadline: Some(Duration::from_millis(80)), ..Context::default() };
    assert_eq!(remote.push(&request, &context).expect_err("locked").kind(), ErrorKind::Locked);
    let context = Context::default();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| remote.push(&request, &context).expect_err("cancelled").kind());
        std::thread::sleep(Duration::from_millis(30));
        context.cancel.cancel();
        assert_eq!(waiting.join().expect("no panic"), ErrorKind::Cancelled);
    });
    other.execute_batch("ROLLBACK").expect("free");
    written(remote.push(&request, &Context::default()).expect("an answer"));
}

#[test]
fn one_file_has_one_key_however_it_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = folder.path().join("new/agency.db");
    let before = SqliteRemote::info_of(&plain);
    created(&sqlite(folder.path()), 1, "s", "one");
    assert_eq!(SqliteRemote::info_of(&plain), before, "the same before and after it is created");
    let around = folder.path().join("new/../new/./agency.db");
    assert_eq!(SqliteRemote::info_of(&around), before);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path().join("new"), folder.path().join("link")).expect("linked");
        assert_eq!(SqliteRemote::info_of(&folder.path().join("link/agency.db")), before);
    }
    assert_ne!(SqliteRemote::info_of(&folder.path().join("new/other.db")).key, before.key);
}
