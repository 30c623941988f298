//! The OMS's door: the checks in the server's order, then the method.

mod checks;
mod errors;
mod shops;

use serde_json::{Value, json};

use self::errors::OmsError;
use super::behaviour::Behaviour;
use super::form::Form;
use super::replay::SeenSignatures;
use super::settings::{OmsAccount, SandboxSettings};
use crate::clock::Clock;

type Call = fn(&Oms, &Form<'_>) -> Result<Outcome, OmsError>;

const METHODS: [(&str, Call); 2] = [("shop.getList", shops::list), ("shop.get", shops::get)];

/// The methods by their names.
pub fn methods() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|(name, _)| *name)
}

/// What a method that was called gives back.
enum Outcome {
    /// Data, which goes under `response`.
    Response(Value),
    /// One of the shop page's numbers, which comes bare.
    Numbered(i64),
}

impl Outcome {
    /// The same with every store this company's.
    fn of_company(mut self, company: &str) -> Self {
        if let Self::Response(response) = &mut self {
            let stores = match response.get_mut("lists").and_then(Value::as_array_mut) {
                Some(list) => list.as_mut_slice(),
                None => std::slice::from_mut(response),
            };
            for store in stores {
                store["company_name"] = json!(company);
            }
        }
        self
    }
}

/// The OMS.
pub struct Oms {
    accounts: Vec<OmsAccount>,
    page_cap: u32,
    seen: SeenSignatures,
    clock: Clock,
}

impl Oms {
    /// The gateway with the accounts of `settings`.
    pub fn new(settings: &SandboxSettings, clock: Clock) -> Self {
        Self { accounts: settings.oms.clone(), page_cap: settings.oms_page_cap, seen: SeenSignatures::default(), clock }
    }

    /// Answers one request. Like OPRetail, the OMS reports its errors with HTTP status 200.
    pub fn answer(&self, form: &Form<'_>, behaviour: &Behaviour) -> String {
        let document = match self.call(form, behaviour) {
            Ok(Outcome::Response(data)) => json!({"response": data}),
            Ok(Outcome::Numbered(code)) => errors::numbered(code),
            Err(error) => error.document(),
        };
        document.to_string()
    }

    /// The error document of a code that a fault asked for.
    pub fn answer_code(&self, code: &str) -> String {
        errors::by_code(code).to_string()
    }

    fn call(&self, form: &Form<'_>, behaviour: &Behaviour) -> Result<Outcome, OmsError> {
        let request = self.checked(form, behaviour)?;
        let method = METHODS.iter().find(|(name, _)| *name == request.method);
        let (name, call) = method.ok_or(OmsError::METHOD)?;
        if !request.account.methods.permit(name) {
            return Err(OmsError::PERMISSION);
        }
        let outcome = call(self, form)?;
        let outcome = match &request.account.company {
            Some(company) => outcome.of_company(company),
            None => outcome,
        };
        // The server looks for a template for the type when it writes the answer, after the call.
        if request.answer_type == "json" { Ok(outcome) } else { Err(OmsError::TEMPLATE) }
    }
}
