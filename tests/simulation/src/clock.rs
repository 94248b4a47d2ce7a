//! Virtual time and seeded ids, with a moment at which something else may happen: an editor saves, or the process dies.

use std::sync::Mutex;
use std::time::Duration;

use idse_core::Clock;
use jiff::Timestamp;
use uuid::Uuid;

use super::random::Random;

/// What happens when the clock is asked for the n-th time.
pub(crate) type Hook = Box<dyn FnOnce() + Send>;

/// The clock of one client. It runs, and it may be off by years.
pub(crate) struct VirtualClock {
    inside: Mutex<Inside>,
}

struct Inside {
    random: Random,
    passed: Duration,
    start: Timestamp,
    hook: Option<(u32, Hook)>,
}

impl VirtualClock {
    pub(crate) fn new(seed: u64, years_off: i64) -> Self {
        let start = Timestamp::from_second(1_800_000_000 + years_off * 31_557_600).unwrap();
        let inside = Inside { random: Random::new(seed), passed: Duration::ZERO, start, hook: None };
        Self { inside: Mutex::new(inside) }
    }

    /// Lets something happen when the clock is asked for the n-th time from here on.
    pub(crate) fn arm(&self, asked: u32, hook: Hook) {
        self.inside.lock().unwrap().hook = Some((asked, hook));
    }

    pub(crate) fn disarm(&self) {
        self.inside.lock().unwrap_or_else(std::sync::PoisonError::into_inner).hook = None;
    }

    fn asked(&self) {
        let mut inside = self.inside.lock().unwrap();
        inside.passed += Duration::from_millis(3);
        let due = match &mut inside.hook {
            Some((0, _)) => inside.hook.take(),
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        drop(inside);
        if let Some((_, hook)) = due {
            hook();
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.asked();
        let inside = self.inside.lock().unwrap();
        inside.start + inside.passed
    }

    fn monotonic(&self) -> Duration {
        self.inside.lock().unwrap().passed
    }

    fn unique(&self) -> Uuid {
        self.asked();
        let random = &mut self.inside.lock().unwrap().random;
        Uuid::from_u64_pair(random.next(), random.next())
    }

    fn sleep(&self, duration: Duration) {
        self.inside.lock().unwrap().passed += duration;
    }
}
