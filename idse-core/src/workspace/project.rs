//! `metadata/project.json`: the identity of a project, and what it is built with.

use serde_json::{Map, Value};

use super::json::{self, ObjectFile};
use super::{ProjectFile, Workspace, file_time, project_path};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{ProjectId, ProjectName};
use crate::session::FileRole;

impl Workspace {
    /// Reads `metadata/project.json` and `P/.idse/config.json`.
    ///
    /// # Errors
    /// `InvalidWorkspace` where one of them cannot be understood.
    pub fn project_file(&self, project: &ProjectName) -> Result<ProjectFile> {
        let path = project_path(project);
        let file = self.read_project_object(&format!("{path}/metadata/project.json"))?;
        let config = self.read_project_object(&format!("{path}/.idse/config.json"))?;
        let id = text(&file, "project_uuid").map(|id| (id, "metadata/project.json", "project_uuid"));
        let legacy = || text(&config, "project_id").map(|id| (id, ".idse/config.json", "project_id"));
        let id = id.or_else(legacy);
        let project_id = match id {
            None => None,
            Some((id, file, key)) => Some(id.parse::<ProjectId>().map_err(|error| {
                let message = format!("{path}/{file}: `{key}` must be a UUID");
                Error::new(ErrorKind::InvalidWorkspace, message)
                    .with("path", format!("{path}/{file}"))
                    .with_source(error)
            })?),
        };
        Ok(ProjectFile {
            project_id,
            stack: text(&file, "stack").map(str::to_owned),
            framework: text(&file, "framework").map(str::to_owned),
        })
    }

    /// Writes `project_uuid` and `last_synced` into `metadata/project.json`, keeping all else.
    pub(crate) fn save_project_id(
        &self,
        project: &ProjectName,
        id: ProjectId,
        last_synced: Option<&str>,
        context: &Context,
    ) -> Result<()> {
        let path = format!("{}/metadata/project.json", project_path(project));
        let found = json::read(&self.dir, &path, FileRole::Metadata)?.for_writing()?;
        let mut object = found.clone().unwrap_or_else(|| new_project(project, None, context));
        object.insert("project_uuid".into(), id.to_string().into());
        if let Some(last_synced) = last_synced {
            object.insert("last_synced".into(), last_synced.into());
        }
        json::write(&self.dir, &path, found.as_ref(), &object)
    }

    fn read_project_object(&self, path: &str) -> Result<Map<String, Value>> {
        match json::read(&self.dir, path, FileRole::Metadata)? {
            ObjectFile::Absent => Ok(Map::new()),
            ObjectFile::Object(object) => Ok(object),
            ObjectFile::Broken(problem) => Err(json::refusal(&problem)),
        }
    }
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Returns `metadata/project.json` of a project that no agency knows yet.
pub(super) fn new_project(
    project: &ProjectName,
    stack: Option<&str>,
    context: &Context,
) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("project_name".into(), project.as_str().into());
    object.insert("project_uuid".into(), Value::Null);
    object.insert("stack".into(), stack.map_or(Value::Null, Value::from));
    object.insert("framework".into(), Value::Null);
    object.insert("created_at".into(), file_time(context).into());
    object
}
