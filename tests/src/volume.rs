//! How much a test does: `IDSE_SCALE` multiplies the ordinary volume of those that count.

/// Returns how often to do what is ordinarily done so many times; never zero.
pub fn volume(ordinary: usize) -> usize {
    let percent = std::env::var("IDSE_SCALE")
        .ok()
        .and_then(|scale| scale.parse::<f64>().ok())
        .filter(|scale| scale.is_finite() && *scale >= 0.0)
        .map_or("100".to_owned(), |scale| format!("{:.0}", scale * 100.0));
    (ordinary.saturating_mul(percent.parse().unwrap_or(100)) / 100).max(1)
}
