//! Keys: which kind one is, and which headers it goes into.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::remote::http::{Call, Secret};

/// What a key may do, as far as it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// No key at all.
    None,
    /// `sb_publishable_…`: sees what row-level security shows to everybody.
    Publishable,
    /// `sb_secret_…`: sees everything.
    Secret,
    /// An older `anon` key: as a publishable one.
    Anon,
    /// An older `service_role` key: sees everything.
    ServiceRole,
    /// The token of a user: sees what row-level security shows to that user.
    User,
    /// Something else.
    Unknown,
}

impl KeyKind {
    /// Tells the kind of a key by its looks. Nothing is verified: that is the server's work.
    pub fn of(key: &Secret) -> Self {
        let text = key.expose();
        if text.is_empty() {
            Self::None
        } else if text.starts_with("sb_publishable_") {
            Self::Publishable
        } else if text.starts_with("sb_secret_") {
            Self::Secret
        } else {
            match role(text).as_deref() {
                Some("anon") => Self::Anon,
                Some("service_role") => Self::ServiceRole,
                Some(_) => Self::User,
                None => Self::Unknown,
            }
        }
    }

    /// Tells whether row-level security does not apply.
    pub fn sees_everything(self) -> bool {
        matches!(self, Self::Secret | Self::ServiceRole)
    }

    /// Returns the kind in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "no key",
            Self::Publishable => "a publishable key",
            Self::Secret => "a secret key",
            Self::Anon => "an anon key",
            Self::ServiceRole => "a service_role key",
            Self::User => "a user's token",
            Self::Unknown => "a key of an unknown kind",
        }
    }
}

/// Returns the role that a JSON Web Token names.
fn role(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || payload.len() > 8 << 10 {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims.get("role")?.as_str()?.to_owned())
}

/// Who asks: the key of the project, and the token of the user where there is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    key: Option<Secret>,
    token: Option<Secret>,
}

impl Credentials {
    /// Asks as nobody: what a PostgREST without keys lets everybody do.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Asks with a key of the project.
    pub fn key(key: Secret) -> Self {
        Self::new(Some(key), None)
    }

    /// Asks with a key of the project, an empty one counting as none, and the token of a user.
    pub fn new(key: Option<Secret>, token: Option<Secret>) -> Self {
        let is_some = |secret: &Secret| !secret.expose().is_empty();
        Self { key: key.filter(is_some), token: token.filter(is_some) }
    }

    /// Returns the kind of who asks.
    pub fn kind(&self) -> KeyKind {
        self.token.as_ref().or(self.key.as_ref()).map_or(KeyKind::None, KeyKind::of)
    }

    /// Puts the credentials where the server looks for them: a key that is no token is never sent as one.
    pub(super) fn sign(&self, mut call: Call) -> Call {
        if let Some(key) = &self.key {
            call = call.secret("apikey", "", key);
        }
        let is_token = |key: &&Secret| !key.expose().starts_with("sb_");
        match self.token.as_ref().or(self.key.as_ref().filter(is_token)) {
            Some(token) => call.secret("authorization", "Bearer ", token),
            None => call,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes a token with a role; nothing signs it.
    pub(in super::super) fn token(role: &str) -> Secret {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = serde_json::json!({ "role": role, "iss": "supabase" }).to_string();
        Secret::new(format!("{}.{}.c2ln", part(r#"{"alg":"HS256"}"#), part(&claims)))
    }

    #[test]
    fn a_key_is_known_by_its_looks() {
        for (key, kind) in [
            (Secret::new(""), KeyKind::None),
            (Secret::new("sb_publishable_x"), KeyKind::Publishable),
            (Secret::new("sb_secret_x"), KeyKind::Secret),
            (token("anon"), KeyKind::Anon),
            (token("service_role"), KeyKind::ServiceRole),
            (token("authenticated"), KeyKind::User),
            (Secret::new("sb_other_x"), KeyKind::Unknown),
            (Secret::new("a.b.c"), KeyKind::Unknown),
            (Secret::new("a.b.c.d"), KeyKind::Unknown),
        ] {
            assert_eq!(KeyKind::of(&key), kind);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_kind(text in ".{0,200}", payload in prop::collection::vec(any::<u8>(), 0..60)) {
            KeyKind::of(&Secret::new(text));
            KeyKind::of(&Secret::new(format!("x.{}.y", URL_SAFE_NO_PAD.encode(payload))));
        }
    }
}
