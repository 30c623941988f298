//! Which stores and organizations a caller may read, and what each vendor calls them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::RequestContext;
use crate::auth::caller::Caller;
use crate::auth::scope::Scope;
use crate::directory::{Directory, OrganizationId, StoreId, StoreNumbers};
use crate::gateway::vendor::Vendor;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;

/// A store, as one vendor and the caller know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedStore {
    /// The id that answers give.
    pub id: String,
    /// The vendor's number or code.
    pub number: String,
}

impl GrantedStore {
    /// What tells it from all others in a lookup: its answers hold both.
    pub fn canonical(&self) -> String {
        format!("{} {}", self.id, self.number)
    }
}

impl RequestContext {
    /// The store's numbers, if the caller's token grants the store.
    ///
    /// # Errors
    /// 403 when it does not.
    pub fn granted<S: Scope>(&self, caller: &Caller<S>, store: &StoreId) -> Result<StoreNumbers, Problem> {
        let directory = self.directory(caller);
        let numbers = directory.find(store);
        if caller.grants().may_read_store(&numbers, &directory) {
            return Ok(numbers);
        }
        Err(not_granted(store))
    }

    /// The directory of the caller's company.
    pub fn directory<S: Scope>(&self, caller: &Caller<S>) -> Arc<Directory> {
        self.directories.of(caller.tenant())
    }

    /// The store, with its number at a vendor.
    ///
    /// # Errors
    /// 403 when the token does not grant the store, 404 when the tenant has no account there or the store no such number.
    pub fn store_at<S: Scope>(
        &self,
        caller: &Caller<S>,
        store: &StoreId,
        vendor: Vendor,
    ) -> Result<GrantedStore, Problem> {
        let numbers = self.granted(caller, store)?;
        self.tenant(caller)?.access(vendor)?;
        let number = numbers.at(vendor).map(str::to_owned).ok_or_else(|| self.not_mapped(caller, store, vendor))?;
        Ok(GrantedStore { id: numbers.id, number })
    }

    /// The problem of a store that has no number at this vendor.
    pub fn not_mapped<S: Scope>(&self, caller: &Caller<S>, store: &StoreId, vendor: Vendor) -> Problem {
        let ids = vendor.pack().store_ids.as_ref();
        let (wanted, column) = ids.map_or(("number", ""), |ids| (ids.label.as_str(), ids.column.as_str()));
        let remedy = if self.directory(caller).knows(store) {
            format!("Fill in the column `{column}` of its line in the store directory.")
        } else {
            format!("Use that id in the path, or add the store to the store directory with its `{column}`.")
        };
        let detail = format!("Store {store} has no {wanted} that this service knows, and this path needs it. {remedy}");
        Problem::new(ProblemType::StoreNotMapped, detail)
    }

    /// A vendor's number as a caller wrote it, if the token grants it: a grant of one vendor's store 123456 says nothing of
    /// another vendor's store 123456.
    ///
    /// # Errors
    /// 403 when it does not.
    pub fn granted_number<S: Scope>(
        &self,
        caller: &Caller<S>,
        number: &StoreId,
        vendor: Vendor,
    ) -> Result<String, Problem> {
        let granted = self.granted_stores(caller, vendor)?;
        if granted.is_none_or(|numbers| numbers.iter().any(|granted| granted == number.as_str())) {
            return Ok(number.to_string());
        }
        Err(not_granted(number))
    }

    /// The stores at a vendor that the token is limited to; `None` when it is not limited.
    ///
    /// # Errors
    /// 403 when it is limited to stores without such a number.
    pub fn granted_stores<S: Scope>(&self, caller: &Caller<S>, vendor: Vendor) -> Result<Option<Vec<String>>, Problem> {
        let Some(stores) = caller.grants().stores() else { return Ok(None) };
        let directory = self.directory(caller);
        // A list may name a store by several of its ids.
        let number = |id: &StoreId| directory.find(id).at(vendor).map(str::to_owned);
        let numbers: BTreeSet<String> = stores.iter().filter_map(number).collect();
        if numbers.is_empty() {
            return Err(no_number_at_the_vendor());
        }
        Ok(Some(numbers.into_iter().collect()))
    }

    /// Lets a token read an organization's figures only if it grants that organization.
    ///
    /// # Errors
    /// 403 when it does not.
    pub fn require_organization<S: Scope>(
        &self,
        caller: &Caller<S>,
        organization: &OrganizationId,
    ) -> Result<(), Problem> {
        if caller.grants().may_read_organization(organization, self.directory(caller).ids()) {
            return Ok(());
        }
        let remedy = ProblemType::StoreNotGranted.remedy();
        let detail = format!("The token does not grant organization {organization}. {remedy}");
        Err(Problem::new(ProblemType::StoreNotGranted, detail))
    }

    /// Refuses a token that is limited to certain stores or organizations where something is asked for that belongs to
    /// all of them.
    ///
    /// # Errors
    /// 403 when the token is limited.
    pub fn require_no_limits<S: Scope>(&self, caller: &Caller<S>) -> Result<(), Problem> {
        if caller.grants().may_read_all() {
            return Ok(());
        }
        let detail = "The token is limited to certain stores or organizations, and this belongs to all of the company.";
        Err(Problem::new(ProblemType::StoreNotGranted, detail))
    }

    /// The stores that are asked for, each once, whichever of its ids it is asked for by.
    pub fn each_once<S: Scope>(&self, caller: &Caller<S>, stores: Vec<StoreId>) -> Vec<StoreId> {
        let directory = self.directory(caller);
        let mut seen = HashSet::new();
        stores.into_iter().filter(|store| seen.insert(directory.id_of(store).into_owned())).collect()
    }
}

/// The problem of a token whose stores a list cannot have.
pub fn no_number_at_the_vendor() -> Problem {
    let detail = "The token is limited to stores that have no number at the vendor of this list.";
    Problem::new(ProblemType::StoreNotGranted, detail)
}

fn not_granted(store: &StoreId) -> Problem {
    let detail = format!("The token does not grant store {store}. {}", ProblemType::StoreNotGranted.remedy());
    Problem::new(ProblemType::StoreNotGranted, detail)
}
