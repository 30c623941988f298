//! How many blind retries a credential may spend: a fifth of its calls, and a few besides. When everything fails, retries
//! would else double the load on a gateway that is down already.

use std::sync::{Mutex, PoisonError};

/// What a call adds, in thousandths of a retry.
const FOR_A_CALL: i64 = 200;

/// What a retry costs.
const FOR_A_RETRY: i64 = 1_000;

/// What can be saved, and what there is at the start: enough for a stumble of a quiet gateway.
const MOST: i64 = 8_000;

/// The budget of one credential, shared by all workers.
#[derive(Debug)]
pub struct RetryBudget(Mutex<i64>);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Mutex::new(MOST))
    }
}

impl RetryBudget {
    /// A call is made.
    pub fn earn(&self) {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = (*saved + FOR_A_CALL).min(MOST);
    }

    /// Gives back what a retry cost that turned out to be justified.
    pub fn refund(&self) {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = (*saved + FOR_A_RETRY).min(MOST);
    }

    /// Pays for a retry; false when there is not enough.
    pub fn spend(&self) -> bool {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_enough = *saved >= FOR_A_RETRY;
        if is_enough {
            *saved -= FOR_A_RETRY;
        }
        is_enough
    }

    /// Pays afterwards for retries that seemed to be free and were in vain; what is missing is owed.
    pub fn owe(&self, retries: u32) {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *saved -= FOR_A_RETRY * i64::from(retries);
    }
}

#[cfg(test)]
mod tests {
    use super::RetryBudget;

    /// Calls of which every attempt fails and every failure asks for so many retries.
    fn attempts(calls: u32, retries: u32) -> u32 {
        let budget = RetryBudget::default();
        (0..calls)
            .map(|_| {
                budget.earn();
                1 + (0..retries).take_while(|_| budget.spend()).count() as u32
            })
            .sum()
    }

    #[test]
    fn when_everything_fails_a_fifth_more_is_sent_and_a_few_besides() {
        for calls in [500, 1_000, 100_000] {
            for retries in [1, 2] {
                let sent = attempts(calls, retries);
                assert!(f64::from(sent) <= 1.22 * f64::from(calls), "{sent} for {calls}");
                assert!(f64::from(sent) >= 1.19 * f64::from(calls), "{sent} for {calls}");
            }
        }
    }

    #[test]
    fn a_refund_is_as_good_as_new() {
        let budget = RetryBudget::default();
        for _ in 0..100 {
            assert!(budget.spend());
            budget.refund();
        }
    }

    #[test]
    fn what_is_owed_is_paid_before_anything_is_spent() {
        let budget = RetryBudget::default();
        budget.owe(50);
        let calls = (1..).take_while(|_| {
            budget.earn();
            !budget.spend()
        });
        assert_eq!(calls.count(), (42 + 1) * 5 - 1);
    }

    #[test]
    fn a_quiet_gateway_may_stumble() {
        assert_eq!(attempts(4, 2), 12);
    }
}
