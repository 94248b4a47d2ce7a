//! Processes that run into each other, some of them killed: one wins at a time, nobody loses a text, and what the
//! killed ones left is finished by whoever comes next.

use std::process::{Child, Stdio};
use std::time::Duration;

use idse_core::Stage;
use idse_tests::{Run, Sandbox, Seeded, volume};

use super::aloud;
use super::world::{agency, check_record, files_below, texts};

/// How often the processes are let loose ordinarily.
const ROUNDS: usize = 12;
const PROCESSES: usize = 8;

/// A process that was let loose, and after how many milliseconds it is killed, if it is.
struct Loose {
    child: Child,
    kill_after: Option<Duration>,
}

fn let_loose(sandbox: &Sandbox, args: &[&str], kill_after: Option<Duration>) -> Loose {
    let mut command = sandbox.command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Loose { child: command.spawn().unwrap(), kill_after }
}

/// Waits for all, and kills those whose time has come; returns what they answered, in order.
fn catch(loose: Vec<Loose>, sandbox: &Sandbox) -> Vec<Run> {
    std::thread::scope(|scope| {
        let waiting: Vec<_> = loose
            .into_iter()
            .map(|Loose { mut child, kill_after }| {
                scope.spawn(move || {
                    if let Some(after) = kill_after {
                        std::thread::sleep(after);
                        child.kill().unwrap();
                    }
                    sandbox.answer(&child.wait_with_output().unwrap())
                })
            })
            .collect();
        waiting.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

/// One process in four is killed, somewhere in the time that it takes when all run at once.
fn fate(seeded: &mut Seeded) -> Option<Duration> {
    (seeded.below(4) == 0).then(|| Duration::from_micros(2000 + seeded.below(90_000) as u64))
}

/// Tells whether there were rounds enough: more than ordinarily where nobody was killed yet.
fn is_enough(round: usize, killed: usize) -> bool {
    round >= volume(ROUNDS) && (killed > 0 || round >= volume(ROUNDS) + 4 * ROUNDS)
}

/// Nothing of a broken process is left, and everything that is named is there.
fn check_tidy(sandbox: &Sandbox, when: &str) {
    check_record(sandbox.root(), when);
    for path in files_below(sandbox.root()) {
        let shown = path.display().to_string();
        assert!(!shown.contains("/journal/") && !shown.ends_with(".tmp"), "{when}: {shown} is left");
    }
}

#[test]
fn of_eight_workspaces_that_push_at_once_one_wins() {
    let mut seeded = Seeded::new(11);
    let alice = Sandbox::with_project();
    drop(alice.idse(&["sync", "push"]).success());
    let everybody: Vec<_> = (0..PROCESSES).map(|number| alice.beside(&format!("w{number}"))).collect();
    for one in &everybody {
        drop(one.idse(&["sync", "clone", "portal"]).success());
    }
    let (mut acknowledged, mut killed) = (0, 0);
    for round in 0.. {
        if is_enough(round, acknowledged.min(killed)) {
            break;
        }
        let before = spec_of(&alice);
        let texts: Vec<_> = (0..PROCESSES).map(|number| format!("# Round {round} by {number}\n")).collect();
        for (one, text) in everybody.iter().zip(&texts) {
            one.write_stage(Stage::Spec, text);
        }
        let loose =
            everybody.iter().map(|one| let_loose(one, &["sync", "push", "--json"], fate(&mut seeded)));
        let runs = catch(loose.collect(), &alice);
        let winners: Vec<_> = (0..PROCESSES).filter(|number| runs[*number].code == Some(0)).collect();
        let dead: Vec<_> = (0..PROCESSES).filter(|number| runs[*number].code.is_none()).collect();
        for run in &runs {
            assert!(matches!(run.code, None | Some(0 | 3 | 4)), "round {round}: {run}");
        }
        let now = spec_of(&alice);
        match winners.as_slice() {
            [] => {
                assert!(!dead.is_empty(), "round {round}: nobody won and nobody was killed: {runs:#?}");
                assert!(now == before || dead.iter().any(|dead| texts[*dead] == now), "round {round}: {now}");
            }
            [winner] => assert_eq!(now, texts[*winner], "round {round}: what was acknowledged is there"),
            several => panic!("round {round}: {several:?} won: {runs:#?}"),
        }
        acknowledged += winners.len();
        killed += dead.len();
        for (one, text) in everybody.iter().zip(&texts) {
            come_together(one, &now, text, &format!("round {round}"));
        }
    }
    aloud(&format!("processes: {acknowledged} pushes acknowledged, {killed} processes killed"));
    assert!(acknowledged > 0 && killed > 0);
}

fn spec_of(sandbox: &Sandbox) -> String {
    agency(sandbox)[0][2].clone().unwrap()
}

/// Takes what the agency holds; the own text stays somewhere.
fn come_together(one: &Sandbox, theirs: &str, own: &str, when: &str) {
    let pulled = one.idse(&["sync", "pull"]);
    assert!(matches!(pulled.code, Some(0 | 3)), "{when}: {pulled}");
    if pulled.code == Some(3) {
        drop(one.idse(&["sync", "resolve", "spec", "--remote"]).success());
    } else if one.read_stage(Stage::Spec) != theirs {
        // A killed push that never came is a change of its own, like any other.
        one.write_stage(Stage::Spec, theirs);
        drop(one.idse(&["sync", "pull"]).success());
        check_tidy(one, when);
        return;
    }
    assert_eq!(one.read_stage(Stage::Spec), theirs, "{when}");
    assert!(texts(one).contains(own), "{when}: {own} is lost");
    drop(one.idse(&["status", "--exit-code"]).success());
    check_tidy(one, when);
}

#[test]
fn eight_processes_in_one_workspace_wait_for_each_other() {
    const VERBS: [&[&str]; 6] = [
        &["sync", "push"],
        &["sync", "pull"],
        &["sync", "resolve", "spec", "--local"],
        &["sync", "resolve", "spec", "--remote"],
        &["sync", "undo"],
        &["stage", "set", "plan", "in_progress"],
    ];
    let mut seeded = Seeded::new(23);
    let alice = Sandbox::with_project();
    drop(alice.idse(&["sync", "push"]).success());
    let bob = alice.beside("bob");
    drop(bob.idse(&["sync", "clone", "portal"]).success());
    let mut authored = Vec::new();
    let mut killed = 0;
    for round in 0.. {
        if is_enough(round, killed) {
            break;
        }
        for (who, sandbox) in [("alice", &alice), ("bob", &bob)] {
            let stage = [Stage::Spec, Stage::Plan][seeded.below(2)];
            let text = format!("# {who} {round}\n");
            // A person looks at the file before it is written over: what the program put there is kept by it.
            sandbox.write_stage(stage, &text);
            authored.push(text);
        }
        let mut loose = vec![let_loose(&bob, &["sync", "push"], None)];
        for _ in 1..PROCESSES {
            let verb = VERBS[seeded.below(VERBS.len())];
            loose.push(let_loose(&alice, verb, fate(&mut seeded)));
        }
        for run in catch(loose, &alice) {
            killed += usize::from(run.code.is_none());
            assert!(matches!(run.code, None | Some(0..=4 | 6)), "round {round}: {run}");
            assert!(!run.stderr.contains("panicked"), "round {round}: {run}");
        }
        for sandbox in [&bob, &alice] {
            let who = sandbox.root().file_name().unwrap().to_string_lossy();
            settle(sandbox, &format!("{who} in round {round}"));
        }
        let mut found = texts(&alice);
        found.append(&mut texts(&bob));
        for text in &authored {
            assert!(found.contains(text), "round {round}: {text:?} is lost");
        }
    }
    aloud(&format!("processes: {} texts kept, {killed} processes killed", authored.len()));
    assert!(killed > 0);
}

/// Ends in step with the agency, without help from anybody but for the choice of a side.
fn settle(sandbox: &Sandbox, when: &str) {
    let pulled = sandbox.idse(&["sync", "pull", "--json"]);
    assert!(matches!(pulled.code, Some(0 | 3)), "{when}: {pulled}");
    for conflict in pulled.json("sync-report")["conflicts"].as_array().unwrap() {
        drop(sandbox.idse(&["sync", "resolve", conflict["stage"].as_str().unwrap(), "--local"]).success());
    }
    drop(sandbox.idse(&["sync", "push"]).success());
    // The status of a stage in conflict comes in once the texts are settled.
    let pulled = sandbox.idse(&["sync", "pull"]).success();
    let status = sandbox.idse(&["status", "--exit-code"]);
    assert_eq!(status.code, Some(0), "{when}: {status}after {pulled}");
    check_tidy(sandbox, when);
}
