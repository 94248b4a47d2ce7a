//! A folder of its own with a home, workspaces and an agency.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

use idse_core::Stage;
use tempfile::TempDir;

use crate::run::Run;

/// The session of [`Sandbox::with_project`].
const SESSION: &str = "s1";

/// A workspace in a temporary folder, and the program run in it with nothing of the machine's environment.
///
/// Sandboxes made with [`Sandbox::beside`] share the home and with it the embedded agency.
#[derive(Debug, Clone)]
pub struct Sandbox {
    dir: Arc<TempDir>,
    root: PathBuf,
    env: Vec<(String, String)>,
}

impl Sandbox {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// Makes an empty one in a folder, for tests that care what file system it lies on.
    pub fn within(folder: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("idse-").tempdir_in(folder).unwrap();
        for folder in ["home", "alice"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        // macOS reaches its temporary folder through a link, and the program shows where it really is.
        let root = dir.path().canonicalize().unwrap().join("alice");
        Self { dir: Arc::new(dir), root, env: Vec::new() }
    }

    /// Makes one with the project `portal` and its session `s1`.
    pub fn with_project() -> Self {
        let sandbox = Self::new();
        drop(sandbox.idse(&["init", "portal", "--session", SESSION]).success());
        sandbox
    }

    /// Makes another workspace of the same user, with the same embedded agency.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        let root = self.top().join(name);
        std::fs::create_dir_all(&root).unwrap();
        Self { root, ..self.clone() }
    }

    /// Sets a variable for every run.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Returns the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the home folder.
    pub fn home(&self) -> PathBuf {
        self.top().join("home")
    }

    /// Returns the file of the embedded agency.
    pub fn agency(&self) -> PathBuf {
        self.home().join("data/idse/agency.db")
    }

    fn top(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    /// Returns the path of an artifact of `portal/s1` relative to the workspace.
    pub fn artifact(&self, stage: Stage) -> String {
        format!(".idse/projects/portal/sessions/{SESSION}/{}", stage.path())
    }

    /// Writes a file of the workspace, with its folders.
    pub fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Writes the artifact of a stage of `portal/s1`.
    pub fn write_stage(&self, stage: Stage, text: &str) {
        self.write(&self.artifact(stage), text);
    }

    /// Reads a file of the workspace.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        match std::fs::read_to_string(self.root.join(path)) {
            Ok(text) => text,
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// Reads the artifact of a stage of `portal/s1`.
    #[track_caller]
    pub fn read_stage(&self, stage: Stage) -> String {
        self.read(&self.artifact(stage))
    }

    /// Returns the program with arguments, in the workspace, with an environment of its own and no standard input.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(idse_program());
        let home = self.home();
        command
            .args(args)
            .current_dir(&self.root)
            .env_clear()
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("PATH", "/usr/bin:/bin")
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the program in the workspace.
    pub fn idse<S: AsRef<OsStr>>(&self, args: &[S]) -> Run {
        self.run(self.command(args))
    }

    /// Runs a command that [`Sandbox::command`] began.
    pub fn run(&self, mut command: Command) -> Run {
        self.answer(&command.output().unwrap())
    }

    /// Runs the program with a text on its standard input.
    pub fn idse_with_input<S: AsRef<OsStr>>(&self, args: &[S], input: &str) -> Run {
        use std::io::Write as _;
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that does not read its input closes it, which is its right.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        self.answer(&child.wait_with_output().unwrap())
    }

    /// Takes the output of a process as an answer.
    pub fn answer(&self, output: &std::process::Output) -> Run {
        let shown = |path: PathBuf| path.display().to_string();
        let places = [
            (shown(self.root.clone()), "[ROOT]"),
            (shown(self.home()), "[HOME]"),
            (shown(self.top()), "[TOP]"),
        ];
        Run::new(output, &places)
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the `idse` program: `IDSE_PROGRAM`, else the one of this build, which is brought up to date first.
pub fn idse_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("IDSE_PROGRAM") {
        Some(program) => program.into(),
        None => built("idse-cli", "idse"),
    })
}

/// Builds a program with the profile of this test and returns its path.
pub fn built(package: &str, program: &str) -> PathBuf {
    // target/<profile>/deps/<test>
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(Path::parent).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--package", package, "--bin", program]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    if profile.file_name() == Some(OsStr::new("release")) {
        command.arg("--release");
    }
    assert!(command.status().unwrap().success(), "cannot build {program}");
    profile.join(program).with_extension(std::env::consts::EXE_EXTENSION)
}
