//! A session from its check to a settled conflict: `story WORKSPACE ELSEWHERE AGENCY`, with AGENCY as `sqlite:PATH`.

use std::path::Path;

use idse_core::config::Settings;
use idse_core::sync::{self, PullOptions, PushOptions, Resolution, ResolveOptions};
use idse_core::{Context, Result, SessionKey, Severity, Stage, Workspace};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, here, there, agency] = arguments.as_slice() else {
        eprintln!("usage: story WORKSPACE ELSEWHERE AGENCY");
        std::process::exit(2)
    };
    tell(Path::new(here), Path::new(there), agency, &Context::of_process())
}

/// Tells the story; the agency is the file that `agency` names.
pub(crate) fn tell(here: &Path, there: &Path, agency: &str, context: &Context) -> Result<()> {
    let here = Workspace::open(here)?;
    let project = here.project(None, here.root())?;
    let key = here.session(&project, None)?;
    let report = here.validate(&key, &[Stage::Intent, Stage::Spec], context)?;
    println!("errors: {}", report.count(Severity::Error));

    let address =
        Settings::load(here.root(), Some(&project), context)?.remote_address(Some(agency), context)?;
    let remote = address.value.open(context)?;
    let push = |workspace: &Workspace, key: &SessionKey| {
        sync::push(workspace, key, remote.as_ref(), &PushOptions::default(), context)
    };
    println!("push: {:?}", push(&here, &key)?.outcome);
    let pull = |workspace: &Workspace, key: &SessionKey| {
        sync::pull(workspace, key, remote.as_ref(), &PullOptions::default(), context)
    };
    let clone = sync::clone(there, remote.as_ref(), project.as_str(), None, context)?;
    println!("clone: {}", clone.project);
    let there = Workspace::open(there)?;

    here.write(&key, Stage::Intent, "# Intent\n\nInvoices on paper.\n", None, context)?;
    println!("push: {:?}", push(&here, &key)?.outcome);
    there.write(&key, Stage::Intent, "# Intent\n\nInvoices on screen.\n", None, context)?;
    println!("pull elsewhere: {:?}", pull(&there, &key)?.outcome);

    let text = "# Intent\n\nInvoices on paper, and on screen.\n";
    let options =
        ResolveOptions { stage: Stage::Intent, resolution: Resolution::Text(text.into()), dry_run: false };
    let resolved = sync::resolve(&there, &key, &remote.info(), &options, context)?;
    println!("resolve: {}", resolved.resolution);
    println!("push elsewhere: {:?}", push(&there, &key)?.outcome);
    println!("pull: {:?}", pull(&here, &key)?.outcome);
    assert_eq!(here.load(&key, context)?.artifact(Stage::Intent).text(), Some(text));
    Ok(())
}
