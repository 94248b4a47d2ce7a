//! Which sessions "all" means, for local verbs and for those that sync.

use crate::error::Result;
use crate::name::{ProjectName, SessionKey};
use crate::remote::Sessions;
use crate::workspace::Workspace;

/// The sessions that "all" means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// In order of project and session.
    pub keys: Vec<SessionKey>,
    /// What is left out and why, as sentences.
    pub skipped: Vec<String>,
}

impl Workspace {
    /// Lists every session of every project.
    ///
    /// # Errors
    /// `Io` where a folder cannot be listed.
    pub fn every_session(&self) -> Result<Selection> {
        let projects = self.projects()?;
        let mut selection = Selection { keys: Vec::new(), skipped: projects.skipped };
        for project in projects.found {
            let sessions = self.sessions(&project)?;
            let keys = sessions
                .found
                .into_iter()
                .map(|s| SessionKey { project: project.clone(), session: s.session });
            selection.keys.extend(keys);
            selection.skipped.extend(sessions.skipped);
        }
        selection.keys.sort();
        Ok(selection)
    }

    /// Lists the sessions that can be synced: all of a project whose agency holds many, else its current one.
    /// `holds` says which it is.
    ///
    /// # Errors
    /// `Io` where a folder cannot be listed, and whatever `holds` says.
    pub fn sessions_to_sync(
        &self,
        mut holds: impl FnMut(&ProjectName) -> Result<Sessions>,
    ) -> Result<Selection> {
        let all = self.every_session()?;
        let mut selection = Selection { keys: Vec::new(), skipped: all.skipped };
        for key in all.keys {
            if holds(&key.project)? == Sessions::Many {
                selection.keys.push(key);
                continue;
            }
            match self.current_session(&key.project)? {
                Some(current) if current == key.session => selection.keys.push(key),
                Some(current) => selection.skipped.push(format!(
                    "{key} is not the current session ({current} is), and the agency holds one session of a project"
                )),
                None => selection.skipped.push(format!("{key}: the project has no current session")),
            }
        }
        Ok(selection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Context;
    use crate::error::Error;
    use crate::workspace::InitRequest;

    #[test]
    fn an_agency_that_holds_one_session_gets_the_current_one() {
        let folder = tempfile::tempdir().unwrap();
        let context = Context::default();
        for (project, session) in [("a", "one"), ("b", "one")] {
            let request = InitRequest {
                project: project.parse().unwrap(),
                session: Some(session.parse().unwrap()),
                stack: None,
            };
            Workspace::init(folder.path(), &request, &context).unwrap();
        }
        let workspace = Workspace::open(folder.path()).unwrap();
        let two = SessionKey { project: "a".parse().unwrap(), session: "two".parse().unwrap() };
        workspace.create_session(&two, None, &context).unwrap();
        let shown = |selection: Selection| {
            selection.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(workspace.every_session().unwrap()), "a/one a/two b/one");
        assert_eq!(shown(workspace.sessions_to_sync(|_| Ok(Sessions::Many)).unwrap()), "a/one a/two b/one");
        let one = workspace.sessions_to_sync(|_| Ok(Sessions::One)).unwrap();
        assert_eq!(one.skipped.len(), 1);
        assert!(one.skipped[0].starts_with("a/one is not the current session (two is)"), "{:?}", one.skipped);
        assert_eq!(shown(one), "a/two b/one");
        let failed = workspace.sessions_to_sync(|_| Err(Error::argument("no")));
        assert!(failed.is_err());
    }
}
