//! Many writers on one row: what was acknowledged is what is there.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use idse_core::remote::{Guard, PushOutcome, Remote};
use idse_core::{ErrorKind, Stage};
use idse_tests::proxy::When;
use idse_tests::stack::{Layout, Stack};
use idse_tests::{Seeded, volume};

use crate::world::{self, Row, one_text, session};

const WRITERS: usize = 16;

/// Adds one to the number in a stage; tells how often others came between.
fn increment(remote: &dyn Remote, row: Row, stage: Stage, random: &mut Seeded) -> usize {
    for attempt in 0.. {
        let context = world::context();
        if attempt > 0 {
            // As clients do: who was overtaken steps back a little.
            let pause = u64::try_from(random.below(10 << attempt.min(3))).unwrap();
            std::thread::sleep(Duration::from_millis(pause));
        }
        let read = session(remote, row, &context).unwrap();
        let number: usize = read.texts[&stage].text().unwrap().trim().parse().unwrap();
        match remote.push(&one_text(row, &read, stage, &format!("{}\n", number + 1)), &context) {
            Ok(PushOutcome::Written { .. }) => return attempt,
            Ok(PushOutcome::Differs { .. }) => {}
            Ok(PushOutcome::Missing) => panic!("the row is there"),
            // It has tried often enough for one push, and wrote nothing.
            Err(error) if error.kind() == ErrorKind::Unavailable => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    unreachable!("the loop returns")
}

/// Lets writers race over two stages of a row, each so often, with somebody at a database console beside them who
/// counts too: with SQL of their own (`touch` is what it sets beside the text), in both stages.
fn race(layout: Layout, each: usize, guard: Guard, touch: &str) {
    let stack = Stack::shared();
    let row = Row::new(layout, "0\n");
    let proxy = stack.supabase(layout);
    let (over, by_hand, retries) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (proxy, retries) = (&proxy, &retries);
                scope.spawn(move || {
                    let remote = match layout {
                        Layout::Secured => world::agency_of(proxy, "tester"),
                        _ => world::agency(proxy),
                    };
                    let stage = if writer % 2 == 0 { Stage::Spec } else { Stage::Plan };
                    let mut random = Seeded::new(writer as u64);
                    for _ in 0..each {
                        let misses = increment(&remote, row, stage, &mut random);
                        retries.fetch_add(misses, Ordering::Relaxed);
                    }
                    assert_eq!(remote.info().guard, guard);
                })
            })
            .collect();
        let mut console = stack.console();
        let (over, by_hand) = (&over, &by_hand);
        let hand = scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                for column in ["spec_md", "plan_md"] {
                    let count =
                        format!("{column} = (trim({column}, E'\\n')::int + 1)::text || E'\\n'{touch}");
                    console.run(&row.edit_sql(&count));
                    by_hand.fetch_add(1, Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        over.store(true, Ordering::Relaxed);
        hand.join().unwrap();
        ended.into_iter().for_each(|ended| ended.unwrap());
    });
    let count = |column: &str| row.column(column).trim().parse::<usize>().unwrap();
    let (found, by_hand) = (count("spec_md") + count("plan_md"), by_hand.into_inner());
    let acknowledged = WRITERS * each + by_hand;
    println!(
        "{layout:?}, {guard:?}: {acknowledged} acknowledged ({by_hand} by hand), {found} found, {} misses, {} requests",
        retries.into_inner(),
        proxy.count()
    );
    assert_eq!(found, acknowledged, "{layout:?}");
    assert!(by_hand > 0, "the hand editor was there");
}

#[test]
fn the_version_of_the_row_guards_against_everybody() {
    race(Layout::Documented, volume(100), Guard::RowVersion, "");
}

#[test]
fn the_time_stamp_guards_against_all_who_set_it() {
    race(Layout::Viewed, volume(100), Guard::UpdatedAt, ", updated_at = clock_timestamp()");
}

#[test]
fn so_it_is_in_the_other_schemas() {
    for (layout, guard, touch) in [
        (Layout::Deployed, Guard::RowVersion, ""),
        (Layout::Secured, Guard::RowVersion, ""),
        (Layout::Granted, Guard::UpdatedAt, ", updated_at = clock_timestamp()"),
    ] {
        race(layout, volume(20), guard, touch);
    }
}

/// What the weaker guard does not promise, so that nobody has to believe it: an edit by hand that leaves the time
/// stamp alone, between the last look and the write, is overwritten. The stronger guard sees it.
#[test]
fn the_window_of_the_weaker_guard() {
    for (layout, survives) in [(Layout::Documented, true), (Layout::Viewed, false)] {
        let row = Row::new(layout, "old\n");
        let proxy = Stack::shared().supabase(layout);
        let remote = world::agency(&proxy);
        let context = world::context();
        let read = session(&remote, row, &context).unwrap();
        // The moment between the last look and the write: when the write is on its way.
        proxy.before_it(When::NextWrite, move |_| row.edit("spec_md = 'by hand'"));
        let seen = remote.push(&one_text(row, &read, Stage::Spec, "new\n"), &context).unwrap();
        let kept = row.column("spec_md") == "by hand";
        assert_eq!((matches!(seen, PushOutcome::Differs { .. }), kept), (survives, survives), "{layout:?}");
        // Where the time stamp moves, as with a trigger, the weaker guard sees it too.
        let read = session(&remote, row, &context).unwrap();
        let edit = "spec_md = 'again by hand', updated_at = clock_timestamp()";
        proxy.before_it(When::NextWrite, move |_| row.edit(edit));
        let seen = remote.push(&one_text(row, &read, Stage::Spec, "newer\n"), &context).unwrap();
        assert!(matches!(seen, PushOutcome::Differs { .. }), "{layout:?}: {seen:?}");
        assert_eq!(row.column("spec_md"), "again by hand", "{layout:?}");
    }
}
