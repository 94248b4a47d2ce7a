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
