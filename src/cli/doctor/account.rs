//! Checks one tenant's account at one gateway, in the order of a call: connection, clock, key, signature, login, and
//! each method.

use std::sync::Arc;

use jiff::SignedDuration;
use rustls::ClientConfig;

use super::call_ids::CallIds;
use super::finding::{Finding, Status};
use super::methods::{self, UsedMethod};
use super::{reach, refusal};
use crate::gateway::GatewayClient;
use crate::gateway::account::Account;
use crate::gateway::diagnosis::Diagnosis;
use crate::gateway::error::Kind;
use crate::gateway::probe::FirstContact;
use crate::gateway::protocol::Call;

/// The smallest clock difference that is reported: a gateway states its time in whole seconds.
const UNSURE: SignedDuration = SignedDuration::from_secs(2);

const NTP: &str = "synchronize this machine's clock (NTP); tokens are checked by it, too";

/// The account that is checked.
pub(super) struct DoctorSubject {
    /// The names of the tenant and the vendor, which begin the lines of its findings.
    pub subject: String,
    /// The section of its settings, `tenants.<tenant>.<vendor>`.
    pub section: String,
    /// The account, which signs the calls.
    pub account: Arc<Account>,
    /// The addresses at which it is called.
    pub urls: Vec<String>,
    /// The methods that resources call there, each with a harmless call.
    pub methods: Vec<UsedMethod>,
    /// The methods that have an endpoint in the configuration and are never called.
    pub unused: Vec<String>,
}

/// All findings about an account. Checks that depend on a failed one are skipped.
pub(super) async fn examine(subject: &DoctorSubject, client: &GatewayClient, tls: &Arc<ClientConfig>) -> Vec<Finding> {
    let findings = checks(subject, client, tls).await;
    findings.into_iter().map(|finding| finding.of(&subject.subject)).collect()
}

async fn checks(subject: &DoctorSubject, client: &GatewayClient, tls: &Arc<ClientConfig>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = subject.unused.iter().map(|name| unused(name, &subject.section)).collect();
    for url in &subject.urls {
        findings.push(reach::check(url, tls.clone()).await);
    }
    let Some(first) = subject.methods.first().filter(|_| is_fine(&findings)) else { return findings };
    let contact = client.contact(&subject.account, &first.call).await;
    let (vendor, pack) = (subject.account.vendor(), subject.account.vendor().pack());
    // Calls that carry no time need no right clock.
    findings.extend(clock(&contact).filter(|_| !pack.time.forms.is_empty()));
    let place = CallIds::of(&subject.account, &subject.section, &first.call.method);
    if let Err(finding) = admitted(&place, &first.call, &contact) {
        findings.extend(finding);
        return findings;
    }
    // Where calls are not signed, only the login shows whether the credential is right.
    if pack.signing.is_some() {
        findings.push(Finding::ok(refusal::credential(vendor), "the gateway knows it"));
        findings.push(Finding::ok("signature", "the gateway computes the same"));
    }
    let login = login(subject, client).await;
    let has_login = login.as_ref().is_none_or(|login| login.status == Status::Ok);
    findings.extend(login);
    findings.extend(methods::examine(subject, client, has_login).await);
    findings
}

fn unused(method: &str, section: &str) -> Finding {
    let cause = format!("[{section}.methods] names {method}, which the pack does not list and no resource calls");
    let remedy = "check how the vendor writes it; where only `storegate call` uses it, this is right";
    Finding::warning("methods", cause, remedy)
}

fn is_fine(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.status != Status::Failed)
}

/// Compares the gateway's clock with ours.
fn clock(contact: &FirstContact) -> Option<Finding> {
    let off = contact.ahead.filter(|ahead| ahead.abs() > UNSURE);
    let is_still_refused = contact.outcome.as_ref().is_err_and(|error| error.kind == Kind::TimestampRefused);
    let refused = |off| format!("the gateway refuses our time, {off}: that is beyond the difference that it allows");
    Some(match (off, contact.refused_time) {
        (Some(ahead), true) if is_still_refused => {
            Finding::failed("clock", refused(written(ahead)) + ", and it did not take its own time either", NTP)
        }
        (Some(ahead), true) => {
            let cause = refused(written(ahead)) + "; after a first refusal storegate goes by the gateway's time";
            Finding::failed("clock", cause, NTP)
        }
        (None, true) if is_still_refused => {
            let remedy =
                "check `time_zone`, and `timestamp` where the vendor has several forms; ask it which time it wants";
            Finding::failed("clock", "the gateway refuses our time, and its own clock does not say why", remedy)
        }
        (Some(ahead), false) => {
            let cause = format!("{}: the gateway still takes that, and storegate corrects it", written(ahead));
            Finding::warning("clock", cause, NTP)
        }
        (None, true) => {
            Finding::ok("clock", "as ours; the gateway takes the other form of timestamps, which is learned")
        }
        (None, false) if contact.ahead.is_some() => Finding::ok("clock", "within 2 s of ours"),
        // The gateway did not respond, which another finding reports, or it sent no time.
        (None, false) => return None,
    })
}

fn written(ahead: SignedDuration) -> String {
    let seconds = ahead.abs().as_secs();
    let way = if ahead.is_negative() { "behind" } else { "ahead of" };
    format!("its clock is {seconds} s {way} ours")
}

/// Checks that the gateway accepted key and signature. Only then does it check anything else.
fn admitted(place: &CallIds<'_>, call: &Call, contact: &FirstContact) -> Result<(), Vec<Finding>> {
    let error = match &contact.outcome {
        Ok(data) if methods::is_another_answer(call, data.as_ref()) => {
            return Err(vec![refusal::another_answer(place)]);
        }
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    match error.diagnosis() {
        Diagnosis::Method | Diagnosis::Permission | Diagnosis::LoginToken => Ok(()),
        _ if error.kind.reaction().admitted => Ok(()),
        // The finding about the clock has reported it.
        Diagnosis::Time => Err(Vec::new()),
        Diagnosis::Signature if refusal::proves_key(error, contact.difference.as_ref()) => {
            let known = Finding::ok(refusal::credential(place.vendor), "the gateway knows it");
            Err(vec![known, refusal::of_contact(error, contact.difference.as_ref(), place)])
        }
        _ => Err(vec![refusal::of_contact(error, contact.difference.as_ref(), place)]),
    }
}

/// Logs the configured user in, if a method needs that. This login is independent of the running service's.
async fn login(subject: &DoctorSubject, client: &GatewayClient) -> Option<Finding> {
    let wanting = subject.methods.iter().find(|used| subject.account.protocol().login_for(&used.call).is_some())?;
    let place = CallIds::of(&subject.account, &subject.section, &wanting.call.method);
    let succeeded = if place.login_section().is_some() { "the user is logged in" } else { "the gateway gave a token" };
    Some(match client.try_login(&subject.account, &wanting.call).await {
        Ok(_) => Finding::ok("login", succeeded),
        Err(error) if error.kind == Kind::LoginRefused => {
            Finding::failed("login", refusal::refusal_text(&error), place.login_remedy())
        }
        Err(error) => {
            let call = subject.account.protocol().login_for(&wanting.call);
            let method = call.map_or_else(|| wanting.call.method.clone(), |call| call.method.clone());
            let finding = refusal::of_method("login".to_owned(), &error, &method, &place);
            Finding { cause: format!("{}: {}", method.name, finding.cause), ..finding }
        }
    })
}
