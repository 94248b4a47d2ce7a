//! Each form against what reads it: schemas, escaping rules, and a person.

use serde_json::Value;

use super::*;
use crate::config::ValidateSettings;
use crate::name::SessionKey;
use crate::rules::validate_text;
use crate::stage::{Stage, StageStatus};

const TEXT: &str = "\u{feff}# Tasks\r\n\r\n- 目标 [REQUIRES INPUT]\r\n\r\n## Empty\r\n";

fn report() -> ValidationReport {
    let key = SessionKey { project: "shop".parse().unwrap(), session: "checkout".parse().unwrap() };
    let mut settings = ValidateSettings::default();
    settings.severity.insert("empty-section".into(), Some(Severity::Info));
    let diagnostics = validate_text(Some(&key), Stage::Tasks, StageStatus::InProgress, TEXT, &settings);
    let path = diagnostics[0].path.clone();
    ValidationReport {
        diagnostics,
        sessions: 1,
        artifacts: 1,
        sources: [(path, TEXT.into())].into(),
        ..ValidationReport::default()
    }
}

/// A report whose one finding is as unfriendly as a file system allows.
fn hostile() -> ValidationReport {
    let mut report = report();
    report.diagnostics.truncate(1);
    let found = &mut report.diagnostics[0];
    found.path = "a b%,:\n\u{1b}[31m<é>.md".to_owned();
    found.message = "100% of\r\n::error::it \u{1b}]0;title\u{7} & \"so\" ]]> on".to_owned();
    found.help = "a\u{0}b".to_owned();
    report
}

pub(crate) fn assert_matches_schema(name: &str, text: &str) {
    let schema = match name {
        "baseline" => include_str!("../../schemas/baseline.schema.json"),
        _ => include_str!("../../schemas/validation-report.schema.json"),
    };
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let document: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
}

#[test]
fn json_matches_its_schema() {
    for report in [report(), hostile(), ValidationReport::default()] {
        let text = render(&report, Format::Json, false);
        assert!(text.ends_with("}\n") && text.lines().count() == 1);
        assert_matches_schema("validation-report", &text);
    }
    let document: Value = serde_json::from_str(&render(&report(), Format::Json, false)).unwrap();
    assert_eq!(document["summary"]["errors"], 1);
    assert_eq!(
        document["diagnostics"][1]["span"]["start"],
        serde_json::json!({"line": 3, "column": 6, "offset": 23})
    );
}

#[test]
fn a_person_sees_the_line() {
    let text = render(&report(), Format::Full, false);
    assert!(text.contains("error[IDSE101]: “Tasks” still requires input"), "{text}");
    assert!(text.contains("--> .idse/projects/shop/sessions/checkout/tasks/tasks.md:3:6"), "{text}");
    assert!(text.contains("3 | - 目标 [REQUIRES INPUT]\n  |        ^^^^^^^^^^^^^^^^\n"), "{text}");
    assert!(text.contains("help: Answer it") && text.contains("`idse rule IDSE101`"), "{text}");
    assert!(!text.contains('\u{1b}') && render(&report(), Format::Full, true).contains('\u{1b}'));
}

#[test]
fn concise_is_one_line_a_finding() {
    let text = render(&report(), Format::Concise, false);
    let path = ".idse/projects/shop/sessions/checkout/tasks/tasks.md";
    let expected = format!(
        "{path}: warning IDSE103 [missing-section] the section “Phase” is missing\n\
         {path}:3:6: error IDSE101 [requires-input] “Tasks” still requires input\n\
         {path}:5:1: info IDSE104 [empty-section] the section “Empty” is empty\n"
    );
    assert_eq!(text, expected);
    assert!(render(&report(), Format::Concise, true).contains("\u{1b}[1;31merror\u{1b}[0m"));
}

#[test]
fn nothing_steers_a_terminal_or_a_runner() {
    for format in [Format::Full, Format::Concise, Format::Github, Format::Junit] {
        let text = render(&hostile(), format, false);
        assert!(!text.contains(['\u{1b}', '\u{7}', '\r', '\0']), "{format:?}: {text:?}");
        assert!(!text.lines().any(|line| line.starts_with("::error::")), "{format:?}: {text}");
    }
    assert_eq!(render(&hostile(), Format::Concise, false).lines().count(), 1);
}

#[test]
fn github_commands_are_escaped() {
    let text = render(&report(), Format::Github, false);
    let lines: Vec<_> = text.lines().collect();
    let file = "file=.idse/projects/shop/sessions/checkout/tasks/tasks.md";
    assert!(
        lines[0].starts_with(&format!("::warning {file},title=IDSE103 missing-section::the section")),
        "{text}"
    );
    assert!(
        lines[1].starts_with(&format!(
            "::error {file},line=3,endLine=3,col=6,endColumn=22,title=IDSE101 requires-input::"
        )),
        "{text}"
    );
    assert!(lines[2].starts_with("::notice "), "{text}");
    let text = render(&hostile(), Format::Github, false);
    assert!(text.contains("file=a b%25%2C%3A") && text.contains("::100%25 of"), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn sarif_has_what_readers_need() {
    for report in [report(), hostile(), ValidationReport::default()] {
        let text = render(&report, Format::Sarif, false);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["version"], "2.1.0");
        let run = &document["runs"][0];
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), crate::rules::all().len());
        let levels = ["error", "warning", "note"];
        assert!(rules.iter().all(|rule| {
            levels.contains(&rule["defaultConfiguration"]["level"].as_str().unwrap())
                && rule["help"]["text"].is_string()
                && rule["shortDescription"]["text"].is_string()
        }));
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report.diagnostics.len());
        for (result, found) in results.iter().zip(&report.diagnostics) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(
                levels.contains(&result["level"].as_str().unwrap()) && result["message"]["text"].is_string()
            );
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.starts_with('/') && !uri.contains([' ', '\\', ':']) && uri.is_ascii(), "{uri}");
            assert_eq!(
                place["region"]["startColumn"].as_u64(),
                found.span.map(|span| span.start.column.into())
            );
        }
    }
    let document: Value = serde_json::from_str(&render(&report(), Format::Sarif, false)).unwrap();
    let levels: Vec<_> =
        document["runs"][0]["results"].as_array().unwrap().iter().map(|r| r["level"].clone()).collect();
    assert_eq!(levels, ["warning", "error", "note"]);
}

#[test]
fn junit_counts_failures() {
    let text = render(&report(), Format::Junit, false);
    assert!(text.contains(r#"tests="3""#) && text.contains(r#"failures="2""#), "{text}");
    assert!(!text.contains("timestamp") && !text.contains("time="), "{text}");
    let empty = render(&ValidationReport::default(), Format::Junit, false);
    assert!(empty.contains(r#"tests="1""#) && empty.contains(r#"failures="0""#), "{empty}");
}

#[test]
fn equal_reports_give_equal_bytes() {
    for format in Format::ALL {
        assert_eq!(render(&report(), format, false), render(&report(), format, false));
        assert_eq!(format.name().parse::<Format>().ok(), Some(format));
    }
    assert_eq!("sarf".parse::<Format>().unwrap_err().hint(), Some("Did you mean `sarif`?"));
}

#[test]
fn an_endless_line_is_not_drawn() {
    let text = format!("## Phase 1\n\n{}", "[REQUIRES INPUT] ".repeat(20_000));
    let diagnostics =
        validate_text(None, Stage::Tasks, StageStatus::Pending, &text, &ValidateSettings::default());
    let sources = [(diagnostics[0].path.clone(), text.as_str().into())].into();
    let report = ValidationReport { diagnostics, sources, ..ValidationReport::default() };
    let drawn = render(&report, Format::Full, false);
    assert!(drawn.contains("--> tasks/tasks.md:3:18") && drawn.len() < report.diagnostics.len() * 400);
}
