//! `idse trust`.

use clap::Args;
use idse_core::{Result, trust};
use serde_json::json;

use crate::app::App;
use crate::exit::Exit;

/// Trust an agency's origin that a workspace names
///
/// Nothing is sent to an origin that only a file of a workspace names until you say so. The answer is kept for
/// your user, not in the workspace.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse trust https://mcp.idse-agent.io
  idse trust")]
pub(crate) struct Trust {
    /// The address; all of its origin (scheme, host and port) is trusted. Without it, lists what is trusted
    url: Option<String>,
}

pub(crate) fn run(app: &App, args: &Trust) -> Result<Exit> {
    match &args.url {
        Some(url) => {
            let (origin, added) = trust::add(url, &app.context)?;
            let answer = json!({ "origin": origin, "added": added });
            app.output.report("trust", &answer, |page| {
                page.good(format_args!("{origin} is trusted{}", if added { "" } else { " already" }));
            })?;
        }
        None => {
            let origins = trust::list(&app.context)?;
            app.output.answer("trusted", &json!({ "origins": origins }), |page| {
                if origins.is_empty() {
                    page.line("No origin is trusted yet");
                }
                for origin in &origins {
                    page.line(origin);
                }
            })?;
        }
    }
    Ok(Exit::DONE)
}
