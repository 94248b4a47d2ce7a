//! Power cuts: the program works on a real ext4 in a file, is stopped before a call, and the file as it is at that
//! moment, with everything that was not synced yet missing, is mounted again.
//!
//! What the kernel had not written out is what a power cut loses; the journal of the file system may keep some of
//! it and drop the rest, which is the reordering that a missing fsync would show.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use idse_tests::Sandbox;

use super::strace::{Fault, Point, faulty, points, strace};
use super::world::{Verb, World};
use super::{aloud, sample};

/// How many cuts of a verb are tried ordinarily.
const CUTS: usize = 16;
const BYTES: u64 = 24 << 20;

/// A file system in a file, mounted until it is dropped.
struct Disk {
    image: PathBuf,
    mount: PathBuf,
}

impl Disk {
    fn mount(image: &Path, mount: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(mount).unwrap();
        // Names and sizes reach the disk when the program syncs them, and else late: what is not synced is missing.
        call("mount", &["-o", "loop,noatime,commit=300,noauto_da_alloc", &shown(image), &shown(mount)])?;
        Ok(Self { image: image.to_owned(), mount: mount.to_owned() })
    }

    /// Copies what the disk holds at this moment.
    fn cut(&self, copy: &Path) {
        std::fs::copy(&self.image, copy).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = call("umount", &[&shown(&self.mount)]) {
            aloud(&format!("power cuts: {error}"));
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn call(program: &str, args: &[&str]) -> Result<(), String> {
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    let output = Command::new(program).args(args).env("PATH", path).stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("{program}: {error}")),
    }
}

/// Makes an empty ext4 in a file and mounts it; says why where that is not possible.
fn disk(folder: &Path) -> Result<Disk, String> {
    let image = folder.join("image");
    std::fs::File::create(&image).unwrap().set_len(BYTES).unwrap();
    call("mkfs.ext4", &["-q", "-F", &shown(&image)])
        .map_err(|error| format!("no ext4 can be made (Debian: apt-get install e2fsprogs): {error}"))?;
    Disk::mount(&image, &folder.join("mount")).map_err(|error| format!("nothing can be mounted: {error}"))
}

#[test]
fn a_power_cut_leaves_the_old_or_the_new() {
    let Some(strace) = strace("power cuts") else { return };
    let start = std::time::Instant::now();
    let folder = tempfile::tempdir().unwrap();
    let mut counts = Vec::new();
    for verb in [Verb::Init, Verb::Push, Verb::Pull, Verb::Resolve, Verb::Undo] {
        let place = folder.path().join(format!("{verb:?}"));
        std::fs::create_dir(&place).unwrap();
        let disk = match disk(&place) {
            Ok(disk) => disk,
            Err(why) => return aloud(&format!("SKIPPED power cuts: {why}")),
        };
        let world = World::within(verb, Sandbox::within(&disk.mount));
        let all = points(&world.sandbox, strace, &world.arguments());
        let chosen = sample(&all, CUTS);
        for point in &chosen {
            cut(&world, &disk, &place, strace, Some(point));
        }
        // After the answer everything is there, whatever the kernel still holds back.
        cut(&world, &disk, &place, strace, None);
        counts.push(format!("{verb:?} {} of {}", chosen.len() + 1, all.len() + 1));
        drop((world, disk));
    }
    aloud(&format!("power cuts: {} ({} s)", counts.join(", "), start.elapsed().as_secs()));
}

#[test]
fn a_power_cut_takes_what_was_not_synced() {
    let folder = tempfile::tempdir().unwrap();
    let disk = match disk(folder.path()) {
        Ok(disk) => disk,
        Err(why) => return aloud(&format!("SKIPPED power cuts: {why}")),
    };
    std::fs::write(disk.mount.join("careless"), "text").unwrap();
    std::fs::write(disk.mount.join("careful"), "text").unwrap();
    std::fs::File::open(disk.mount.join("careful")).unwrap().sync_all().unwrap();
    let image = folder.path().join("cut");
    disk.cut(&image);
    let after = Disk::mount(&image, &folder.path().join("after")).unwrap();
    let read = |name: &str| std::fs::read_to_string(after.mount.join(name)).unwrap_or_default();
    assert_eq!((read("careful").as_str(), read("careless").as_str()), ("text", ""));
}

/// Cuts the power before a call, or after the end, and looks at what the disk holds then. The world of the test
/// goes on as if nothing had happened: its disk is another one.
fn cut(world: &World, disk: &Disk, place: &Path, strace: &Path, point: Option<&Point>) {
    world.restore();
    call("sync", &["-f", &shown(&disk.mount)]).unwrap();
    let when = match point {
        Some(point) => {
            let run = faulty(&world.sandbox, strace, point, Fault::Kill, &world.arguments());
            drop(world.sandbox.run(run));
            format!("{:?} and a power cut before {point}", world.verb)
        }
        None => {
            drop(world.again().exits(world.verb.usual()));
            format!("{:?} and a power cut after it", world.verb)
        }
    };
    let image = place.join("cut");
    disk.cut(&image);
    let after = place.join("after");
    let cut = Disk::mount(&image, &after).unwrap_or_else(|error| panic!("{when}: {error}"));
    // The program knows its agency by its path: the disk after the cut takes the place of the one before.
    let there = Over::new(&after, &disk.mount);
    world.check_broken(&when);
    if point.is_none() {
        world.check_end(&when);
    }
    world.check_healed(&when);
    drop(there);
    drop(cut);
}

/// A mounted folder that takes the place of another one until it is dropped.
struct Over(PathBuf);

impl Over {
    fn new(folder: &Path, place: &Path) -> Self {
        call("mount", &["--bind", &shown(folder), &shown(place)]).unwrap();
        Self(place.to_owned())
    }
}

impl Drop for Over {
    fn drop(&mut self) {
        if let Err(error) = call("umount", &[&shown(&self.0)]) {
            aloud(&format!("power cuts: {error}"));
        }
    }
}
