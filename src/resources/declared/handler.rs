//! Handles requests for a declared resource.

use actix_web::{HttpRequest, HttpResponse, Route};
use serde_json::value::RawValue;

use super::Declaration;
use super::pages::PagedList;
use super::parameter::{DeclaredParameter, ParsedValue};
use crate::auth::caller::Caller;
use crate::auth::scope::AsDeclared;
use crate::gateway::protocol::{Argument, Call};
use crate::gateway::tenants::Access;
use crate::http::accept::Media;
use crate::http::methods;
use crate::http::problem::Problem;
use crate::resources::Resource;
use crate::resources::params::{PageParameters, ParameterReader, Period};
use crate::resources::request_context::{FetchedValue, RequestContext};

/// The actix route that handles the requests.
pub(super) fn route(declaration: &'static Declaration, resource: &'static Resource) -> Route {
    methods::read().to(move |caller: Caller<AsDeclared>, request: HttpRequest| async move {
        read(caller, RequestContext::at(&request, Media::Json)?, declaration, resource).await
    })
}

/// The parameters of a request.
pub(super) struct DeclaredParameters {
    given: Vec<(&'static DeclaredParameter, Vec<ParsedValue>)>,
    period: Option<Period>,
    page: Option<PageParameters>,
}

async fn read(
    caller: Caller<AsDeclared>,
    context: RequestContext,
    declaration: &'static Declaration,
    resource: &'static Resource,
) -> Result<HttpResponse, Problem> {
    caller.require(&declaration.scope)?;
    let tenant = context.tenant(&caller)?;
    let Access { account, zone, .. } = tenant.access(declaration.method.vendor)?.clone();
    let parameters = context.parse(&tenant, &zone, |reader| parse(declaration, reader))?;
    let (call, stores) = call(&caller, &context, declaration, &parameters)?;
    let ended = parameters.period.is_some_and(|period| period.has_ended(context.shared().clock.now()));
    if let (Some(paging), Some(page)) = (&declaration.paging, parameters.page) {
        let (path, filters) = context.filters_beside_page();
        // The links name the store and the filters as this caller did.
        let canonical = format!("{} {page:?} {path} {filters:?}", call.canonical());
        let lookup = context.lookup(&caller, resource, &canonical, stores, ended)?;
        return context
            .answer(resource, lookup, move |gateway| async move {
                let list = PagedList { declaration, paging, gateway: &gateway, account: &account, call: &call };
                let part = list.page(page).await?;
                let rows: Vec<&RawValue> = part.items.iter().map(|row| &*row.item).collect();
                let info = page.info(part.total);
                let read = || declaration.answer.list(&rows, Some(info), account.vendor(), &zone);
                let filters: Vec<(&str, String)> =
                    filters.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
                Ok(FetchedValue {
                    value: gateway.reading(&account, &call, read)?,
                    link: page.link(&path, &filters, part.total, part.is_full),
                    keeps: part.max_freshness(),
                    gives_nothing: part.items.is_empty() && page.number == 1,
                })
            })
            .await;
    }
    let lookup = context.lookup(&caller, resource, &call.canonical(), stores, ended)?;
    context
        .answer(resource, lookup, move |gateway| async move {
            let data: Option<Box<RawValue>> = gateway.call(&account, &call).await?;
            let read = || declaration.answer.of(data.as_deref(), account.vendor(), &zone);
            let read = gateway.reading(&account, &call, read)?;
            let (gives_nothing, is_without_data) = (read.gives_nothing(), declaration.answer.lacks(data.as_deref()));
            let fetched = FetchedValue::from(read).of_nothing_if(gives_nothing);
            Ok(fetched.without_data_if(gives_nothing && is_without_data))
        })
        .await
}

/// Reads the parameters of a request.
pub(super) fn parse(declaration: &'static Declaration, reader: &mut ParameterReader<'_>) -> Option<DeclaredParameters> {
    let read = |declared: &'static DeclaredParameter| (declared, reader.values(&declared.parameter, declared.presence));
    let given = declaration.parameters.iter().map(read).collect();
    let period = match &declaration.period {
        None => None,
        // What has ended is decided by the dates that the gateway gets.
        Some(names) => Some(names.covered(Period::read(reader)?)),
    };
    let page = match &declaration.paging {
        None => None,
        Some(_) => Some(PageParameters::read(reader)?),
    };
    Some(DeclaredParameters { given, period, page })
}

/// The call to the gateway, and the granted stores' ids at the vendor. A token that is limited must name the stores
/// that it reads.
fn call(
    caller: &Caller<AsDeclared>,
    context: &RequestContext,
    declaration: &Declaration,
    parameters: &DeclaredParameters,
) -> Result<(Call, Vec<String>), Problem> {
    let (mut call, mut all_stores) = (Call::new(&declaration.method), Vec::new());
    let mut is_granted = false;
    for (parameter, all) in parameters.given.iter().filter(|(_, all)| !all.is_empty()) {
        let mut values = Vec::with_capacity(all.len());
        for given in all {
            values.push(match given {
                ParsedValue::Value(value) => value.clone(),
                ParsedValue::Organization(organization) => {
                    context.require_organization(caller, organization)?;
                    is_granted = true;
                    organization.to_string()
                }
                ParsedValue::Store(vendor, id) => {
                    is_granted = true;
                    context.store_at(caller, id, *vendor)?.number
                }
            });
        }
        if let [ParsedValue::Store(..), ..] = all.as_slice() {
            // The response is the same for any order of the stores and any of their ids.
            values.sort();
            values.dedup();
            all_stores.extend(values.iter().cloned());
        }
        call.arguments.push(parameter.argument(&values));
    }
    if !is_granted {
        context.require_no_limits(caller)?;
    }
    call.arguments.extend(declaration.constants.iter().map(|(name, value)| Argument::of(name, value)));
    if let (Some(names), Some(period)) = (&declaration.period, &parameters.period) {
        call.arguments.extend(names.arguments(period));
    }
    Ok((call, all_stores))
}
