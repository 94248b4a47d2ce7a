use super::*;

#[test]
fn artifacts_that_cannot_be_read_block_only_themselves() {
    let fixture = Fixture::new();
    let s = format!("{P}/sessions/one");
    fixture.put(&format!("{s}/specs/spec.md"), b"caf\xe9");
    fixture.put(&format!("{s}/plans/plan.md"), "a\0b");
    fixture.put(&format!("{s}/tasks/tasks.md"), vec![b'x'; (4 << 20) + 1]);
    fixture.put(&format!("{s}/contexts/context.md"), "\u{feff}a\r\nb");
    fs::remove_file(fixture.path(&format!("{s}/feedback/feedback.md"))).unwrap();
    fs::create_dir(fixture.path(&format!("{s}/feedback/feedback.md"))).unwrap();
    fs::remove_dir_all(fixture.path(&format!("{s}/implementation"))).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc", fixture.path(&format!("{s}/implementation"))).unwrap();
    let session = fixture.load("one");
    let reason = |stage| match &session.artifact(stage).content {
        Content::Blocked(blocked) => Some(blocked.reason),
        _ => None,
    };
    assert_eq!(reason(Stage::Spec), Some(BlockedReason::NotUtf8));
    assert_eq!(reason(Stage::Plan), Some(BlockedReason::Nul));
    assert_eq!(reason(Stage::Tasks), Some(BlockedReason::TooLarge));
    assert_eq!(reason(Stage::Feedback), Some(BlockedReason::NotAFile));
    #[cfg(unix)]
    assert_eq!(reason(Stage::Implementation), Some(BlockedReason::Symlink));
    assert_eq!(session.artifact(Stage::Context).text(), Some("\u{feff}a\r\nb"));
    assert!(session.artifact(Stage::Intent).text().is_some());
}

#[test]
fn other_markdown_and_open_conflicts_are_found() {
    let fixture = Fixture::new();
    let s = format!("{P}/sessions/one");
    for file in ["plans/test-plan.md", "implementation/a/b.MD", "implementation/x.txt", "metadata/meta.md"] {
        fixture.put(&format!("{s}/{file}"), "x");
    }
    fixture.put(".idse/sync/0123456789abcdef/conflicts/demo/one/spec/conflict.json", "{}");
    fixture.put(".idse/sync/fedcba9876543210/conflicts/demo/one/intent/conflict.json", "{}");
    fixture.put(".idse/sync/fedcba9876543210/conflicts/demo/one/plan/local.md", "");
    fixture.put(".idse/sync/fedcba9876543210/conflicts/demo/two/tasks/conflict.json", "{}");
    let session = fixture.load("one");
    assert_eq!(session.unknown, ["plans/test-plan.md", "implementation/a/b.MD"]);
    assert_eq!(session.open_conflicts, [Stage::Intent, Stage::Spec]);
}

#[test]
fn a_write_keeps_what_it_displaces_and_refuses_what_it_did_not_expect() {
    let fixture = Fixture::new();
    let workspace = fixture.open();
    let write =
        |text: &str, expected| workspace.write(&key("one"), Stage::Spec, text, expected, &fixture.context);
    let path = format!("{P}/sessions/one/specs/spec.md");
    let template = fixture.text(&path);
    let first = write("first", None).unwrap();
    assert_eq!(first, ObjectId::of(b"first"));
    assert_eq!(fixture.text(&objects::path(ObjectId::of(template.as_bytes()))), template);
    assert_eq!(write("second", Some(None)).unwrap_err().reason(), "changed");
    assert_eq!(write("second", Some(Some(ObjectId::of(b"x")))).unwrap_err().kind(), ErrorKind::Exists);
    assert_eq!(fixture.text(&path), "first");
    write("second", Some(Some(first))).unwrap();
    assert_eq!(write("second", Some(Some(first))).unwrap_err().reason(), "changed");
    assert_eq!(fixture.text(&objects::path(first)), "first");
    fs::remove_dir_all(fixture.path(&format!("{P}/sessions/one/specs"))).unwrap();
    write("third", Some(None)).unwrap();
    assert_eq!(fixture.text(&path), "third");
    assert_eq!(write("a\0", None).unwrap_err().reason(), "nul");
    assert_eq!(write(&"x".repeat((4 << 20) + 1), None).unwrap_err().reason(), "too_large");
    assert_eq!(fixture.text(&path), "third");
}

#[test]
fn a_write_keeps_what_a_killed_one_left() {
    let fixture = Fixture::new();
    let left = format!("{P}/sessions/one/plans/.idse-99-1.tmp");
    fixture.put(&left, "displaced by a killed write");
    fixture.open().write(&key("one"), Stage::Spec, "x", None, &fixture.context).unwrap();
    assert!(!fixture.path(&left).exists());
    let kept = objects::path(ObjectId::of(b"displaced by a killed write"));
    assert_eq!(fixture.text(&kept), "displaced by a killed write");
}

#[cfg(unix)]
#[test]
fn hostile_files_are_not_written_through() {
    use std::os::unix::fs::symlink;
    let fixture = Fixture::new();
    let victim = tempfile::tempdir().unwrap();
    fs::write(victim.path().join("spec.md"), "victim").unwrap();
    let s = fixture.path(&format!("{P}/sessions/one"));
    fs::remove_file(s.join("specs/spec.md")).unwrap();
    symlink(victim.path().join("spec.md"), s.join("specs/spec.md")).unwrap();
    let write = |stage| fixture.open().write(&key("one"), stage, "x", None, &fixture.context);
    assert_eq!(write(Stage::Spec).unwrap_err().reason(), "blocked");
    fs::remove_dir_all(s.join("plans")).unwrap();
    symlink(victim.path(), s.join("plans")).unwrap();
    assert_eq!(write(Stage::Plan).unwrap_err().reason(), "blocked");
    assert_eq!(fs::read_dir(victim.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(victim.path().join("spec.md")).unwrap(), "victim");

    let outside = Fixture::empty();
    fs::create_dir(victim.path().join("projects")).unwrap();
    symlink(victim.path(), outside.path(".idse")).unwrap();
    assert_eq!(Workspace::open(outside.root.path()).unwrap_err().kind(), ErrorKind::InvalidWorkspace);
    assert_eq!(outside.init("demo", None).unwrap_err().kind(), ErrorKind::InvalidWorkspace);
    assert_eq!(fs::read_dir(victim.path().join("projects")).unwrap().count(), 0);
}
