//! Push and pull with the embedded agency: what one session costs must not depend on how many there are.

use std::path::Path;
use std::time::Duration;

use idse_tests::Tree;

use crate::Setting;
use crate::table::Table;
use crate::tree::remake;

const COUNTS: [usize; 3] = [50, 200, 800];
/// What one of many sessions may cost, in costs of one of few: room for noise, none for growth with their number.
const GROWTH: f64 = 1.5;

pub(crate) fn measure(setting: &Setting, table: &mut Table) {
    let costs = COUNTS.map(|count| Costs::of(setting, count));
    for (at, what) in Costs::NAMES.iter().enumerate() {
        let cost = |n: usize| costs[n].0[at].div_f64(COUNTS[n] as f64);
        for (n, count) in COUNTS.iter().enumerate() {
            let rate = 1.0 / cost(n).as_secs_f64();
            table.plain(&format!("{what}, {count} sessions"), format!("{rate:.0} sessions/s"));
        }
        table.ratio(&format!("{what}: one of 800"), cost(2), ("one of 50", cost(0)), GROWTH);
    }
}

/// What several rounds with all sessions took.
struct Costs([Duration; 4]);

impl Costs {
    const NAMES: [&str; 4] =
        ["first push", "first pull, equal texts", "push of one edit", "pull of one edit"];

    fn of(setting: &Setting, sessions: usize) -> Self {
        let folder = setting.folder.join("sync");
        remake(&folder);
        remake(&setting.folder.join("home"));
        let roots = ["alice", "bob"].map(|name| folder.join(name));
        for root in &roots {
            Tree { seed: 9, projects: 1, sessions }.write(root);
        }
        let [alice, bob] = &roots;
        let run = |root: &Path, verb: &str| setting.idse(root, &["sync", verb, "--all"]).run(&[0]).0;
        let first = [run(alice, "push"), run(bob, "pull")];
        for number in 0..sessions {
            let name = format!(".idse/projects/project-00/sessions/session-{number:05}/plans/plan.md");
            let text = std::fs::read_to_string(alice.join(&name)).unwrap();
            std::fs::write(alice.join(&name), format!("{text}\nAn edit.\n")).unwrap();
        }
        Self([first[0], first[1], run(alice, "push"), run(bob, "pull")])
    }
}
