//! The artifacts as `init` writes them.

use crate::name::SessionKey;
use crate::stage::Stage;

/// Returns the template of a stage, rendered for a session. It holds no time stamp.
pub fn render(_stage: Stage, _key: &SessionKey) -> String {
    todo!()
}

/// Tells whether `text` is the untouched template of a stage, as this or an earlier version renders it for the session.
pub fn is_untouched(_stage: Stage, _key: &SessionKey, _text: &str) -> bool {
    todo!()
}
