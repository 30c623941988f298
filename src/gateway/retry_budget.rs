//! The retry budget: blind retries may be a fifth of a credential's calls, plus a few. When everything fails, unlimited
//! retries would double the load on a gateway that is already down.

use std::sync::{Mutex, PoisonError};

/// What a call adds to the budget, in thousandths of a retry.
const FOR_A_CALL: i64 = 200;

/// The price of a retry, in thousandths of a retry.
const FOR_A_RETRY: i64 = 1_000;

/// The most that can be saved, and the initial amount: enough for a short disturbance of a quiet gateway.
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
    /// Adds a call's share to the budget.
    pub fn earn(&self) {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = (*saved + FOR_A_CALL).min(MOST);
    }

    /// Returns the price of a retry that turned out to be justified.
    pub fn refund(&self) {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *saved = (*saved + FOR_A_RETRY).min(MOST);
    }

    /// Pays for a retry; returns false when the budget is too low.
    pub fn spend(&self) -> bool {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_enough = *saved >= FOR_A_RETRY;
        if is_enough {
            *saved -= FOR_A_RETRY;
        }
        is_enough
    }

    /// Charges for retries that seemed free and did not help; the budget may become negative.
    pub fn owe(&self, retries: u32) {
        let mut saved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *saved -= FOR_A_RETRY * i64::from(retries);
    }
}

#[cfg(test)]
mod tests {
    use super::RetryBudget;

    /// Counts the attempts of calls that always fail and ask for this many retries each.
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
