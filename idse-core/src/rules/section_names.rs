//! The sections that each stage must have, under every name that teams give them.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::config::ValidateSettings;
use crate::stage::Stage;

/// A required section of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// What messages call it.
    pub(super) name: String,
    /// How a heading may name it, normalised.
    accepted: Vec<String>,
    /// A heading that begins with the name is enough: `Phase 2 – Rollout`.
    is_prefix: bool,
}

/// The first name is the one that messages use; the others are those of the pipeline's existing templates and
/// checks, and what teams write instead.
const SECTIONS: &[(Stage, &[&[&str]])] = &[
    (
        Stage::Intent,
        &[
            &[
                "Purpose / Goal",
                "Goals",
                "Overview",
                "Objective",
                "Objectives",
                "Mission",
                "Intent",
                "Summary",
                "Why",
            ],
            &[
                "Problem / Opportunity",
                "Problem Statement",
                "Motivation",
                "Background",
                "Why This Product Exists",
            ],
            &[
                "Vision",
                "Scope",
                "Desired Outcome",
                "Outcome",
                "Outcomes",
                "Non-Goals",
                "What Success Looks Like",
            ],
            &["Stakeholders", "Users", "Audience", "Target Users", "Users and Stakeholders"],
            &["Success Criteria", "Success Metrics", "Acceptance Criteria", "What Success Looks Like"],
        ],
    ),
    (
        Stage::Context,
        &[
            &[
                "Environment Overview",
                "Environment",
                "Ecosystem Context",
                "Overview",
                "Background",
                "Current State",
            ],
            &[
                "Technical Context",
                "Technical Environment",
                "Technology",
                "Stack",
                "Tech Stack",
                "Technical Stack",
                "Technology Stack",
                "Architecture",
                "Existing Implementation",
                "Product Spine",
            ],
            &[
                "Organizational Context",
                "Organisational Context",
                "Organization",
                "Organisation",
                "Team",
                "Constraints",
                "Stakeholders",
                "Governance",
            ],
        ],
    ),
    (
        Stage::Spec,
        &[
            &["Purpose", "Overview", "Goal", "Goals", "Introduction", "Intent", "Summary", "Product Scope"],
            &[
                "System Overview",
                "Overview",
                "System",
                "System Description",
                "Architecture",
                "Scope",
                "Product Scope",
                "Product Overview",
                "Technical Architecture",
                "User Stories",
            ],
            &[
                "Functional Requirements",
                "Functional and Non-Functional Requirements",
                "Requirements",
                "Features",
            ],
        ],
    ),
    (
        Stage::Plan,
        &[
            &[
                "Architectural Overview",
                "Architecture Overview",
                "Architecture Summary",
                "Architecture",
                "Overview",
                "Approach",
                "Technical Approach",
                "Design",
                "High-Level Design",
                "Strategy",
            ],
            &[
                "Core Components",
                "Components",
                "Key Components",
                "Modules",
                "Core Modules",
                "Building Blocks",
            ],
            &["Data Flow", "Data Flows", "Data Model", "Data Models", "Flow", "API Contracts", "Interfaces"],
        ],
    ),
];

/// What a heading of the tasks must begin with.
pub(super) const PHASE: &str = "Phase";

/// The section that an implementation must have.
pub(super) const COMPONENT_IMPACT_REPORT: &str = "Component Impact Report";

static REQUIRED: LazyLock<[Vec<Section>; 7]> = LazyLock::new(|| {
    Stage::ALL.map(|stage| {
        let mut sections: Vec<_> = SECTIONS
            .iter()
            .filter(|(of, _)| *of == stage)
            .flat_map(|(_, sections)| sections.iter())
            .filter_map(|names| Section::new(names))
            .collect();
        if stage == Stage::Tasks {
            sections.push(Section {
                name: PHASE.to_owned(),
                accepted: vec![normalised(PHASE)],
                is_prefix: true,
            });
        }
        sections
    })
});

/// Returns the required sections of a stage, with what the project adds.
///
/// An addition that shares a name with a required section gives that section more names; any other is a section
/// of its own.
pub(super) fn required(stage: Stage, settings: &ValidateSettings) -> Cow<'static, [Section]> {
    let known = REQUIRED[super::index(stage)].as_slice();
    let Some(additions) = settings.sections.get(&stage) else { return Cow::Borrowed(known) };
    let mut sections = known.to_vec();
    for added in additions.iter().filter_map(|names| Section::new(names)) {
        let mut shares = false;
        for known in sections.iter_mut().filter(|known| known.shares_a_name(&added)) {
            known.accepted.extend(added.accepted.iter().cloned());
            shares = true;
        }
        if !shares {
            sections.push(added);
        }
    }
    Cow::Owned(sections)
}

impl Section {
    /// Makes a section of the names that it may have; `None` where no name has a letter.
    pub(super) fn new<S: AsRef<str>>(names: &[S]) -> Option<Self> {
        let name = names.first()?.as_ref().trim().to_owned();
        let mut accepted: Vec<_> = names
            .iter()
            .flat_map(|name| name.as_ref().split('/').chain([name.as_ref()]))
            .map(normalised)
            .filter(|name| !name.is_empty())
            .collect();
        accepted.dedup();
        (!accepted.is_empty()).then_some(Self { name, accepted, is_prefix: false })
    }

    fn shares_a_name(&self, other: &Self) -> bool {
        self.accepted.iter().any(|name| other.accepted.contains(name))
    }

    /// Tells whether a heading names the section.
    ///
    /// A name of several words may be followed by more: `Functional Requirements by Component`. A single word is
    /// too often a part of something else.
    pub(super) fn is_named_by(&self, heading: &HeadingName) -> bool {
        heading.0.iter().any(|text| {
            self.accepted.iter().any(|name| {
                text.strip_prefix(name.as_str()).is_some_and(|rest| {
                    rest.is_empty()
                        || (name.contains(' ') && rest.starts_with(' '))
                        || (self.is_prefix && !rest.starts_with(char::is_alphabetic))
                })
            })
        })
    }
}

/// What a heading may be the name of: its text as a whole, without a title or a note behind it, and its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeadingName(Vec<String>);

impl HeadingName {
    pub(super) fn new(heading: &str) -> Self {
        let whole = normalised(heading);
        let before_note = trimmed(whole.split(['(', '（']).next().unwrap_or_default());
        let before_title = trimmed(before_note.split([':', '：', '–', '—']).next().unwrap_or_default());
        let texts =
            [before_note, before_title].into_iter().chain(parts(before_note)).chain(parts(before_title));
        let mut names = vec![whole.clone()];
        for text in texts {
            if !text.is_empty() && !names.iter().any(|name| name == text) {
                names.push(text.to_owned());
            }
        }
        Self(names)
    }

    /// Returns the whole text, normalised.
    pub(super) fn whole(&self) -> &str {
        &self.0[0]
    }
}

/// Returns a heading's text in the form in which names are compared: lower case, single blanks, without
/// numbering, symbols and punctuation around it.
fn normalised(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<_> = lower.split_whitespace().map(|word| if word == "&" { "and" } else { word }).collect();
    let joined = words.join(" ");
    trimmed(without_number(&joined)).to_owned()
}

/// Strips `1.`, `1.2`, `(3)`, `4)`, `§ 5` and whatever symbols stand there.
fn without_number(text: &str) -> &str {
    let text = text.trim_start_matches(|character: char| !character.is_alphanumeric());
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit() || character == '.');
    // A text that only has a number keeps it, and so does one like `3d model`.
    if rest.len() < text.len() && !rest.is_empty() && !rest.starts_with(char::is_alphanumeric) {
        rest.trim_start_matches(|character: char| !character.is_alphanumeric())
    } else if text[..text.len() - rest.len()].ends_with('.') {
        rest
    } else {
        text
    }
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| !character.is_alphanumeric() && !matches!(character, ')' | '）'))
}

/// Returns the parts of a heading that names several sections: `Goal / Purpose`, `Risks & Constraints`.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(['/', '&', ',', '+', '、']).flat_map(|part| part.split(" and ")).map(trimmed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(stage: Stage, heading: &str) -> Vec<String> {
        let sections = required(stage, &ValidateSettings::default());
        let heading = HeadingName::new(heading);
        sections
            .iter()
            .filter(|section| section.is_named_by(&heading))
            .map(|section| section.name.clone())
            .collect()
    }

    #[test]
    fn headings_name_sections() {
        for (stage, heading, name) in [
            (Stage::Intent, "Goal", "Purpose / Goal"),
            (Stage::Intent, "1. Goal:", "Purpose / Goal"),
            (Stage::Intent, "🎯 Purpose", "Purpose / Goal"),
            (Stage::Intent, "Goal: ship it", "Purpose / Goal"),
            (Stage::Intent, "Success Criteria (measurable)", "Success Criteria"),
            (Stage::Intent, "STAKEHOLDERS / USERS", "Stakeholders"),
            (Stage::Intent, "Opportunity & Problem", "Problem / Opportunity"),
            (Stage::Context, "2.1 Stack", "Technical Context"),
            (Stage::Context, "(3) Constraints", "Organizational Context"),
            (Stage::Spec, "Functional   Requirements", "Functional Requirements"),
            (Stage::Spec, "2. Functional Requirements by Component", "Functional Requirements"),
            (Stage::Plan, "1. Architecture Summary", "Architectural Overview"),
            (Stage::Tasks, "2. Phase 1 – Core", "Phase"),
            (Stage::Tasks, "Phase", "Phase"),
        ] {
            assert!(
                named(stage, heading).contains(&name.to_owned()),
                "{heading}: {:?}",
                named(stage, heading)
            );
        }
        for (stage, heading) in [
            (Stage::Spec, "Non-Functional Requirements"),
            (Stage::Spec, "Functional Requirementsx"),
            (Stage::Intent, "Goalkeeper"),
            (Stage::Intent, "Problematic goal setting"),
            (Stage::Intent, "Visionary"),
            (Stage::Tasks, "Phases"),
            (Stage::Tasks, "Before Phase 1"),
            (Stage::Tasks, ""),
            (Stage::Intent, "1."),
            (Stage::Feedback, "Goal"),
        ] {
            assert_eq!(named(stage, heading), Vec::<String>::new(), "{heading}");
        }
    }

    #[test]
    fn a_project_adds_names_and_sections() {
        let mut settings = ValidateSettings::default();
        settings.sections.insert(
            Stage::Intent,
            vec![vec!["Goal".into(), "目标".into()], vec!["合规".into(), "Compliance".into()]],
        );
        let sections = required(Stage::Intent, &settings);
        assert_eq!(sections.len(), 6);
        assert!(sections[0].is_named_by(&HeadingName::new("目标：")));
        assert!(sections[5].is_named_by(&HeadingName::new("2. 合规（草案）")));
    }
}
