//! Programs that live as long as the test program: who finds them, who starts them, who ends them.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// What to say where a program is missing.
const MISSING: &str = "run `tests/tools`, which installs what the tests against real servers need";

/// Finds a program of PostgreSQL: where Debian keeps them, the newest first, else in PATH.
pub(super) fn postgres_program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort_by_key(|folder| folder.to_string_lossy().len());
    versions.reverse();
    let mut folders = versions.into_iter().chain(std::env::split_paths(&path));
    match folders.find(|folder| folder.join(name).exists()) {
        Some(folder) => folder.join(name),
        None => panic!("{name} is missing: {MISSING}"),
    }
}

/// Finds PostgREST: `POSTGREST`, else where `tests/tools` puts it.
pub(super) fn postgrest_program() -> PathBuf {
    if let Some(given) = std::env::var_os("POSTGREST") {
        return given.into();
    }
    // target/<profile>/deps/<test>, or target/<profile>/<program>.
    let own = std::env::current_exe().unwrap();
    let beside =
        own.ancestors().map(|folder| folder.join("tools/postgrest")).find(|program| program.exists());
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/postgrest");
    match beside.or_else(|| repository.exists().then_some(repository)) {
        Some(program) => program,
        None => panic!("PostgREST is missing: {MISSING}"),
    }
}

/// Returns a command for a program that refuses root: as root, it runs as another user.
pub(super) fn unprivileged(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let user = if is_user("postgres") { "postgres" } else { "nobody" };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", &group_of(user), "--clear-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    // The owner of /proc/self is the effective user; elsewhere nobody runs tests as root.
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn is_user(name: &str) -> bool {
    Command::new("id").arg("-u").arg(name).output().is_ok_and(|output| output.status.success())
}

fn group_of(user: &str) -> String {
    let output = Command::new("id").arg("-g").arg(user).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Ends the programs and removes the folder when the test program ends, however it ends.
///
/// It is a shell that reads a pipe. Only the test program holds the other end, so the kernel closes it also after
/// `kill -9`; a process group of its own keeps it out of reach of an interrupt from the terminal.
pub(super) struct Watchdog {
    words: ChildStdin,
    log: PathBuf,
}

/// Each line that it reads is what to send at the end: a signal and a process.
const WATCH: &str = r#"
while read -r signal pid; do list="$list $signal:$pid"; done
for entry in $list; do kill -s "${entry%%:*}" "${entry#*:}"; done 2>/dev/null
for entry in $list; do
  tries=0
  while kill -0 "${entry#*:}" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || kill -s KILL "${entry#*:}"
    sleep 0.05
  done
done 2>/dev/null
rm -rf "$1"
"#;

impl Watchdog {
    /// Starts it for a folder.
    pub(super) fn new(folder: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCH, "watchdog"]).arg(folder).current_dir("/").process_group(0);
        let mut child =
            shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let words = child.stdin.take().unwrap();
        // It outlives this program: nobody can wait for it.
        std::mem::forget(child);
        Self { words, log: folder.join("log") }
    }

    /// Starts a server that ends with this program, by this signal.
    pub(super) fn start(&mut self, mut command: Command, signal: &str) -> Child {
        let log = File::options().append(true).create(true).open(&self.log).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        let child = command.spawn().unwrap();
        writeln!(self.words, "{signal} {}", child.id()).unwrap();
        child
    }

    /// Waits until a server is ready; tells whether it is, or ended, or takes too long.
    pub(super) fn wait(&self, server: &mut Child, mut ready: impl FnMut() -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(30);
        while server.try_wait().unwrap().is_none() && Instant::now() < end {
            if ready() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Returns what the servers wrote.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}
