//! The table: what was measured, against what, and whether the bound holds.

use std::fmt;
use std::time::Duration;

/// The rows so far.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<[String; 5]>,
    missed: bool,
}

impl Table {
    /// Adds a time that may be at most `bound` times another one.
    pub(crate) fn ratio(&mut self, what: &str, ours: Duration, other: (&str, Duration), bound: f64) {
        let ratio = ours.as_secs_f64() / other.1.as_secs_f64();
        let against = format!("{}: {}", other.0, shown(other.1));
        self.row(what, shown(ours), against, format!("{ratio:.2}"), bound, ratio <= bound, "x");
    }

    /// Adds a time beside another one, without a bound.
    pub(crate) fn compared(&mut self, what: &str, ours: Duration, other: (&str, Duration)) {
        let ratio = format!("{:.2}", ours.as_secs_f64() / other.1.as_secs_f64());
        let against = format!("{}: {}", other.0, shown(other.1));
        self.rows.push([what.to_owned(), shown(ours), against, ratio, "-".into()]);
    }

    /// Adds a rate that has to be at least `bound` times another one.
    pub(crate) fn rate(&mut self, what: &str, ours: f64, other: (&str, f64), bound: f64) {
        let ratio = ours / other.1;
        let holds = ratio >= bound;
        self.missed |= !holds;
        let verdict = format!("at least {bound} x: {}", said(holds));
        self.rows.push([what.to_owned(), per_second(ours), against(other), format!("{ratio:.2}"), verdict]);
    }

    /// Adds a rate beside another one, without a bound.
    pub(crate) fn rates(&mut self, what: &str, ours: f64, other: (&str, f64)) {
        let ratio = format!("{:.2}", ours / other.1);
        self.rows.push([what.to_owned(), per_second(ours), against(other), ratio, "-".into()]);
    }

    /// Adds a number that may be at most `bound`.
    pub(crate) fn limit(&mut self, what: &str, value: f64, bound: f64, unit: &str) {
        self.row(what, format!("{value:.1} {unit}"), "-".into(), "-".into(), bound, value <= bound, unit);
    }

    /// Adds what has no bound.
    pub(crate) fn plain(&mut self, what: &str, value: String) {
        self.rows.push([what.to_owned(), value, "-".into(), "-".into(), "-".into()]);
    }

    /// Adds a claim that holds or does not.
    pub(crate) fn claim(&mut self, what: &str, holds: bool) {
        self.missed |= !holds;
        let verdict = said(holds);
        self.rows.push([what.to_owned(), verdict.into(), "-".into(), "-".into(), verdict.into()]);
    }

    /// Tells whether a bound does not hold.
    pub(crate) fn has_missed(&self) -> bool {
        self.missed
    }

    #[expect(clippy::too_many_arguments, reason = "the cells of one row")]
    fn row(
        &mut self,
        what: &str,
        ours: String,
        other: String,
        ratio: String,
        bound: f64,
        holds: bool,
        unit: &str,
    ) {
        self.missed |= !holds;
        self.rows.push([
            what.to_owned(),
            ours,
            other,
            ratio,
            format!("at most {bound} {unit}: {}", said(holds)),
        ]);
    }
}

fn said(holds: bool) -> &'static str {
    if holds { "PASS" } else { "FAIL" }
}

fn per_second(rate: f64) -> String {
    format!("{rate:.0}/s")
}

fn against((what, rate): (&str, f64)) -> String {
    format!("{what}: {}", per_second(rate))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["what", "idse", "against", "ratio", "bound"].map(str::to_owned);
        let rule = [(); 5].map(|()| "---".to_owned());
        for row in [&head, &rule].into_iter().chain(&self.rows) {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}

/// Returns a time with three digits.
pub(crate) fn shown(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1e3;
    match millis {
        1000.0.. => format!("{:.2} s", millis / 1e3),
        1.0.. => format!("{millis:.1} ms"),
        _ => format!("{millis:.3} ms"),
    }
}

/// Returns the machine's facts in one line.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model =
        cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, m)| m);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load: Vec<_> = load.split(' ').take(3).collect();
    format!("{}, {cores} cores, Linux {}, load {}", model.unwrap_or("?"), kernel.trim(), load.join(" "))
}
