//! The samples are as good as what they teach.

use std::path::Path;

use idse_core::{Context, Severity, Stage, StageStatus, Workspace, template};

#[test]
fn the_sample_workspace_is_in_the_middle_of_its_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/workspace");
    let context = Context::default();
    let workspace = Workspace::open(&root).unwrap();
    let project = workspace.project(None, &root).unwrap();
    let blueprint = workspace.session(&project, Some("__blueprint__")).unwrap();
    assert_eq!(workspace.validate(&blueprint, &[], &context).unwrap().diagnostics, []);
    let current = workspace.session(&project, None).unwrap();
    let session = workspace.load(&current, &context).unwrap();
    for stage in Stage::ALL {
        let report = workspace.validate(&current, &[stage], &context).unwrap();
        let text = session.artifact(stage).text().unwrap();
        let waits = session.state.status(stage) == StageStatus::Pending;
        assert_eq!(template::is_untouched(stage, &current, text), waits, "{stage}");
        assert_eq!(report.count(Severity::Error) > 0, waits, "{stage}: {:?}", report.diagnostics);
    }
    assert_eq!(session.state.status(Stage::Spec), StageStatus::InProgress);
}

#[path = "../../examples/story.rs"]
#[expect(dead_code, clippy::print_stdout, clippy::print_stderr, reason = "it is a program of its own too")]
mod story;

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[test]
fn the_story_ends_well_in_rust() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/workspace"), &here);
    drop(std::fs::remove_dir_all(here.join(".idse/sync")));
    let agency = format!("sqlite:{}", folder.path().join("agency.db").display());
    story::tell(&here, &there, &agency, &Context::default()).unwrap();
    let text = |root: &Path| {
        let path = ".idse/projects/customer-portal/sessions/invoice-download/intents/intent.md";
        std::fs::read_to_string(root.join(path)).unwrap()
    };
    assert_eq!(
        (text(&here), text(&there)),
        (text(&there), "# Intent\n\nInvoices on paper, and on screen.\n".into())
    );
}

/// An example teaches at a glance.
#[test]
fn examples_are_short() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut stories = 0;
    for entry in std::fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|stem| stem == "story") {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines < 60, "{} has {lines} lines", path.display());
            stories += 1;
        }
    }
    assert!(stories >= 2, "{stories} stories");
}

/// What the README shows is what runs: each snippet stands in its story, line after line.
#[test]
fn the_readme_takes_its_snippets_from_the_stories() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap().replace("\r\n", "\n");
    let readme = read("README.md");
    for story in ["rs", "py", "mjs", "c"].map(|ending| format!("examples/story.{ending}")) {
        let (_, rest) = readme.split_once(&format!("[{story}]({story})")).unwrap();
        let snippet = rest.split("```").nth(1).unwrap().split_once('\n').unwrap().1;
        let (text, snippet) = (read(&story), snippet.lines().collect::<Vec<_>>());
        let lines: Vec<_> = text.lines().collect();
        let stands_at = |at: &[&str]| {
            let indent = &at[0][..at[0].len() - at[0].trim_start().len()];
            at.iter().zip(&snippet).all(|(line, shown)| line.strip_prefix(indent).unwrap_or(line) == *shown)
        };
        assert!(snippet.len() >= 5 && lines.windows(snippet.len()).any(stands_at), "{story}: {snippet:#?}");
    }
}
