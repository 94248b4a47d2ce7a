//! `idse session`.

use clap::{Args, Subcommand};
use idse_core::{ProjectName, Result, SessionId, SessionKey, SessionSummary, SessionType};
use serde_json::json;

use crate::app::App;
use crate::commands::init;
use crate::exit::Exit;
use crate::page::Page;

/// Make, choose and list sessions
#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// Make a session with its artifacts, and make it the current one
    #[command(after_help = "\
Examples:
  idse session create checkout
  idse session create checkout-2 --parent checkout")]
    Create(Create),
    /// Make a session the current one
    #[command(after_help = "\
Examples:
  idse session switch checkout
  idse --project billing session switch checkout")]
    Switch(Switch),
    /// List the sessions of a project, the newest first
    #[command(after_help = "\
Examples:
  idse session list
  idse --project billing session list --json")]
    List,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The name of the session
    id: String,
    /// The session that it continues
    #[arg(long, value_name = "S")]
    parent: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Switch {
    /// The name of the session
    id: String,
}

pub(crate) fn run(app: &App, command: Session) -> Result<Exit> {
    match command {
        Session::Create(args) => create(app, &args),
        Session::Switch(args) => switch(app, &args),
        Session::List => list(app),
    }
}

fn create(app: &App, args: &Create) -> Result<Exit> {
    let workspace = app.workspace()?;
    let key = SessionKey { project: app.project(&workspace)?, session: args.id.parse()? };
    let parent: Option<SessionId> = args.parent.as_deref().map(str::parse).transpose()?;
    let report = workspace.create_session(&key, parent.as_ref(), &app.context)?;
    app.output.report("init-report", &report, |page| {
        page.good(format_args!(
            "Made session {} of {}; it is the current one",
            report.session, report.project
        ));
        init::files(page, &report);
    })?;
    Ok(Exit::DONE)
}

fn switch(app: &App, args: &Switch) -> Result<Exit> {
    let workspace = app.workspace()?;
    let project = app.project(&workspace)?;
    let key = workspace.session(&project, Some(&args.id))?;
    workspace.switch_session(&key, &app.context)?;
    app.output.report("session-switch", &key, |page| {
        page.good(format_args!("Session {} is the current one of {}", key.session, key.project));
    })?;
    Ok(Exit::DONE)
}

fn list(app: &App) -> Result<Exit> {
    let workspace = app.workspace()?;
    let project = app.project(&workspace)?;
    let sessions = workspace.sessions(&project)?;
    let answer = json!({ "project": project, "sessions": sessions.found, "skipped": sessions.skipped });
    app.output.answer("sessions", &answer, |page| table(page, &project, &sessions.found))?;
    for skipped in &sessions.skipped {
        app.output.warning(skipped);
    }
    Ok(Exit::DONE)
}

fn table(page: &mut Page, project: &ProjectName, sessions: &[SessionSummary]) {
    if sessions.is_empty() {
        page.line(format_args!("{project} has no sessions"));
        return page.hint("make one with `idse session create ID`");
    }
    let rows: Vec<[String; 5]> = sessions.iter().map(row).collect();
    page.table(["Session", "Type", "Status", "Created", "Parent"], &rows);
}

fn row(session: &SessionSummary) -> [String; 5] {
    let kind = match session.session_type {
        SessionType::Blueprint => "blueprint",
        SessionType::Feature => "feature",
        SessionType::Exploratory => "exploratory",
    };
    let mark = if session.current { "* " } else { "  " };
    [
        format!("{mark}{}", session.session),
        kind.to_owned(),
        session.status.clone(),
        session.created_at.clone().unwrap_or_else(|| "-".to_owned()),
        session.parent.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
    ]
}
