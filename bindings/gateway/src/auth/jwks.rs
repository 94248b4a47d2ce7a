//! Public keys: fetched from where the identity provider publishes them, and kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use idse_core::{Error, ErrorKind, Result};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use tokio::sync::{Mutex, RwLock};
use tokio::time::Instant;

/// How long a set is used before it is fetched again.
const FRESH: Duration = Duration::from_secs(600);
/// How long after a fetch an unknown key does not cause another.
const PAUSE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(5);
const MAX_BYTES: u64 = 256 * 1024;
const MAX_KEYS: usize = 64;
/// NIST SP 800-131A: RSA below this is broken or close to it. In characters of base64url.
const MIN_RSA: usize = 2048 / 6;

/// Where public keys come from.
#[derive(Debug, Clone)]
pub struct KeySource(String);

impl KeySource {
    /// Names an address: `https`, or `http` on this machine alone.
    ///
    /// # Errors
    /// `InvalidConfig` for any other address.
    pub fn new(url: &str) -> Result<Self> {
        let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let is_local = local.iter().filter_map(|start| url.strip_prefix(start));
        if url.starts_with("https://") || is_local.into_iter().any(|rest| rest.starts_with([':', '/'])) {
            return Ok(Self(url.to_owned()));
        }
        Err(Error::new(ErrorKind::InvalidConfig, format!("{url:?} is no address for public keys")).with_hint(
            "Name an https address, for Supabase `https://REF.supabase.co/auth/v1/.well-known/jwks.json`.",
        ))
    }

    fn fetch(&self) -> Option<HashMap<String, Key>> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .max_redirects_will_error(true)
            .build();
        let mut response = ureq::Agent::new_with_config(config).get(&self.0).call().ok()?;
        let text = response.body_mut().with_config().limit(MAX_BYTES).read_to_string().ok()?;
        parse(&text)
    }
}

/// A public key and the one algorithm that it verifies.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) key: DecodingKey,
    pub(super) algorithm: Algorithm,
}

/// Reads a set; keys that cannot be used here are passed over.
fn parse(text: &str) -> Option<HashMap<String, Key>> {
    let set: Value = serde_json::from_str(text).ok()?;
    let keys = set.get("keys")?.as_array()?;
    let mut found = HashMap::new();
    for value in keys.iter().take(MAX_KEYS) {
        let Ok(jwk) = serde_json::from_value::<Jwk>(value.clone()) else { continue };
        if let (Some(id), Some(key)) = (jwk.common.key_id.clone(), usable(&jwk)) {
            found.insert(id, key);
        }
    }
    Some(found)
}

fn usable(jwk: &Jwk) -> Option<Key> {
    let (algorithm, name) = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if rsa.n.len() >= MIN_RSA => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        _ => return None,
    };
    if jwk.common.key_algorithm.is_some_and(|named| named != name) {
        return None;
    }
    if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    Some(Key { key: DecodingKey::from_jwk(jwk).ok()?, algorithm })
}

/// The keys that are known, fetched again when they are old or one is missing.
pub(super) struct Keys {
    source: KeySource,
    known: RwLock<Arc<Known>>,
    fetching: Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Key>,
    fetched: Option<Instant>,
}

impl Keys {
    pub(super) fn new(source: KeySource) -> Self {
        Self { source, known: RwLock::default(), fetching: Mutex::default() }
    }

    /// Finds a key by its id.
    pub(super) async fn find(&self, id: &str) -> Option<Key> {
        let known = self.current().await;
        let key = known.keys.get(id);
        let age = known.fetched.map(|at| at.elapsed());
        let is_due = match (key, age) {
            (_, None) => true,
            (Some(_), Some(age)) => age > FRESH,
            (None, Some(age)) => age > PAUSE,
        };
        if !is_due {
            return key.cloned();
        }
        self.refresh(known.fetched).await;
        self.current().await.keys.get(id).cloned()
    }

    async fn current(&self) -> Arc<Known> {
        self.known.read().await.clone()
    }

    /// Fetches the set once, however many requests ask for it at a time. A set that cannot be fetched leaves the
    /// last good one in use.
    async fn refresh(&self, seen: Option<Instant>) {
        let _one = self.fetching.lock().await;
        if self.current().await.fetched != seen {
            return;
        }
        let source = self.source.clone();
        let fetched = tokio::task::spawn_blocking(move || source.fetch()).await.ok().flatten();
        if fetched.is_none() {
            tracing::warn!("the public keys could not be fetched; the last good ones stay in use");
        }
        let keys = match fetched {
            Some(keys) => keys,
            None => self.current().await.keys.clone(),
        };
        *self.known.write().await = Arc::new(Known { keys, fetched: Some(Instant::now()) });
    }
}
