//! Validation from disk: many sessions at once, the baseline, and the fixes that are certain.
//!
//! What is wrong with a text is decided by `rules`, which sees no disk; here it is only brought to them and back.

use std::collections::BTreeMap;

use crate::artifact::Content;
use crate::cache::Cache;
use crate::config::Settings;
use crate::context::Context;
use crate::diagnostic::{Diagnostic, ValidationReport};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::Found as File;
use crate::name::{ProjectName, SessionKey};
use crate::parallel::in_parallel;
use crate::rules::{self, BASELINE_PATH, Baseline};
use crate::stage::Stage;
use crate::text::ObjectId;
use crate::workspace::{Workspace, changed};

/// A baseline of a million findings fits.
const BASELINE_LIMIT: u64 = 256 << 20;

/// A file that `fix` changed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FixedFile {
    /// The file, relative to the workspace.
    pub path: String,
    /// How many findings were mended.
    pub fixes: usize,
}

/// A file with its certain fixes applied.
struct Mended {
    file: FixedFile,
    key: SessionKey,
    stage: Stage,
    before: ObjectId,
    text: String,
}

fn mended(report: &ValidationReport) -> Vec<Mended> {
    let mut files: BTreeMap<&str, Vec<&Diagnostic>> = BTreeMap::new();
    for diagnostic in report.diagnostics.iter().filter(|diagnostic| diagnostic.fix.is_some()) {
        files.entry(&diagnostic.path).or_default().push(diagnostic);
    }
    let of_file = |(path, diagnostics): (&str, Vec<&Diagnostic>)| {
        let (key, stage) = artifact_of(&diagnostics)?;
        let before = report.sources.get(path)?;
        let diagnostics: Vec<Diagnostic> = diagnostics.into_iter().cloned().collect();
        let (text, fixes) = rules::apply_fixes(before, &diagnostics);
        let before = ObjectId::of(before.as_bytes());
        (fixes > 0).then(|| Mended {
            file: FixedFile { path: path.to_owned(), fixes },
            key,
            stage,
            before,
            text,
        })
    };
    files.into_iter().filter_map(of_file).collect()
}

impl Workspace {
    /// Validates a session from disk; `stages` empty means all.
    ///
    /// # Errors
    /// `NotFound`, `InvalidConfig`, `Cancelled`; findings are no errors.
    pub fn validate(
        &self,
        key: &SessionKey,
        stages: &[Stage],
        context: &Context,
    ) -> Result<ValidationReport> {
        self.validate_all(std::slice::from_ref(key), stages, context)
    }

    /// Validates sessions from disk, several at a time; the report does not depend on how many.
    ///
    /// # Errors
    /// As for [`Workspace::validate`]; the error of the first session that has one.
    pub fn validate_all(
        &self,
        keys: &[SessionKey],
        stages: &[Stage],
        context: &Context,
    ) -> Result<ValidationReport> {
        let baseline = self.baseline()?;
        // What is kept are whole answers.
        let kept: Vec<_> = if stages.is_empty() { keys.iter().collect() } else { Vec::new() };
        let cache = Cache::open(self, "findings", &kept, context);
        let mut report = self.findings(keys, stages, &cache, context)?;
        cache.save();
        baseline.apply(&mut report);
        Ok(report)
    }

    /// Takes out of a report what the workspace's baseline has adopted.
    pub(crate) fn apply_baseline(&self, mut report: ValidationReport) -> Result<ValidationReport> {
        self.baseline()?.apply(&mut report);
        Ok(report)
    }

    /// Adopts today's findings of sessions: they are held back from now on, and what was adopted of other sessions
    /// stays so while it is still found. Returns how many findings the baseline holds.
    ///
    /// # Errors
    /// As for [`Workspace::validate`], and `Io` and `Locked`.
    pub fn update_baseline(&self, keys: &[SessionKey], context: &Context) -> Result<u64> {
        let _lock = self.lock(context)?;
        let before = match self.baseline() {
            Err(error) if error.kind() == ErrorKind::InvalidConfig => Baseline::default(),
            other => other?,
        };
        // What is written rests on what the files hold now.
        let mut adopted = self.findings(keys, &[], &Cache::none(self), context)?;
        let others: Vec<_> =
            self.every_session()?.keys.into_iter().filter(|key| !keys.contains(key)).collect();
        let found = self.findings(&others, &[], &Cache::none(self), context)?;
        let mut rest = found.clone();
        before.apply(&mut rest);
        adopted.merge(without(found, &rest.diagnostics));
        let baseline = Baseline::of(&adopted);
        self.dir().replace(BASELINE_PATH, baseline.render().as_bytes())?;
        Ok(baseline.len())
    }

    /// Mends the findings of a report that can be mended for certain. What a file held before is kept.
    ///
    /// # Errors
    /// `Exists` (`changed`) where a file changed since it was validated; it is left as it is. `Io`, `Locked`.
    pub fn fix(&self, report: &ValidationReport, context: &Context) -> Result<Vec<FixedFile>> {
        let mut fixed = Vec::new();
        for mended in mended(report) {
            context.check()?;
            self.expect_found(&mended, report, context)?;
            self.write(&mended.key, mended.stage, &mended.text, Some(Some(mended.before)), context)?;
            fixed.push(mended.file);
        }
        Ok(fixed)
    }

    /// Makes sure that what a report says of a text is so: it may have come from a cache, and something is written.
    fn expect_found(&self, mended: &Mended, report: &ValidationReport, context: &Context) -> Result<()> {
        let path = &mended.file.path;
        let keys = std::slice::from_ref(&mended.key);
        let now = self.findings(keys, &[mended.stage], &Cache::none(self), context)?;
        let mut to_mend = report.diagnostics.iter().filter(|d| d.path == *path && d.fix.is_some());
        if to_mend.all(|diagnostic| now.diagnostics.contains(diagnostic)) {
            Ok(())
        } else {
            Err(changed(path))
        }
    }

    /// Says what [`Workspace::fix`] would mend, and mends nothing.
    pub fn preview_fix(&self, report: &ValidationReport) -> Vec<FixedFile> {
        mended(report).into_iter().map(|mended| mended.file).collect()
    }

    /// Reads the adopted findings; none where there is no file.
    pub(crate) fn baseline(&self) -> Result<Baseline> {
        match self.dir().read(BASELINE_PATH, BASELINE_LIMIT)? {
            File::Absent => Ok(Baseline::default()),
            File::Bytes(bytes) => Baseline::parse(&String::from_utf8_lossy(&bytes)),
            File::Blocked(blocked) => Err(Error::new(ErrorKind::InvalidConfig, blocked.message)
                .with_reason("baseline")
                .with("path", BASELINE_PATH)),
        }
    }

    /// Returns every finding, adopted or not, in the order of the sessions' names.
    fn findings(
        &self,
        keys: &[SessionKey],
        stages: &[Stage],
        cache: &Cache<'_>,
        context: &Context,
    ) -> Result<ValidationReport> {
        let mut settings: BTreeMap<&ProjectName, Settings> = BTreeMap::new();
        for key in keys {
            if !settings.contains_key(&key.project) {
                settings.insert(&key.project, self.settings(Some(&key.project), context)?);
            }
        }
        let one = |at: usize, key: &SessionKey| {
            context.check()?;
            context.step("validating", key, at as u64, Some(keys.len() as u64));
            let Some(settings) = settings.get(&key.project) else {
                return Err(Error::internal("a project without settings"));
            };
            let limit = settings.limits.artifact_bytes;
            let found = cache.answer(
                key,
                &(&settings.validate, limit),
                |found: &mut Found| found.read_sources(self, limit),
                |workspace| {
                    let session = workspace.load_with(key, settings, context)?;
                    Ok(Found::new(rules::validate(&session, stages, &settings.validate)))
                },
            )?;
            Ok(found.report)
        };
        let mut report = ValidationReport::default();
        for part in in_parallel(keys, one) {
            report.merge(part?);
        }
        report.sort();
        Ok(report)
    }
}

/// What was found in one session, with the names of the texts that the report holds: the texts are read anew.
#[derive(serde::Serialize, serde::Deserialize)]
struct Found {
    report: ValidationReport,
    sources: Vec<String>,
}

impl Found {
    fn new(report: ValidationReport) -> Self {
        let sources = report.sources.keys().cloned().collect();
        Self { report, sources }
    }

    fn read_sources(&mut self, workspace: &Workspace, limit: u64) -> bool {
        std::mem::take(&mut self.sources).into_iter().all(|path| {
            let Ok(File::Bytes(bytes)) = workspace.dir().read(&path, limit) else { return false };
            let Content::Text(text) = Content::of_bytes(bytes, &path) else { return false };
            self.report.sources.insert(path, text);
            true
        })
    }
}

fn without(mut report: ValidationReport, rest: &[Diagnostic]) -> ValidationReport {
    report.diagnostics.retain(|diagnostic| !rest.contains(diagnostic));
    report
}

fn artifact_of(diagnostics: &[&Diagnostic]) -> Option<(SessionKey, Stage)> {
    let first = diagnostics.first()?;
    let key = SessionKey { project: first.project.clone()?, session: first.session.clone()? };
    Some((key, first.stage?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::workspace::InitRequest;

    fn fixture(sessions: usize) -> (tempfile::TempDir, Workspace, Context, Vec<SessionKey>) {
        let folder = tempfile::tempdir().unwrap();
        let context = Context::default();
        let project: ProjectName = "portal".parse().unwrap();
        let request =
            InitRequest { project: project.clone(), session: Some("s0".parse().unwrap()), stack: None };
        let (workspace, _) = Workspace::init(folder.path(), &request, &context).unwrap();
        let key =
            |n: usize| SessionKey { project: project.clone(), session: format!("s{n}").parse().unwrap() };
        let keys: Vec<_> = (0..sessions).map(key).collect();
        for key in &keys[1..] {
            workspace.create_session(key, None, &context).unwrap();
        }
        (folder, workspace, context, keys)
    }

    #[test]
    fn many_at_once_find_what_one_by_one_finds() {
        let (_folder, workspace, context, keys) = fixture(9);
        let at_once = workspace.validate_all(&keys, &[], &context).unwrap();
        let mut one_by_one = ValidationReport::default();
        for key in &keys {
            one_by_one.merge(workspace.validate(key, &[], &context).unwrap());
        }
        one_by_one.sort();
        assert_eq!(at_once, one_by_one);
        assert_eq!((at_once.sessions, at_once.artifacts), (9, 63));
    }

    #[test]
    fn a_cancel_stops_the_round() {
        let (_folder, workspace, context, keys) = fixture(3);
        context.cancel.cancel();
        let error = workspace.validate_all(&keys, &[], &context).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }

    #[test]
    fn a_fix_never_lands_on_another_text() {
        let (_folder, workspace, context, keys) = fixture(1);
        let text = "# Tasks\n\n<!-- idse-disable-next-line IDSE101 -->\n- Done\n";
        workspace.write(&keys[0], Stage::Tasks, text, None, &context).unwrap();
        let report = workspace.validate(&keys[0], &[Stage::Tasks], &context).unwrap();
        let edited = format!("{text}- and this\n");
        workspace.write(&keys[0], Stage::Tasks, &edited, None, &context).unwrap();
        let error = workspace.fix(&report, &context).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Exists, "changed"));
        let held = workspace.load(&keys[0], &context).unwrap();
        assert_eq!(held.artifact(Stage::Tasks).text(), Some(edited.as_str()));
        let report = workspace.validate(&keys[0], &[Stage::Tasks], &context).unwrap();
        assert_eq!(workspace.fix(&report, &context).unwrap()[0].fixes, 1);
        assert_eq!(workspace.fix(&ValidationReport::default(), &context).unwrap(), []);
    }

    #[test]
    fn the_baseline_of_other_sessions_stays() {
        let (_folder, workspace, context, keys) = fixture(2);
        let all = workspace.validate_all(&keys, &[], &context).unwrap().diagnostics.len() as u64;
        assert_eq!(workspace.update_baseline(&keys, &context).unwrap(), all);
        assert_eq!(workspace.update_baseline(&keys[..1], &context).unwrap(), all);
        workspace.write(&keys[1], Stage::Plan, "# Plan\n", None, &context).unwrap();
        let mended = workspace.update_baseline(&keys[..1], &context).unwrap();
        assert!(mended < all, "what is mended is forgotten");
        let report = workspace.validate(&keys[0], &[], &context).unwrap();
        assert_eq!((report.diagnostics.len(), report.baselined > 0), (0, true));
    }
}
