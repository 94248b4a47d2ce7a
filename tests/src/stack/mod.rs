//! PostgreSQL and PostgREST, started once for a test program: an agency in every shape that it has in the field.
//! What stands before them, and spoils what it is told to, is `proxy`.

mod keys;
mod process;
mod psql;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock};

pub use keys::Keys;
pub use psql::{Psql, quoted};

use crate::proxy::Proxy;
use process::Watchdog;

/// A shape of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The documented one: no `framework`, no `implementation_md`, no trigger.
    Documented,
    /// The deployed one: both columns, unique names, a trigger that sets `updated_at`.
    Deployed,
    /// The deployed one with `meta_md`, which the second generation of clients sends.
    Extended,
    /// The documented one with row-level security: everybody's own rows, and to read those that are `shared`.
    Secured,
    /// The documented one with rights on columns, which hide `xmin`.
    Granted,
    /// A view over the documented one: there is no `xmin`.
    Viewed,
    /// The documented one, for tests that look at all rows.
    Listed,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Documented,
        Self::Deployed,
        Self::Extended,
        Self::Secured,
        Self::Granted,
        Self::Viewed,
        Self::Listed,
    ];

    /// Returns the schema.
    pub fn schema(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Deployed => "deployed",
            Self::Extended => "extended",
            Self::Secured => "secured",
            Self::Granted => "granted",
            Self::Viewed => "viewed",
            Self::Listed => "listed",
        }
    }

    /// Returns the table as SQL names it.
    pub fn table(self) -> String {
        format!("{}.projects", self.schema())
    }
}

/// The servers of this test program.
pub struct Stack {
    folder: PathBuf,
    rest: SocketAddr,
    console: Mutex<Psql>,
    /// Held for its end: when this program ends, so do the servers.
    _watchdog: Mutex<Watchdog>,
}

impl Stack {
    /// Returns the servers, started by the first who asks; fails, naming what to run, where a program is missing.
    pub fn shared() -> &'static Self {
        static STACK: OnceLock<Option<Stack>> = OnceLock::new();
        // A second test need not wait for what has failed for the first.
        let mut failed = None;
        let stack = STACK.get_or_init(|| match std::panic::catch_unwind(Self::start) {
            Ok(stack) => Some(stack),
            Err(panic) => {
                failed = Some(panic);
                None
            }
        });
        if let Some(panic) = failed {
            std::panic::resume_unwind(panic);
        }
        stack.as_ref().expect("the servers start; the first test that needed them says why they do not")
    }

    /// Opens a Supabase project whose table has this shape: the gateway before PostgREST, which counts and spoils.
    pub fn supabase(&self, layout: Layout) -> Proxy {
        Proxy::supabase(self.rest, layout.schema())
    }

    /// Returns where PostgREST itself listens; without a profile header it answers for [`Layout::Documented`].
    pub fn postgrest(&self) -> SocketAddr {
        self.rest
    }

    /// Returns the folder that all of it lies in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the keys of the project.
    pub fn keys(&self) -> Keys {
        Keys
    }

    /// Opens a console of one's own, for somebody who edits beside the tests.
    pub fn console(&self) -> Psql {
        Psql::open(&self.folder)
    }

    /// Runs SQL as the owner of the database and returns the rows, columns between `|`.
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        self.shared_console().run(statements)
    }

    fn shared_console(&self) -> MutexGuard<'_, Psql> {
        // A test that failed in the middle of a statement has closed it: whoever comes next needs a new one.
        self.console.lock().unwrap_or_else(|poisoned| {
            let mut console = poisoned.into_inner();
            *console = Psql::open(&self.folder);
            self.console.clear_poison();
            console
        })
    }

    fn start() -> Self {
        // Not in the build folder: another user must reach it, and the path of a socket ends at 107 bytes.
        let folder = tempfile::Builder::new().prefix("idse-stack-").tempdir_in("/tmp").unwrap().keep();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
        let mut watchdog = Watchdog::new(&folder);
        start_postgres(&folder, &mut watchdog);
        let mut console = Psql::open(&folder);
        console.run(include_str!("schema.sql"));
        let rest = start_postgrest(&folder, &mut watchdog);
        Self { folder, rest, console: Mutex::new(console), _watchdog: Mutex::new(watchdog) }
    }
}

fn start_postgres(folder: &Path, watchdog: &mut Watchdog) {
    let data = folder.join("data");
    let output = process::unprivileged(&process::postgres_program("initdb"))
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"])
        .arg(&data)
        .current_dir("/")
        .output()
        .unwrap();
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
    let mut command = process::unprivileged(&process::postgres_program("postgres"));
    command.arg("-D").arg(&data).arg("-k").arg(folder).current_dir("/");
    // A socket in the folder is all that it listens on. Its data need not outlive a power cut.
    for setting in [
        "listen_addresses=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "shared_buffers=64MB",
        "max_connections=60",
        "log_min_messages=fatal",
        "log_min_error_statement=panic",
    ] {
        command.args(["-c", setting]);
    }
    let mut server = watchdog.start(command, "QUIT");
    let started = watchdog.wait(&mut server, || {
        let mut ask = process::unprivileged(&process::postgres_program("psql"));
        ask.args(["-X", "-U", "postgres", "-d", "postgres", "-c", "select 1", "-h"])
            .arg(folder)
            .current_dir("/");
        folder.join(".s.PGSQL.5432").exists() && ask.output().is_ok_and(|output| output.status.success())
    });
    assert!(started, "PostgreSQL does not start:\n{}", watchdog.log());
}

fn start_postgrest(folder: &Path, watchdog: &mut Watchdog) -> SocketAddr {
    let schemas: Vec<&str> = Layout::ALL.iter().map(|layout| layout.schema()).collect();
    // Found free and then bound by another program: somebody may come between.
    for _ in 0..5 {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(process::postgrest_program());
        command
            .env_clear()
            .env("PGRST_DB_URI", format!("postgres://authenticator@/postgres?host={}", folder.display()))
            .env("PGRST_DB_SCHEMAS", schemas.join(","))
            .env("PGRST_DB_ANON_ROLE", "anon")
            .env("PGRST_DB_POOL", "16")
            .env("PGRST_DB_MAX_ROWS", "1000")
            .env("PGRST_DB_CHANNEL_ENABLED", "false")
            .env("PGRST_JWT_SECRET", keys::SECRET)
            .env("PGRST_LOG_LEVEL", "crit")
            .env("PGRST_SERVER_HOST", "127.0.0.1")
            .env("PGRST_SERVER_PORT", address.port().to_string());
        let mut server = watchdog.start(command, "KILL");
        if watchdog.wait(&mut server, || answers(address)) {
            return address;
        }
    }
    panic!("PostgREST does not start:\n{}", watchdog.log());
}

/// Asks for a row: PostgREST listens before it knows its tables.
fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"GET /projects?limit=1 HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.split(' ').nth(1) == Some("200"))
}
