//! The report as JUnit XML: a suite for each file, a test case for each finding, no times.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::diagnostic::{Diagnostic, Severity, ValidationReport};

use super::one_line;

pub(super) fn render(report: &ValidationReport) -> String {
    let mut document = Report::new("idse validate");
    for group in report.diagnostics.chunk_by(|a, b| a.path == b.path) {
        let mut suite = TestSuite::new(one_line(&group[0].path).as_ref());
        suite.add_test_cases(group.iter().map(case));
        document.add_test_suite(suite);
    }
    if report.diagnostics.is_empty() {
        // Readers of JUnit take a report without test cases for one of a run that failed.
        let mut suite = TestSuite::new("idse validate");
        suite.add_test_case(TestCase::new("no findings", TestCaseStatus::success()));
        document.add_test_suite(suite);
    }
    // Writing to memory does not fail, and quick-junit drops what XML cannot hold.
    document.to_string().unwrap_or_default()
}

/// Errors and warnings are failures; what is only good to know is a skipped test.
fn case(found: &Diagnostic) -> TestCase {
    let mut status = match found.severity {
        Severity::Error | Severity::Warning => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Severity::Info => TestCaseStatus::skipped(),
    };
    status.set_type(found.severity.name()).set_message(one_line(&found.message).as_ref());
    status.set_description(one_line(&found.help).as_ref());
    let place =
        found.span.map_or_else(String::new, |span| format!(" {}:{}", span.start.line, span.start.column));
    let mut case = TestCase::new(format!("{} {}{place}", found.code, found.name), status);
    case.set_classname(one_line(&found.path).as_ref());
    case
}
