//! Whether each method that our resources call may be called, by a call that reads next to nothing.
//!
//! A gateway looks at the parameters only after key, signature and permission. So a call that it refuses for its parameters
//! proves the permission as well as one that it answers, and a method that nobody has prepared a call for is asked without any.

use std::sync::Arc;

use futures_util::future::join_all;
use serde::de::IgnoredAny;

use super::finding::Finding;
use super::refusal;
use crate::gateway::GatewayClient;
use crate::gateway::account::Account;
use crate::gateway::blame::Blame;
use crate::gateway::dialect::{Call, Method};
use crate::gateway::error::Error;
use crate::gateway::oms::methods::{SHOP_GET, SHOP_GET_LIST};
use crate::gateway::opretail::methods::{
    AUTHENTICATION, GET_FLOW_GROUP_DISTRIBUTION, GET_TOTAL_DATA, STATISTICS_DETAIL_PAGE,
};
use crate::gateway::vendor::Gateway;
use crate::resources::{Catalogue, Origin};

/// An organization that is nobody's.
const NOBODY: &str = "0";

/// A method, and who needs it.
pub(super) struct UsedMethod {
    /// A call that does no harm.
    pub call: Call,
    paths: Vec<String>,
}

/// What a harmless call needs to know.
pub(super) struct Examples {
    /// A store of OPRetail, without its prefix.
    pub store: String,
    /// The company's number.
    pub enterprise_id: Option<i64>,
    /// Today, as OPRetail writes days.
    pub today: String,
}

/// The methods of one gateway that the resources call, each once, in their order.
pub(super) fn used(catalogue: &Catalogue, gateway: Gateway, examples: &Examples) -> Vec<UsedMethod> {
    let mut used: Vec<UsedMethod> = Vec::new();
    for resource in catalogue.iter() {
        let Some(method) = resource.method.as_ref().filter(|method| method.gateway() == gateway) else { continue };
        let path = resource.endpoint().path;
        match used.iter_mut().find(|used| used.call.method == *method) {
            Some(known) => known.paths.push(path),
            None => {
                let call = match resource.origin {
                    Origin::Handler(_) => harmless(method, examples),
                    Origin::Declaration(declaration) => declaration.bare_call(),
                };
                used.push(UsedMethod { call, paths: vec![path] });
            }
        }
    }
    used
}

fn harmless(method: &Method, examples: &Examples) -> Call {
    let call = Call::new(method.clone());
    let Examples { store, enterprise_id, today } = examples;
    match method {
        method if *method == GET_TOTAL_DATA => call.with("id", format!("S_{store}")).with("needUnit", "0"),
        method if *method == GET_FLOW_GROUP_DISTRIBUTION => {
            let (start, end) = (format!("{today} 00:00:00"), format!("{today} 23:59:59"));
            call.with("id", format!("S_{store}")).with("stime", start).with("etime", end)
        }
        method if *method == STATISTICS_DETAIL_PAGE => {
            let call = call.with("pageNumber", "1").with("pageSize", "1");
            let call = call.with_some("enterpriseId", enterprise_id.map(|id| id.to_string()));
            call.with("startTime", today.as_str()).with("endTime", today.as_str())
        }
        // Its answer holds the secret of an organization's key. Nobody's organization is refused by a code that comes after
        // the permission, so that no secret is on the way at all.
        method if *method == AUTHENTICATION => call.with("orgid", NOBODY),
        method if *method == SHOP_GET_LIST => call.with("page_no", "1").with("page_size", "1"),
        method if *method == SHOP_GET => call.with("shop_bn", NOBODY),
        _ => call,
    }
}

/// Calls each method, all at once.
pub(super) async fn examine(account: &Arc<Account>, used: &[UsedMethod], client: &GatewayClient) -> Vec<Finding> {
    join_all(used.iter().map(|used| examine_one(account, used, client))).await
}

async fn examine_one(account: &Arc<Account>, used: &UsedMethod, client: &GatewayClient) -> Finding {
    let method = &used.call.method;
    let check = format!("method {}", method.name);
    let outcome: Result<Option<IgnoredAny>, Error> = client.call(account, &used.call).await;
    match outcome {
        Err(error) if *method == SHOP_GET && error.blame() == Blame::Method => {
            Finding::ok(check, "is not there, as in the vendor's published server; shop.getList is called in its place")
        }
        Err(error) if !proves_permission(&error) => {
            let named = format!("{} {}", method.name, method.version);
            let finding = refusal::of_method(check, &error, &named, account.dialect().has_login());
            Finding { cause: format!("{}; needed for {}", finding.cause, used.paths.join(", ")), ..finding }
        }
        _ => Finding::ok(check, format!("may be called, for {}", used.paths.join(", "))),
    }
}

/// The gateway looked at what was asked for.
fn proves_permission(error: &Error) -> bool {
    error.kind.reaction().admitted && !matches!(error.blame(), Blame::Login | Blame::LoginToken)
}
