//! How often an account may look up in a region.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Look-ups in a second, and at once.
const PER_SECOND: u32 = 2;
/// Pairs of account and region that are remembered. Past it those that have rested are forgotten, and when
/// all are busy the look-up is refused.
const PAIRS_MAX: usize = 10_000;

const TOKEN: Duration = Duration::from_millis(1000 / PER_SECOND as u64);

/// A bucket of tokens for each account and region: when it will be full again.
#[derive(Default)]
pub(super) struct Rates {
    full_at: Mutex<HashMap<(String, String), Duration>>,
}

impl Rates {
    /// Takes a token; false when there is none.
    pub fn admit(&self, now: Duration, account: &str, region: &str) -> bool {
        let mut all = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PAIRS_MAX {
            all.retain(|_, full_at| *full_at > now);
        }
        let pair = (account.to_owned(), region.to_owned());
        if all.len() >= PAIRS_MAX && !all.contains_key(&pair) {
            return false;
        }
        let full_at = all.entry(pair).or_default();
        let after = (*full_at).max(now) + TOKEN;
        if after > now + TOKEN * PER_SECOND {
            return false;
        }
        *full_at = after;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_in_a_second_are_admitted_of_each_account_and_region() {
        let rates = Rates::default();
        let admit = |millis: u64, region: &str| rates.admit(Duration::from_millis(millis), "1", region);
        assert!(admit(0, "a") && admit(0, "a"));
        assert!(!admit(0, "a") && !admit(499, "a"));
        assert!(admit(0, "b"));
        assert!(admit(500, "a") && !admit(600, "a"));
        assert!(admit(5000, "a") && admit(5000, "a") && !admit(5000, "a"));
    }

    #[test]
    fn pairs_that_have_rested_are_forgotten() {
        let rates = Rates::default();
        for index in 0..PAIRS_MAX {
            assert!(rates.admit(Duration::ZERO, "1", &index.to_string()));
        }
        assert!(!rates.admit(Duration::ZERO, "1", "one more"));
        assert!(rates.admit(TOKEN, "1", "one more"));
        assert_eq!(rates.full_at.lock().unwrap().len(), 1);
    }
}
