//! The table of verbs, in the order in which a person meets them.

use super::{Argument, Verb, sync, validation, workspace};

const fn common(name: &'static str, form: &'static str, meaning: &'static str) -> Argument {
    Argument { name, form, required: false, meaning }
}

const START: Argument =
    common("start", "path", "The folder to start from: the current one, unless it is given.");
const ROOT: Argument =
    common("root", "path", "The workspace: the nearest one upwards of `start`, unless it is given.");
const PROJECT: Argument = common(
    "project",
    "project name",
    "The project: the one that `start` is inside, the current one or the only one, unless it is given.",
);
const SESSION: Argument = common(
    "session",
    "session name",
    "The session: the project's current one or only one, unless it is given.",
);
const REMOTE: Argument = common(
    "remote",
    "address",
    "The agency, as `sqlite:PATH` or `https://…`: the configured one, unless it is given.",
);

const NOWHERE: &[Argument] = &[];
const FOLDER: &[Argument] = &[START, ROOT];
const IN_PROJECT: &[Argument] = &[START, ROOT, PROJECT];
const IN_SESSION: &[Argument] = &[START, ROOT, PROJECT, SESSION];
const SESSION_AND_AGENCY: &[Argument] = &[START, ROOT, PROJECT, SESSION, REMOTE];
const PROJECT_AND_AGENCY: &[Argument] = &[START, ROOT, PROJECT, REMOTE];
const FOLDER_AND_AGENCY: &[Argument] = &[START, ROOT, REMOTE];
const CLONED: &[Argument] = &[START, ROOT, SESSION, REMOTE];

const fn local(
    name: &'static str,
    summary: &'static str,
    documents: &'static [&'static str],
    common: &'static [Argument],
    own: &'static [Argument],
    run: fn(&super::Call<'_>) -> crate::error::Result<serde_json::Value>,
) -> Verb {
    Verb { name, connecting: false, connects_with: None, summary, documents, common, own, run }
}

const fn connecting(verb: Verb) -> Verb {
    Verb { connecting: true, ..verb }
}

const fn connects_with(argument: &'static str, verb: Verb) -> Verb {
    Verb { connects_with: Some(argument), ..verb }
}

/// Every verb of the engine.
pub const VERBS: &[Verb] = &[
    local(
        "init",
        "Makes a project with its first session, and the workspace where there is none.",
        &["init-report"],
        FOLDER,
        workspace::Init::ARGUMENTS,
        workspace::init,
    ),
    local(
        "open",
        "Opens the workspace in a folder.",
        &["workspace"],
        &[START, Argument { required: true, meaning: "The workspace; relative to `start`.", ..ROOT }],
        &[],
        workspace::open,
    ),
    local(
        "discover",
        "Finds the workspace that a folder lies in.",
        &["workspace"],
        &[START],
        &[],
        workspace::open,
    ),
    local("projects", "Lists the projects of a workspace.", &["projects"], FOLDER, &[], workspace::projects),
    local(
        "sessions",
        "Lists the sessions of a project.",
        &["sessions"],
        IN_PROJECT,
        &[],
        workspace::sessions,
    ),
    local(
        "create_session",
        "Makes a session with its artifacts, and makes it the current one.",
        &["init-report"],
        IN_PROJECT,
        workspace::CreateSession::ARGUMENTS,
        workspace::create_session,
    ),
    local(
        "switch_session",
        "Makes a session the current one.",
        &["session-switch"],
        IN_PROJECT,
        workspace::SwitchSession::ARGUMENTS,
        workspace::switch_session,
    ),
    local(
        "load",
        "Reads a session: its artifacts, its state and what is wrong with its files.",
        &["session"],
        IN_SESSION,
        &[],
        workspace::load,
    ),
    local(
        "write",
        "Writes an artifact; what it displaces is kept.",
        &["write-report"],
        IN_SESSION,
        workspace::Write::ARGUMENTS,
        workspace::write,
    ),
    local(
        "set_stage",
        "Sets the status of a stage.",
        &["stage-change"],
        IN_SESSION,
        workspace::SetStage::ARGUMENTS,
        workspace::set_stage,
    ),
    local(
        "validate",
        "Checks the artifacts of a session.",
        &["validation-report"],
        IN_SESSION,
        validation::Validate::ARGUMENTS,
        validation::validate,
    ),
    local(
        "validate_text",
        "Checks a text as the artifact of a stage, before it is saved.",
        &["validation-report"],
        IN_SESSION,
        validation::ValidateText::ARGUMENTS,
        validation::validate_text,
    ),
    local(
        "fix",
        "Mends the findings that can be mended for certain; what a file held is kept.",
        &["fix-report"],
        IN_SESSION,
        validation::Fix::ARGUMENTS,
        validation::fix,
    ),
    connects_with(
        "remote_check",
        local(
            "status",
            "Says how far the stages are, and what push and pull would do.",
            &["status", "statuses"],
            SESSION_AND_AGENCY,
            sync::Status::ARGUMENTS,
            sync::status,
        ),
    ),
    connects_with(
        "against",
        local(
            "diff",
            "Shows what differs from what both sides agreed on, or from what the agency holds.",
            &["diff-report"],
            SESSION_AND_AGENCY,
            sync::Diff::ARGUMENTS,
            sync::diff,
        ),
    ),
    local(
        "plan",
        "Says stage by stage what a push or a pull would do, from what was last seen of the agency.",
        &["plan"],
        SESSION_AND_AGENCY,
        sync::Plan::ARGUMENTS,
        sync::plan,
    ),
    local(
        "resolve",
        "Settles a conflict; what the file held is kept.",
        &["resolve-report"],
        SESSION_AND_AGENCY,
        sync::Resolve::ARGUMENTS,
        sync::resolve,
    ),
    local(
        "undo",
        "Takes back the last pull, resolve or push.",
        &["undo-report"],
        FOLDER,
        sync::Undo::ARGUMENTS,
        sync::undo,
    ),
    local(
        "merge_text",
        "Merges what two sides made of a text.",
        &["merge"],
        NOWHERE,
        validation::MergeText::ARGUMENTS,
        validation::merge_text,
    ),
    local(
        "explain",
        "Explains a rule, or lists them all.",
        &["rule", "rules"],
        NOWHERE,
        validation::Explain::ARGUMENTS,
        validation::explain,
    ),
    connects_with(
        "remote_check",
        local(
            "doctor",
            "Examines the workspace and says how to mend what is wrong.",
            &["doctor-report"],
            PROJECT_AND_AGENCY,
            workspace::Doctor::ARGUMENTS,
            workspace::doctor,
        ),
    ),
    local(
        "trust",
        "Trusts the origin of an agency that a workspace names, or lists what is trusted.",
        &["trust", "trusted"],
        NOWHERE,
        workspace::Trust::ARGUMENTS,
        workspace::trust,
    ),
    local(
        "version",
        "Says which version of the engine this is.",
        &["version"],
        NOWHERE,
        &[],
        workspace::version,
    ),
    connecting(local(
        "push",
        "Sends what changed here to the agency.",
        &["sync-report", "sync-reports"],
        SESSION_AND_AGENCY,
        sync::Push::ARGUMENTS,
        sync::push,
    )),
    connecting(local(
        "pull",
        "Writes what changed in the agency into the files here.",
        &["sync-report", "sync-reports"],
        SESSION_AND_AGENCY,
        sync::Pull::ARGUMENTS,
        sync::pull,
    )),
    connecting(local(
        "clone",
        "Brings a project of the agency into a workspace, and makes the workspace where there is none.",
        &["clone-report"],
        CLONED,
        sync::Named::ARGUMENTS,
        sync::clone,
    )),
    connecting(local(
        "link",
        "Ties the project here to one that the agency already has.",
        &["link-report"],
        PROJECT_AND_AGENCY,
        sync::Named::ARGUMENTS,
        sync::link,
    )),
    connecting(local(
        "sync_status",
        "Says what the agency holds of a project.",
        &["remote-status"],
        SESSION_AND_AGENCY,
        &[],
        sync::sync_status,
    )),
    connecting(local(
        "list_remote",
        "Lists the projects that the agency holds.",
        &["remote-projects"],
        FOLDER_AND_AGENCY,
        &[],
        sync::list_remote,
    )),
    connecting(local(
        "health",
        "Asks the agency whether it is well.",
        &["health"],
        PROJECT_AND_AGENCY,
        &[],
        sync::health,
    )),
    connecting(local(
        "settle",
        "Finds out what became of a push whose reply was lost.",
        &["settle-report"],
        SESSION_AND_AGENCY,
        &[],
        sync::settle,
    )),
];
