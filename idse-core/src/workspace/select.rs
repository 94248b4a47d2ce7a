//! Which project and which session are meant, and which there are.

use std::collections::BTreeMap;
use std::path::Path;

use super::json::{self, ObjectFile};
use super::pointer::Pointer;
use super::{Listing, Workspace, project_path, session_path};
use crate::error::{Error, Result};
use crate::fs::{self, EntryKind};
use crate::name::{ProjectName, SessionId, SessionKey, did_you_mean, objection};
use crate::session::{FileRole, SessionMetadata, SessionSummary, SessionType};

const PROJECTS: &str = ".idse/projects";
/// No `.owner` file is that long.
const OWNER_LIMIT: u64 = 1 << 20;

impl Workspace {
    /// Lists the projects.
    ///
    /// # Errors
    /// `Io`.
    pub fn projects(&self) -> Result<Listing<ProjectName>> {
        let listing = self.names(PROJECTS, "project")?;
        Ok(Listing { found: parsed(listing.found), skipped: listing.skipped })
    }

    /// Decides which project is meant: `selected`, else the one `start` is inside, else `CURRENT_PROJECT`, else the only one.
    ///
    /// # Errors
    /// `NotFound` with the nearest name; `InvalidArgument` where several are possible.
    pub fn project(&self, selected: Option<&str>, start: &Path) -> Result<ProjectName> {
        if let Some(selected) = selected {
            return self.named_project(selected, "");
        }
        let inside = fs::resolved(start);
        let inside = inside.strip_prefix(self.root().join(".idse").join("projects")).ok();
        if let Some(name) = inside.and_then(|path| path.iter().next()).and_then(|name| name.to_str()) {
            return self.named_project(name, "");
        }
        if let Some(name) = self.current_project()? {
            return self.named_project(&name, ", which .idse/projects/CURRENT_PROJECT names");
        }
        let projects = self.projects()?.found;
        match projects.as_slice() {
            [] => Err(Error::not_found(format!("{} holds no project", self.root().display()))
                .with_reason("project")
                .with_hint("Make one with `idse init NAME`.")),
            [only] => Ok(only.clone()),
            _ => Err(Error::argument("several projects are here, and none was named")
                .with_reason("project")
                .with_hint(format!("Name one with --project: {}.", joined(&projects)))),
        }
    }

    fn named_project(&self, name: &str, origin: &str) -> Result<ProjectName> {
        let project: ProjectName = name.parse()?;
        if self.has_project(&project) {
            return Ok(project);
        }
        let projects = self.projects()?.found;
        let hint = absent_hint(name, &projects, "projects", "Make it with `idse init NAME`.");
        Err(Error::not_found(format!("there is no project `{name}`{origin}"))
            .with_reason("project")
            .with_hint(hint)
            .with("project", name))
    }

    /// Decides which session is meant: `selected`, else the current one, else the only one.
    ///
    /// # Errors
    /// `NotFound` with the nearest name; `InvalidArgument` where several are possible.
    pub fn session(&self, project: &ProjectName, selected: Option<&str>) -> Result<SessionKey> {
        let key = |session| SessionKey { project: project.clone(), session };
        if let Some(selected) = selected {
            let key = key(selected.parse()?);
            return self.expect_session(&key).map(|()| key);
        }
        let pointer = self.pointer(project)?;
        if let Pointer::Names(session) = pointer {
            let key = key(session);
            self.expect_session(&key).map_err(|error| {
                Error::not_found(format!(
                    "the current session `{}` of project `{project}` does not exist",
                    key.session
                ))
                .with_reason("session")
                .with_hint(format!(
                    "{} `idse session switch ID` makes one the current one.",
                    error.hint().unwrap_or_default()
                ))
                .with("session", key.session.as_str())
            })?;
            return Ok(key);
        }
        let sessions = self.session_names(project)?.found;
        match sessions.as_slice() {
            [] => Err(Error::not_found(format!("project `{project}` has no session"))
                .with_reason("session")
                .with_hint(format!("Make one with `idse init {project}`."))
                .with("project", project.as_str())),
            [only] => Ok(key(only.clone())),
            _ => {
                let why = match pointer {
                    Pointer::Broken(problem) => problem.message,
                    _ => format!("project `{project}` has no current session"),
                };
                Err(Error::argument(why).with_reason("session").with_hint(format!(
                    "Name one with --session, or make it the current one with `idse session switch ID`: {}.",
                    joined(&sessions)
                )))
            }
        }
    }

    /// Lists the sessions of a project, the newest first.
    ///
    /// # Errors
    /// `Io`.
    pub fn sessions(&self, project: &ProjectName) -> Result<Listing<SessionSummary>> {
        let names = self.session_names(project)?;
        let current = self.current_session(project)?;
        let mut skipped = names.skipped;
        let mut found = Vec::with_capacity(names.found.len());
        for session in names.found {
            let is_current = current.as_ref() == Some(&session);
            found.push(self.summary(project, session, is_current, &mut skipped)?);
        }
        // `None` is less than any text, and the texts of one form sort as the times that they tell.
        found.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.session.cmp(&b.session)));
        Ok(Listing { found, skipped })
    }

    fn summary(
        &self,
        project: &ProjectName,
        session: SessionId,
        current: bool,
        skipped: &mut Vec<String>,
    ) -> Result<SessionSummary> {
        let path = session_path(&SessionKey { project: project.clone(), session: session.clone() });
        let file = json::read(&self.dir, &format!("{path}/metadata/session.json"), FileRole::Metadata)?;
        let by_name = if session.is_blueprint() { SessionType::Blueprint } else { SessionType::Feature };
        let (metadata, legacy) = match file {
            ObjectFile::Object(raw) => (SessionMetadata::new(raw), false),
            ObjectFile::Absent => (SessionMetadata::default(), true),
            ObjectFile::Broken(problem) => {
                skipped.push(problem.message);
                (SessionMetadata::default(), false)
            }
        };
        let owner = self.owner_file(&format!("{path}/metadata/.owner"))?;
        let blueprint = || SessionId::BLUEPRINT.parse().ok().filter(|_| legacy && !session.is_blueprint());
        Ok(SessionSummary {
            session_type: metadata.session_type().unwrap_or(by_name),
            parent: metadata.parent().or_else(blueprint),
            status: metadata.text("status").unwrap_or("draft").to_owned(),
            created_at: metadata.text("created_at").map(str::to_owned).or(owner.created),
            owner: metadata.text("owner").map(str::to_owned).or(owner.owner),
            current,
            legacy,
            session,
        })
    }

    fn owner_file(&self, path: &str) -> Result<OwnerFile> {
        let bytes = match self.dir.read(path, OWNER_LIMIT)? {
            fs::Found::Bytes(bytes) => bytes,
            fs::Found::Absent | fs::Found::Blocked(_) => return Ok(OwnerFile::default()),
        };
        Ok(OwnerFile::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// Lists the names of the sessions of a project.
    pub(super) fn session_names(&self, project: &ProjectName) -> Result<Listing<SessionId>> {
        let listing = self.names(&format!("{}/sessions", project_path(project)), "session")?;
        Ok(Listing { found: parsed(listing.found), skipped: listing.skipped })
    }

    pub(super) fn has_project(&self, project: &ProjectName) -> bool {
        self.dir.kind(&project_path(project)) == Some(EntryKind::Folder)
    }

    pub(crate) fn has_session(&self, key: &SessionKey) -> bool {
        self.has_project(&key.project) && self.dir.kind(&session_path(key)) == Some(EntryKind::Folder)
    }

    /// Returns `NotFound` with the nearest name where there is no such session.
    pub(crate) fn expect_session(&self, key: &SessionKey) -> Result<()> {
        if self.has_session(key) {
            return Ok(());
        }
        if !self.has_project(&key.project) {
            return self.named_project(key.project.as_str(), "").map(|_| ());
        }
        let sessions = self.session_names(&key.project)?.found;
        let hint = absent_hint(
            key.session.as_str(),
            &sessions,
            "sessions",
            "Make it with `idse session create ID`.",
        );
        Err(Error::not_found(format!("project `{}` has no session `{}`", key.project, key.session))
            .with_reason("session")
            .with_hint(hint)
            .with("project", key.project.as_str())
            .with("session", key.session.as_str()))
    }

    /// Lists the folders with allowed names, and says why the others are skipped.
    fn names(&self, path: &str, what: &str) -> Result<Listing<String>> {
        let mut listing = Listing { found: Vec::new(), skipped: Vec::new() };
        let mut by_case: BTreeMap<String, String> = BTreeMap::new();
        for entry in self.dir.list(path)? {
            let shown = format!("{path}/{}", entry.shown.escape_debug());
            let why = match (entry.kind, &entry.name) {
                (EntryKind::File, Some(name)) if name.starts_with('.') || name == "CURRENT_PROJECT" => {
                    continue;
                }
                (EntryKind::File | EntryKind::Other, _) => "it is not a folder",
                (EntryKind::Symlink, _) => "it is a symbolic link, which is never followed",
                (EntryKind::Folder, None) => "its name is not UTF-8",
                (EntryKind::Folder, Some(name)) => match objection(name) {
                    Some(why) => why,
                    None => {
                        if let Some(twin) = by_case.insert(name.to_ascii_lowercase(), name.clone()) {
                            listing.skipped.push(format!(
                                "{shown} and `{twin}` differ only by case and are one {what} on Windows and macOS"
                            ));
                        }
                        listing.found.push(name.clone());
                        continue;
                    }
                },
            };
            listing.skipped.push(format!("{shown} is skipped: {why}"));
        }
        Ok(listing)
    }
}

/// What an `.owner` file says, as far as it is not free text.
#[derive(Default)]
struct OwnerFile {
    created: Option<String>,
    owner: Option<String>,
}

impl OwnerFile {
    fn parse(text: &str) -> Self {
        let field = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.trim().strip_prefix(name));
            values.next().map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
        };
        Self { created: field("Created:"), owner: field("Owner:").or_else(|| field("Client ID:")) }
    }
}

fn parsed<T: std::str::FromStr>(names: Vec<String>) -> Vec<T> {
    names.iter().filter_map(|name| name.parse().ok()).collect()
}

fn joined<T: std::fmt::Display>(names: &[T]) -> String {
    names.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

fn absent_hint<T: std::fmt::Display>(name: &str, names: &[T], what: &str, make: &str) -> String {
    let names: Vec<_> = names.iter().map(T::to_string).collect();
    match did_you_mean(name, names.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean `{near}`?"),
        None if names.is_empty() => make.to_owned(),
        None => format!("The {what} are {}.", names.join(", ")),
    }
}
