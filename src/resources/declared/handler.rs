//! Answers requests for a declared resource.

use std::sync::Arc;

use actix_web::{HttpResponse, Route};
use jiff::tz::TimeZone;
use serde_json::value::RawValue;

use super::Declaration;
use super::parameter::{Given, Parameter};
use crate::auth::caller::Caller;
use crate::auth::scope::AsDeclared;
use crate::gateway::account::Account;
use crate::gateway::dialect::Call;
use crate::gateway::tenants::Tenant;
use crate::gateway::vendor::Gateway;
use crate::http::methods;
use crate::http::problem::Problem;
use crate::resources::Resource;
use crate::resources::desk::{Desk, Fetched};
use crate::resources::params::{Period, Reader};

/// Where requests go.
pub(super) fn route(declaration: &'static Declaration, resource: &'static Resource) -> Route {
    methods::read().to(move |caller: Caller<AsDeclared>, desk: Desk| read(caller, desk, declaration, resource))
}

/// What a caller asks.
struct Asked {
    given: Vec<(&'static Parameter, Given)>,
    period: Option<Period>,
}

async fn read(
    caller: Caller<AsDeclared>,
    desk: Desk,
    declaration: &'static Declaration,
    resource: &'static Resource,
) -> Result<HttpResponse, Problem> {
    caller.require(&declaration.scope)?;
    let tenant = desk.tenant(&caller)?;
    let (account, zone) = account(&tenant, declaration.method.gateway())?;
    let asked = desk.ask_by(&zone, |reader| ask(declaration, reader))?;
    let Wanted { call, stores } = wanted(&caller, &desk, declaration, &asked)?;
    let ended = asked.period.is_some_and(|period| period.has_ended(desk.shared().clock.now()));
    let question = desk.question(&caller, resource, &canonical(&call), stores, ended)?;
    desk.answer(resource, question, move |gateway| async move {
        let data: Option<Box<RawValue>> = gateway.call(&account, &call).await?;
        let read = || declaration.answer.of(data.as_deref(), account.gateway(), &zone);
        let read = gateway.reading(&account, &call, read)?;
        let (gives_nothing, is_without_data) = (read.gives_nothing(), declaration.answer.lacks(data.as_deref()));
        let fetched = Fetched::from(read).of_nothing_if(gives_nothing);
        Ok(fetched.without_data_if(gives_nothing && is_without_data))
    })
    .await
}

fn ask(declaration: &'static Declaration, reader: &mut Reader<'_>) -> Option<Asked> {
    let parameters = declaration.parameters.iter();
    let given = parameters.filter_map(|parameter| Some((parameter, parameter.read(reader)?))).collect();
    let period = match &declaration.period {
        None => None,
        // What has ended is told by what the gateway is asked.
        Some(names) if names.is_in_days => Some(Period::read(reader)?.in_whole_days()),
        Some(_) => Some(Period::read(reader)?),
    };
    Some(Asked { given, period })
}

/// What the gateway is to be asked, and the stores that it is about.
struct Wanted {
    call: Call,
    stores: Vec<String>,
}

/// Looks stores up and asks for their grants. A token that is limited must name what it may read.
fn wanted(
    caller: &Caller<AsDeclared>,
    desk: &Desk,
    declaration: &Declaration,
    asked: &Asked,
) -> Result<Wanted, Problem> {
    let mut wanted = Wanted { call: Call::new(declaration.method.clone()), stores: Vec::new() };
    let mut is_granted = false;
    for (parameter, given) in &asked.given {
        let value = match given {
            Given::Value(value) => value.clone(),
            Given::Organization(organization) => {
                desk.require_organization(caller, organization)?;
                is_granted = true;
                format!("O_{}", organization.number())
            }
            Given::Stores(gateway, ids) => {
                let ids = desk.each_once(caller, ids.clone());
                let stores = ids.iter().map(|id| match gateway {
                    Gateway::OpRetail => desk.opretail_store(caller, id),
                    Gateway::Oms => desk.oms_store(caller, id),
                });
                let mut numbers: Vec<String> =
                    stores.map(|store| store.map(|store| store.number)).collect::<Result<_, _>>()?;
                // In whatever order they are asked for, the answer is the same one.
                numbers.sort();
                is_granted = true;
                wanted.stores.extend(numbers.iter().cloned());
                numbers.join(",")
            }
        };
        wanted.call.parameters.push((parameter.wire.clone().into(), value));
    }
    if !is_granted {
        desk.require_no_limits(caller)?;
    }
    let constants = declaration.constants.iter().cloned();
    wanted.call.parameters.extend(constants.map(|(name, value)| (name.into(), value)));
    if let (Some(names), Some(period)) = (&declaration.period, &asked.period) {
        let (start, end) = if names.is_in_days {
            (period.start_day(), period.end_day())
        } else {
            (period.start_second(), period.end_second())
        };
        wanted.call.parameters.push((names.start.clone().into(), start));
        wanted.call.parameters.push((names.end.clone().into(), end));
    }
    Ok(wanted)
}

/// The account that asks, and the zone of its gateway.
fn account(tenant: &Tenant, gateway: Gateway) -> Result<(Arc<Account>, TimeZone), Problem> {
    Ok(match gateway {
        Gateway::OpRetail => tenant.opretail().map(|access| (access.account.clone(), access.zone.clone()))?,
        Gateway::Oms => tenant.oms().map(|access| (access.account.clone(), access.zone.clone()))?,
    })
}

/// The same for all requests that ask the gateway the same.
fn canonical(call: &Call) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(call.parameters.iter());
    form.finish()
}
