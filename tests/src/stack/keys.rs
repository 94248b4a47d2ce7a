//! The keys of a Supabase project, of both kinds, and the tokens of its users.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// What PostgREST checks tokens with.
pub(super) const SECRET: &str = "only-for-tests-only-for-tests-only-for-tests";

/// 2100-01-01, far beyond every test.
const FAR: u64 = 4_102_444_800;

/// The keys of the project: none of them opens anything but the servers of the tests.
#[derive(Debug, Clone, Copy)]
pub struct Keys;

impl Keys {
    /// Returns the publishable key of the new kind.
    pub fn publishable(self) -> &'static str {
        "sb_publishable_Q2FuYXJ5T25lRm9yVGVzdHM_8d41aXyz"
    }

    /// Returns the secret key of the new kind.
    pub fn secret(self) -> &'static str {
        "sb_secret_Q2FuYXJ5VHdvRm9yVGVzdHM_77aBc0Zq"
    }

    /// Returns the anonymous key of the old kind, a JWT.
    pub fn anon(self) -> String {
        self.sign(&json!({"iss": "supabase", "role": "anon", "exp": FAR}))
    }

    /// Returns the service key of the old kind, a JWT.
    pub fn service(self) -> String {
        self.sign(&json!({"iss": "supabase", "role": "service_role", "exp": FAR}))
    }

    /// Returns the token of a user who has signed in.
    pub fn user(self, name: &str) -> String {
        self.sign(&json!({"sub": name, "role": "authenticated", "exp": FAR}))
    }

    /// Returns the token of a user whose time is over.
    pub fn expired(self, name: &str) -> String {
        self.sign(&json!({"sub": name, "role": "authenticated", "exp": 1_000_000_000}))
    }

    /// Signs claims with HS256.
    pub fn sign(self, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}
