//! Crash points: the program is killed before every call that changes something, and the same verb run again ends
//! as if nothing had happened.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::strace::{Fault, faulty, points, strace};
use super::world::{Verb, World};
use super::{aloud, expect_none, on_two_threads, sample};

#[test]
fn a_kill_at_any_call_is_healed_by_the_same_verb() {
    let Some(strace) = strace("crash points") else { return };
    let start = std::time::Instant::now();
    let (mut counts, failures) = (Vec::new(), Mutex::new(Vec::new()));
    let asked = AtomicUsize::new(0);
    for verb in Verb::ALL {
        let world = World::new(verb);
        let all = points(&world.sandbox, strace, &world.arguments());
        let fewest = verb.fewest();
        assert!(all.len() >= fewest, "{verb:?} has only {} points, not {fewest}", all.len());
        let chosen = sample(&all, POINTS);
        let killed = on_two_threads(
            &chosen,
            || World::new(verb),
            |world, point| {
                world.restore();
                let run =
                    world.sandbox.run(faulty(&world.sandbox, strace, point, Fault::Kill, &world.arguments()));
                let when = format!("{verb:?} killed before {point}");
                world.check_broken(&when);
                asked.fetch_add(usize::from(world.check_healed(&when)), Ordering::Relaxed);
                run.code.is_none()
            },
            &failures,
        );
        counts.push((verb, killed, chosen.len(), all.len()));
    }
    expect_none(failures);
    for (verb, killed, chosen, _) in &counts {
        // An object more or less in a folder that is there already moves the last points a little.
        assert!(killed + 6 >= *chosen, "{verb:?}: only {killed} of {chosen} kills came");
    }
    let asked = asked.into_inner();
    assert!(asked <= ASKED, "a person had to decide {asked} times");
    let counts: Vec<_> =
        counts.iter().map(|(verb, killed, _, all)| format!("{verb:?} {killed} of {all}")).collect();
    aloud(&format!(
        "crash points: {}; {asked} left a question to a person ({} s)",
        counts.join(", "),
        start.elapsed().as_secs()
    ));
}

/// How many calls of a push lie between its entry in the journal and the agency's answer.
const ASKED: usize = 12;

/// How many points of a verb are tried ordinarily: all that any verb has.
const POINTS: usize = 400;
