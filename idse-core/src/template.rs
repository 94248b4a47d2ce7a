//! The artifacts as `init` writes them, and how they are recognised while nobody has touched them.
//!
//! Writing them belongs to `workspace`; what their sections mean belongs to `rules`.

use crate::name::SessionKey;
use crate::stage::Stage;
use crate::text::canonical;

/// The templates by stage, newest edition first.
///
/// An edition that was ever released stays here: a file that an older version wrote is still untouched.
const EDITIONS: [[&str; 7]; 1] = [[
    include_str!("../templates/intent.md"),
    include_str!("../templates/context.md"),
    include_str!("../templates/spec.md"),
    include_str!("../templates/plan.md"),
    include_str!("../templates/tasks.md"),
    include_str!("../templates/implementation.md"),
    include_str!("../templates/feedback.md"),
]];

/// Returns the template of a stage, rendered for a session. It holds no time stamp.
///
/// ```
/// use idse_core::{SessionKey, Stage, template};
/// let key = SessionKey { project: "shop".parse()?, session: "checkout".parse()? };
/// assert!(template::render(Stage::Spec, &key).starts_with("# Specification: shop\n"));
/// # Ok::<(), idse_core::Error>(())
/// ```
pub fn render(stage: Stage, key: &SessionKey) -> String {
    fill(EDITIONS[0][stage as usize], key)
}

/// Tells whether `text` is the untouched template of a stage, as this or an earlier version renders it for the session.
///
/// Line endings and a byte order mark do not matter.
pub fn is_untouched(stage: Stage, key: &SessionKey, text: &str) -> bool {
    let text = canonical(text);
    EDITIONS.iter().any(|edition| {
        let template = canonical(edition[stage as usize]);
        // Most texts differ in their length already.
        let about = template.len() + key.project.as_str().len() + key.session.as_str().len();
        text.len() <= about && fill(&template, key) == text
    })
}

fn fill(template: &str, key: &SessionKey) -> String {
    // A checkout on Windows may give the source file other line endings than the release has.
    canonical(template)
        .replace("{{project}}", key.project.as_str())
        .replace("{{session}}", key.session.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ValidateSettings;
    use crate::rules::validate_text;
    use crate::stage::StageStatus;

    fn key(project: &str, session: &str) -> SessionKey {
        SessionKey { project: project.parse().unwrap(), session: session.parse().unwrap() }
    }

    #[test]
    fn a_fresh_template_asks_for_input_and_nothing_else() {
        let key = key("shop", "checkout");
        for stage in Stage::ALL {
            let text = render(stage, &key);
            let found =
                validate_text(Some(&key), stage, StageStatus::Pending, &text, &ValidateSettings::default());
            assert!(!found.is_empty(), "{stage}");
            assert!(found.iter().all(|diagnostic| diagnostic.code == "IDSE101"), "{stage}: {found:#?}");
            assert!(!text.contains("{{"), "{stage}");
        }
    }

    #[test]
    fn an_answered_template_is_clean_at_every_status() {
        let key = key("shop", "checkout");
        for stage in Stage::ALL {
            let text = render(stage, &key).replace("[REQUIRES INPUT]", "An answer.");
            for status in StageStatus::ALL {
                let found = validate_text(Some(&key), stage, status, &text, &ValidateSettings::default());
                assert_eq!(found, [], "{stage} {status}");
            }
        }
    }

    #[test]
    fn only_the_template_of_the_same_session_is_untouched() {
        let (mine, other) = (key("shop", "checkout"), key("shop", "search"));
        for stage in Stage::ALL {
            let text = render(stage, &mine);
            assert!(is_untouched(stage, &mine, &text), "{stage}");
            assert!(
                is_untouched(stage, &mine, &format!("\u{feff}{}", text.replace('\n', "\r\n"))),
                "{stage}"
            );
            assert!(!is_untouched(stage, &other, &text), "{stage}");
            assert!(!is_untouched(stage, &mine, &format!("{text} ")), "{stage}");
            assert!(!is_untouched(stage, &mine, text.trim_end()), "{stage}");
        }
    }
}
