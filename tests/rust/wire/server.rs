//! The gateway that the cases are replayed against.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A gateway; one that was started here ends with the value.
pub(crate) struct Server {
    address: String,
    token: Option<String>,
    reader: Option<String>,
    running: Option<(Child, TempDir)>,
    /// What stands before the database, where the gateway has one.
    #[cfg(unix)]
    _project: Option<idse_tests::proxy::Proxy>,
}

/// What the gateway keeps its rows in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    /// A file: every session of a project.
    Sqlite,
    /// PostgREST before PostgreSQL: one session of a project.
    #[cfg(unix)]
    Supabase,
}

impl Server {
    /// Returns the one at an address.
    pub(crate) fn at(url: &str) -> Self {
        let address = url.trim_start_matches("http://").split('/').next().unwrap_or_default().to_owned();
        Self {
            address,
            token: None,
            reader: None,
            running: None,
            #[cfg(unix)]
            _project: None,
        }
    }

    /// Returns ours in a role; `None` where there is none here.
    pub(crate) fn ours(role: &str) -> Option<Self> {
        Self::over(Store::Sqlite, role)
    }

    /// Returns ours in a role over a store. One that runs already has the store that it has.
    pub(crate) fn over(store: Store, role: &str) -> Option<Self> {
        if let Some(url) = variable("IDSE_GATEWAY_URL") {
            let mut server = Self::at(&url);
            server.token = variable("IDSE_GATEWAY_TOKEN");
            return (role == "open" && store == Store::Sqlite).then_some(server);
        }
        Some(Self::start(&program()?, store, role))
    }

    fn start(program: &Path, store: Store, role: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.env_clear().env("HOME", folder.path()).env("PATH", "/usr/bin:/bin");
        command.args(["--listen", "127.0.0.1:0", "--store"]);
        #[cfg(unix)]
        let mut project = None;
        match store {
            Store::Sqlite => {
                command.arg(format!("sqlite:{}", folder.path().join("agency.db").display()));
            }
            #[cfg(unix)]
            Store::Supabase => {
                let stack = idse_tests::stack::Stack::shared();
                let proxy = stack.supabase(idse_tests::stack::Layout::Deployed);
                command.arg("supabase").env("SUPABASE_URL", proxy.url());
                command.env("SUPABASE_SECRET_KEY", stack.keys().secret());
                project = Some(proxy);
            }
        }
        let (mut token, mut reader) = (None, None);
        match role {
            "token" => {
                let file = folder.path().join("tokens");
                let (all, read) =
                    (make_token(program, "all", "read,write"), make_token(program, "reader", "read"));
                std::fs::write(&file, format!("{}\n{}\n", all.1, read.1)).unwrap();
                command.arg("--tokens").arg(&file);
                (token, reader) = (Some(all.0), Some(read.0));
            }
            "require-base" => drop(command.arg("--require-base")),
            _ => {}
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let address = listening(&mut child);
        Self {
            address,
            token,
            reader,
            running: Some((child, folder)),
            #[cfg(unix)]
            _project: project,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn variables(&self) -> Option<(String, Value)> {
        self.reader.as_ref().map(|token| ("token-read".to_owned(), json!(token)))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.running {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the program, brought up to date; `None` where this workspace has none.
fn program() -> Option<PathBuf> {
    if let Some(program) = variable("IDSE_GATEWAY_PROGRAM") {
        return Some(program.into());
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bindings/gateway/Cargo.toml");
    package.exists().then(|| idse_tests::built("idse-gateway", "idse-gateway"))
}

/// Makes a token; returns it and its line for the file.
fn make_token(program: &Path, name: &str, scope: &str) -> (String, String) {
    let output = Command::new(program).args(["token", name, "--scope", scope]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let line = text(output.stderr).lines().last().unwrap_or_default().to_owned();
    (text(output.stdout).trim().to_owned(), line)
}

/// Waits until it says where it listens, and goes on reading what it says.
fn listening(child: &mut Child) -> String {
    let (sender, receiver) = channel();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let found = line.split("127.0.0.1:").nth(1).filter(|_| line.contains("listening"));
            let port: Option<String> =
                found.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect());
            if let Some(port) = port.filter(|port| !port.is_empty()) {
                drop(sender.send(format!("127.0.0.1:{port}")));
            }
        }
    });
    receiver.recv_timeout(Duration::from_secs(30)).expect("the gateway says where it listens")
}
