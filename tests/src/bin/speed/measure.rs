//! Running programs by the clock: alternately, so that what else the machine does hits all alike.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A program with its arguments, run in a folder with nothing of the machine's environment but its path.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) folder: PathBuf,
    /// Home and agency.
    pub(crate) home: PathBuf,
    /// Further variables.
    pub(crate) env: Vec<(String, String)>,
}

impl Program {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .args(&self.args)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.home)
            .env("XDG_DATA_HOME", self.home.join("data"))
            .env("XDG_CONFIG_HOME", self.home.join("config"))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            // Some programs stop early where their output goes nowhere.
            .stdout(File::create(self.home.join("stdout")).unwrap())
            .stderr(File::create(self.home.join("stderr")).unwrap());
        command
    }

    /// Runs it and returns how long it took and what it printed. It has to end with one of the codes.
    pub(crate) fn run(&self, codes: &[i32]) -> (Duration, String) {
        let mut command = self.command();
        let start = Instant::now();
        let status = command.status().unwrap();
        let took = start.elapsed();
        let printed =
            |name| String::from_utf8_lossy(&std::fs::read(self.home.join(name)).unwrap()).into_owned();
        assert!(
            status.code().is_some_and(|code| codes.contains(&code)),
            "{:?} {:?}: {status}\n{}",
            self.program,
            self.args,
            printed("stderr")
        );
        (took, printed("stdout"))
    }

    /// Runs it and returns the most memory that it held, in KiB, as the kernel noted it; looked up every millisecond.
    pub(crate) fn peak(&self) -> Option<u64> {
        let mut child = self.command().spawn().unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = None;
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(high_water(Path::new(&status)));
            std::thread::sleep(Duration::from_millis(1));
        }
        peak
    }
}

fn high_water(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Runs programs in turn, `rounds` times after one round that does not count, and returns the median of each.
pub(crate) fn medians(rounds: usize, programs: &[&Program], codes: &[i32]) -> Vec<Duration> {
    let mut times = vec![Vec::new(); programs.len()];
    for round in 0..=rounds {
        for (program, times) in programs.iter().zip(&mut times) {
            let (took, _) = program.run(codes);
            if round > 0 {
                times.push(took);
            }
        }
    }
    times.into_iter().map(median).collect()
}

/// Returns the middle of several times.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
