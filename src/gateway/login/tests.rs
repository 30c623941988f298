use super::{LoginDuty, LoginState, LoginStep, LoginToken, SharedLogin};
use crate::gateway::error::{Error, Kind};
use crate::gateway::fixtures::vendor;
use futures_util::FutureExt as _;
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::time::Duration;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn duty(login: &SharedLogin, now: Duration) -> LoginDuty {
    match login.next_step(now) {
        LoginStep::LogIn(duty, _) => duty,
        other => panic!("{other:?}"),
    }
}

fn log_in(login: &SharedLogin, life: Option<u64>, now: Duration) {
    let duty = duty(login, now);
    login.complete(duty, Ok((SecretString::from("a-token"), life.map(at))), now);
}

fn refuse(login: &SharedLogin, now: Duration) {
    let duty = duty(login, now);
    login.complete(duty, Err(Error::local(vendor("opretail"), Kind::LoginRefused, "refused")), now);
}

#[test]
fn a_short_token_is_not_renewed_all_the_time() {
    let login = SharedLogin::default();
    log_in(&login, Some(30), at(0));
    used(&login, at(26));
    assert!(matches!(login.next_step(at(27)), LoginStep::UseAndRenew(..)));
}

fn used(login: &SharedLogin, now: Duration) -> Arc<LoginToken> {
    match login.next_step(now) {
        LoginStep::Use(token) => token,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_logs_in_and_the_others_wait_for_it() {
    let login = SharedLogin::default();
    let duty = duty(&login, at(0));
    let LoginStep::Wait(waiting) = login.next_step(at(0)) else { panic!("a second login") };
    login.complete(duty, Ok((SecretString::from("a-token"), None)), at(0));
    let landed = waiting.outcome().now_or_never().flatten().unwrap().unwrap();
    assert_eq!(landed.value.expose_secret(), "a-token");
    assert_eq!(used(&login, at(1_000_000)).serial, landed.serial, "without a known end it is used until it is lost");
    assert!(!format!("{login:?} {landed:?}").contains("a-token"));
}

#[test]
fn a_login_whose_leader_has_gone_is_started_again() {
    let login = SharedLogin::default();
    drop(duty(&login, at(0)));
    assert!(matches!(login.next_step(at(0)), LoginStep::LogIn(..)));
}

#[test]
fn a_token_is_renewed_by_one_before_it_ends_while_all_go_on_using_it() {
    let login = SharedLogin::default();
    log_in(&login, Some(600), at(0));
    used(&login, at(539));
    let LoginStep::UseAndRenew(_, renewal) = login.next_step(at(540)) else { panic!("not renewed") };
    used(&login, at(541));
    login.complete(renewal, Ok((SecretString::from("the-next"), Some(at(600)))), at(541));
    assert_eq!(used(&login, at(542)).value.expose_secret(), "the-next");
    assert!(matches!(login.next_step(at(540 + 600)), LoginStep::LogIn(..)), "an ended token is not used");
}

#[test]
fn a_lost_token_is_replaced_once_for_all_who_noticed() {
    let login = SharedLogin::default();
    log_in(&login, None, at(0));
    let token = used(&login, at(0));
    assert!(login.lost(vendor("opretail"), &token, at(1)));
    assert!(login.lost(vendor("opretail"), &token, at(1)));
    log_in(&login, None, at(1));
    assert!(login.lost(vendor("opretail"), &token, at(2)), "who comes late gets the new one");
    assert_eq!(used(&login, at(2)).serial, token.serial + 1);
}

#[test]
fn a_gateway_that_loses_every_token_is_not_logged_in_to_for_ever() {
    let login = SharedLogin::default();
    let mut logins = 0;
    for second in 0..50 {
        if let LoginStep::LogIn(duty, _) = login.next_step(at(second)) {
            login.complete(duty, Ok((SecretString::from("a-token"), None)), at(second));
            logins += 1;
            login.lost(vendor("opretail"), &used(&login, at(second)), at(second));
        }
    }
    assert_eq!((logins, login.state(at(50))), (4, LoginState::Refused));
}

#[test]
fn a_refused_login_is_not_hammered() {
    let login = SharedLogin::default();
    let mut refused = Vec::new();
    for second in 0..4 * 3_600 {
        if let LoginStep::LogIn(duty, _) = login.next_step(at(second)) {
            login.complete(duty, Err(Error::local(vendor("opretail"), Kind::LoginRefused, "refused")), at(second));
            refused.push(second);
        }
    }
    assert_eq!(refused[..4], [0, 300, 900, 2_100]);
    assert!(refused.windows(2).all(|pair| pair[1] - pair[0] >= 300));
    let most = (0..refused.len())
        .map(|first| refused[first..].iter().take_while(|second| *second - refused[first] < 600).count());
    assert!(most.max() <= Some(3), "{refused:?}");
}

#[test]
fn a_success_ends_the_rest() {
    let login = SharedLogin::default();
    refuse(&login, at(0));
    assert!(matches!(login.next_step(at(299)), LoginStep::CoolDown(error) if error.retry_after == Some(at(1))));
    assert_eq!(login.state(at(299)), LoginState::Refused);
    log_in(&login, Some(100), at(300));
    assert_eq!(login.state(at(301)), LoginState::LoggedIn);
    assert!(matches!(login.next_step(at(500)), LoginStep::LogIn(..)));
}
