//! `idse sync list`.

use clap::Args;
use idse_core::Result;
use idse_core::remote::{ProjectFilter, ProjectSummary};
use serde_json::json;

use crate::app::App;
use crate::args::RemoteArg;
use crate::exit::Exit;
use crate::page::Page;
use crate::words::list;

/// List the projects that the agency holds, the one written last first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync list
  idse sync list --remote sqlite:team.db --json")]
pub(crate) struct List {
    #[command(flatten)]
    remote: RemoteArg,
}

pub(crate) fn run(app: &App, args: &List) -> Result<Exit> {
    let settings = app.settings(&app.root()?, None)?;
    let remote = app.connect(&app.address(&settings, args.remote.url.as_deref())?)?;
    let projects = remote.projects(&ProjectFilter::All, &app.context)?;
    let answer = json!({ "remote": remote.info(), "projects": projects });
    app.output.answer("remote-projects", &answer, |page| table(page, &projects))?;
    Ok(Exit::DONE)
}

fn table(page: &mut Page, projects: &[ProjectSummary]) {
    if projects.is_empty() {
        return page.line("The agency holds no projects");
    }
    let rows: Vec<[String; 4]> = projects.iter().map(row).collect();
    page.table(["Project", "Project ID", "Sessions", "Last synced"], &rows);
}

fn row(project: &ProjectSummary) -> [String; 4] {
    let sessions: Vec<&str> =
        project.sessions.iter().map(|s| s.session.as_ref().map_or("(unnamed)", |id| id.as_str())).collect();
    let time = project.updated_at.clone().unwrap_or_else(|| "-".to_owned());
    [project.name.clone(), project.project_id.to_string(), list(sessions), time]
}
