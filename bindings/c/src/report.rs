//! Findings as a handle: what an editor asks for at every keystroke, without JSON in between.

use std::ffi::{CString, c_char};

use idse_core::report::document;
use idse_core::verb::{Place, TextQuestion, check_text};
use idse_core::{Context, Stage, ValidationReport};

use crate::context::ContextHandle;
use crate::error::ErrorHandle;
use crate::guard::{filling, free, pointer};
use crate::status::Status;
use crate::text::{given, optional, owned, required};
use crate::workspace::WorkspaceHandle;

/// The findings of a validation. Free it with `idse_report_free`.
pub struct ReportHandle {
    report: ValidationReport,
    texts: Vec<[CString; 5]>,
}

impl ReportHandle {
    fn new(report: ValidationReport) -> Self {
        let texts = report.diagnostics.iter();
        let texts = texts.map(|found| {
            [&found.code, &found.name, &found.message, &found.help, &found.path].map(|text| owned(text))
        });
        Self { texts: texts.collect(), report }
    }
}

/// How much a finding matters in this project.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Good to know.
    Info = 1,
    /// Should be mended.
    Warning = 2,
    /// Must be mended before the stage is complete.
    Error = 3,
}

impl Severity {
    fn of(severity: idse_core::Severity) -> Self {
        match severity {
            idse_core::Severity::Info => Self::Info,
            idse_core::Severity::Warning => Self::Warning,
            idse_core::Severity::Error => Self::Error,
        }
    }
}

/// One finding. Its texts belong to the report.
#[repr(C)]
#[derive(Debug)]
pub struct Diagnostic {
    /// The permanent code, such as `IDSE101`.
    pub code: *const c_char,
    /// The rule's name, such as `requires-input`.
    pub name: *const c_char,
    /// What is wrong.
    pub message: *const c_char,
    /// What to do.
    pub help: *const c_char,
    /// The file.
    pub path: *const c_char,
    /// How much it matters.
    pub severity: Severity,
    /// The line of the first character, from 1; 0: the finding is about the file as a whole.
    pub line: u32,
    /// Its column, from 1, in Unicode scalar values.
    pub column: u32,
    /// The line behind the last character.
    pub end_line: u32,
    /// The column behind the last character.
    pub end_column: u32,
    /// The first byte of the text, from 0.
    pub offset: u32,
    /// Behind the last byte.
    pub end_offset: u32,
}

/// Checks a text as the artifact of a stage, before it is saved, with the settings of `workspace`; NULL is with those of
/// the current folder. `context` may be NULL.
///
/// # Safety
/// The handles are NULL or were not freed yet; the texts are NULL or texts; `out` and `error` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_validate_text(
    workspace: *const WorkspaceHandle,
    context: *const ContextHandle,
    stage: *const c_char,
    text: *const c_char,
    out: *mut *mut ReportHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    let work = || {
        // SAFETY: the caller's promise.
        let (stage, text) = unsafe { (required(stage, "stage")?, required(text, "text")?) };
        // SAFETY: the caller's promise.
        let (workspace, context) = unsafe { (workspace.as_ref(), context.as_ref()) };
        let context = context.map_or_else(Context::of_process, ContextHandle::get);
        let question = TextQuestion { stage: stage.parse()?, text, status: None, path: None };
        check_text(&place(workspace), &question, &context).map(ReportHandle::new)
    };
    // SAFETY: the caller's promise.
    unsafe { filling(out, error, work) }
}

/// Checks the artifact of a stage as it is on the disk; NULL for `stage` is all of them. NULL for `project` and `session`
/// are the current ones; `context` may be NULL, and so may `workspace`: then it is the one that the current folder lies in.
///
/// # Safety
/// The handles are NULL or were not freed yet; the texts are NULL or texts; `out` and `error` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_validate(
    workspace: *const WorkspaceHandle,
    context: *const ContextHandle,
    project: *const c_char,
    session: *const c_char,
    stage: *const c_char,
    out: *mut *mut ReportHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    let work = || {
        // SAFETY: the caller's promise.
        let (project, session) = unsafe { (optional(project, "project")?, optional(session, "session")?) };
        // SAFETY: the caller's promise.
        let stage = unsafe { optional(stage, "stage") }?.map(str::parse::<Stage>).transpose()?;
        // SAFETY: the caller's promise.
        let (workspace, context) = unsafe { (workspace.as_ref(), context.as_ref()) };
        let context = context.map_or_else(Context::of_process, ContextHandle::get);
        let (project, session) = (project.map(str::to_owned), session.map(str::to_owned));
        let check = || {
            let place = Place { project, session, ..place(workspace) };
            let opened = place.workspace()?;
            opened.validate(&place.key(&opened)?, stage.as_slice(), &context)
        };
        match workspace {
            Some(workspace) => workspace.interruptible(&context.cancel, check),
            None => check(),
        }
        .map(ReportHandle::new)
    };
    // SAFETY: the caller's promise.
    unsafe { filling(out, error, work) }
}

fn place(workspace: Option<&WorkspaceHandle>) -> Place {
    Place { root: workspace.map(|workspace| workspace.root().into()), ..Place::default() }
}

/// Returns how many findings there are.
///
/// # Safety
/// `report` is NULL or a report that was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_report_length(report: *const ReportHandle) -> usize {
    // SAFETY: the caller's promise.
    unsafe { report.as_ref() }.map_or(0, |report| report.texts.len())
}

/// Returns how many findings are errors.
///
/// # Safety
/// As for `idse_report_length`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_report_error_count(report: *const ReportHandle) -> usize {
    // SAFETY: the caller's promise.
    unsafe { report.as_ref() }.map_or(0, |report| report.report.count(idse_core::Severity::Error))
}

/// Fills in one finding; false where there is none at `index`.
///
/// # Safety
/// As for `idse_report_length`; `out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_report_at(
    report: *const ReportHandle,
    index: usize,
    out: *mut Diagnostic,
) -> bool {
    // SAFETY: the caller's promise.
    let (Some(report), false) = (unsafe { report.as_ref() }, out.is_null()) else { return false };
    let (Some(found), Some(texts)) = (report.report.diagnostics.get(index), report.texts.get(index)) else {
        return false;
    };
    let [code, name, message, help, path] = texts.each_ref().map(|text| text.as_ptr());
    let place = |end: bool| {
        found.span.map_or((0, 0, 0), |span| {
            let at = if end { span.end } else { span.start };
            (at.line, at.column, at.offset)
        })
    };
    let ((line, column, offset), (end_line, end_column, end_offset)) = (place(false), place(true));
    let severity = Severity::of(found.severity);
    let diagnostic = Diagnostic {
        code,
        name,
        message,
        help,
        path,
        severity,
        line,
        column,
        end_line,
        end_column,
        offset,
        end_offset,
    };
    // SAFETY: checked for NULL; the rest is the caller's promise.
    unsafe { out.write(diagnostic) };
    true
}

/// Returns the report as the JSON document of `validate`.
///
/// # Safety
/// As for `idse_report_length`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_report_json(report: *const ReportHandle) -> *mut c_char {
    // SAFETY: the caller's promise.
    pointer(|| match unsafe { report.as_ref() } {
        Some(report) => given(&document(&report.report).to_string()),
        None => std::ptr::null_mut(),
    })
}

/// Frees a report; NULL is nothing.
///
/// # Safety
/// As for `idse_report_length`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_report_free(report: *mut ReportHandle) {
    // SAFETY: the caller's promise.
    unsafe { free(report) };
}
