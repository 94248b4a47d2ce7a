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

    /// Runs it under GNU time and returns what the kernel counted; `None` where that is not installed.
    ///
    /// Looking at `/proc` now and then would miss what a process takes just before its end.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let time = Path::new("/usr/bin/time");
        if !time.is_file() {
            return None;
        }
        let note = self.home.join("usage");
        let own = ["-q", "-o", note.to_str()?, "-f", "%M %U %S", self.program.to_str()?];
        let args = own.iter().map(|arg| (*arg).to_owned()).chain(self.args.clone()).collect();
        Self { program: time.to_owned(), args, ..self.clone() }.run(&[0, 1]);
        let text = std::fs::read_to_string(note).unwrap();
        let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
        Some(Usage { peak_mib: numbers[0] / 1024.0, cpu_seconds: numbers[1] + numbers[2] })
    }
}

/// What the kernel counted of one run.
#[derive(Clone, Copy)]
pub(crate) struct Usage {
    /// The most memory that it held.
    pub(crate) peak_mib: f64,
    /// Of all threads, in the program and in the kernel; other programs hardly disturb it.
    pub(crate) cpu_seconds: f64,
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

/// Returns a time in milliseconds.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub(crate) fn f64_of(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// Returns the middle of several times.
pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
