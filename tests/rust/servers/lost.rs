//! Replies that never arrive, at every point of the exchange, with and without somebody else in between.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use idse_core::sync::{Action, ConflictKind, Outcome, Resolution, SyncReport};
use idse_core::{ErrorKind, Result, Stage};
use idse_tests::proxy::{Fault, Proxy, When};
use idse_tests::stack::{Layout, Stack, quoted};
use idse_tests::volume;

use crate::world::{self, Client, Row};

/// Where the exchange ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    BeforeSend,
    MidBody,
    AfterCommit,
    /// After this byte of the head of the answer, or of what follows it.
    Reply(usize),
    MidReply,
}

impl Cut {
    /// One after the other; every byte of the head has its turn.
    fn of(trial: usize) -> Self {
        match trial % 8 {
            0 => Self::BeforeSend,
            1 => Self::MidBody,
            2 => Self::AfterCommit,
            3 => Self::MidReply,
            _ => Self::Reply((trial / 8 * 4 + trial % 4) % 420),
        }
    }

    fn commits(self) -> bool {
        !matches!(self, Self::BeforeSend | Self::MidBody)
    }

    fn fault(self) -> Fault {
        match self {
            Self::BeforeSend => Fault::CutBeforeSend,
            Self::MidBody => Fault::CutRequest,
            Self::AfterCommit => Fault::CutAfterCommit,
            Self::Reply(bytes) => Fault::CutReply(bytes),
            Self::MidReply => Fault::CutReplyBody,
        }
    }
}

/// Who comes between the write and the moment that its author hears of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Third {
    Nobody,
    /// Somebody changes the text in the table editor.
    Edit,
    /// Somebody changes another text.
    EditElsewhere,
    /// Somebody puts the old text back.
    Revert,
    /// Another workspace pulls, edits and pushes.
    Client,
    /// An old tool rewrites `state_json` and with it the mark of the push.
    Wipe,
    /// An old tool puts the old text back and rewrites `state_json`.
    WipeAndRevert,
}

const THIRDS: [Third; 7] = [
    Third::Nobody,
    Third::Edit,
    Third::EditElsewhere,
    Third::Revert,
    Third::Client,
    Third::Wipe,
    Third::WipeAndRevert,
];

/// How many trials two workspaces live for.
const ROUND: usize = 20;

/// What many trials came to.
#[derive(Debug, Default)]
struct Tally {
    trials: usize,
    unsettled: usize,
    clobbered: Vec<String>,
    false_acknowledgements: Vec<String>,
    conflicts: BTreeMap<Third, usize>,
    false_conflicts: BTreeMap<Third, usize>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.trials += other.trials;
        self.unsettled += other.unsettled;
        self.clobbered.extend(other.clobbered);
        self.false_acknowledgements.extend(other.false_acknowledgements);
        for (sum, part) in
            [(&mut self.conflicts, other.conflicts), (&mut self.false_conflicts, other.false_conflicts)]
        {
            part.into_iter().for_each(|(third, n)| *sum.entry(third).or_default() += n);
        }
    }
}

/// Two workspaces on one row; the first one's exchanges are spoiled.
struct Pair {
    row: Row,
    proxy: Proxy,
    _other_proxy: Proxy,
    author: Client,
    other: std::sync::Arc<Client>,
}

impl Pair {
    fn new(layout: Layout) -> Self {
        let row = Row::new(layout, "begin\n");
        let (proxy, other_proxy) = (Stack::shared().supabase(layout), Stack::shared().supabase(layout));
        let author = Client::clone_of(row, world::agency(&proxy));
        let other = std::sync::Arc::new(Client::clone_of(row, world::agency(&other_proxy)));
        Self { row, proxy, _other_proxy: other_proxy, author, other }
    }

    /// Arranges what somebody else does in the next write; returns the text that they leave, if they leave one.
    fn arrange(&self, third: Third, name: &str, before: &str) -> Option<String> {
        let row = self.row;
        let theirs = format!("theirs {name}\n");
        let set = match third {
            Third::Nobody => return None,
            Third::Edit => format!("spec_md = {}", quoted(&theirs)),
            Third::EditElsewhere => format!("tasks_md = {}", quoted(&theirs)),
            Third::Revert => format!("spec_md = {}", quoted(before)),
            Third::Wipe => r#"state_json = '{"session_id": "s1"}'"#.to_owned(),
            Third::WipeAndRevert => {
                format!(r#"spec_md = {}, state_json = '{{"session_id": "s1"}}'"#, quoted(before))
            }
            Third::Client => {
                let (other, text) = (std::sync::Arc::clone(&self.other), theirs.clone());
                self.proxy.after_it(When::NextWrite, move |_| {
                    other.pull().unwrap();
                    other.write(Stage::Spec, &text);
                    assert_eq!(other.push().unwrap().outcome, Outcome::Done);
                });
                return Some(theirs);
            }
        };
        self.proxy.after_it(When::NextWrite, move |_| row.edit(&set));
        match third {
            Third::Edit => Some(theirs),
            Third::Revert | Third::WipeAndRevert => Some(before.to_owned()),
            _ => None,
        }
    }

    fn trial(&self, number: usize, third: Third) -> Tally {
        let (cut, name) = (Cut::of(number), format!("{number} {third:?}"));
        let mut tally = Tally { trials: 1, ..Tally::default() };
        let (before, mine) = (self.row.column("spec_md") + "\n", format!("mine {name}\n"));
        self.author.write(Stage::Spec, &mine);
        let theirs = self.arrange(third, &name, &before);
        self.proxy.fail(When::NextWrite, cut.fault());
        let first = self.author.push();
        self.proxy.heal();
        // Whoever put the old text back has undone something only where something had been done.
        let theirs = theirs.filter(|theirs| *theirs != before || cut.commits());
        if acknowledges(&first) && !cut.commits() && self.row.column("spec_md") != mine.trim_end() {
            tally.false_acknowledgements.push(format!("{cut:?} {name}: {first:?}"));
        }
        if let Err(error) = &first {
            assert_eq!(error.kind(), ErrorKind::Unsettled, "{cut:?} {name}: {error:?}");
            tally.unsettled = 1;
        }
        let second = self.author.push();
        let there = self.row.column("spec_md") + "\n";
        if let Some(theirs) = &theirs
            && there != *theirs
        {
            tally.clobbered.push(format!("{cut:?} {name}: {first:?}, then {second:?}: {there:?}"));
        }
        if acknowledges(&second) && there != mine {
            tally.false_acknowledgements.push(format!("{cut:?} {name}: {second:?}: {there:?}"));
        }
        let report = second.unwrap_or_else(|error| panic!("{cut:?} {name}: {error:?}"));
        if !report.conflicts.is_empty() {
            // Where the row still holds what this push made of it, or what came later knew it, nobody disagrees.
            let real = theirs.is_some() && !(third == Third::Client && cut.commits());
            *(if real { &mut tally.conflicts } else { &mut tally.false_conflicts })
                .entry(third)
                .or_default() += 1;
            let unsettled = report.conflicts.iter().any(|conflict| conflict.kind == ConflictKind::Unsettled);
            assert!(real || unsettled, "{cut:?} {name}: {report:?}");
        }
        self.settle(&name, &mine);
        tally
    }

    /// Brings all in step, by a person's decision where one is needed: nothing that was written is lost.
    fn settle(&self, name: &str, mine: &str) {
        let pulled = self.author.pull().unwrap();
        if !pulled.conflicts.is_empty() {
            let resolution =
                if name.len().is_multiple_of(2) { Resolution::Local } else { Resolution::Remote };
            for conflict in &pulled.conflicts {
                self.author.resolve(conflict.stage, resolution.clone());
            }
        }
        if !pulled.conflicts.is_empty() {
            let pushed = self.author.push().unwrap();
            assert!(pushed.conflicts.is_empty(), "{name}: {pushed:?}");
        }
        let there = self.row.column("spec_md") + "\n";
        assert_eq!(String::from_utf8_lossy(&self.author.read(Stage::Spec)), there, "{name}: in step");
        assert!(self.author.keeps(mine), "{name}: the author's own text is kept");
        self.other.pull().unwrap();
    }
}

/// Tells whether a push says that `spec` is in the agency because of it.
fn acknowledges(answer: &Result<SyncReport>) -> bool {
    answer.as_ref().is_ok_and(|report| {
        report.steps.iter().any(|step| step.stage == Stage::Spec && step.action == Action::Send)
            && report.outcome == Outcome::Done
    })
}

#[test]
fn a_lost_reply_costs_nobody_anything() {
    let trials = volume(2100);
    let next = AtomicUsize::new(0);
    let mut sum = Tally::default();
    std::thread::scope(|scope| {
        let work = || {
            let mut tally = Tally::default();
            loop {
                // What a workspace keeps grows with each trial, and each is searched.
                let pair = Pair::new(Layout::Documented);
                for _ in 0..ROUND {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= trials {
                        return tally;
                    }
                    tally.add(pair.trial(number / THIRDS.len(), THIRDS[number % THIRDS.len()]));
                }
            }
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().for_each(|thread| sum.add(thread.join().unwrap()));
    });
    println!(
        "{} trials, {} without a reply, {} clobbered, {} false acknowledgements; conflicts {:?}, false ones {:?}",
        sum.trials,
        sum.unsettled,
        sum.clobbered.len(),
        sum.false_acknowledgements.len(),
        sum.conflicts,
        sum.false_conflicts
    );
    assert_eq!(sum.trials, trials);
    assert!(sum.clobbered.is_empty(), "{:#?}", sum.clobbered);
    assert!(sum.false_acknowledgements.is_empty(), "{:#?}", sum.false_acknowledgements);
    // A person has to look at nothing where nobody came between.
    assert!(!sum.false_conflicts.contains_key(&Third::Nobody), "{:?}", sum.false_conflicts);
}
