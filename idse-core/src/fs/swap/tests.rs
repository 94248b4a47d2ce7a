#![expect(clippy::disallowed_methods, reason = "a test is the other program that touches the disk")]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const ASIDE: &str = ".idse/sync/displaced/op-spec";

struct Fixture {
    root: tempfile::TempDir,
    dir: Dir,
}

impl Fixture {
    fn new(exchange: bool) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("specs")).unwrap();
        let mut dir = Dir::open(root.path()).unwrap();
        dir.exchange = exchange;
        Self { root, dir }
    }

    /// Both ways: with an atomic exchange and without.
    fn both() -> [Self; 2] {
        [Self::new(true), Self::new(false)]
    }

    fn path(&self) -> std::path::PathBuf {
        self.root.path().join("specs/spec.md")
    }

    fn aside(&self) -> std::path::PathBuf {
        self.root.path().join(ASIDE)
    }

    fn swap(&self, expected: Option<&str>, new: Option<&str>) -> Swap {
        let expected = expected.map(|text| ObjectId::of(text.as_bytes()));
        self.dir.swap("specs/spec.md", expected, new.map(str::as_bytes), ASIDE).unwrap()
    }

    fn assert_no_temps(&self) {
        assert_eq!(self.dir.leftovers("specs").unwrap(), [""; 0]);
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_swap_puts_the_new_text_in_and_the_old_one_aside() {
    for fixture in Fixture::both() {
        fs::write(fixture.path(), "old").unwrap();
        assert_eq!(fixture.swap(Some("old"), Some("new")), Swap::Done);
        assert_eq!(read(&fixture.path()), "new");
        assert_eq!(read(&fixture.aside()), "old");
        fixture.assert_no_temps();
    }
}

#[test]
fn what_lies_aside_already_is_kept() {
    let fixture = Fixture::new(true);
    for round in 0..3 {
        fs::write(fixture.path(), format!("old {round}")).unwrap();
        assert_eq!(fixture.swap(Some(&format!("old {round}")), Some("new")), Swap::Done);
    }
    assert_eq!(read(&fixture.aside()), "old 2");
    assert_eq!(read(&fixture.root.path().join(format!("{ASIDE}.1"))), "old 0");
    assert_eq!(read(&fixture.root.path().join(format!("{ASIDE}.2"))), "old 1");
}

#[test]
fn something_else_than_expected_stays() {
    for fixture in Fixture::both() {
        fs::write(fixture.path(), "edited").unwrap();
        for new in [Some("new"), None] {
            assert_eq!(fixture.swap(Some("old"), new), Swap::Changed);
            assert_eq!(fixture.swap(None, new), Swap::Changed);
            assert_eq!(read(&fixture.path()), "edited");
        }
        fs::remove_file(fixture.path()).unwrap();
        assert_eq!(fixture.swap(Some("old"), Some("new")), Swap::Changed);
        assert_eq!(fixture.swap(Some("old"), None), Swap::Changed);
        assert!(!fixture.path().exists() && !fixture.aside().exists());
        fixture.assert_no_temps();
    }
}

#[test]
fn a_file_is_made_only_where_there_is_none() {
    for fixture in Fixture::both() {
        assert_eq!(fixture.swap(None, None), Swap::Done);
        assert_eq!(fixture.swap(None, Some("new")), Swap::Done);
        assert_eq!(read(&fixture.path()), "new");
        let deep = fixture.dir.swap("a/b/c.md", None, Some(b"x"), ASIDE).unwrap();
        assert_eq!(deep, Swap::Done);
        assert_eq!(fixture.dir.swap("no/such.md", None, None, ASIDE).unwrap(), Swap::Done);
    }
}

#[test]
fn a_removed_file_lies_aside() {
    for fixture in Fixture::both() {
        fs::write(fixture.path(), "old").unwrap();
        assert_eq!(fixture.swap(Some("old"), None), Swap::Done);
        assert!(!fixture.path().exists());
        assert_eq!(read(&fixture.aside()), "old");
        fixture.assert_no_temps();
    }
}

#[test]
fn an_editor_that_still_has_the_file_open_writes_into_the_displaced_one() {
    use std::io::Write as _;
    for fixture in Fixture::both() {
        fs::write(fixture.path(), "old").unwrap();
        let mut editor = fs::OpenOptions::new().append(true).open(fixture.path()).unwrap();
        assert_eq!(fixture.swap(Some("old"), Some("new")), Swap::Done);
        editor.write_all(b" and late").unwrap();
        assert_eq!(read(&fixture.path()), "new");
        assert_eq!(read(&fixture.aside()), "old and late");
    }
}

#[test]
fn a_save_between_the_check_and_the_exchange_goes_back() {
    let fixture = Fixture::new(true);
    let place = fixture.dir.place("specs/spec.md").unwrap();
    fixture.dir.clear_aside(ASIDE).unwrap();
    let new = ObjectId::of(b"new");
    let temp = place.write_temp(b"new", None).unwrap();
    fs::write(fixture.path(), "saved just now").unwrap();
    assert!(system::exchange(&place.folder, &temp, place.name).unwrap());
    let settled = fixture.dir.settle(&place, ObjectId::of(b"old"), new, &temp, ASIDE).unwrap();
    assert_eq!(settled, Swap::Changed);
    assert_eq!(read(&fixture.path()), "saved just now");
    assert!(!fixture.aside().exists(), "only the new text was left over");
    fixture.assert_no_temps();
}

#[test]
fn a_second_save_while_the_first_goes_back_is_the_one_that_stays() {
    let fixture = Fixture::new(true);
    let place = fixture.dir.place("specs/spec.md").unwrap();
    fixture.dir.clear_aside(ASIDE).unwrap();
    // The first save was displaced; before it goes back, the editor saves over the new text.
    let temp = place.write_temp(b"first save", None).unwrap();
    fs::write(fixture.path(), "second save").unwrap();
    fixture.dir.put_back(&place, ObjectId::of(b"new"), &temp, ASIDE).unwrap();
    assert_eq!(read(&fixture.path()), "second save");
    assert_eq!(read(&fixture.aside()), "first save");
    fixture.assert_no_temps();
}

#[test]
fn a_save_over_a_text_that_went_back_leaves_both() {
    let fixture = Fixture::new(true);
    let place = fixture.dir.place("specs/spec.md").unwrap();
    fixture.dir.clear_aside(ASIDE).unwrap();
    // The first save goes back under an editor that saves on: what it saves over was no longer its newest text.
    let temp = place.write_temp(b"first save", None).unwrap();
    let copy = fixture.dir.copy_beside(&place, &temp, ASIDE).unwrap();
    fs::write(fixture.path(), "second save").unwrap();
    assert!(system::exchange(&place.folder, &temp, place.name).unwrap());
    fs::write(fixture.path(), "third save").unwrap();
    fixture.dir.put_back(&place, ObjectId::of(b"new"), &temp, ASIDE).unwrap();
    assert_eq!(copy.as_deref(), Some(ASIDE));
    let aside = fixture.aside();
    let mut kept: Vec<_> =
        fs::read_dir(aside.parent().unwrap()).unwrap().map(|e| read(&e.unwrap().path())).collect();
    kept.push(read(&fixture.path()));
    for text in ["first save", "second save", "third save"] {
        assert!(kept.iter().any(|kept| kept == text), "{text} is not among {kept:?}");
    }
    fixture.assert_no_temps();
}

#[test]
fn a_file_removed_meanwhile_comes_back() {
    let fixture = Fixture::new(true);
    let place = fixture.dir.place("specs/spec.md").unwrap();
    fixture.dir.clear_aside(ASIDE).unwrap();
    let temp = place.write_temp(b"saved", None).unwrap();
    fixture.dir.put_back(&place, ObjectId::of(b"new"), &temp, ASIDE).unwrap();
    assert_eq!(read(&fixture.path()), "saved");
    fixture.assert_no_temps();
}

#[test]
fn no_save_is_lost_to_an_editor_that_saves_all_the_time() {
    let fixture = Fixture::new(true);
    fs::write(fixture.path(), "edit 0").unwrap();
    let stop = AtomicBool::new(false);
    let saves = std::thread::scope(|scope| {
        let editor = scope.spawn(|| {
            let mut saves = 0;
            while !stop.load(Ordering::Relaxed) {
                saves += 1;
                let temp = fixture.root.path().join("specs/editor.swp");
                fs::write(&temp, format!("edit {saves}")).unwrap();
                fs::rename(&temp, fixture.path()).unwrap();
                std::thread::sleep(std::time::Duration::from_micros(200));
            }
            saves
        });
        for round in 0..150 {
            let current = read(&fixture.path());
            let expected = Some(ObjectId::of(current.as_bytes()));
            let new = format!("pulled {round}");
            fixture.dir.swap("specs/spec.md", expected, Some(new.as_bytes()), ASIDE).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
        editor.join().unwrap()
    });
    // The editor's own saves overwrite each other; the last one must be somewhere.
    let mut texts = vec![read(&fixture.path())];
    for file in fixture.dir.walk(".idse/sync/displaced", 1) {
        texts.push(read(&fixture.root.path().join(".idse/sync/displaced").join(file)));
    }
    assert!(texts.contains(&format!("edit {saves}")), "edit {saves} is lost");
    fixture.assert_no_temps();
}

#[cfg(unix)]
#[test]
fn the_mode_of_the_file_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    for fixture in Fixture::both() {
        for mode in [0o600, 0o644, 0o755, 0o640] {
            fs::write(fixture.path(), "old").unwrap();
            fs::set_permissions(fixture.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(fixture.swap(Some("old"), Some("new")), Swap::Done);
            assert_eq!(fs::metadata(fixture.path()).unwrap().permissions().mode() & 0o7777, mode);
        }
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_never_swapped() {
    let fixture = Fixture::new(true);
    let victim = fixture.root.path().join("victim");
    fs::write(&victim, "old").unwrap();
    std::os::unix::fs::symlink(&victim, fixture.path()).unwrap();
    assert_eq!(fixture.swap(Some("old"), Some("new")), Swap::Changed);
    assert_eq!(fixture.swap(Some("old"), None), Swap::Changed);
    assert_eq!(fixture.swap(None, Some("new")), Swap::Changed);
    assert_eq!(read(&victim), "old");
    fs::remove_file(fixture.path()).unwrap();
    super::super::tests::make_fifo(&fixture.path());
    assert_eq!(fixture.swap(Some("old"), Some("new")), Swap::Changed);
    assert_eq!(fixture.swap(None, Some("new")), Swap::Changed);
    fixture.assert_no_temps();
}

#[test]
fn a_displaced_file_that_cannot_be_moved_goes_back() {
    let fixture = Fixture::new(true);
    let place = fixture.dir.place("specs/spec.md").unwrap();
    let temp = place.write_temp(b"old", None).unwrap();
    fs::write(fixture.path(), "new").unwrap();
    fs::write(fixture.root.path().join("file"), "in the way").unwrap();
    let (old, new) = (ObjectId::of(b"old"), ObjectId::of(b"new"));
    fixture.dir.settle(&place, old, new, &temp, "file/aside").unwrap_err();
    assert_eq!(read(&fixture.path()), "old");
    fixture.assert_no_temps();
}

#[cfg(unix)]
#[test]
fn a_folder_that_refuses_leaves_the_file_as_it_is() {
    use std::os::unix::fs::PermissionsExt as _;
    let fixture = Fixture::new(true);
    fs::write(fixture.path(), "old").unwrap();
    // A folder in the place of the aside folder refuses everybody, root included.
    fs::create_dir_all(fixture.root.path().join(".idse/sync")).unwrap();
    fs::write(fixture.root.path().join(".idse/sync/displaced"), "in the way").unwrap();
    let swapped = fixture.dir.swap("specs/spec.md", Some(ObjectId::of(b"old")), Some(b"new"), ASIDE);
    let error = swapped.unwrap_err();
    assert_eq!(error.kind(), crate::error::ErrorKind::Io);
    assert!(error.to_string().contains(".idse/sync/displaced"), "{error}");
    assert_eq!(read(&fixture.path()), "old");
    fixture.assert_no_temps();

    fs::remove_file(fixture.root.path().join(".idse/sync/displaced")).unwrap();
    let specs = fixture.root.path().join("specs");
    fs::set_permissions(&specs, fs::Permissions::from_mode(0o555)).unwrap();
    let swapped = fixture.dir.swap("specs/spec.md", Some(ObjectId::of(b"old")), Some(b"new"), ASIDE);
    if super::super::tests::is_root() {
        assert_eq!(swapped.unwrap(), Swap::Done, "permissions do not bind root");
    } else {
        assert!(swapped.unwrap_err().to_string().contains("spec.md"));
        assert_eq!(read(&fixture.path()), "old");
    }
    fs::set_permissions(&specs, fs::Permissions::from_mode(0o755)).unwrap();
}
