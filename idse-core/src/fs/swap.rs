//! Swapping: new bytes take the place of exactly the expected ones, and whatever else was there survives.
//!
//! A check before a rename always leaves a moment in which an editor can save. So the two names are exchanged in
//! one step and the check comes afterwards, on what was really displaced; if it is something else, it goes back.

#[cfg(test)]
mod tests;

use std::io;

use super::{Dir, Found, LARGEST, Place, Swap, parent, read, system, temp_name};
use crate::error::Result;
use crate::text::ObjectId;

/// How often something unexpected is put back before the file is left to its editor: one that saves without a pause
/// for longer than this takes is no person.
const TRIES: usize = 20;

impl Dir {
    /// Puts `new` (`None`: nothing) where exactly `expected` (`None`: nothing) is; the displaced file is moved to `aside`.
    ///
    /// A file that lies at `aside` already is kept under that name and a number. After `Changed` and after an error
    /// the file is as its editor left it; bytes that found no other place are at `aside`.
    pub(crate) fn swap(
        &self,
        rel: &str,
        expected: Option<ObjectId>,
        new: Option<&[u8]>,
        aside: &str,
    ) -> Result<Swap> {
        let (expected, new) = match (expected, new) {
            (None, Some(new)) => return Ok(if self.create(rel, new)? { Swap::Done } else { Swap::Changed }),
            (None, None) => return self.expect_nothing(rel),
            (Some(expected), new) => (expected, new),
        };
        let found = self.place(rel).and_then(|place| Ok((system::stat(&place.folder, place.name)?, place)));
        let (stat, place) = match found {
            Ok((Some(stat), place)) if stat.is_file() => (stat, place),
            Ok(_) => return Ok(Swap::Changed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Swap::Changed),
            Err(error) => return Err(self.failure(rel, "replace", error)),
        };
        if place.id(place.name) != Some(expected) {
            return Ok(Swap::Changed);
        }
        self.clear_aside(aside)?;
        let swapped = match new {
            Some(new) => self.put(&place, expected, new, &stat, aside),
            None => self.take(&place, expected, aside),
        };
        swapped.map_err(|error| self.failure(rel, "replace", error))
    }

    fn expect_nothing(&self, rel: &str) -> Result<Swap> {
        match self.place(rel).and_then(|place| system::stat(&place.folder, place.name)) {
            Ok(None) => Ok(Swap::Done),
            Ok(Some(_)) => Ok(Swap::Changed),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Swap::Done),
            Err(error) => Err(self.failure(rel, "look at", error)),
        }
    }

    fn put(
        &self,
        place: &Place<'_>,
        expected: ObjectId,
        new: &[u8],
        like: &system::Stat,
        aside: &str,
    ) -> io::Result<Swap> {
        let temp = place.write_temp(new, Some(like))?;
        let exchanged =
            if self.exchange { system::exchange(&place.folder, &temp, place.name) } else { Ok(false) };
        match exchanged {
            Ok(true) => self.settle(place, expected, ObjectId::of(new), &temp, aside),
            Ok(false) => {
                let put = self.put_by_link(place, expected, ObjectId::of(new), &temp, aside);
                // After the rename there is no such file any more.
                place.discard(&temp);
                put
            }
            Err(error) => {
                place.discard(&temp);
                if error.kind() == io::ErrorKind::NotFound { Ok(Swap::Changed) } else { Err(error) }
            }
        }
    }

    /// After an exchange: `temp` holds what was displaced.
    fn settle(
        &self,
        place: &Place<'_>,
        expected: ObjectId,
        new: ObjectId,
        temp: &str,
        aside: &str,
    ) -> io::Result<Swap> {
        if place.id(temp) != Some(expected) {
            self.put_back(place, new, temp, aside)?;
            return Ok(Swap::Changed);
        }
        // The new file is durable before the displaced one leaves its folder.
        let moved = system::sync_folder(&place.folder).and_then(|()| self.move_aside(place, temp, aside));
        if let Err(error) = moved {
            self.put_back(place, new, temp, aside)?;
            return Err(error);
        }
        Ok(Swap::Done)
    }

    /// Gives the file back to its editor: `temp` holds the editor's text, the file should hold `new`.
    ///
    /// The editor may save over what goes back, not knowing that it is older than its last save. So of each text a
    /// copy lies aside before it goes back; it goes away where nobody saved meanwhile.
    fn put_back(&self, place: &Place<'_>, new: ObjectId, temp: &str, aside: &str) -> io::Result<()> {
        let mut held = Some(new);
        for round in 0..TRIES {
            let back = place.id(temp);
            // On a full disk the text goes back all the same: that matters more than the copy.
            let copy = self.copy_beside(place, temp, aside).unwrap_or_default();
            match system::exchange(&place.folder, temp, place.name) {
                Ok(true) if place.id(temp) == held => {
                    if let (0, Some(copy)) = (round, copy) {
                        self.remove(&copy).map_err(io::Error::other)?;
                    }
                    break;
                }
                // Somebody saved meanwhile: the newest text goes back in the next round.
                Ok(_) => held = back,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // Somebody removed the file, and with it only what was put there.
                    if system::rename_new(&place.folder, temp, &place.folder, place.name)? {
                        return system::sync_folder(&place.folder);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        system::sync_folder(&place.folder)?;
        if place.id(temp) == Some(new) {
            place.discard(temp);
            return Ok(());
        }
        self.clear_aside(aside).map_err(io::Error::other)?;
        self.move_aside(place, temp, aside)
    }

    /// Copies a file to the aside path, or to that path and a number where it is taken; returns where.
    fn copy_beside(&self, place: &Place<'_>, temp: &str, aside: &str) -> io::Result<Option<String>> {
        let Found::Bytes(bytes) = read::read_in(&place.folder, temp, temp, LARGEST) else { return Ok(None) };
        let numbered = (1..).map(|number| format!("{aside}.{number}"));
        for path in std::iter::once(aside.to_owned()).chain(numbered) {
            if self.create(&path, &bytes).map_err(io::Error::other)? {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    /// Without an exchange: a second name for the file, a check, a rename. An editor that saves by renaming between
    /// the check and the rename is not seen; one that writes in place is.
    fn put_by_link(
        &self,
        place: &Place<'_>,
        expected: ObjectId,
        new: ObjectId,
        temp: &str,
        aside: &str,
    ) -> io::Result<Swap> {
        let backup = place.back_up()?;
        let unchanged = [backup.as_str(), place.name].iter().all(|name| place.id(name) == Some(expected));
        if !unchanged {
            place.discard(&backup);
            return Ok(Swap::Changed);
        }
        let renamed = place.folder.rename(temp, &place.folder, place.name);
        place.or_discard(&backup, renamed)?;
        let moved = if place.id(&backup) == Some(expected) {
            let synced = system::sync_folder(&place.folder);
            synced.and_then(|()| self.move_aside(place, &backup, aside)).map(|()| Swap::Done)
        } else {
            Ok(Swap::Changed)
        };
        if matches!(moved, Ok(Swap::Done)) {
            return moved;
        }
        // The backup is the editor's text, or could not leave the folder: it goes back over what was put there.
        if place.id(place.name) == Some(new) {
            place.folder.rename(&backup, &place.folder, place.name)?;
            system::sync_folder(&place.folder)?;
        } else {
            self.move_aside(place, &backup, aside)?;
        }
        moved
    }

    /// Removes the file: first out of the way, then the check.
    fn take(&self, place: &Place<'_>, expected: ObjectId, aside: &str) -> io::Result<Swap> {
        let temp = temp_name();
        match place.folder.rename(place.name, &place.folder, &temp) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Swap::Changed),
            Err(error) => return Err(error),
        }
        if place.id(&temp) == Some(expected) {
            let Err(error) = self.move_aside(place, &temp, aside) else { return Ok(Swap::Done) };
            system::rename_new(&place.folder, &temp, &place.folder, place.name)?;
            return Err(error);
        }
        if !system::rename_new(&place.folder, &temp, &place.folder, place.name)? {
            self.move_aside(place, &temp, aside)?;
        }
        system::sync_folder(&place.folder)?;
        Ok(Swap::Changed)
    }

    /// Makes the folder of the aside path and frees the name; what lies there gets a number.
    fn clear_aside(&self, aside: &str) -> Result<()> {
        self.create_dirs(parent(aside))?;
        let mut number = 1;
        while self.is_taken(aside) {
            if self.rename(aside, &format!("{aside}.{number}"))? {
                break;
            }
            number += 1;
        }
        Ok(())
    }

    fn is_taken(&self, rel: &str) -> bool {
        self.place(rel)
            .and_then(|place| system::stat(&place.folder, place.name))
            .is_ok_and(|stat| stat.is_some())
    }

    /// Moves a file to the aside path, durably; after an error it is still there.
    fn move_aside(&self, place: &Place<'_>, temp: &str, aside: &str) -> io::Result<()> {
        let target = self.place(aside)?;
        match place.folder.rename(temp, &target.folder, target.name) {
            Ok(()) => {
                let synced =
                    system::sync_folder(&target.folder).and_then(|()| system::sync_folder(&place.folder));
                if synced.is_err() {
                    target.folder.rename(target.name, &place.folder, temp)?;
                }
                synced
            }
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                self.copy_aside(place, temp, aside)
            }
            Err(error) => Err(error),
        }
    }

    /// A stage folder may be a mount of its own; then a copy is what can be kept.
    fn copy_aside(&self, place: &Place<'_>, temp: &str, aside: &str) -> io::Result<()> {
        let Found::Bytes(bytes) = read::read_in(&place.folder, temp, temp, LARGEST) else {
            return Err(io::Error::other("what was displaced cannot be read"));
        };
        self.replace(aside, &bytes).map_err(io::Error::other)?;
        place.folder.remove_file(temp)?;
        system::sync_folder(&place.folder)
    }
}

impl Place<'_> {
    /// Gives the file a second name beside it; where there are no links, a copy.
    fn back_up(&self) -> io::Result<String> {
        let backup = temp_name();
        match self.folder.hard_link(self.name, &self.folder, &backup) {
            Ok(()) => Ok(backup),
            Err(_) => match read::read_in(&self.folder, self.name, self.name, LARGEST) {
                Found::Bytes(bytes) => self.write_temp(&bytes, None),
                _ => Err(io::Error::other("it changed meanwhile")),
            },
        }
    }
}
