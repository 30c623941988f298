//! All sections of a configuration, in the order in which people should read them.

use crate::auth::AuthSettings;
use crate::auth::api_keys::settings::ApiKeySettings;
use crate::auth::client_settings::ClientSettings;
use crate::auth::issuers::settings::IssuerSection;
use crate::auth::key_settings::KeySettings;
use crate::auth::limits::CallerLimits;
use crate::cache::CacheSettings;
use crate::config::ServerSettings;
use crate::directory::DirectorySection;
use crate::gateway::account_table::{self, AccountSection, EndpointSection};
use crate::gateway::{GatewaySettings, LimitSettings};
use crate::http::cors::CorsSettings;
use crate::replicas::settings::RedisSettings;
use crate::resources::flow_events::EventSettings;
use crate::resources::{Declarations, Policies};
use crate::settings::{SectionSettings, SectionTable, Setting, SettingValue};
use crate::telemetry::logging::LogSettings;
use crate::telemetry::traces::TraceSettings;
use crate::vendors::{VendorSection, Vendors};

/// The tables of all sections.
pub fn tables() -> Vec<SectionTable> {
    let mut tables = vec![
        ServerSettings::table(),
        CorsSettings::table(),
        AuthSettings::table(),
        KeySettings::table(),
        IssuerSection::table(),
        ClientSettings::table(),
        ApiKeySettings::table(),
        CallerLimits::table(),
    ];
    tables.extend(Vendors::default().iter().flat_map(account_table::tables));
    let further = Setting::new(
        "*",
        <String as SettingValue>::kind(),
        "What the vendor's pack has in `[credential]`, `[endpoints]` and `[options]`.",
    );
    tables.extend([
        AccountSection::table(),
        EndpointSection::table().with([further]),
        DirectorySection::table(),
        GatewaySettings::table(),
        LimitSettings::table(),
        LimitSettings::table().at(
            "gateway.<vendor>",
            "One vendor's gateways may be asked more or less than the others: what is not set is as in `[gateway]`.",
        ),
        VendorSection::table(),
    ]);
    tables.extend(Declarations::tables());
    tables.extend([EventSettings::table(), CacheSettings::table()]);
    tables.extend(Policies::tables());
    tables.extend([RedisSettings::table(), LogSettings::table(), TraceSettings::table()]);
    joined(tables)
}

/// Sections that are read in several parts, as one.
fn joined(tables: Vec<SectionTable>) -> Vec<SectionTable> {
    let mut joined: Vec<SectionTable> = Vec::new();
    for table in tables {
        match joined.last_mut().filter(|last| last.path == table.path) {
            Some(last) => last.settings.extend(table.settings),
            None => joined.push(table),
        }
    }
    joined
}

/// Whether a reload puts anything of a section in force.
pub fn is_renewed(section: &str) -> bool {
    let tables = tables();
    let of_section = tables.iter().filter(|table| table.path.split('.').next() == Some(section));
    of_section.flat_map(|table| &table.settings).any(|setting| setting.on_reload)
}
