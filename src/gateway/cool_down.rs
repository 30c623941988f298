//! The credential cool-down: a credential that the gateway refused is not tried again for a while. Each method has its
//! own, since a key may lack the permission for one of them only. After the cool-down, one call is let pass as a probe.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::Error;

/// How long the probe may take. Other calls are still refused while it is under way.
const PROBE: Duration = Duration::from_secs(5);

/// The cool-downs of one credential by method, shared by all workers.
#[derive(Debug, Default)]
pub struct CoolDowns(Mutex<HashMap<String, CoolDown>>);

#[derive(Debug)]
struct CoolDown {
    until: Duration,
    error: Error,
}

impl CoolDowns {
    /// The refusal that still holds for this method; `None` when it may be called.
    pub fn refusal(&self, method: &str, now: Duration) -> Option<Error> {
        let mut rests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = rests.get_mut(method)?;
        if now < rest.until {
            return Some(rest.error.clone());
        }
        rest.until = now + PROBE;
        None
    }

    /// Records the outcome of a call of this method.
    pub fn observe(&self, method: &str, outcome: Result<(), &Error>, now: Duration) {
        let refused = outcome.err().and_then(|error| Some((error.kind.reaction().rests?, error)));
        let mut rests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match refused {
            Some((length, error)) => {
                rests.insert(method.to_owned(), CoolDown { until: now + length, error: error.clone() });
            }
            None if outcome.is_ok() || outcome.is_err_and(|error| error.kind.reaction().admitted) => {
                rests.remove(method);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CoolDowns;
    use crate::gateway::error::{Error, Kind};
    use crate::gateway::fixtures::vendor;
    use std::time::Duration;

    fn error(kind: Kind) -> Error {
        Error::local(vendor("oms"), kind, "refused")
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_refused_credential_rests_for_its_method_and_then_one_call_goes_first() {
        let rests = CoolDowns::default();
        rests.observe("shop.get", Err(&error(Kind::CredentialsRefused)), at(0));
        assert!(rests.refusal("shop.get", at(29)).is_some());
        assert!(rests.refusal("shop.getList", at(29)).is_none());
        assert!(rests.refusal("shop.get", at(30)).is_none());
        assert!(rests.refusal("shop.get", at(30)).is_some());
    }

    #[test]
    fn a_success_ends_the_rest_and_another_failure_does_not_begin_one() {
        let rests = CoolDowns::default();
        rests.observe("shop.get", Err(&error(Kind::GatewayFailed)), at(0));
        assert!(rests.refusal("shop.get", at(0)).is_none());
        rests.observe("shop.get", Err(&error(Kind::CredentialsRefused)), at(0));
        rests.observe("shop.get", Ok(()), at(30));
        assert!(rests.refusal("shop.get", at(30)).is_none());
        rests.observe("shop.get", Err(&error(Kind::CredentialsRefused)), at(30));
        rests.observe("shop.get", Err(&error(Kind::NotFound)), at(60));
        assert!(rests.refusal("shop.get", at(60)).is_none());
    }
}
