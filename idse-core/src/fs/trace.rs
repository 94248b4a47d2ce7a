//! Traces: what was looked at while something was worked out, and what the system knows of it.
//!
//! A trace holds names only. What they prove, and for how long, is up to `cache`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Dir, parent};
use crate::error::Result;

/// The names that were looked at so far.
#[derive(Debug, Default)]
pub(super) struct Trace(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    /// By path: whether more than its kind mattered.
    seen: BTreeMap<String, bool>,
    /// Something could not be looked at, so that nothing can be said of it later.
    is_spoiled: bool,
}

/// Everything that was looked at, and every folder on the way to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Files that were read and folders that were listed: everything about them mattered.
    whole: Vec<String>,
    /// What had to be there, or had to be absent: which one it is mattered.
    ways: Vec<String>,
}

/// A moment by the clock of the file system, to which it rounds down.
#[cfg(target_os = "linux")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    seconds: i128,
    nanoseconds: i128,
}

/// Elsewhere there is none.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {}

impl Trace {
    fn with<T>(&self, change: impl FnOnce(&mut Names) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Dir {
    /// Returns another handle of the folder that notes everything that is looked at through it.
    pub(crate) fn tracing(&self) -> Result<Self> {
        let root = self.root.try_clone().map_err(|error| self.failure("", "open", error))?;
        Ok(Self { path: self.path.clone(), root, exchange: self.exchange, trace: Some(Trace::default()) })
    }

    /// Notes that everything about a file or a folder matters.
    pub(super) fn note_whole(&self, rel: &str) {
        if let Some(trace) = &self.trace {
            trace.with(|names| names.seen.insert(rel.to_owned(), true));
        }
    }

    /// Notes that it matters whether there is something, and of which kind.
    pub(super) fn note_way(&self, rel: &str) {
        if let Some(trace) = &self.trace {
            trace.with(|names| *names.seen.entry(rel.to_owned()).or_default());
        }
    }

    /// Notes that something could not be looked at as it is, for a reason that may be gone the next time.
    pub(super) fn note_trouble(&self) {
        if let Some(trace) = &self.trace {
            trace.with(|names| names.is_spoiled = true);
        }
    }

    /// Returns what was looked at; `None` where something could not be, or nothing was noted.
    pub(crate) fn seen(&self) -> Option<Seen> {
        self.trace.as_ref()?.with(|names| {
            let mut folders = BTreeSet::new();
            for path in names.seen.keys() {
                let mut folder = parent(path);
                while !folder.is_empty() && folders.insert(folder) {
                    folder = parent(folder);
                }
            }
            let of =
                |wanted| names.seen.iter().filter(move |(_, whole)| **whole == wanted).map(|(path, _)| path);
            let whole = of(true).cloned().collect();
            folders.retain(|folder| !names.seen.contains_key(*folder));
            let ways = of(false).cloned().chain(folders.into_iter().map(str::to_owned)).collect();
            (!names.is_spoiled).then_some(Seen { whole, ways })
        })
    }
}

#[cfg(not(target_os = "linux"))]
impl Dir {
    /// Elsewhere nothing is known of a file that no program can put back.
    pub(crate) fn can_witness(&self) -> bool {
        false
    }

    pub(crate) fn witness(&self, _seen: &Seen, _before: Option<Moment>, _proof: &mut Vec<u8>) -> bool {
        false
    }

    pub(crate) fn moment(&self, _folder: &str) -> Option<Moment> {
        None
    }

    pub(crate) fn is_private(&self, _rel: &str) -> bool {
        false
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;

    use rustix::fs::{AtFlags, FileType, Stat, fstat, fstatfs, statat};
    use rustix::io::Errno;

    use super::{Dir, Moment, Seen};
    use crate::fs::{EntryKind, system};

    /// The file systems of this machine that keep a change time which only their own clock sets: bcachefs, btrfs,
    /// ext2 to ext4, F2FS, overlays of them, tmpfs, XFS, ZFS. One over a network may tell what was true before.
    const TRUSTED: [i128; 8] =
        [0xca45_1a4e, 0x9123_683e, 0xef53, 0xf2f5_2010, 0x794c_7630, 0x0102_1994, 0x5846_5342, 0x2fc1_2fc1];

    impl Moment {
        fn of(stat: &Stat) -> Self {
            Self { seconds: stat.st_ctime.into(), nanoseconds: stat.st_ctime_nsec.into() }
        }
    }

    impl Dir {
        /// Tells whether what the system knows of files here changes whenever they do.
        pub(crate) fn can_witness(&self) -> bool {
            // The word is signed or not, and wide or not, by processor.
            fstatfs(&self.root).is_ok_and(|fs| TRUSTED.contains(&(i128::from(fs.f_type) & 0xffff_ffff)))
        }

        /// Adds to `proof` what the system knows of everything that was seen: two proofs are equal where nothing
        /// changed in between. `false` where it proves nothing: a link is in the way, another file system begins,
        /// or something changed at or after the moment `before`.
        pub(crate) fn witness(&self, seen: &Seen, before: Option<Moment>, proof: &mut Vec<u8>) -> bool {
            let Ok(root) = fstat(&self.root) else { return false };
            let is_old = |stat: &Stat| before.is_none_or(|before| Moment::of(stat) < before);
            let whole = seen.whole.iter().map(|path| (path, true));
            let ways = seen.ways.iter().map(|path| (path, false));
            is_old(&root)
                && whole.chain(ways).all(|(path, is_whole)| {
                    proof.extend_from_slice(path.as_bytes());
                    proof.push(0);
                    match statat(&self.root, path.as_str(), AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT)
                    {
                        Ok(stat) => {
                            put(&stat, is_whole, proof);
                            stat.st_dev == root.st_dev
                                && FileType::from_raw_mode(stat.st_mode) != FileType::Symlink
                                && is_old(&stat)
                        }
                        Err(error) => error == Errno::NOENT,
                    }
                })
        }

        /// Reads the clock of the file system, by a file that is made and goes at once.
        pub(crate) fn moment(&self, folder: &str) -> Option<Moment> {
            let path = format!("{folder}/clock");
            let place = self.place(&path).ok()?;
            let name = super::super::temp_name();
            let file = system::create_private(&place.folder, &name).ok()?;
            let moment = fstat(&file).ok().map(|stat| Moment::of(&stat));
            place.discard(&name);
            moment
        }

        /// Tells whether a file is this user's and nobody else can have written it.
        pub(crate) fn is_private(&self, rel: &str) -> bool {
            let found = || -> io::Result<bool> {
                let place = self.place(rel)?;
                let stat = statat(&place.folder, place.name, AtFlags::SYMLINK_NOFOLLOW)?;
                let is_own = stat.st_uid == rustix::process::geteuid().as_raw();
                Ok(is_own && stat.st_mode & 0o022 == 0)
            };
            self.kind(rel) == Some(EntryKind::File) && found().unwrap_or_default()
        }
    }

    fn put(stat: &Stat, is_whole: bool, proof: &mut Vec<u8>) {
        let kind = FileType::from_raw_mode(stat.st_mode).as_raw_mode();
        let which: [i128; 3] = [kind.into(), stat.st_dev.into(), stat.st_ino.into()];
        let about: [i128; 8] = [
            stat.st_mode.into(),
            stat.st_uid.into(),
            stat.st_gid.into(),
            stat.st_size.into(),
            stat.st_mtime.into(),
            stat.st_mtime_nsec.into(),
            stat.st_ctime.into(),
            stat.st_ctime_nsec.into(),
        ];
        let about = if is_whole { &about[..] } else { &[] };
        for number in which.iter().chain(about) {
            proof.extend_from_slice(&number.to_le_bytes());
        }
    }
}
