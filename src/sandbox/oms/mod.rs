//! The OMS's RPC service: the checks in the server's order, then the method. The simulated server can change at any
//! time.

mod checks;
mod data;
mod documented;
mod errors;
mod published;
mod server;

use self::checks::Checked;
use self::data::Data;
use self::documented::DOCUMENTED;
use self::errors::OmsError;
use self::published::PUBLISHED;
use self::server::{OmsCall, OmsSandboxServer};
use super::behaviour::Behaviour;
use super::delivery::SandboxAnswer;
use super::form::DecodedForm;
use super::replay::SeenSignatures;
use super::settings::{AcceptedTimestamp, OmsAccount, OmsServer, SandboxSettings};
use super::world::stores::{Shop, shops};
use crate::clock::Clock;

/// The names of the methods of all servers.
pub fn methods() -> impl Iterator<Item = &'static str> {
    let is_published = |name: &&str| PUBLISHED.method(name).is_some();
    let names = |server: &'static OmsSandboxServer| server.methods.iter().map(|(name, _)| *name);
    names(&PUBLISHED).chain(names(&DOCUMENTED).filter(move |name| !is_published(name)))
}

/// The accepted forms of `timestamp`: the server's own, unless others are configured.
pub fn timestamp_form(behaviour: &Behaviour) -> AcceptedTimestamp {
    behaviour.oms_timestamp_form.unwrap_or(server(behaviour).timestamp)
}

/// The error with the code of a fault.
pub fn answer_code(code: &str, form: &DecodedForm<'_>, behaviour: &Behaviour) -> SandboxAnswer {
    let server = server(behaviour);
    SandboxAnswer { body: (server.write)(&errors::by_code(code), form), head: server.head }
}

const fn server(behaviour: &Behaviour) -> &'static OmsSandboxServer {
    match behaviour.oms_server {
        OmsServer::Published => &PUBLISHED,
        OmsServer::Documented => &DOCUMENTED,
    }
}

/// The simulated OMS.
pub struct Oms {
    accounts: Vec<OmsAccount>,
    shops: Option<Vec<Shop>>,
    page_cap: Option<u32>,
    seen: SeenSignatures,
    clock: Clock,
}

impl Oms {
    /// Creates the gateway with the accounts of `settings`.
    pub fn new(settings: &SandboxSettings, clock: Clock) -> Self {
        Self {
            accounts: settings.oms.clone(),
            shops: settings.oms_shops.clone(),
            page_cap: settings.oms_page_cap,
            seen: SeenSignatures::default(),
            clock,
        }
    }

    /// Answers one request. Like OPRetail, the OMS reports its errors with HTTP status 200.
    pub fn answer(&self, form: &DecodedForm<'_>, behaviour: &Behaviour) -> SandboxAnswer {
        let server = server(behaviour);
        let document = match self.call(server, form, behaviour) {
            Ok(data) => Data::object([("response", data)]),
            Err(OmsError::Died) => return SandboxAnswer { body: published::DEAD_PAGE.to_owned(), head: server.head },
            Err(error) => (server.describe)(&error),
        };
        SandboxAnswer { body: (server.write)(&document, form), head: server.head }
    }

    fn call(&self, server: &OmsSandboxServer, form: &DecodedForm<'_>, behaviour: &Behaviour) -> Result<Data, OmsError> {
        let Checked { account, method } = self.checked(server, form, behaviour)?;
        let Some(call) = server.method(method) else {
            tracing::warn!(method, "the sandbox's OMS lacks this method: src/sandbox/oms/ lists those it has");
            return Err(OmsError::Method);
        };
        if !account.methods.permit(method) {
            return Err(OmsError::Permission);
        }
        (server.check)(form)?;
        let shops = self.shops.as_deref().unwrap_or_else(|| shops());
        let page = self.page_cap.map_or(server.page, |cap| server.page.up_to(cap as usize));
        call(&OmsCall { form, account, shops, page })
    }
}
