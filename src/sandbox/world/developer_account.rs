//! The developer account of an organization, as `open.gateway.authentication` returns it, with its secret.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::sandbox::settings::{OpRetailAccount, Organization};

// The vendor's numbers: 2 for an expired service, 3 for one in service.
const ENDED: u8 = 2;
const IN_SERVICE: u8 = 3;

/// The account with this key, for one of its organizations.
pub fn developer_account(account: &OpRetailAccount, organization: Organization) -> Value {
    let (state, end) =
        if account.expired { (ENDED, "2020-12-31 00:00:00") } else { (IN_SERVICE, "2099-12-31 00:00:00") };
    json!({
        "id": 10_000 + organization.platform_id,
        "username": "Sandbox Retail",
        "applicationId": account.system,
        "applicationKey": account.key,
        "applicationSecret": account.secret.expose_secret(),
        "keytype": 2,
        "ifexpire": state,
        "expire": end,
        "enterpriseId": organization.platform_id,
        "shopwebEnterpriseId": organization.enterprise_id,
        "switchStatus": "1",
        "switchTime": null,
        "developerType": 2,
        "supplierAccount": "",
    })
}
