//! What a server's front door does to a request: Supabase's gateway turns keys into tokens and strips a prefix.

use serde_json::json;

use super::http::{Reply, Request};
use crate::stack::Keys;

/// The door of a server.
#[derive(Debug, Clone, Copy)]
pub(super) enum Door {
    /// Everything passes as it is.
    Open,
    /// Supabase's: `/rest/v1`, keys, and the schema of the project.
    Supabase {
        /// The schema that the table is in.
        schema: &'static str,
    },
}

impl Door {
    /// Lets a request in, changed for the server behind, or answers it at once.
    pub(super) fn enter(self, request: &mut Request) -> Result<(), Box<Reply>> {
        let Self::Supabase { schema } = self else { return Ok(()) };
        let Some(rest) = request.target.strip_prefix("/rest/v1/") else {
            return Err(refuse(404, "no Route matched with those values"));
        };
        let target = format!("/{rest}");
        let token = token(request)?;
        request.target = target;
        request.headers.retain(|(name, _)| {
            !["apikey", "authorization", "accept-profile", "content-profile"]
                .iter()
                .any(|other| name.eq_ignore_ascii_case(other))
        });
        let mut add = |name: &str, value: String| request.headers.push((name.to_owned(), value));
        add("Authorization", format!("Bearer {token}"));
        add("Accept-Profile", schema.to_owned());
        add("Content-Profile", schema.to_owned());
        Ok(())
    }
}

/// Which token stands for the keys of a request.
fn token(request: &Request) -> Result<String, Box<Reply>> {
    let keys = Keys;
    let Some(key) = request.header("apikey") else { return Err(refuse(401, "No API key found in request")) };
    let own = match key {
        key if key == keys.publishable() || key == keys.anon() => keys.anon(),
        key if key == keys.secret() || key == keys.service() => keys.service(),
        _ => return Err(refuse(401, "Invalid API key")),
    };
    match request.header("authorization") {
        None => Ok(own),
        // A key of the new kind is no token, and says so loudly where it is sent as one.
        Some(value) => match value.strip_prefix("Bearer ") {
            Some(token) if !token.starts_with("sb_") => Ok(token.to_owned()),
            _ => Err(refuse(401, "Invalid JWT")),
        },
    }
}

fn refuse(status: u16, message: &str) -> Box<Reply> {
    Box::new(Reply::json(status, &json!({ "message": message })))
}
