//! Doing the same with many things on as many threads as the machine has; the results do not depend on how many.
//!
//! What is done, and whether it may stop early, is the caller's.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does the same with every item, which comes with its place, and returns the results in order.
pub(crate) fn in_parallel<I: Sync, T: Send>(items: &[I], one: impl Fn(usize, &I) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            let result = one(at, item);
            results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((at, result));
        }
    };
    if threads < 2 {
        work();
    } else {
        // The caller's own thread is one of them: it may be the only one that hears of a wish to stop.
        std::thread::scope(|scope| {
            (1..threads).for_each(|_| drop(scope.spawn(work)));
            work();
        });
    }
    let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        let items: Vec<usize> = (0..100).collect();
        let results = in_parallel(&items, |at, item| (at, *item));
        assert_eq!(results, items.iter().map(|item| (*item, *item)).collect::<Vec<_>>());
        assert!(in_parallel(&[0; 0], |at, _| at).is_empty());
    }
}
