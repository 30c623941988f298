//! The stores and organizations that a caller may read, with each vendor's ids for them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::RequestContext;
use crate::auth::caller::Caller;
use crate::auth::scope::Scope;
use crate::directory::{Directory, OrganizationId, StoreId, StoreNumbers};
use crate::gateway::vendor::Vendor;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;

/// A store that the token grants, with the ids by which a vendor and the caller know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedStore {
    /// The id in responses.
    pub id: String,
    /// The vendor's number or code.
    pub number: String,
}

impl GrantedStore {
    /// A text that identifies the store in a lookup. It contains both ids, since responses do.
    pub fn canonical(&self) -> String {
        format!("{} {}", self.id, self.number)
    }
}

impl RequestContext {
    /// The store's numbers at the vendors.
    ///
    /// # Errors
    /// 403 when the caller's token does not grant the store.
    pub fn granted<S: Scope>(&self, caller: &Caller<S>, store: &StoreId) -> Result<StoreNumbers, Problem> {
        let directory = self.directory(caller);
        let numbers = directory.find(store);
        if caller.grants().may_read_store(&numbers, &directory) {
            return Ok(numbers);
        }
        Err(not_granted(store))
    }

    /// The store directory of the caller's tenant.
    pub fn directory<S: Scope>(&self, caller: &Caller<S>) -> Arc<Directory> {
        self.directories.of(caller.tenant())
    }

    /// A granted store with its number at a vendor.
    ///
    /// # Errors
    /// 403 when the token does not grant the store, 404 when the tenant has no account there or the store no such
    /// number.
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

    /// A vendor's number as a caller wrote it. A grant of one vendor's store 123456 says nothing about another vendor's
    /// store 123456.
    ///
    /// # Errors
    /// 403 when the token does not grant it.
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

    /// Checks that the token may read an organization's figures.
    ///
    /// # Errors
    /// 403 when a limited token does not grant the organization.
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

    /// Checks that the token is not limited to certain stores or organizations, where the response belongs to all of
    /// them.
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

    /// The requested stores, each once, whichever of its ids are used.
    pub fn each_once<S: Scope>(&self, caller: &Caller<S>, stores: Vec<StoreId>) -> Vec<StoreId> {
        let directory = self.directory(caller);
        let mut seen = HashSet::new();
        stores.into_iter().filter(|store| seen.insert(directory.id_of(store).into_owned())).collect()
    }
}

/// The problem of a token whose stores cannot be in a list.
pub fn no_number_at_the_vendor() -> Problem {
    let detail = "The token is limited to stores that have no number at the vendor of this list.";
    Problem::new(ProblemType::StoreNotGranted, detail)
}

fn not_granted(store: &StoreId) -> Problem {
    let detail = format!("The token does not grant store {store}. {}", ProblemType::StoreNotGranted.remedy());
    Problem::new(ProblemType::StoreNotGranted, detail)
}
