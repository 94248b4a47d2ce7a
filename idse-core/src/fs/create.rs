//! Creating files that were not there: durably, never over anything, and several at the price of about one.

use std::io;

use super::{Dir, Place, parent, system};
use crate::error::Result;

/// A file that is written but not named yet.
struct Draft<'a> {
    place: Place<'a>,
    temp: String,
    file: std::fs::File,
}

impl Dir {
    /// Creates a file durably and never overwrites: `false` where something is there already.
    pub(crate) fn create(&self, rel: &str, bytes: &[u8]) -> Result<bool> {
        Ok(self.create_all(&[(rel, bytes)])?.contains(&true))
    }

    /// Creates several files, durable when it returns, and never overwrites: `false` for each that is there already.
    ///
    /// Every file is written before the first is waited for, and every name is given before the first folder is
    /// waited for, so that the disk takes them in together.
    pub(crate) fn create_all<P: AsRef<str>>(&self, files: &[(P, &[u8])]) -> Result<Vec<bool>> {
        let mut drafts = Vec::with_capacity(files.len());
        let mut created = vec![false; files.len()];
        let mut failed = Ok(());
        for (at, (rel, bytes)) in files.iter().enumerate() {
            match self.draft(rel.as_ref(), bytes) {
                Ok(draft) => drafts.extend(draft.map(|draft| (at, draft))),
                Err(error) => {
                    failed = Err(error);
                    break;
                }
            }
        }
        let named = failed.and_then(|()| {
            let rel = |at: usize| files[at].0.as_ref();
            let failure = |at, error| self.failure(rel(at), "create", error);
            drafts.iter().try_for_each(|(at, d)| d.file.sync_all().map_err(|error| failure(*at, error)))?;
            for (at, Draft { place, temp, .. }) in &drafts {
                created[*at] = system::rename_new(&place.folder, temp, &place.folder, place.name)
                    .map_err(|error| failure(*at, error))?;
            }
            let mut new = drafts.iter().filter(|(at, _)| created[*at]);
            new.try_for_each(|(at, d)| {
                system::sync_folder(&d.place.folder).map_err(|error| failure(*at, error))
            })
        });
        for (at, draft) in &drafts {
            if !created[*at] {
                draft.place.discard(&draft.temp);
            }
        }
        named.map(|()| created)
    }

    /// Writes a temporary file beside a name that is free, without waiting for the disk; `None` where it is taken.
    fn draft<'a>(&self, rel: &'a str, bytes: &[u8]) -> Result<Option<Draft<'a>>> {
        self.create_dirs(parent(rel))?;
        let drafted = self.place(rel).and_then(|place| {
            if system::stat(&place.folder, place.name)?.is_some() {
                return Ok(None);
            }
            let (temp, mut file) = place.new_temp()?;
            place.or_discard(&temp, io::Write::write_all(&mut file, bytes))?;
            Ok(Some(Draft { place, temp, file }))
        });
        drafted.map_err(|error| self.failure(rel, "create", error))
    }
}
