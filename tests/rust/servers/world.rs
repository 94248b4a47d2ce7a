//! What the tests of this program share: clients of the agency, and rows to work on.

use std::path::PathBuf;
use std::time::Duration;

use idse_core::config::Limits;
use idse_core::remote::{
    Credentials, Fetched, PushItem, PushRequest, Remote, RemoteSession, Secret, SupabaseOptions,
    SupabaseRemote, Target,
};
use idse_core::sync::{self, PullOptions, PushOptions, Resolution, ResolveOptions, SyncReport};
use idse_core::{Context, Digest, ProjectId, Result, SessionKey, Stage, Workspace};
use idse_tests::proxy::Proxy;
use idse_tests::stack::{Layout, Stack, quoted};
use tempfile::TempDir;
use uuid::Uuid;

/// The session of every row here.
pub(crate) const SESSION: &str = "s1";

/// Returns the agency behind a proxy, with the secret key.
pub(crate) fn agency(proxy: &Proxy) -> SupabaseRemote {
    agency_as(proxy, Credentials::key(Secret::new(Stack::shared().keys().secret())))
}

/// Returns the agency behind a proxy, for somebody who has signed in.
pub(crate) fn agency_of(proxy: &Proxy, user: &str) -> SupabaseRemote {
    let keys = Stack::shared().keys();
    let (key, token) = (Secret::new(keys.publishable()), Secret::new(keys.user(user)));
    agency_as(proxy, Credentials::new(Some(key), Some(token)))
}

/// Returns the agency behind a proxy, with these credentials.
pub(crate) fn agency_as(proxy: &Proxy, credentials: Credentials) -> SupabaseRemote {
    SupabaseRemote::new(&proxy.url(), credentials, &SupabaseOptions::default()).unwrap()
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) layout: Layout,
    pub(crate) id: Uuid,
}

impl Row {
    /// Inserts one, with a text in `spec` and in `plan`, that belongs to `tester` where rows belong to somebody.
    pub(crate) fn new(layout: Layout, text: &str) -> Self {
        let row = Self { layout, id: Uuid::new_v4() };
        let owner = if layout == Layout::Secured { ("owner, ", "'tester', ") } else { ("", "") };
        let (table, id, text) = (layout.table(), row.id, quoted(text));
        let state = format!(r#"{{"session_id": "{SESSION}"}}"#);
        Stack::shared().sql(&format!(
            "insert into {table} ({}id, name, spec_md, plan_md, state_json) \
             values ({}'{id}', 'p-{id}', {text}, {text}, '{state}')",
            owner.0, owner.1
        ));
        row
    }

    /// Returns what is to be addressed.
    pub(crate) fn target(self) -> Target {
        Target { project_id: self.project_id(), session: SESSION.parse().unwrap() }
    }

    pub(crate) fn project_id(self) -> ProjectId {
        self.id.to_string().parse().unwrap()
    }

    /// Reads a column as the owner of the database.
    pub(crate) fn column(self, column: &str) -> String {
        Stack::shared().sql(&format!("select {column} from {} where id = '{}'", self.layout.table(), self.id))
    }

    /// Changes the row by hand; `set` is SQL.
    pub(crate) fn edit(self, set: &str) {
        Stack::shared().sql(&self.edit_sql(set));
    }

    /// Returns the statement that changes the row.
    pub(crate) fn edit_sql(self, set: &str) -> String {
        format!("update {} set {set} where id = '{}'", self.layout.table(), self.id)
    }
}

/// Reads a session that is there.
pub(crate) fn session(remote: &dyn Remote, row: Row, context: &Context) -> Result<RemoteSession> {
    match remote.fetch(&row.target(), None, context)? {
        Fetched::Session(session) => Ok(*session),
        other => panic!("a session is expected, not {other:?}"),
    }
}

/// Returns a push of one text over another, at what was read.
pub(crate) fn one_text(row: Row, read: &RemoteSession, stage: Stage, text: &str) -> PushRequest {
    let expected = read.texts[&stage].text().map(Digest::of);
    PushRequest {
        target: row.target(),
        op: Uuid::new_v4().to_string().parse().unwrap(),
        revision: Some(read.revision.clone()),
        items: vec![PushItem { stage, text: Some(text.to_owned()), expected }],
        state: None,
        create: None,
    }
}

/// A workspace that has a row's project, and its way to the agency.
pub(crate) struct Client {
    folder: TempDir,
    workspace: Workspace,
    key: SessionKey,
    pub(crate) remote: SupabaseRemote,
}

impl Client {
    /// Clones the project of a row into a folder in memory, where there is one: these tests are about the other side.
    pub(crate) fn clone_of(row: Row, remote: SupabaseRemote) -> Self {
        let memory = PathBuf::from("/dev/shm");
        let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("idse-servers-").tempdir_in(place).unwrap();
        let context = Context::default();
        sync::clone(folder.path(), &remote, &row.id.to_string(), None, &context).unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let project = format!("p-{}", row.id).parse().unwrap();
        Self { folder, workspace, key: SessionKey { project, session: SESSION.parse().unwrap() }, remote }
    }

    fn path(&self, stage: Stage) -> PathBuf {
        let session = format!(".idse/projects/{}/sessions/{SESSION}", self.key.project);
        self.folder.path().join(session).join(stage.path())
    }

    pub(crate) fn write(&self, stage: Stage, text: impl AsRef<[u8]>) {
        let path = self.path(stage);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, stage: Stage) -> Vec<u8> {
        std::fs::read(self.path(stage)).unwrap_or_default()
    }

    pub(crate) fn push(&self) -> Result<SyncReport> {
        sync::push(&self.workspace, &self.key, &self.remote, &PushOptions::default(), &context())
    }

    pub(crate) fn pull(&self) -> Result<SyncReport> {
        sync::pull(&self.workspace, &self.key, &self.remote, &PullOptions::default(), &context())
    }

    pub(crate) fn resolve(&self, stage: Stage, resolution: Resolution) {
        let options = ResolveOptions { stage, resolution, dry_run: false };
        sync::resolve(&self.workspace, &self.key, &self.remote.info(), &options, &context()).unwrap();
    }

    /// Tells whether any text that the engine keeps contains this.
    pub(crate) fn keeps(&self, text: &str) -> bool {
        walk(self.folder.path()).iter().any(|file| {
            std::fs::read(file)
                .is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
        })
    }
}

pub(crate) fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(walk(&entry.path())),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files
}

/// Returns a context whose verbs end.
pub(crate) fn context() -> Context {
    Context { deadline: Some(Duration::from_secs(60)), ..Context::default() }
}

/// Returns the agency behind a proxy for somebody who waits for two seconds.
pub(crate) fn impatient(proxy: &Proxy) -> SupabaseRemote {
    let limits = Limits { connect_seconds: 2, request_seconds: 2, ..Limits::default() };
    let credentials = Credentials::key(Secret::new(Stack::shared().keys().secret()));
    let options = SupabaseOptions { limits, ..SupabaseOptions::default() };
    SupabaseRemote::new(&proxy.url(), credentials, &options).unwrap()
}
