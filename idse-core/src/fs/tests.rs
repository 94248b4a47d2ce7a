#![expect(clippy::disallowed_methods, reason = "a test is the other program that touches the disk")]

use std::fs;
use std::time::Duration;

use super::*;
use crate::artifact::BlockedReason;
use crate::context::Context;

fn fixture() -> (tempfile::TempDir, Dir) {
    let root = tempfile::tempdir().unwrap();
    let dir = Dir::open(root.path()).unwrap();
    (root, dir)
}

fn blocked(dir: &Dir, rel: &str) -> BlockedReason {
    match dir.read(rel, 1000).unwrap() {
        Found::Blocked(blocked) => {
            assert!(blocked.message.contains(rel.split('/').next().unwrap()), "{}", blocked.message);
            blocked.reason
        }
        other => panic!("{rel}: {other:?}"),
    }
}

#[cfg(unix)]
pub(super) fn make_fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[cfg(unix)]
pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

#[test]
fn files_are_read_whole_or_not_at_all() {
    let (root, dir) = fixture();
    fs::write(root.path().join("a"), "x".repeat(1000)).unwrap();
    fs::write(root.path().join("b"), "x".repeat(1001)).unwrap();
    fs::write(root.path().join("empty"), "").unwrap();
    fs::create_dir(root.path().join("folder")).unwrap();
    assert_eq!(dir.read("a", 1000).unwrap(), Found::Bytes(vec![b'x'; 1000]));
    assert_eq!(dir.read("a", u64::MAX).unwrap(), Found::Bytes(vec![b'x'; 1000]));
    assert_eq!(dir.read("empty", 1000).unwrap(), Found::Bytes(Vec::new()));
    assert_eq!(dir.read("none", 1000).unwrap(), Found::Absent);
    assert_eq!(dir.read("no/such/folder", 1000).unwrap(), Found::Absent);
    assert_eq!(blocked(&dir, "b"), BlockedReason::TooLarge);
    assert_eq!(blocked(&dir, "folder"), BlockedReason::NotAFile);
    assert_eq!(blocked(&dir, "a/below"), BlockedReason::NotAFile);
}

#[test]
fn a_sparse_giant_is_refused_at_once() {
    let (root, dir) = fixture();
    fs::File::create(root.path().join("giant")).unwrap().set_len(10 << 30).unwrap();
    assert_eq!(blocked(&dir, "giant"), BlockedReason::TooLarge);
    let aside = ".idse/aside";
    let swapped = dir.swap("giant", Some(ObjectId::of(b"")), Some(b"new"), aside).unwrap();
    assert_eq!(swapped, Swap::Changed);
}

#[test]
fn no_path_leads_out() {
    let (root, _) = fixture();
    fs::create_dir(root.path().join("inside")).unwrap();
    fs::write(root.path().join("secret"), "secret").unwrap();
    let dir = Dir::open(&root.path().join("inside")).unwrap();
    for rel in ["../secret", "..", ".", "", "a/../../secret", "/etc/passwd"] {
        let found = dir.read(rel, 1000);
        assert!(!matches!(found, Ok(Found::Bytes(_))), "{rel}: {found:?}");
        assert!(dir.create(rel, b"x").is_err(), "{rel}");
        assert!(dir.replace(rel, b"x").is_err(), "{rel}");
        assert_eq!(dir.kind(rel), None, "{rel}");
    }
    assert_eq!(fs::read_to_string(root.path().join("secret")).unwrap(), "secret");
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_where_they_count() {
    use std::os::unix::fs::symlink;
    let (root, dir) = fixture();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("f"), "secret").unwrap();
    fs::create_dir(root.path().join("real")).unwrap();
    fs::write(root.path().join("real/f"), "inside").unwrap();
    symlink(outside.path(), root.path().join("out")).unwrap();
    symlink("real", root.path().join("in")).unwrap();
    symlink("real/f", root.path().join("file")).unwrap();
    symlink("loop", root.path().join("loop")).unwrap();
    symlink("/dev/zero", root.path().join("zero")).unwrap();
    assert_eq!(blocked(&dir, "out/f"), BlockedReason::Symlink);
    assert_eq!(blocked(&dir, "file"), BlockedReason::Symlink);
    assert_eq!(blocked(&dir, "loop"), BlockedReason::Symlink);
    assert_eq!(blocked(&dir, "loop/f"), BlockedReason::Symlink);
    assert_eq!(blocked(&dir, "zero"), BlockedReason::Symlink);
    assert_eq!(dir.read("in/f", 1000).unwrap(), Found::Bytes(b"inside".to_vec()));
    assert!(!dir.is_dir("out") && dir.is_dir("in"));
    assert!(dir.create("out/new", b"x").is_err() && !outside.path().join("new").exists());
    assert!(dir.append_line("file", "x").is_err());
    assert!(dir.list("out").is_err());
    // A link is replaced, never written through.
    dir.replace("file", b"own").unwrap();
    assert_eq!(fs::read_to_string(root.path().join("real/f")).unwrap(), "inside");
}

#[cfg(unix)]
#[test]
fn pipes_sockets_and_devices_never_hang() {
    let (root, dir) = fixture();
    make_fifo(&root.path().join("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();
    assert_eq!(blocked(&dir, "pipe"), BlockedReason::NotAFile);
    assert_eq!(blocked(&dir, "socket"), BlockedReason::NotAFile);
    let device = root.path().join("device");
    let made = std::process::Command::new("mknod").arg(&device).args(["c", "1", "5"]).status();
    if made.is_ok_and(|status| status.success()) {
        assert_eq!(blocked(&dir, "device"), BlockedReason::NotAFile);
    }
    assert_eq!(read_user_file(&root.path().join("pipe"), 10).unwrap_err().kind(), ErrorKind::Io);
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_blocked() {
    use std::os::unix::fs::PermissionsExt as _;
    let (root, dir) = fixture();
    fs::write(root.path().join("f"), "x").unwrap();
    fs::set_permissions(root.path().join("f"), fs::Permissions::from_mode(0o000)).unwrap();
    if is_root() {
        assert_eq!(dir.read("f", 10).unwrap(), Found::Bytes(b"x".to_vec()), "permissions do not bind root");
    } else {
        assert_eq!(blocked(&dir, "f"), BlockedReason::Unreadable);
    }
}

#[test]
fn a_file_is_created_once() {
    let (root, dir) = fixture();
    assert!(dir.create("a/b/c", b"one").unwrap());
    assert!(!dir.create("a/b/c", b"two").unwrap());
    assert_eq!(fs::read(root.path().join("a/b/c")).unwrap(), b"one");
    let made: usize = std::thread::scope(|scope| {
        let racers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| usize::from(dir.create("race", b"x").unwrap()))).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
    assert_eq!(dir.leftovers(".").unwrap(), [""; 0]);
    assert_eq!(dir.leftovers("a/b").unwrap(), [""; 0]);
}

#[test]
fn a_line_follows_a_torn_one() {
    let (root, dir) = fixture();
    dir.append_line("log", "one").unwrap();
    dir.append_line("log", "two").unwrap();
    assert_eq!(fs::read_to_string(root.path().join("log")).unwrap(), "one\ntwo\n");
    fs::write(root.path().join("log"), "one\ntor").unwrap();
    dir.append_line("log", "three").unwrap();
    assert_eq!(fs::read_to_string(root.path().join("log")).unwrap(), "one\ntor\nthree\n");
}

#[test]
fn what_is_absent_can_be_removed_and_listed() {
    let (root, dir) = fixture();
    dir.remove("no/such").unwrap();
    dir.remove_tree("no").unwrap();
    assert_eq!(dir.list("no").unwrap(), []);
    assert_eq!(dir.walk("no", 9), [""; 0]);
    dir.replace("a/b", b"x").unwrap();
    dir.replace("a/c/d", b"x").unwrap();
    assert_eq!(dir.walk("a", 9), ["b", "c/d"]);
    assert!(dir.rename("a/b", "a/e").unwrap() && !dir.rename("a/b", "a/f").unwrap());
    assert!(!dir.rename("a/e", "a/c/d").unwrap(), "nothing is replaced");
    dir.remove_tree("a").unwrap();
    assert!(!root.path().join("a").exists());
}

#[test]
fn folders_of_any_name_are_made() {
    let (root, dir) = fixture();
    for rel in ["a/b/c", "é/ü", "漢字", "a/b", "a//x", "b/"] {
        dir.create_dirs(rel).unwrap_or_default();
        assert!(root.path().join(rel).is_dir() || rel.contains("//") || rel.ends_with('/'), "{rel}");
    }
    fs::write(root.path().join("file"), "").unwrap();
    assert_eq!(dir.create_dirs("file/below").unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn leftovers_are_found_by_their_name() {
    let (root, dir) = fixture();
    for name in [".idse-1-0.tmp", ".idse-x.txt", "a.tmp", ".idse-77-3.tmp"] {
        fs::write(root.path().join(name), "x").unwrap();
    }
    assert_eq!(dir.leftovers(".").unwrap(), [".idse-1-0.tmp", ".idse-77-3.tmp"]);
}

#[test]
fn the_lock_lets_one_in_and_is_free_when_it_is_dropped() {
    let (root, dir) = fixture();
    let patient = Context { deadline: Some(Duration::from_millis(80)), ..Context::default() };
    let held = dir.lock("engine/lock", &patient).unwrap();
    let error = dir.lock("engine/lock", &patient).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.is_temporary() && error.hint().is_some());
    drop(held);
    drop(dir.lock("engine/lock", &patient).unwrap());
    assert!(root.path().join("engine/lock").exists(), "a removed lock file would let two in");
}

#[test]
fn waiting_for_the_lock_can_be_cancelled() {
    let (_root, dir) = fixture();
    let _held = dir.lock("lock", &Context::default()).unwrap();
    let context = Context::default();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| dir.lock("lock", &context).map(drop).unwrap_err().kind());
        std::thread::sleep(Duration::from_millis(60));
        context.cancel.cancel();
        assert_eq!(waiting.join().unwrap(), ErrorKind::Cancelled);
    });
}

#[cfg(unix)]
#[test]
fn the_lock_of_a_dead_process_is_free() {
    let (root, dir) = fixture();
    fs::write(root.path().join("lock"), "").unwrap();
    // `flock` is the tool of the same system call.
    let Ok(mut holder) =
        std::process::Command::new("flock").arg(root.path().join("lock")).args(["sleep", "60"]).spawn()
    else {
        return;
    };
    let impatient = Context { deadline: Some(Duration::ZERO), ..Context::default() };
    while dir.lock("lock", &impatient).is_ok() {
        std::thread::sleep(Duration::from_millis(10));
    }
    // The tool's child holds the handle too, so both must go.
    let children =
        fs::read_to_string(format!("/proc/{0}/task/{0}/children", holder.id())).unwrap_or_default();
    for child in children.split_whitespace() {
        std::process::Command::new("kill").args(["-9", child]).status().unwrap();
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    drop(
        dir.lock("lock", &Context { deadline: Some(Duration::from_secs(5)), ..Context::default() }).unwrap(),
    );
}

#[cfg(unix)]
#[test]
fn a_private_folder_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let (root, dir) = fixture();
    dir.create_private_dir("a/b").unwrap();
    assert_eq!(fs::metadata(root.path().join("a/b")).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn the_way_of_swapping_is_known() {
    let (_root, dir) = fixture();
    assert!(matches!(dir.swap_support(".").unwrap(), "exchange" | "link"));
    assert_eq!(dir.leftovers(".").unwrap(), [""; 0]);
}
