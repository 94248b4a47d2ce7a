//! When a read is sent again, and how long to wait before.

use std::time::Duration;

use super::exchange::Cause;
use crate::context::Context;
use crate::error::Result;

/// How often a read is repeated.
pub(super) const TIMES: u32 = 3;
const FIRST: Duration = Duration::from_millis(200);
/// A server that asks for more than this is not waited for.
const LONGEST: Duration = Duration::from_secs(30);
const SLICE: Duration = Duration::from_millis(20);

/// A reason to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Again {
    /// What the server asked for.
    at_least: Option<Duration>,
}

impl Again {
    /// Returns how long to wait before repetition `attempt + 1`; `None`: it is not worth it.
    pub(super) fn pause(self, attempt: u32, random: u128) -> Option<Duration> {
        if attempt >= TIMES {
            return None;
        }
        let step = FIRST * 2u32.pow(attempt);
        // From half of the step to all of it, so that clients that failed together do not come back together.
        let share = u32::try_from(random % 1000).unwrap_or(0);
        let own = step / 2 + step / 2 * share / 1000;
        match self.at_least {
            Some(asked) if asked > LONGEST => None,
            Some(asked) => Some(asked.max(own)),
            None => Some(own),
        }
    }
}

/// Tells whether an answer of this status is worth another try.
pub(super) fn after_answer(status: u16, retry_after: Option<Duration>) -> Option<Again> {
    matches!(status, 429 | 502..=504 | 520..=524).then_some(Again { at_least: retry_after })
}

/// Tells whether another try may get further than this one.
pub(super) fn after_failure(cause: Cause) -> Option<Again> {
    matches!(cause, Cause::Timeout | Cause::Broken).then_some(Again { at_least: None })
}

/// Waits, and looks at the cancel flag meanwhile.
pub(super) fn sleep(pause: Duration, context: &Context) -> Result<()> {
    let end = context.clock.monotonic() + pause;
    loop {
        context.check()?;
        let left = end.saturating_sub(context.clock.monotonic());
        if left.is_zero() {
            return Ok(());
        }
        context.clock.sleep(SLICE.min(left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_spread_and_end() {
        let again = after_answer(503, None).unwrap();
        for (attempt, (least, most)) in [(100, 200), (200, 400), (400, 800)].into_iter().enumerate() {
            let attempt = u32::try_from(attempt).unwrap();
            for random in [0, 1, 500, 999, u128::MAX] {
                let pause = again.pause(attempt, random).unwrap();
                assert!((least..=most).contains(&pause.as_millis()), "{attempt} {random}: {pause:?}");
            }
        }
        assert_eq!(again.pause(TIMES, 0), None);
    }

    #[test]
    fn what_the_server_asks_for_is_waited_within_reason() {
        let asked = |seconds| after_answer(429, Some(Duration::from_secs(seconds))).unwrap().pause(0, 0);
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert!(asked(0).unwrap() >= FIRST / 2);
        assert_eq!(asked(31), None);
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [200, 201, 301, 400, 401, 403, 404, 409, 413, 500, 501, 505, 519, 525] {
            assert_eq!(after_answer(status, None), None, "{status}");
        }
        for status in [429, 502, 503, 504, 520, 524] {
            assert!(after_answer(status, None).is_some(), "{status}");
        }
        assert_eq!(after_failure(Cause::Dns), None);
        assert_eq!(after_failure(Cause::Cancelled), None);
    }
}
