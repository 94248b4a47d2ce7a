//! Every verb of the engine by its name, with named JSON arguments and a JSON document for an answer.
//!
//! This is what makes the doors into other languages thin, and what keeps them equal: they convert in, call, and
//! convert out. What a verb does is decided by the typed functions of the other modules.

mod arguments;
mod document;
mod guard;
mod place;
mod round;
mod sync;
mod table;
#[cfg(test)]
mod tests;
mod validation;
mod workspace;

use std::path::PathBuf;

use serde_json::{Map, Value};

pub use arguments::Argument;
pub use document::{document, error_document};
pub use guard::guarded;
pub use place::{Agencies, Connect, Place};
pub use round::{Round, status_of_all, sync_all};
pub use table::VERBS;
pub use validation::{TextQuestion, check_text};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::name::did_you_mean;
use crate::workspace::Workspace;

/// A verb: what it is called, what it takes, what it answers.
#[derive(Debug, Clone, Copy)]
pub struct Verb {
    /// Its name, in snake case.
    pub name: &'static str,
    /// It opens a connection. Every other verb never does, but for [`Verb::connects_with`].
    pub connecting: bool,
    /// The argument with which a local verb opens a connection all the same.
    pub connects_with: Option<&'static str>,
    /// What it does, as a sentence.
    pub summary: &'static str,
    /// The kinds of its document; the second one is that of its answer for many.
    pub documents: &'static [&'static str],
    /// The arguments that say where it works.
    common: &'static [Argument],
    own: &'static [Argument],
    run: fn(&Call<'_>) -> Result<Value>,
}

impl Verb {
    /// Finds a verb by its name.
    ///
    /// # Errors
    /// `InvalidArgument` (`schema`), with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self> {
        VERBS.iter().find(|verb| verb.name == name).ok_or_else(|| {
            let names = VERBS.iter().map(|verb| verb.name);
            let hint = match did_you_mean(name, names.clone()) {
                Some(near) => format!("Did you mean `{near}`?"),
                None => format!("The verbs are {}.", names.collect::<Vec<_>>().join(", ")),
            };
            Error::argument(format!("there is no verb `{name}`")).with_reason("schema").with_hint(hint)
        })
    }

    /// Lists its arguments: where it works, then its own.
    pub fn arguments(&self) -> impl Iterator<Item = &'static Argument> + Clone + use<> {
        self.common.iter().chain(self.own)
    }
}

/// Runs a verb and returns its document, exactly the one that `idse … --json` prints.
///
/// `arguments` is an object, or null where there are none; an argument that is null counts as not given.
/// `docs/verbs.md` lists the verbs and their arguments.
///
/// ```
/// use idse_core::{Context, verb};
/// use serde_json::json;
/// let texts = json!({ "base": "a\n", "local": "a\nb\n", "remote": "a\n" });
/// let merged = verb::call("merge_text", &texts, &Context::default())?;
/// assert_eq!((&merged["clean"], &merged["text"]), (&json!(true), &json!("a\nb\n")));
/// # Ok::<(), idse_core::Error>(())
/// ```
///
/// # Errors
/// `InvalidArgument` (`schema`) for a verb, an argument or a form that is not known; and whatever the verb reports.
pub fn call(verb: &str, arguments: &Value, context: &Context) -> Result<Value> {
    let verb = Verb::named(verb)?;
    let given = arguments::object(verb.name, arguments)?;
    arguments::refuse_unknown(verb.name, verb.arguments(), &given)?;
    let is_common = |name: &str| verb.common.iter().any(|argument| argument.name == name);
    let (common, own): (Map<_, _>, Map<_, _>) = given.into_iter().partition(|(name, _)| is_common(name));
    let place = arguments::read::<Common>(verb.name, verb.common, &common)?.into();
    (verb.run)(&Call { verb, place, own, context })
}

/// The arguments that say where a verb works; `table` says which of them it takes.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Common {
    start: Option<PathBuf>,
    root: Option<PathBuf>,
    project: Option<String>,
    session: Option<String>,
    remote: Option<String>,
}

impl From<Common> for Place {
    fn from(common: Common) -> Self {
        Self {
            start: common.start.unwrap_or_default(),
            root: common.root,
            project: common.project,
            session: common.session,
            remote: common.remote,
        }
    }
}

/// One call of a verb.
struct Call<'a> {
    verb: &'static Verb,
    place: Place,
    own: Map<String, Value>,
    context: &'a Context,
}

impl Call<'_> {
    /// Reads the verb's own arguments.
    fn request<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        arguments::read(self.verb.name, self.verb.own, &self.own)
    }

    /// Makes the answer, which is the verb's document.
    fn answer(&self, value: &(impl serde::Serialize + ?Sized)) -> Result<Value> {
        document(self.verb.documents.first().copied().unwrap_or_default(), value)
    }

    /// Makes the answer for many.
    fn answer_many(&self, value: &(impl serde::Serialize + ?Sized)) -> Result<Value> {
        document(self.verb.documents.last().copied().unwrap_or_default(), value)
    }

    fn agencies(&self, workspace: &Workspace) -> Agencies<'_> {
        Agencies::new(self.context, workspace.root(), self.place.remote.as_deref())
    }
}
