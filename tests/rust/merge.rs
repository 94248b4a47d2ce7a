//! Merging: the cases on disk, the promises on random texts, and git as a second opinion.

mod conformance;
mod git;
mod promises;
mod triples;

/// Returns how many times over the random tests run: `IDSE_SCALE`, or once.
fn scale() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "a test's own size is not the engine's environment")]
    let scale = std::env::var("IDSE_SCALE");
    scale.ok().and_then(|scale| scale.parse().ok()).unwrap_or(1)
}
