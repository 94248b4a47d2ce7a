//! JSON Web Tokens: which key may have signed one, and whether it did.
//!
//! The algorithm belongs to the key. What the header says only chooses among keys that are configured, so that a
//! public key never serves as a secret and `none` chooses nothing.

use idse_core::{Error, ErrorKind, Result};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::{Map, Value};

use super::jwks::Keys;
use super::{Caller, KeySource, Secret, claims, refused};
use crate::problem::Problem;

/// RFC 7518 3.2: a key for HS256 has at least as many bits as the hash.
const MIN_SECRET: usize = 32;

/// What a token must say to be let in.
#[derive(Debug, Clone)]
pub struct JwtRules {
    /// `iss`, where it is configured.
    pub issuer: Option<String>,
    /// `aud`.
    pub audience: String,
    /// The values of `role` that are let in.
    pub roles: Vec<String>,
}

/// The keys and rules for JSON Web Tokens.
pub struct Jwt {
    secret: Option<DecodingKey>,
    keys: Option<Keys>,
    rules: JwtRules,
}

impl Jwt {
    /// Combines a shared secret, a set of public keys, or both.
    ///
    /// # Errors
    /// `InvalidConfig` (`secret`) for a secret of less than 32 bytes.
    pub fn new(secret: Option<&Secret>, keys: Option<KeySource>, rules: JwtRules) -> Result<Self> {
        if secret.is_some_and(|secret| secret.reveal().len() < MIN_SECRET) {
            let message = format!("the JWT secret has less than {MIN_SECRET} bytes");
            return Err(Error::new(ErrorKind::InvalidConfig, message)
                .with_reason("secret")
                .with_hint("Make one with `openssl rand -base64 48`."));
        }
        let secret = secret.map(|secret| DecodingKey::from_secret(secret.reveal().as_bytes()));
        Ok(Self { secret, keys: keys.map(Keys::new), rules })
    }

    /// Verifies a token and says whose it is.
    pub(crate) async fn verify(&self, token: &str) -> Result<Caller, Problem> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("the token is no JWT"))?;
        check_header(&header)?;
        let claims = match header.alg {
            Algorithm::HS256 => match &self.secret {
                Some(secret) => decode(token, secret, Algorithm::HS256)?,
                None => return Err(refused("the token's algorithm is not used here")),
            },
            Algorithm::RS256 | Algorithm::ES256 => {
                let keys =
                    self.keys.as_ref().ok_or_else(|| refused("the token's algorithm is not used here"))?;
                let kid = header.kid.as_deref().ok_or_else(|| refused("the token does not name its key"))?;
                let key = keys.find(kid).await.ok_or_else(|| refused("the token's key is not known"))?;
                if key.algorithm != header.alg {
                    return Err(refused("the token's algorithm is not the one of its key"));
                }
                decode(token, &key.key, key.algorithm)?
            }
            _ => return Err(refused("the token's algorithm is not used here")),
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "whether a token has expired is a question of the real time"
        )]
        let now = jiff::Timestamp::now().as_duration().as_secs_f64();
        let (subject, scopes) = claims::check(&claims, &self.rules, now).map_err(refused)?;
        Ok(Caller { subject, scopes, jwt: Some(Secret::new(token)) })
    }
}

impl std::fmt::Debug for Jwt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jwt").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Refuses what asks for a reading that we do not do (RFC 7515 4.1.11, RFC 8725 3.11).
fn check_header(header: &Header) -> Result<(), Problem> {
    let is_jwt = header
        .typ
        .as_deref()
        .is_none_or(|typ| typ.eq_ignore_ascii_case("jwt") || typ.eq_ignore_ascii_case("at+jwt"));
    let is_plain = header.crit.is_none() && header.enc.is_none() && header.zip.is_none();
    if is_jwt && is_plain { Ok(()) } else { Err(refused("the token is of another kind")) }
}

/// Verifies the signature alone: the claims are checked by our own rules.
fn decode(token: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<Map<String, Value>, Problem> {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode(token, key, &validation)
        .map(|data| data.claims)
        .map_err(|_| refused("the token's signature does not hold"))
}
