//! Answers requests for a declared resource.

use actix_web::{HttpResponse, Route};
use serde_json::value::RawValue;

use super::Declaration;
use super::parameter::{Given, Parameter};
use crate::auth::caller::Caller;
use crate::auth::scope::AsDeclared;
use crate::gateway::protocol::{Argument, Call};
use crate::gateway::tenants::Access;
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
    let Access { account, zone, .. } = tenant.access(declaration.method.vendor)?.clone();
    let asked = desk.ask_by(&tenant, &zone, |reader| ask(declaration, reader))?;
    let Wanted { call, stores } = wanted(&caller, &desk, declaration, &asked)?;
    let ended = asked.period.is_some_and(|period| period.has_ended(desk.shared().clock.now()));
    let question = desk.question(&caller, resource, &call.canonical(), stores, ended)?;
    desk.answer(resource, question, move |gateway| async move {
        let data: Option<Box<RawValue>> = gateway.call(&account, &call).await?;
        let read = || declaration.answer.of(data.as_deref(), account.vendor(), &zone);
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
    let mut wanted = Wanted { call: Call::new(&declaration.method), stores: Vec::new() };
    let mut is_granted = false;
    for (parameter, given) in &asked.given {
        let value = match given {
            Given::Value(value) => value.clone(),
            Given::Organization(organization) => {
                desk.require_organization(caller, organization)?;
                is_granted = true;
                organization.to_string()
            }
            Given::Stores(vendor, ids) => {
                let ids = desk.each_once(caller, ids.clone());
                let stores = ids.iter().map(|id| desk.store_at(caller, id, *vendor));
                let mut numbers: Vec<String> =
                    stores.map(|store| store.map(|store| store.number)).collect::<Result<_, _>>()?;
                // In whatever order they are asked for, the answer is the same one.
                numbers.sort();
                is_granted = true;
                wanted.stores.extend(numbers.iter().cloned());
                numbers.join(",")
            }
        };
        let is_json = parameter.is_number();
        wanted.call.arguments.push(Argument { name: parameter.wire.clone().into(), value, is_json });
    }
    if !is_granted {
        desk.require_no_limits(caller)?;
    }
    let constants = declaration.constants.iter().cloned();
    wanted.call.arguments.extend(constants.map(|(name, value)| Argument::text(name, value)));
    if let (Some(names), Some(period)) = (&declaration.period, &asked.period) {
        let (start, end) = if names.is_in_days {
            (period.start_day(), period.end_day())
        } else {
            (period.start_second(), period.end_second())
        };
        wanted.call.arguments.push(Argument::text(names.start.clone(), start));
        wanted.call.arguments.push(Argument::text(names.end.clone(), end));
    }
    Ok(wanted)
}
