//! Conformance of validation: runs `tests/conformance/validate/*.md` in memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use idse_core::config::ValidateSettings;
use idse_core::{
    Artifact, Blocked, BlockedReason, Content, Diagnostic, FileProblem, FileRole, Session, SessionKey,
    SessionMetadata, SessionState, Stage, StageStatus, rules,
};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// A case file: a header, files by their path in the session, and the findings that are expected.
struct Case {
    name: String,
    source: String,
    header: Value,
    files: BTreeMap<String, String>,
    expected: Vec<String>,
}

impl Case {
    /// Takes a file apart at its `=== NAME` lines.
    fn parse(name: &str, source: &str) -> Self {
        let mut sections: Vec<(String, String)> = vec![("why".to_owned(), String::new())];
        for line in source.split_inclusive('\n') {
            match line.strip_prefix("=== ") {
                Some(section) => sections.push((section.trim().to_owned(), String::new())),
                None => sections.last_mut().unwrap().1.push_str(line),
            }
        }
        let mut case = Self {
            name: name.to_owned(),
            source: source.to_owned(),
            header: Value::Null,
            files: BTreeMap::new(),
            expected: Vec::new(),
        };
        for (section, text) in sections {
            match section.as_str() {
                "why" => assert!(text.starts_with("# "), "{name}: begins with a title"),
                "case" => case.header = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}")),
                "expect" => {
                    case.expected = text.lines().filter(|line| *line != "none").map(str::to_owned).collect();
                }
                path => {
                    case.files.insert(path.to_owned(), text);
                }
            }
        }
        for replacement in case.header["replace"].as_array().into_iter().flatten() {
            let (from, to) = (replacement[0].as_str().unwrap(), replacement[1].as_str().unwrap());
            let to = to.repeat(replacement[2].as_u64().unwrap_or(1).try_into().unwrap());
            case.files.values_mut().for_each(|text| *text = text.replace(from, &to));
        }
        case
    }

    /// The stage, where the case is about one text.
    fn stage(&self) -> Option<Stage> {
        self.header["stage"].as_str().map(|stage| stage.parse().unwrap())
    }

    fn settings(&self) -> ValidateSettings {
        let config = &self.header["config"];
        let list = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().map(|entry| entry.as_str().unwrap().to_owned()).collect()
        };
        let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
        ValidateSettings {
            select: list(&config["select"]),
            ignore: list(&config["ignore"]),
            severity: object(&config["severity"])
                .into_iter()
                .map(|(rule, value)| (rule, serde_json::from_value(value).ok()))
                .collect(),
            sections: object(&config["sections"])
                .into_iter()
                .map(|(stage, lists)| {
                    (stage.parse().unwrap(), lists.as_array().unwrap().iter().map(list).collect())
                })
                .collect(),
            path: ".idseconfig.json".to_owned(),
            ..ValidateSettings::default()
        }
    }

    /// The session that a disk with these files would give.
    fn session(&self) -> Session {
        let mut files = self.files.clone();
        let json = |text: String| serde_json::from_str::<Map<String, Value>>(&text).unwrap();
        let artifacts = Stage::ALL.map(|stage| {
            let blocked = self.header["blocked"][stage.path()].as_str();
            let content = match (blocked, files.remove(stage.path())) {
                (Some(reason), _) => Content::Blocked(Blocked::new(
                    serde_json::from_value::<BlockedReason>(reason.into()).unwrap(),
                    format!("{} cannot be read: {reason}", stage.path()),
                )),
                (None, Some(text)) => Content::of_bytes(text.into(), stage.path()),
                (None, None) => Content::Absent,
            };
            Artifact { stage, content }
        });
        let mut state = files.remove("metadata/session_state.json").map(json).unwrap_or_default();
        if let (Some(stage), Some(status)) = (self.header["stage"].as_str(), self.header["status"].as_str()) {
            state.insert("stages".to_owned(), serde_json::json!({stage: status}));
        }
        let metadata = files.remove("metadata/session.json").map(json).map(SessionMetadata::new);
        let key = key();
        Session {
            path: format!(".idse/projects/{}/sessions/{}", key.project, key.session),
            key,
            artifacts,
            state: SessionState::new(state),
            metadata,
            unknown: files.into_keys().collect(),
            problems: self.header["problems"].as_array().into_iter().flatten().map(problem).collect(),
            open_conflicts: self.header["open_conflicts"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|stage| stage.as_str().unwrap().parse().unwrap())
                .collect(),
        }
    }

    /// Runs the case and returns its findings as lines.
    fn run(&self) -> Vec<String> {
        let (session, settings) = (self.session(), self.settings());
        let stages: Vec<_> = self.stage().into_iter().collect();
        let report = rules::validate(&session, &stages, &settings);
        let lines =
            |found: &[Diagnostic]| found.iter().map(|found| line(found, &session.path)).collect::<Vec<_>>();
        if let Some(stage) = self.stage() {
            let status = session.state.status(stage);
            assert_ne!(status, StageStatus::Complete, "{}: complete needs a whole session", self.name);
            let text = &self.files[stage.path()];
            let alone = rules::validate_text(Some(&session.key), stage, status, text, &settings);
            let in_session: Vec<_> =
                report.diagnostics.iter().filter(|d| d.stage.is_some()).cloned().collect();
            assert_eq!(lines(&alone), lines(&in_session), "{}: alone and in its session", self.name);
        }
        lines(&report.diagnostics)
    }
}

fn key() -> SessionKey {
    SessionKey { project: "shop".parse().unwrap(), session: "checkout".parse().unwrap() }
}

fn problem(value: &Value) -> FileProblem {
    let file = match value["file"].as_str().unwrap() {
        "state" => FileRole::State,
        "metadata" => FileRole::Metadata,
        _ => FileRole::Pointer,
    };
    FileProblem {
        file,
        path: value["path"].as_str().unwrap().to_owned(),
        message: value["message"].as_str().unwrap().to_owned(),
        position: None,
    }
}

/// `CODE severity PATH LINE:COLUMN-LINE:COLUMN`, the path inside the session folder where it lies there.
fn line(found: &Diagnostic, session: &str) -> String {
    let path =
        found.path.strip_prefix(session).map_or(found.path.as_str(), |path| path.trim_start_matches('/'));
    let place = found.span.map_or_else(
        || "-".to_owned(),
        |span| format!("{}:{}-{}:{}", span.start.line, span.start.column, span.end.line, span.end.column),
    );
    format!("{} {} {path} {place}", found.code, found.severity)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/validate")
}

#[expect(clippy::disallowed_methods, reason = "a test reads its cases")]
fn cases() -> Vec<Case> {
    let mut paths: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| Case::parse(&name(path), &std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "IDSE_UPDATE=1 writes what was found, for a person to read")]
fn cases_hold() {
    let mut wrong = String::new();
    for case in cases() {
        let found = case.run();
        if found == case.expected {
            continue;
        }
        if std::env::var_os("IDSE_UPDATE").is_some() {
            let head = case.source.split_once("=== expect\n").map_or(case.source.as_str(), |(head, _)| head);
            let lines = if found.is_empty() { "none".to_owned() } else { found.join("\n") };
            std::fs::write(
                folder().join(format!("{}.md", case.name)),
                format!("{head}=== expect\n{lines}\n"),
            )
            .unwrap();
        }
        wrong += &format!("{}:\n  expected {:#?}\n  found {found:#?}\n", case.name, case.expected);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_rule_has_cases_for_and_against_it() {
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    for info in rules::all() {
        let finds = |case: &&Case| case.expected.iter().any(|line| line.starts_with(info.code));
        assert!(cases.iter().any(|case| finds(&case)), "no case finds {}", info.code);
        // A case is against a rule if it is named after it and does not find it.
        assert!(
            cases.iter().any(|case| case.name.starts_with(&info.code[4..]) && !finds(&case)),
            "no case named {}-* does without {}",
            &info.code[4..],
            info.code
        );
    }
}

#[test]
fn fixes_mend_what_they_say() {
    let mut mended = 0;
    for case in cases() {
        let Some(stage) = case.stage() else { continue };
        let (session, settings) = (case.session(), case.settings());
        let status = session.state.status(stage);
        let check = |text: &str| rules::validate_text(Some(&session.key), stage, status, text, &settings);
        let Some(text) = session.artifact(stage).text() else { continue };
        let before = check(text);
        let (fixed, count) = rules::apply_fixes(text, &before);
        let after = check(&fixed);
        assert_eq!(before.iter().filter(|d| d.fix.is_some()).count(), count, "{}", case.name);
        assert!(after.iter().all(|d| d.fix.is_none()), "{}: {after:#?}", case.name);
        assert_eq!(before.len() - count, after.len(), "{}: {fixed}", case.name);
        assert_eq!(rules::apply_fixes(&fixed, &after), (fixed.clone(), 0), "{}", case.name);
        mended += count;
    }
    assert!(mended >= 5, "{mended} fixes were tried");
}

/// Pieces that mean something to Markdown, to the rules or to positions, between arbitrary characters.
fn artifact() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[REQUIRES INPUT]"),
        Just("{{ name }}"),
        Just("\n## Goal\n"),
        Just("\n## Functional Requirements\n"),
        Just("\n- FR-1: "),
        Just("\nFR-1\n---\n"),
        Just("\n| FR-1 | b |\n|---|---|\n| FR-1 | c |\n"),
        Just("<!-- idse-disable-next-line IDSE101, IDSE105 -->"),
        Just("<!-- idse-disable -->"),
        Just("<!-- idse-enable IDSE101 -->"),
        Just("<!-- idse-disable-file IDSE104 -- why -->"),
        Just("<!-- idse-disable-line nope"),
        Just("```"),
        Just("`"),
        Just("\r\n"),
        Just("\n"),
        Just("\u{feff}"),
        Just("> "),
        Just("  "),
        Just("-->"),
        Just("é😀目"),
    ];
    let any = "[ -~\\n\\r\\t\u{0}é]{0,6}";
    proptest::collection::vec(prop_oneof![4 => piece.prop_map(str::to_owned), 1 => any], 0..30)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_validated_and_mended(text in artifact(), stage in 0..7_usize, status in 0..3_usize) {
        let settings = ValidateSettings::default();
        let check = |text: &str| {
            rules::validate_text(Some(&key()), Stage::ALL[stage], StageStatus::ALL[status], text, &settings)
        };
        let found = check(&text);
        for diagnostic in &found {
            if let Some(span) = diagnostic.span {
                let (start, end) = (span.start.offset as usize, span.end.offset as usize);
                prop_assert!(text.get(start..end).is_some_and(|marked| !marked.is_empty()), "{diagnostic:?}");
                let body = text.strip_prefix('\u{feff}').unwrap_or(&text);
                let before = &body[..start - (text.len() - body.len())];
                let line = 1 + before.matches('\n').count();
                let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
                prop_assert_eq!((line, column), (span.start.line as usize, span.start.column as usize));
            }
        }
        prop_assert_eq!(&found, &check(&text));
        // Fixes come to an end, and none brings a finding, but for a text that held only a comment.
        let (mut fixed, mut rounds) = (text.clone(), 0);
        loop {
            let found = check(&fixed);
            let (next, count) = rules::apply_fixes(&fixed, &found);
            if count == 0 {
                break;
            }
            prop_assert_ne!(&next, &fixed);
            fixed = next;
            rounds += 1;
            prop_assert!(rounds < 50);
        }
        let others = |found: &[Diagnostic]| found.iter().filter(|d| !matches!(d.code.as_str(), "IDSE002" | "IDSE105" | "IDSE902")).count();
        prop_assert!(others(&check(&fixed)) <= others(&check(&text)), "{:?}", fixed);
    }
}

#[test]
fn hostile_texts_are_validated_in_time() {
    let settings = ValidateSettings::default();
    for unit in [
        "[REQUIRES INPUT]",
        "[requires input:",
        "{{",
        "{{ a",
        "\n#",
        "\n## Goal\n",
        "\n## FR-1\n### FR-2\n",
        "\n- FR-1",
        "FR-A-",
        "<!-- idse-disable -->",
        "<!-- idse-disable-next-line IDSE101 -->",
        "\n<!-- idse-disable-next-line -->\n\n",
        "<!-- idse-enable nope, IDSE101 -->\n",
        "<!-- idse-disable-line IDSE101 --> [REQUIRES INPUT] ",
    ] {
        let text = unit.repeat(10_000);
        for stage in [Stage::Intent, Stage::Spec, Stage::Implementation] {
            let found = rules::validate_text(Some(&key()), stage, StageStatus::InProgress, &text, &settings);
            let (fixed, count) = rules::apply_fixes(&text, &found);
            assert!(fixed.len() <= text.len() && count <= found.len(), "{unit:?}");
        }
    }
}
