//! The part of cache keys that identifies how a resource's responses are made: the method, the declaration or the
//! documented schema, and the version of the translation.

use serde::Serialize;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::Responses;
use utoipa::openapi::{RefOr, Schema};

use super::{Declaration, Origin, Resource};
use crate::gateway::protocol::Method;
use crate::settings::SettingsDigest;

/// The version of the translation of vendors' data. Raise it with every change after which equal data results in other
/// bytes, unless the schemas in the API document change, too: schemas are part of the key.
const TRANSLATION: u32 = 3;

#[derive(Serialize)]
struct ParsedShape<'a> {
    translation: u32,
    method: Option<&'a Method>,
    form: ShapeForm<'a>,
}

#[derive(Serialize)]
enum ShapeForm<'a> {
    Documented { responses: &'a Responses, schemas: &'a [(String, RefOr<Schema>)] },
    Declared(&'a Declaration),
}

/// The digest of everything that shapes a resource's responses.
pub(super) fn digest(resource: &'static Resource) -> SettingsDigest {
    digest_of(resource, TRANSLATION)
}

fn digest_of(resource: &'static Resource, translation: u32) -> SettingsDigest {
    let method = resource.method();
    let of_form = |form| SettingsDigest::of(&ParsedShape { translation, method, form });
    match resource.origin {
        Origin::Declaration(declaration) => of_form(ShapeForm::Declared(declaration)),
        Origin::Handler(route) => {
            let route = route();
            let Operation { responses, .. } = &route.operation;
            of_form(ShapeForm::Documented { responses, schemas: &route.schemas })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TRANSLATION, digest, digest_of};
    use crate::resources::{ALL, Catalogue, Declarations};
    use crate::settings::{Report, Section, SettingsDigest};
    use crate::vendors::Vendors;

    const DECLARED: &str = r#"
[resources.traffic]
path = "/stores/{store_id}/traffic"
tag = "Flow"
summary = "Read a store's visitors of a period"
gateway = "opretail"
method = "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice"
version = "v1"
door = "m.api"
scope = "flow:read"
period = ["startTime", "endTime"]
period_in = "seconds"
select = "/list/0"
answer = "object"
fresh = "1m"

[resources.traffic.constants]
needUnit = "true"

[resources.traffic.parameters.store_id]
type = "opretail_store"
wire = "id"
example = "S_123456"

[resources.traffic.parameters.kind]
type = "text"
wire = "kind"
longest = 20

[resources.traffic.fields.visitors]
from = "/inNum"
type = "integer"

[resources.traffic.fields.leaving]
from = "/outNum"
type = "integer"
"#;

    fn digest_of_declared(text: &str) -> SettingsDigest {
        let table = text.parse().unwrap();
        let report = Report::default().of_text(Some(text.to_owned()));
        let declared = Declarations::read(&Section::root(&table, &report), &Vendors::default());
        assert_eq!(report.finish(&table).err().map(|problems| problems.0), None, "{text}");
        let catalogue = Catalogue::with(&declared);
        *catalogue.shape(catalogue.iter().last().unwrap()).unwrap()
    }

    #[test]
    fn every_setting_that_shapes_the_answers_of_a_declared_resource_counts() {
        let before = digest_of_declared(DECLARED);
        assert_eq!(before, digest_of_declared(DECLARED));
        for (setting, other) in [
            ("/stores/{store_id}/traffic", "/stores/{store_id}/visitors"),
            ("getDataOfManyShopsHavingDevice", "getAllDataOfManyShops"),
            ("version = \"v1\"", "version = \"v2\""),
            ("m.api", "cloud.api"),
            ("\"startTime\"", "\"beginTime\""),
            ("seconds", "days"),
            ("/list/0", "/list/1"),
            ("\"object\"", "\"list\""),
            ("needUnit = \"true\"", "needUnit = \"false\""),
            ("needUnit", "withUnit"),
            ("wire = \"id\"", "wire = \"shopId\""),
            ("parameters.kind]\ntype = \"text\"\nwire = \"kind\"\nlongest = 20", "parameters.kind]\ntype = \"date\""),
            ("longest = 20", "longest = 21"),
            ("from = \"/inNum\"", "from = \"/inCount\""),
            (
                "type = \"integer\"\n\n[resources.traffic.fields.leaving]",
                "type = \"text\"\n\n[resources.traffic.fields.leaving]",
            ),
            ("fields.visitors", "fields.visits"),
            ("[resources.traffic.fields.leaving]\nfrom = \"/outNum\"\ntype = \"integer\"\n", ""),
        ] {
            let changed = DECLARED.replacen(setting, other, 1);
            assert_ne!(changed, DECLARED, "{setting}");
            assert_ne!(digest_of_declared(&changed), before, "{setting} -> {other}");
        }
    }

    #[test]
    fn texts_scopes_and_lifetimes_of_a_declared_resource_do_not_count() {
        let before = digest_of_declared(DECLARED);
        for (setting, other) in [
            ("tag = \"Flow\"", "tag = \"Visitors\""),
            ("Read a store's visitors", "Count a store's visitors"),
            ("scope = \"flow:read\"", "scope = \"stores:read\""),
            ("fresh = \"1m\"", "fresh = \"2m\""),
            ("example = \"S_123456\"", "example = \"S_123457\""),
        ] {
            assert_eq!(digest_of_declared(&DECLARED.replacen(setting, other, 1)), before, "{setting}");
        }
    }

    #[test]
    fn the_shape_of_each_resource_of_the_service_changes_with_the_translation() {
        for resource in ALL {
            assert_eq!(digest(resource), digest(resource), "{}", resource.name);
            assert_ne!(digest_of(resource, TRANSLATION + 1), digest(resource), "{}", resource.name);
        }
    }
}
