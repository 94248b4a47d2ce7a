//! Secrets: a key goes only where the one who gave it meant it to go.
//!
//! Where it is sent, and that it is never shown, is the matter of `remote`.

use std::path::Path;

use super::{Origin, file};
use crate::context::Context;
use crate::error::Result;
use crate::fs::Dir;
use crate::remote::Secret;
use crate::trust;

/// Returns the secret in a variable that may go to an address.
///
/// One from `.env` goes only to an address from the same `.env`. One from the process environment goes to an
/// address that the user gave, in the environment, an option or a file of their own, or to a trusted origin: a
/// repository of a stranger names an address and gets no secret of yours.
///
/// # Errors
/// What reading `.env` and the list of trusted origins reports.
pub(super) fn of(
    variable: &'static str,
    url: &str,
    named_by: &Origin,
    root: &Path,
    context: &Context,
) -> Result<Option<Secret>> {
    if *named_by == Origin::File(file::ENV_FILE.to_owned())
        && let Some(value) = file::secret_of_env_file(&Dir::open(root)?, variable)?
    {
        return Ok(Some(Secret::new(value)));
    }
    let Some(value) = context.env.get(variable) else { return Ok(None) };
    // A port of this machine is exempt from the question, not from this rule: anybody can name it.
    let is_allowed = !named_by.is_workspace() || trust::list(context)?.contains(&trust::origin(url)?);
    Ok(is_allowed.then(|| Secret::new(value)))
}
