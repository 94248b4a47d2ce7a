//! Errors of the system: every call that changes something fails, once or from then on. It is told with a documented
//! exit code, and the same verb run again ends as if nothing had happened.

use std::sync::Mutex;

use super::strace::{Fault, Point, faulty, points, strace};
use super::world::{Verb, World};
use super::{aloud, expect_none, on_two_threads, sample};

const FAULTS: [Fault; 7] = [
    Fault::Error("ENOSPC"),
    Fault::Error("EIO"),
    Fault::Error("EACCES"),
    Fault::Error("EROFS"),
    Fault::Error("EMFILE"),
    Fault::Errors("ENOSPC"),
    Fault::Errors("EIO"),
];

/// How many failures of a verb are tried ordinarily.
const FAILURES: usize = 60;

#[test]
fn a_call_that_fails_loses_nothing() {
    let Some(strace) = strace("errors of the system") else { return };
    let start = std::time::Instant::now();
    let (mut counts, failures) = (Vec::new(), Mutex::new(Vec::new()));
    for verb in Verb::ALL {
        let world = World::new(verb);
        let points = points(&world.sandbox, strace, &world.arguments());
        // The errors stand beside each other for every point, so that a sample meets all of them.
        let all: Vec<(Point, Fault)> =
            points.iter().flat_map(|point| FAULTS.map(|fault| (point.clone(), fault))).collect();
        let chosen = sample(&all, FAILURES);
        let told = on_two_threads(
            &chosen,
            || World::new(verb),
            |world, (point, fault)| {
                world.restore();
                let run =
                    world.sandbox.run(faulty(&world.sandbox, strace, point, *fault, &world.arguments()));
                let when = format!("{verb:?} with {fault:?} at {point}");
                world.check_broken(&when);
                let is_told = run.code != Some(verb.usual());
                if is_told {
                    let code = run.code.unwrap_or(-1);
                    assert!([1, 2, 3, 4, 5, 6].contains(&code), "{when}: {run}");
                    // Where nothing can be written any more, the exit code alone says it.
                    let is_mute = point.call == "write" && matches!(fault, Fault::Errors(_));
                    assert!(is_mute || !run.stderr.is_empty() || !run.stdout.is_empty(), "{when}: {run}");
                } else {
                    world.check_done(&when);
                }
                world.check_healed(&when);
                is_told
            },
            &failures,
        );
        assert!(told > 0, "{verb:?}: no error was told");
        counts.push(format!("{verb:?} {told} told of {} tried of {}", chosen.len(), all.len()));
    }
    expect_none(failures);
    aloud(&format!("errors of the system: {} ({} s)", counts.join(", "), start.elapsed().as_secs()));
}
