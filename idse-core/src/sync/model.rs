//! A bounded, exhaustive model of the base and the journal rule: two stages in one row, two clients, lost replies,
//! people at the table, and an old client that sends `state_json` back and overwrites.
//!
//! Every state that the bounds allow is visited, breadth first up to a number. What is decided in it, the engine's own `classify` and `verdict`
//! decide; the model adds what each author had seen, and asks after every step whether a text was replaced by one
//! that knows nothing of it. Variants with one thing wrong must be caught: that shows that the model can see.

use std::collections::{BTreeMap, HashSet, VecDeque};

use uuid::Uuid;

use super::Class;
use super::base::TextRef;
use super::classify::{Known, Local, Remote, classify};
use super::record::{LogRecord, PendingItem, PendingPush};
use super::settle::{Verdict, verdict};
use crate::name::{OpId, ProjectId};
use crate::remote::{RemoteSession, RemoteText, Revision};
use crate::stage::Stage;
use crate::sync::Verb;
use crate::text::Digest;

const STAGES: [Stage; 2] = [Stage::Spec, Stage::Tasks];
const CLIENTS: usize = 2;

/// What an author wrote, and everything that was in his hands when he wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Version {
    /// The text, one of a few: a revert brings one back.
    text: u8,
    /// The versions that this one comes after, itself among them, as bits.
    after: u32,
}

/// One side's versions of the two stages, as indices.
type Sides = [u8; 2];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Row {
    held: Sides,
    revision: u8,
    /// `state_json._idse.op`; zero: none.
    op: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pending {
    /// The stage that was sent.
    stage: u8,
    intended: u8,
    op: u8,
    revision: u8,
    /// The operation that the row named before.
    op_before: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Client {
    local: Sides,
    /// `None`: there was never a sync of the stage.
    agreed: [Option<u8>; 2],
    seen: Sides,
    /// Zero: the row was never read.
    revision: u8,
    op_seen: u8,
    pending: Option<Pending>,
    /// The remote version that a conflict of a stage was recorded with.
    conflict: [Option<u8>; 2],
}

/// How often each thing may still happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Left {
    edits: u8,
    hands: u8,
    losses: u8,
    overwrites: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    versions: Vec<Version>,
    row: Row,
    clients: [Client; CLIENTS],
    /// What the old client has read: texts and operation.
    copy: Option<(Sides, u8)>,
    left: Left,
    next_op: u8,
}

/// One thing that an engine could get wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// A push goes by what was agreed, not by what was seen at the revision.
    RevisionWithoutSeen,
    /// The row names the operation from before the push: so it was not committed.
    UnchangedOperation,
    /// What was agreed with another agency counts here.
    BorrowedBase,
    /// A lost reply is forgotten.
    NoJournal,
}

/// What the engine decides, asked once for every case that the model can meet.
struct Engine {
    flaw: Option<Flaw>,
    classes: BTreeMap<(u8, Option<u8>, u8), Class>,
    verdicts: BTreeMap<(bool, bool, bool), Verdict>,
}

const TEXTS: u8 = 3;

/// So many states of one set of bounds are visited, the ones with the shortest ways first.
const MOST: usize = 100_000;

fn text(number: u8) -> String {
    format!("text {number}\n")
}

impl Engine {
    fn new(flaw: Option<Flaw>) -> Self {
        let known = |t: u8| Known { digest: Digest::of(&text(t)), is_empty: false, untouched: false };
        let mut classes = BTreeMap::new();
        for (local, remote) in (0..TEXTS).flat_map(|l| (0..TEXTS).map(move |r| (l, r))) {
            for base in std::iter::once(None).chain((0..TEXTS).map(Some)) {
                let digest = base.map(|b| Digest::of(&text(b)));
                let class = classify(Local::Text(known(local)), digest, Remote::Text(known(remote)));
                classes.insert((local, base, remote), class);
            }
        }
        let mut verdicts = BTreeMap::new();
        for bits in 0..8u8 {
            let [holds, is_ours, is_same] = [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0];
            verdicts.insert((holds, is_ours, is_same), asked(holds, is_ours, is_same));
        }
        Self { flaw, classes, verdicts }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn verdict(&self, pending: &Pending, world: &World) -> Verdict {
        let holds = world.text(world.row.held[usize::from(pending.stage)]) == world.text(pending.intended);
        let is_same = pending.revision == world.row.revision;
        let verdict = self.verdicts[&(holds, world.row.op == pending.op, is_same)];
        let is_unchanged = world.row.op == pending.op_before;
        if self.has(Flaw::UnchangedOperation) && verdict == Verdict::Ambiguous && is_unchanged {
            return Verdict::NotCommitted;
        }
        verdict
    }
}

/// Asks the engine what became of a push, of which the row holds the text, names the operation, has the revision.
fn asked(holds: bool, is_ours: bool, is_same: bool) -> Verdict {
    let op = OpId::new(Uuid::from_u128(1));
    let other = OpId::new(Uuid::from_u128(2));
    let project_id = ProjectId::new(Uuid::nil());
    let key = crate::SessionKey { project: "p".parse().unwrap(), session: "s".parse().unwrap() };
    let pending = PendingPush {
        project_id,
        remote: String::new(),
        revision: Some(Revision::new("1")),
        items: vec![PendingItem {
            stage: Stage::Spec,
            intended: Some(TextRef::of("mine")),
            replaced: Some(TextRef::of("before")),
        }],
        statuses: BTreeMap::new(),
        state: None,
        log: LogRecord {
            op,
            verb: Verb::Push,
            time: String::new(),
            key: key.clone(),
            remote: String::new(),
            base_before: None,
            texts: Vec::new(),
            statuses_before: BTreeMap::new(),
            conflicts_before: BTreeMap::new(),
            kept: Vec::new(),
            undoes: None,
        },
    };
    let named = if is_ours { op } else { other };
    let state = serde_json::json!({ "_idse": { "op": named.to_string() } });
    let row = RemoteSession {
        project_id,
        name: "p".into(),
        stack: None,
        framework: None,
        session: Some(key.session),
        revision: Revision::new(if is_same { "1" } else { "2" }),
        updated_at: None,
        texts: BTreeMap::from([(Stage::Spec, RemoteText::Text(if holds { "mine" } else { "other" }.into()))]),
        meta: RemoteText::Unmapped,
        state: state.as_object().cloned(),
    };
    verdict(&pending, &row)
}

/// A step that replaced a text of which the new one's author knew nothing.
#[derive(Debug, PartialEq, Eq)]
struct Lost(&'static str);

type Next = (String, Result<World, Lost>);

impl World {
    fn first(engine: &Engine, left: Left) -> Self {
        let client = Client {
            local: [0, 0],
            agreed: [Some(0), Some(0)],
            seen: [0, 0],
            revision: 1,
            op_seen: 0,
            pending: None,
            conflict: [None, None],
        };
        let mut world = Self {
            versions: vec![Version { text: 0, after: 1 }],
            row: Row { held: [0, 0], revision: 1, op: 0 },
            clients: [client; CLIENTS],
            copy: None,
            left,
            next_op: 1,
        };
        // The second client comes from another agency, with a text of its own.
        world.versions.push(Version { text: 1, after: 2 });
        let stranger = &mut world.clients[1];
        stranger.local = [1, 0];
        stranger.revision = 0;
        stranger.agreed[0] = engine.has(Flaw::BorrowedBase).then_some(1);
        world
    }

    fn text(&self, version: u8) -> u8 {
        self.versions[usize::from(version)].text
    }

    fn after(&self, version: u8) -> u32 {
        self.versions[usize::from(version)].after
    }

    /// Somebody who has these versions before his eyes writes a text.
    fn author(&mut self, text: u8, seen: &[u8]) -> u8 {
        let number = u8::try_from(self.versions.len()).unwrap();
        let after = seen.iter().fold(1 << number, |bits, version| bits | self.after(*version));
        self.versions.push(Version { text, after });
        number
    }

    /// May this version take the place of that one? Its author knew it, or the same text after all that both know.
    fn may_replace(&self, old: u8, new: u8) -> bool {
        let (before, after) = (self.after(old), self.after(new));
        let common = before & after;
        let same = |x: u8| self.text(x) == self.text(old) && common & !self.after(x) == 0;
        let count = u8::try_from(self.versions.len()).unwrap();
        self.text(old) == self.text(new)
            || after & (1 << old) > 0
            || (before & (1 << new) == 0 && (0..count).any(|x| after & (1 << x) > 0 && same(x)))
    }

    fn class(&self, engine: &Engine, who: usize, stage: usize, remote: u8) -> Class {
        let client = &self.clients[who];
        let base = client.agreed[stage].map(|version| self.text(version));
        engine.classes[&(self.text(client.local[stage]), base, self.text(remote))]
    }

    fn see(&mut self, who: usize) {
        let row = self.row;
        let client = &mut self.clients[who];
        (client.seen, client.revision, client.op_seen) = (row.held, row.revision, row.op);
    }

    /// Equal texts: whoever sees both has both.
    fn agree(&mut self, who: usize, stage: usize, remote: u8) {
        let client = self.clients[who];
        if self.after(client.local[stage]) & (1 << remote) == 0 {
            let both = self.author(self.text(remote), &[client.local[stage], remote]);
            self.clients[who].local[stage] = both;
        }
        self.clients[who].agreed[stage] = Some(remote);
    }

    fn settle(&mut self, engine: &Engine, who: usize) {
        let Some(pending) = self.clients[who].pending.take() else { return };
        let stage = usize::from(pending.stage);
        match engine.verdict(&pending, self) {
            Verdict::NotCommitted => {}
            Verdict::Committed => {
                self.see(who);
                self.clients[who].agreed[stage] = Some(pending.intended);
            }
            Verdict::Ambiguous => {
                self.see(who);
                self.clients[who].conflict[stage] = Some(self.row.held[stage]);
            }
        }
    }

    fn pull(&mut self, engine: &Engine, who: usize, stage: usize) -> Result<(), Lost> {
        self.settle(engine, who);
        self.see(who);
        let remote = self.row.held[stage];
        match self.class(engine, who, stage, remote) {
            Class::InSync | Class::SameChange | Class::Adopt => {
                self.agree(who, stage, remote);
                self.clients[who].conflict[stage] = None;
            }
            // Only a person can tell what became of a push that nobody answered.
            _ if self.clients[who].conflict[stage].is_some() => {
                self.clients[who].conflict[stage] = Some(remote);
            }
            Class::RemoteChange => {
                if !self.may_replace(self.clients[who].local[stage], remote) {
                    return Err(Lost("a pull replaced a text"));
                }
                self.clients[who].local[stage] = remote;
                self.clients[who].agreed[stage] = Some(remote);
            }
            Class::LocalChange => {}
            _ => self.clients[who].conflict[stage] = Some(remote),
        }
        Ok(())
    }

    /// Pushes a stage; `arrives` and `answered` say what the network does.
    fn push(
        &mut self,
        engine: &Engine,
        who: usize,
        stage: usize,
        arrives: bool,
        answered: bool,
    ) -> Result<(), Lost> {
        self.settle(engine, who);
        for attempt in 0..2 {
            let client = self.clients[who];
            let trusts = engine.has(Flaw::RevisionWithoutSeen);
            let remote = client.agreed[stage].filter(|_| trusts).unwrap_or(client.seen[stage]);
            if client.revision == 0 {
                self.see(who);
                continue;
            }
            match self.class(engine, who, stage, remote) {
                Class::LocalChange if client.conflict[stage].is_none() => {}
                // The record of a stage in conflict moves with the conflict.
                Class::SameChange | Class::Adopt if client.conflict[stage].is_none() => {
                    self.agree(who, stage, remote);
                    return Ok(());
                }
                _ => return Ok(()),
            }
            let in_step = client.revision == self.row.revision;
            let expected =
                self.text(remote) == self.text(self.row.held[stage]) && client.op_seen == self.row.op;
            if !in_step && !expected && arrives {
                if attempt == 0 {
                    self.see(who);
                }
                continue;
            }
            return self.write(engine, who, stage, arrives, answered);
        }
        Ok(())
    }

    fn write(
        &mut self,
        engine: &Engine,
        who: usize,
        stage: usize,
        arrives: bool,
        answered: bool,
    ) -> Result<(), Lost> {
        let client = self.clients[who];
        let mut new = client.local[stage];
        let op = self.next_op;
        self.next_op += 1;
        if arrives {
            if !self.may_replace(self.row.held[stage], new) {
                return Err(Lost("a push replaced a text"));
            }
            if self.after(new) & self.after(self.row.held[stage]) != self.after(self.row.held[stage]) {
                // The same text as its author knew: it counts as known from here on.
                new = self.author(self.text(new), &[new, self.row.held[stage]]);
                self.clients[who].local[stage] = new;
            }
            self.row.held[stage] = new;
            self.row.op = op;
            self.row.revision += 1;
        }
        if !answered {
            let pending = Pending {
                stage: u8::try_from(stage).unwrap(),
                intended: new,
                op,
                revision: client.revision,
                op_before: client.op_seen,
            };
            self.clients[who].pending = (!engine.has(Flaw::NoJournal)).then_some(pending);
            return Ok(());
        }
        if engine.has(Flaw::RevisionWithoutSeen) {
            self.clients[who].seen[stage] = new;
            (self.clients[who].revision, self.clients[who].op_seen) = (self.row.revision, op);
        } else {
            // In step this is what was sent, else what one more read says.
            self.see(who);
        }
        self.clients[who].agreed[stage] = Some(new);
        Ok(())
    }

    fn steps(&self, engine: &Engine) -> Vec<Next> {
        let mut next = Vec::new();
        for who in 0..CLIENTS {
            for stage in 0..STAGES.len() {
                self.client_steps(engine, who, stage, &mut next);
            }
        }
        self.table_steps(&mut next);
        next
    }

    fn client_steps(&self, engine: &Engine, who: usize, stage: usize, next: &mut Vec<Next>) {
        let mut step = |name: &str, act: &dyn Fn(&mut Self) -> Result<(), Lost>| {
            let mut world = self.clone();
            let done = act(&mut world);
            next.push((format!("{who} {name} {}", STAGES[stage]), done.map(|()| world)));
        };
        let client = self.clients[who];
        let local = client.local[stage];
        if self.left.edits > 0 {
            for text in (0..TEXTS).filter(|text| *text != self.text(local)) {
                step("edits", &|world| {
                    world.left.edits -= 1;
                    world.clients[who].local[stage] = world.author(text, &[local]);
                    Ok(())
                });
            }
        }
        step("pulls", &|world| world.pull(engine, who, stage));
        step("pushes", &|world| world.push(engine, who, stage, true, true));
        if self.left.losses > 0 {
            for (arrives, name) in [(true, "loses the reply to"), (false, "loses the request for")] {
                step(name, &|world| {
                    world.left.losses -= 1;
                    world.push(engine, who, stage, arrives, false)
                });
            }
        }
        let Some(remote) = client.conflict[stage].filter(|_| client.pending.is_none()) else { return };
        for (name, text) in [("keeps its", self.text(local)), ("takes the agency's", self.text(remote))] {
            step(name, &|world| {
                let merged = world.author(text, &[local, remote]);
                let client = &mut world.clients[who];
                client.local[stage] = merged;
                client.agreed[stage] = Some(remote);
                client.conflict[stage] = None;
                Ok(())
            });
        }
    }

    fn table_steps(&self, next: &mut Vec<Next>) {
        let mut step = |name: String, act: &dyn Fn(&mut Self)| {
            let mut world = self.clone();
            act(&mut world);
            world.row.revision += 1;
            next.push((name, Ok(world)));
        };
        for (stage, name) in STAGES.iter().enumerate() {
            let held = self.row.held[stage];
            for text in (0..TEXTS).filter(|text| self.left.hands > 0 && *text != self.text(held)) {
                step(format!("somebody sets {name} to {text}"), &|world| {
                    world.left.hands -= 1;
                    world.row.held[stage] = world.author(text, &[held]);
                });
            }
        }
        if self.left.hands > 0 && self.row.op != 0 {
            step("somebody wipes state_json".into(), &|world| {
                world.left.hands -= 1;
                world.row.op = 0;
            });
        }
        let Some((copy, op)) = self.copy else {
            if self.left.overwrites > 0 {
                let mut world = self.clone();
                world.copy = Some((self.row.held, self.row.op));
                next.push(("an old client reads".into(), Ok(world)));
            }
            return;
        };
        for stages in [&[0, 1][..], &[0], &[1]] {
            step(format!("the old client writes {stages:?}"), &|world| {
                world.left.overwrites -= 1;
                world.copy = None;
                world.row.op = op;
                for stage in stages {
                    // What it overwrites is outside of the promise: it counts as known to it.
                    let known = [copy[*stage], world.row.held[*stage]];
                    world.row.held[*stage] = world.author(world.text(copy[*stage]), &known);
                }
            });
        }
    }
}

/// Visits every state that the bounds allow, up to `MOST`; returns how many, and the way to the first loss.
fn explore(flaw: Option<Flaw>, left: Left) -> (usize, Option<String>) {
    let engine = Engine::new(flaw);
    let first = World::first(&engine, left);
    let mut seen = HashSet::from([first.clone()]);
    let mut came_from: Vec<(usize, String)> = vec![(0, String::new())];
    let mut queue = VecDeque::from([(0, first)]);
    while let Some((number, world)) = queue.pop_front().filter(|_| seen.len() < MOST) {
        for (name, next) in world.steps(&engine) {
            match next {
                Ok(next) => {
                    if seen.insert(next.clone()) {
                        came_from.push((number, name));
                        queue.push_back((came_from.len() - 1, next));
                    }
                }
                Err(Lost(what)) => {
                    let mut way = vec![what.to_owned(), name];
                    let mut at = number;
                    while at > 0 {
                        way.push(came_from[at].1.clone());
                        at = came_from[at].0;
                    }
                    way.reverse();
                    return (seen.len(), Some(way.join(", ")));
                }
            }
        }
    }
    (seen.len(), None)
}

const SMALL: Left = Left { edits: 1, hands: 1, losses: 1, overwrites: 1 };

#[test]
fn whatever_two_clients_and_the_table_do_no_text_is_replaced_unseen() {
    let none = Left { edits: 0, hands: 0, losses: 0, overwrites: 0 };
    for left in [
        Left { edits: 1, losses: 1, ..none },
        Left { edits: 1, hands: 1, ..none },
        Left { edits: 1, hands: 1, losses: 1, ..none },
        Left { edits: 2, losses: 1, ..none },
        SMALL,
    ] {
        let (states, lost) = explore(None, left);
        assert!(states > 1_000, "{left:?} is no model: {states} states");
        assert_eq!(lost, None);
    }
}

#[test]
fn every_flaw_is_seen() {
    for flaw in [Flaw::RevisionWithoutSeen, Flaw::UnchangedOperation, Flaw::BorrowedBase, Flaw::NoJournal] {
        let (states, lost) = explore(Some(flaw), Left { edits: 2, ..SMALL });
        assert!(lost.is_some(), "{flaw:?} was not seen in {states} states");
    }
}
