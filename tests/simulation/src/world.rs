//! The world of one seed: an agency, clients, people at the table, and everything that goes wrong between them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use idse_core::remote::{Edit, Fault, MemoryRemote, MemoryRow, ProjectFilter, Remote as _, Sessions, Target};
use idse_core::sync::{
    self, Action, Class, ConflictKind, Outcome, PullOptions, PushOptions, Resolution, Step, SyncReport,
};
use idse_core::{Context, Digest, Error, ErrorKind, Result, Stage, StageStatus};

use super::client::{Client, Folder, key};
use super::ledger::{Ledger, both, edited, first_text};
use super::random::Random;
use super::table::{Table, hand_edit};
use super::wire::{Killed, Trouble, Wire};

/// The stages that this world works on: two of one row, and sometimes a third.
const STAGES: [Stage; 3] = [Stage::Spec, Stage::Tasks, Stage::Plan];

pub(crate) type Checked<T = ()> = std::result::Result<T, String>;

/// What is likely in this world; drawn once for each seed, so that some see much of one thing and nothing of another.
pub(crate) struct Weather {
    trouble: usize,
    editor: usize,
    hands: usize,
    old_client: usize,
    deletions: usize,
    markers: bool,
}

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) agency: MemoryRemote,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    pub(crate) clients: Vec<Client>,
    pub(crate) table: Table,
    pub(crate) log: Vec<String>,
    weather: Weather,
    /// The last verb met nothing unusual.
    is_quiet: bool,
    hasher: DefaultHasher,
}

/// How a verb ended.
pub(crate) enum Ended<T> {
    Well(T),
    Badly(Error),
    Killed,
}

impl World {
    pub(crate) fn new(seed: u64, folders: &[Folder]) -> Self {
        let mut random = Random::new(seed);
        let sessions = if random.percent(50) { Sessions::One } else { Sessions::Many };
        let clients = 2 + random.below(3);
        let clients = folders.iter().take(clients).enumerate().map(|(name, folder)| {
            let years_off = [0, 3, -7, 12][name % 4];
            Client::new(name, folder, seed.wrapping_mul(31).wrapping_add(name as u64), years_off)
        });
        let clients = clients.collect();
        let some = |random: &mut Random, most: usize| if random.percent(60) { random.below(most) } else { 0 };
        let weather = Weather {
            trouble: some(&mut random, 60),
            editor: some(&mut random, 30),
            hands: some(&mut random, 30),
            old_client: some(&mut random, 15),
            deletions: some(&mut random, 12),
            markers: random.percent(30),
        };
        Self {
            agency: MemoryRemote::new(sessions),
            ledger: Arc::default(),
            table: Table::default(),
            log: Vec::new(),
            hasher: DefaultHasher::new(),
            random,
            clients,
            weather,
            is_quiet: true,
        }
    }

    pub(crate) fn note(&mut self, what: String) {
        what.hash(&mut self.hasher);
        self.log.push(what);
    }

    /// Returns a number that two runs of one seed must agree on.
    pub(crate) fn trace(&self) -> u64 {
        self.hasher.finish()
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where the row is, once there is one.
    pub(crate) fn target(&self) -> Option<Target> {
        let found = self.agency.projects(&ProjectFilter::All, &Context::default()).unwrap();
        Some(Target { project_id: found.first()?.project_id, session: key().session })
    }

    pub(crate) fn row(&self) -> Option<MemoryRow> {
        self.agency.row(&self.target()?)
    }

    /// The clients begin: one pushes, the others mostly pull.
    pub(crate) fn begin(&mut self) -> Checked {
        for stage in &STAGES[..2] {
            let text = {
                let mut ledger = self.ledger.lock().unwrap();
                first_text(&mut self.random, &mut ledger)
            };
            self.clients[0].write(*stage, Some(&text));
        }
        if self.random.percent(85) {
            self.push(0, &PushOptions::default(), false)?;
            for who in 1..self.clients.len() {
                if self.random.percent(85) {
                    self.pull(who, &PullOptions::default(), false)?;
                }
            }
        }
        Ok(())
    }

    /// Does one thing.
    pub(crate) fn step(&mut self) -> Checked {
        let who = self.random.below(self.clients.len());
        let stage = *self.random.pick(&STAGES);
        if self.random.percent(self.weather.hands) {
            return self.hand(false);
        }
        if self.random.percent(self.weather.old_client) {
            return self.hand(true);
        }
        match self.random.below(100) {
            0..30 => self.edit(who),
            30..34 => self.set_status(who, stage),
            34..56 => {
                let options = self.push_options(who);
                self.push(who, &options, true)
            }
            56..78 => {
                let options = self.pull_options();
                self.pull(who, &options, true)
            }
            78..88 => self.resolve(who, true),
            88..92 => self.undo(who),
            92..95 => self.settle(who),
            _ => self.look(who),
        }
    }

    fn edit(&mut self, who: usize) -> Checked {
        for _ in 0..1 + self.random.below(3) {
            let stage = *self.random.pick(&STAGES);
            let before = self.clients[who].read(stage);
            let deletes = self.random.percent(self.weather.deletions);
            let ledger = self.ledger.clone();
            let mut ledger = ledger.lock().unwrap();
            let after = match &before {
                Some(_) if deletes => None,
                Some(text) => Some(edited(text, &mut self.random, &mut ledger)),
                None => Some(first_text(&mut self.random, &mut ledger)),
            };
            ledger.replaced(before.as_deref().unwrap_or_default(), after.as_deref().unwrap_or_default());
            self.clients[who].write(stage, after.as_deref());
            self.note(format!("{who} edits {stage}: {after:?}"));
        }
        Ok(())
    }

    fn set_status(&mut self, who: usize, stage: Stage) -> Checked {
        let status =
            *self.random.pick(&[StageStatus::Pending, StageStatus::InProgress, StageStatus::Complete]);
        let name = format!("{who} sets {stage} {status:?}");
        let ended = self.verb(who, &name, true, |client, _, context| {
            client.workspace.set_stage(&key(), stage, status, None, context)
        });
        self.expect(ended, &[(ErrorKind::Unsettled, "")]).map(drop)
    }

    fn hand(&mut self, is_old_client: bool) -> Checked {
        let Some(target) = self.target() else { return Ok(()) };
        if is_old_client && !(self.table.has_read() && self.random.percent(60)) {
            let read = self.table.read(self.row());
            self.note(read);
            return Ok(());
        }
        let ledger = self.ledger.clone();
        let mut ledger = ledger.lock().unwrap();
        let (random, table) = (&mut self.random, &mut self.table);
        let mut what = String::new();
        self.agency.edit(&target, |row| {
            what = if is_old_client {
                table.overwrite(row, random, &mut ledger)
            } else {
                hand_edit(row, &table.past, random, &mut ledger)
            };
            table.remember(row);
        });
        self.note(what);
        Ok(())
    }

    fn push_options(&mut self, who: usize) -> PushOptions {
        let random = &mut self.random;
        let stages = if random.percent(70) { Vec::new() } else { vec![*random.pick(&STAGES)] };
        let missing = STAGES.into_iter().filter(|s| self.clients[who].read(*s).is_none());
        let missing: Vec<_> = missing.filter(|s| stages.is_empty() || stages.contains(s)).collect();
        PushOptions {
            delete: if random.percent(30) { missing } else { Vec::new() },
            stages,
            allow_empty: random.percent(30),
            force_clear: random.percent(30),
            dry_run: random.percent(10),
            adopt_session: true,
            ..PushOptions::default()
        }
    }

    fn pull_options(&mut self) -> PullOptions {
        let random = &mut self.random;
        PullOptions {
            stages: if random.percent(75) { Vec::new() } else { vec![*random.pick(&STAGES)] },
            restore: if random.percent(20) { STAGES.to_vec() } else { Vec::new() },
            accept_clear: random.percent(30),
            force_clear: random.percent(30),
            markers: self.weather.markers && random.percent(50),
            dry_run: random.percent(10),
            adopt_session: true,
        }
    }

    pub(crate) fn push(&mut self, who: usize, options: &PushOptions, troubled: bool) -> Checked {
        let (before, requests) = (self.clients[who].texts(), self.requests());
        let in_step = self.clients[who].seen == Some(self.ledger().writes);
        let pure = options.dry_run.then(|| self.everything(who));
        let ended =
            self.verb(who, &format!("{who} pushes {options:?}"), troubled, |client, wire, context| {
                sync::push(&client.workspace, &key(), wire, options, context)
            });
        let requests = self.requests() - requests;
        let mut allowed = vec![(ErrorKind::Exists, "other_project"), (ErrorKind::Unavailable, "contended")];
        if !self.is_quiet {
            // An editor may have made a file anew that the push was to delete.
            allowed.push((ErrorKind::InvalidArgument, ""));
        }
        let linked = matches!(&ended, Ended::Badly(error) if error.reason() == "other_project");
        let report = self.expect(ended, &allowed)?;
        if let Some(pure) = pure {
            return self.is_pure(who, &pure, "a dry push");
        }
        if linked {
            return self.link(who);
        }
        let Some(report) = report else {
            self.clients[who].seen = None;
            return Ok(());
        };
        // The push may have finished a pull that was called off; then it sent what that one wrote.
        let files = if self.is_quiet { self.clients[who].texts() } else { before };
        self.pushed(&report, &files)?;
        if in_step && self.is_quiet {
            let bound = if report.outcome == Outcome::Done { 1 } else { 0 };
            // What stands in the way is read anew before it is told.
            let tells = |s: &Step| matches!(s.class, Class::DeletedHere | Class::ClearedThere);
            let bound = bound + usize::from(report.steps.iter().any(tells));
            if matches!(report.outcome, Outcome::Done | Outcome::UpToDate) && requests > bound {
                return Err(format!("a push in step took {requests} requests, {:?}", report.outcome));
            }
        }
        let knows = match report.outcome {
            Outcome::Done => in_step || requests > 1,
            Outcome::UpToDate => in_step || requests > 0,
            Outcome::Refused | Outcome::Conflict => in_step,
        };
        let writes = self.ledger().writes;
        self.clients[who].seen = knows.then_some(writes);
        Ok(())
    }

    /// An acknowledged push is in the history of the row.
    fn pushed(&mut self, report: &SyncReport, files: &BTreeMap<Stage, String>) -> Checked {
        let sent =
            report.steps.iter().filter(|s| s.action == Action::Send && report.outcome == Outcome::Done);
        for step in sent {
            let mut text = files.get(&step.stage).cloned().unwrap_or_default();
            let history = self.target().map(|target| self.agency.history(&target, step.stage));
            let history = history.unwrap_or_default();
            // An editor may have saved before the file was read: then the report says which text it was.
            if !self.is_quiet
                && let Some(said) = step.local
                && let Some(held) = history.iter().find(|held| Digest::of(held) == said)
            {
                text.clone_from(held);
            }
            if !history.contains(&text) {
                return Err(format!("{} was acknowledged and the row never held it: {text:?}", step.stage));
            }
            self.ledger().known(&text);
        }
        Ok(())
    }

    pub(crate) fn pull(&mut self, who: usize, options: &PullOptions, troubled: bool) -> Checked {
        let requests = self.requests();
        let is_settled = self.clients[who].seen.is_some();
        let pure = options.dry_run.then(|| self.everything(who));
        let mut raced = false;
        let ended = self.verb(who, &format!("{who} pulls {options:?}"), troubled, |client, wire, context| {
            sync::pull(&client.workspace, &key(), wire, options, context)
        });
        let requests = self.requests() - requests;
        let exists = self.row().is_some();
        let report = self.expect(ended, if exists { &[] } else { &[(ErrorKind::NotFound, "")] })?;
        if let Some(pure) = pure {
            return self.is_pure(who, &pure, "a dry pull");
        }
        let Some(report) = report else {
            self.clients[who].seen = None;
            return Ok(());
        };
        raced |= report.notes.iter().any(|note| note.contains("editor"));
        if is_settled && !raced && requests != 1 && self.is_quiet {
            return Err(format!("a pull took {requests} requests"));
        }
        for text in self.row().unwrap_or_default().texts.values() {
            self.ledger().known(text);
        }
        let writes = self.ledger().writes;
        self.clients[who].seen = Some(writes);
        Ok(())
    }

    fn link(&mut self, who: usize) -> Checked {
        let ended = self.verb(who, &format!("{who} links"), false, |client, wire, context| {
            sync::link(&client.workspace, &key().project, wire, "portal", context)
        });
        self.expect(ended, &[])?;
        Ok(())
    }

    /// Answers one open conflict; in the end, each in a way that loses nothing.
    pub(crate) fn resolve(&mut self, who: usize, troubled: bool) -> Checked {
        let info = self.agency.info();
        let client = &self.clients[who];
        let status =
            sync::status(&client.workspace, &key(), &info, &client.context(0)).map_err(|e| e.to_string())?;
        let open: Vec<_> = status.stages.iter().filter_map(|s| Some((s.stage, s.conflict?))).collect();
        for (stage, kind) in open {
            if troubled && self.random.percent(30) {
                continue;
            }
            let client = &self.clients[who];
            let local = client.read(stage);
            let remote = client.conflict(info.key.as_str(), stage, "remote.md");
            let merged = client.conflict(info.key.as_str(), stage, "merged.md");
            let sum = both(local.as_deref().unwrap_or_default(), remote.as_deref().unwrap_or_default());
            let choice = if troubled { self.random.below(4) } else { 3 };
            let (resolution, result) = match choice {
                0 => (Resolution::Local, local.clone()),
                1 => (Resolution::Remote, remote.clone()),
                2 => (Resolution::Merged, merged),
                _ => (Resolution::Text(sum.clone()), Some(sum)),
            };
            let name = format!("{who} resolves {stage} ({kind:?}) {resolution:?}");
            let ended = self.verb(who, &name, troubled, |client, _, context| {
                let options = sync::ResolveOptions { stage, resolution, dry_run: false };
                sync::resolve(&client.workspace, &key(), &info, &options, context)
            });
            let is_decided = match &ended {
                Ended::Well(_) | Ended::Killed => true,
                Ended::Badly(error) => matches!(error.kind(), ErrorKind::Unsettled | ErrorKind::Cancelled),
            };
            if kind != ConflictKind::Status && is_decided {
                let seen = format!("{}\n{}", local.unwrap_or_default(), remote.unwrap_or_default());
                self.ledger().replaced(&seen, &result.unwrap_or_default());
            }
            let allowed = [
                (ErrorKind::InvalidArgument, "markers"),
                (ErrorKind::Locked, "raced"),
                (ErrorKind::Io, ""),
                (ErrorKind::NotFound, "no_conflict"),
            ];
            self.expect(ended, if troubled { &allowed } else { &[] })?;
        }
        Ok(())
    }

    fn undo(&mut self, who: usize) -> Checked {
        let before = self.clients[who].texts();
        let force = self.random.percent(50);
        let troubled = self.random.percent(20);
        let ended = self.verb(who, &format!("{who} undoes, {force}"), troubled, |client, _, context| {
            sync::undo(
                &client.workspace,
                &sync::UndoOptions { force, ..sync::UndoOptions::default() },
                context,
            )
        });
        let after = if matches!(ended, Ended::Well(_)) { self.clients[who].texts() } else { BTreeMap::new() };
        let is_refused = matches!(&ended, Ended::Badly(error) if error.kind() != ErrorKind::Unsettled);
        if !is_refused {
            for (stage, text) in &before {
                self.ledger().replaced(text, after.get(stage).map_or("", String::as_str));
            }
        }
        self.clients[who].seen = None;
        let allowed = [(ErrorKind::NotFound, "no_operation"), (ErrorKind::Exists, "changed_since")];
        self.expect(ended, &allowed)?;
        Ok(())
    }

    fn settle(&mut self, who: usize) -> Checked {
        let ended = self.verb(who, &format!("{who} settles"), true, |client, wire, context| {
            sync::settle(&client.workspace, &key(), wire, context)
        });
        self.clients[who].seen = None;
        self.expect(ended, &[])?;
        Ok(())
    }

    /// The questions change nothing.
    fn look(&mut self, who: usize) -> Checked {
        let before = self.everything(who);
        let question = self.random.below(4);
        let info = self.agency.info();
        let ended = self.verb(who, &format!("{who} asks {question}"), false, |client, wire, context| {
            let workspace = &client.workspace;
            match question {
                0 => sync::status(workspace, &key(), &info, context).map(drop),
                1 => sync::status_checked(workspace, &key(), wire, context).map(drop),
                2 => sync::diff(workspace, &key(), &[], &info, context).map(drop),
                _ => sync::remote_status(workspace, &key(), wire, context).map(drop),
            }
        });
        self.expect(
            ended,
            &[
                (ErrorKind::NotFound, "never_synced"),
                (ErrorKind::NotFound, ""),
                (ErrorKind::Exists, "unknown_session"),
            ],
        )?;
        self.is_pure(who, &before, "a question")
    }

    fn requests(&self) -> usize {
        let requests = self.agency.requests();
        // Looking for a project by its name belongs to a first contact, and this world looks so itself.
        requests.fetch + requests.push + requests.health
    }

    fn everything(&self, who: usize) -> (BTreeMap<std::path::PathBuf, Vec<u8>>, Option<MemoryRow>) {
        (self.clients[who].files(), self.row())
    }

    fn is_pure(
        &self,
        who: usize,
        before: &(BTreeMap<std::path::PathBuf, Vec<u8>>, Option<MemoryRow>),
        what: &str,
    ) -> Checked {
        let after = self.everything(who);
        // What a person edits meanwhile is not the verb's doing; the row of a changed agency neither.
        let changed: Vec<_> =
            before.0.iter().filter(|(path, bytes)| after.0.get(*path) != Some(bytes)).collect();
        let added: Vec<_> = after.0.keys().filter(|path| !before.0.contains_key(*path)).collect();
        let engine = |path: &std::path::Path| !path.to_string_lossy().contains("/sessions/s1/");
        if changed.iter().any(|(path, _)| engine(path)) || added.iter().any(|path| engine(path)) {
            return Err(format!("{what} wrote: {changed:?} {added:?}"));
        }
        Ok(())
    }

    /// Runs a verb of a client, in the weather of this world where `troubled` says so.
    fn verb<T: Debug>(
        &mut self,
        who: usize,
        name: &str,
        troubled: bool,
        run: impl FnOnce(&Client, &Wire, &Context) -> Result<T>,
    ) -> Ended<T> {
        let row = self.row();
        let mut cancel = 0;
        let mut trouble = None;
        let mut shown = "";
        if troubled && self.random.percent(self.weather.trouble) {
            (shown, trouble, cancel) = self.trouble(who);
        } else if troubled && self.random.percent(self.weather.editor) {
            self.arm_editor(who);
            shown = "while an editor saves";
        }
        self.is_quiet = shown.is_empty();
        let client = &self.clients[who];
        let wire = Wire::new(&self.agency, trouble);
        let context = client.context(cancel);
        let ended = match catch_unwind(AssertUnwindSafe(|| run(client, &wire, &context))) {
            Ok(Ok(value)) => Ended::Well(value),
            Ok(Err(error)) => Ended::Badly(error),
            Err(death) if death.is::<Killed>() => Ended::Killed,
            Err(panic) => resume_unwind(panic),
        };
        client.clock.disarm();
        let row_now = self.row();
        if row_now != row {
            self.ledger().writes += 1;
            if let Some(row) = &row_now {
                self.table.remember(row);
            }
        }
        let how = match &ended {
            Ended::Well(value) => format!("{value:?}"),
            Ended::Badly(error) => format!("{:?}/{} {error}", error.kind(), error.reason()),
            Ended::Killed => "killed".to_owned(),
        };
        self.note(format!("{name} {shown}\n      -> {how}"));
        ended
    }

    fn trouble(&mut self, who: usize) -> (&'static str, Option<(u32, Trouble)>, u64) {
        let at = u32::try_from(self.random.below(3)).unwrap();
        let random = &mut self.random;
        let (name, trouble) = match random.below(9) {
            0 => return ("cancelled", None, 1 + random.below(24) as u64),
            1 => {
                let asked = u32::try_from(random.below(5)).unwrap();
                self.clients[who].clock.arm(asked, Box::new(|| resume_unwind(Box::new(Killed))));
                return ("killed in between", None, 0);
            }
            2 => ("request lost", Trouble::Remote(Fault::LoseRequest)),
            3 | 4 => ("reply lost", Trouble::Remote(Fault::LoseReply)),
            5 => {
                let kinds = [ErrorKind::Unavailable, ErrorKind::RateLimited, ErrorKind::Unauthorized];
                ("refused", Trouble::Remote(Fault::Refuse(*random.pick(&kinds))))
            }
            6 => ("killed before", Trouble::KillBefore),
            7 => ("killed after", Trouble::KillAfter),
            _ => ("somebody between", Trouble::Remote(Fault::ChangeBetween(self.between()))),
        };
        (name, Some((at, trouble)), 0)
    }

    fn between(&mut self) -> Edit {
        let ledger = self.ledger.clone();
        let (past, random) = (self.table.past.clone(), Random::new(self.random.next()));
        Arc::new(move |row| {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            hand_edit(row, &past, &mut random.clone(), &mut ledger);
        })
    }

    /// An editor saves a file in the middle of the verb.
    fn arm_editor(&mut self, who: usize) {
        let (ledger, random) = (self.ledger.clone(), Random::new(self.random.next()));
        let path = self.clients[who].path(*self.random.pick(&STAGES));
        let asked = u32::try_from(self.random.below(6)).unwrap();
        let save = move || {
            let before = std::fs::read_to_string(&path).unwrap_or_default();
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            let after = edited(&before, &mut random.clone(), &mut ledger);
            ledger.replaced(&before, &after);
            std::fs::write(path, after).unwrap();
        };
        self.clients[who].clock.arm(asked, Box::new(save));
    }

    /// Returns the answer of a verb; an error that is not among those that may be is a failure.
    fn expect<T>(&self, ended: Ended<T>, allowed: &[(ErrorKind, &str)]) -> Checked<Option<T>> {
        use ErrorKind::{Cancelled, Protocol, RateLimited, Unauthorized, Unavailable, Unsettled};
        match ended {
            Ended::Well(value) => Ok(Some(value)),
            Ended::Killed => Ok(None),
            Ended::Badly(error) => {
                let weather = [Cancelled, Protocol, RateLimited, Unauthorized, Unavailable, Unsettled];
                let is_weather = self.weather.trouble > 0 && weather.contains(&error.kind());
                if is_weather || allowed.iter().any(|(k, r)| *k == error.kind() && *r == error.reason()) {
                    Ok(None)
                } else {
                    Err(format!(
                        "an error that nobody documented: {:?}/{} {error}",
                        error.kind(),
                        error.reason()
                    ))
                }
            }
        }
    }

    /// From here on nothing goes wrong any more.
    pub(crate) fn calm(&mut self) {
        self.weather.trouble = 0;
        self.weather.editor = 0;
    }
}
