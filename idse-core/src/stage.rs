//! The seven stages of the pipeline, their statuses and the files that hold them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One of the seven stages, ordered as the pipeline runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// What is wanted and why.
    Intent,
    /// The surroundings that decide how.
    Context,
    /// What will be built.
    Spec,
    /// How it will be built.
    Plan,
    /// The steps.
    Tasks,
    /// What was built.
    Implementation,
    /// What was learned.
    Feedback,
}

impl Stage {
    /// The stages in pipeline order.
    pub const ALL: [Self; 7] = [
        Self::Intent,
        Self::Context,
        Self::Spec,
        Self::Plan,
        Self::Tasks,
        Self::Implementation,
        Self::Feedback,
    ];

    /// Returns the name used in JSON, on the command line and in `session_state.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Context => "context",
            Self::Spec => "spec",
            Self::Plan => "plan",
            Self::Tasks => "tasks",
            Self::Implementation => "implementation",
            Self::Feedback => "feedback",
        }
    }

    /// Returns the column of the `projects` table that holds the text.
    pub fn column(self) -> &'static str {
        match self {
            Self::Intent => "intent_md",
            Self::Context => "context_md",
            Self::Spec => "spec_md",
            Self::Plan => "plan_md",
            Self::Tasks => "tasks_md",
            Self::Implementation => "implementation_md",
            Self::Feedback => "feedback_md",
        }
    }

    /// Returns the path of the artifact inside its session folder, with forward slashes.
    pub fn path(self) -> &'static str {
        match self {
            Self::Intent => "intents/intent.md",
            Self::Context => "contexts/context.md",
            Self::Spec => "specs/spec.md",
            Self::Plan => "plans/plan.md",
            Self::Tasks => "tasks/tasks.md",
            Self::Implementation => "implementation/README.md",
            Self::Feedback => "feedback/feedback.md",
        }
    }

    /// Returns the folder of the artifact inside its session folder.
    pub fn folder(self) -> &'static str {
        self.path().split('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Stage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == text).ok_or_else(|| {
            let near = Self::ALL
                .into_iter()
                .map(|stage| (strsim::jaro_winkler(stage.name(), text), stage))
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .filter(|(likeness, _)| *likeness > 0.75);
            let hint = match near {
                Some((_, stage)) => format!("Did you mean `{stage}`?"),
                None => format!("The stages are {}.", Self::ALL.map(Self::name).join(", ")),
            };
            Error::argument(format!("unknown stage `{text}`"))
                .with_reason("stage")
                .with_hint(hint)
                .with("stage", text)
        })
    }
}

/// How far a stage has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStatus {
    /// Not begun.
    #[default]
    Pending,
    /// Being written.
    InProgress,
    /// Done; its artifact must validate without errors before it is pushed.
    Complete,
}

impl StageStatus {
    /// The statuses in order.
    pub const ALL: [Self; 3] = [Self::Pending, Self::InProgress, Self::Complete];

    /// Returns the name used on the wire and in all JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Complete => "complete",
        }
    }

    /// Returns the status that a file or a row means; both `complete` and `completed` are read.
    pub fn read(text: &str) -> Option<Self> {
        match text {
            "pending" => Some(Self::Pending),
            "in_progress" => Some(Self::InProgress),
            "complete" | "completed" => Some(Self::Complete),
            _ => None,
        }
    }
}

impl fmt::Display for StageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for StageStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::read(&text.replace('-', "_")).ok_or_else(|| {
            Error::argument(format!("unknown status `{text}`"))
                .with_reason("status")
                .with_hint("The statuses are pending, in_progress and complete.")
        })
    }
}
