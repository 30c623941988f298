//! Invalid declarations and the problems that are reported for them.

use crate::resources::Declarations;
use crate::settings::{Report, Section};
use crate::vendors::Vendors;

const GOOD: &str = r#"
[resources.traffic]
path = "/stores/{store_id}/traffic"
summary = "Read a store's visitors of a period"
gateway = "opretail"
method = "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice"
scope = "flow:read"
period = ["startTime", "endTime"]
select = "/list/0"
answer = "object"

[resources.traffic.parameters.store_id]
type = "opretail_store"
wire = "id"
example = "S_123456"

[resources.traffic.fields.visitors]
from = "/inNum"
type = "integer"
"#;

fn read(text: &str) -> (Declarations, Vec<String>) {
    let table = text.parse().unwrap();
    let report = Report::default().of_text(Some(text.to_owned()));
    let declared = Declarations::read(&Section::root(&table, &report), &Vendors::default());
    (declared, report.finish(&table).err().map(|problems| problems.0).unwrap_or_default())
}

#[test]
fn a_declaration_is_read_without_a_problem() {
    let (declared, problems) = read(GOOD);
    assert_eq!(problems, Vec::<String>::new());
    let examples: Vec<String> = declared.iter().map(super::super::Declaration::example).collect();
    assert_eq!(examples, ["/stores/S_123456/traffic"]);
}

#[test]
fn a_method_is_called_as_the_pack_says_unless_the_declaration_says_otherwise() {
    const INSPECTIONS: &str = "open.shopweb.liveCheck.statisticsDetailPageForCustomer";
    const MANY_SHOPS: &str = "open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice";
    let inspections = GOOD.replace(MANY_SHOPS, INSPECTIONS);
    let elsewhere = "scope = \"flow:read\"\ndoor = \"m.api\"\nversion = \"v3\"";
    for (text, endpoint, version) in [
        (inspections.clone(), "cloud.api", "v1"),
        (inspections.replace("scope = \"flow:read\"", elsewhere), "m.api", "v3"),
        (GOOD.to_owned(), "m.api", "v1"),
    ] {
        let (declared, problems) = read(&text);
        assert_eq!(problems, Vec::<String>::new());
        let method = &declared.iter().next().unwrap().method;
        assert_eq!((method.vendor.endpoint(method.endpoint), &*method.version), (endpoint, version), "{text}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn each_mistake_is_reported_with_its_line_and_a_remedy() {
    for (good, wrong, told) in [
        ("resources.traffic", "resources.Traffic", "line 3: resources.Traffic.path: the name of a resource is made of"),
        ("[resources.traffic]", "[resources.flow]", "there is something called flow already"),
        (
            "{store_id}/traffic",
            "{store_id}/flow",
            "line 3: resources.traffic.path: a request could mean /stores/{store_id}/flow, too",
        ),
        (
            "/stores/{store_id}/traffic",
            "/stores/{store}/traffic",
            "{store} is not declared: add a section parameters.store",
        ),
        ("/stores/{store_id}/traffic", "/oauth/traffic", "belongs to the service itself"),
        (
            "summary = \"Read a store's visitors of a period\"",
            "",
            "line 2: resources.traffic.summary: missing: one line",
        ),
        ("\"opretail\"", "\"shopex\"", "the gateways are opretail, oms"),
        ("\"opretail\"", "\"opretail\"\ndoor = \"front\"", "the endpoints of OPRetail are m.api and cloud.api"),
        ("getDataOfManyShopsHavingDevice", "get data", "a method's name is made of letters"),
        ("open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice", "open.shopweb.security.ssoLogin", "are secrets"),
        ("open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice", "open.gateway.authentication", "are secrets"),
        (
            "\"flow:read\"",
            "\"traffic:read\"",
            "line 7: resources.traffic.scope: there is no scope traffic:read; say in `allows`",
        ),
        (
            "\"flow:read\"",
            "\"flow:read\"\nallows = \"More\"",
            "line 8: resources.traffic.allows: the scope flow:read exists already",
        ),
        ("\"flow:read\"", "\"traffic\"\nallows = \"More\"", "write a scope as two words"),
        ("[\"startTime\", \"endTime\"]", "[\"startTime\"]", "write the vendor's names of start and end"),
        ("[\"startTime\", \"endTime\"]", "[\"startTime\", \"startTime\"]", "the gateway would get startTime twice"),
        ("[\"startTime\", \"endTime\"]", "[\"startTime\", \"_sig\"]", "_sig belongs to the signature of the call"),
        ("\"id\"", "\"_nonce\"", "_nonce belongs to the signature of the call"),
        ("\"id\"", "\"the id\"", "is no name of a gateway's parameter"),
        (
            "select = \"/list/0\"",
            "constants = { a = \"1\", \"/a/b\" = \"2\" }",
            "line 9: resources.traffic.constants: the gateway would get a twice, as /a/b, too",
        ),
        ("\"id\"", "\"/a/id\"", "/a/id: the parameters of this method do not travel as JSON"),
        ("\"id\"", "\"/_nonce/id\"", "/_nonce/id belongs to the signature of the call"),
        ("\"id\"", "\"/a//id\"", "is no name of a gateway's parameter"),
        (
            "opretail_store\"",
            "integer\"\nmaximum = 9007199254740993",
            "parameters.store_id.maximum: write a whole number from 0 to 9007199254740992",
        ),
        (
            "wire = \"id\"",
            "wire = \"id\"\njson = \"list\"",
            "line 15: resources.traffic.parameters.store_id.json: only a parameter with `list = true`",
        ),
        ("wire = \"id\"", "wire = \"id\"\njson = \"yes\"", "several values go as text, with commas, or as a JSON list"),
        (
            "select = \"/list/0\"",
            "constants = { a = 2024-01-01 }",
            "line 9: resources.traffic.constants.a: this is a text in double quotes, a number, true or false",
        ),
        ("\"/list/0\"", "\"list\"", "line 9: resources.traffic.select: this is a JSON pointer"),
        ("\"object\"", "\"row\"", "an answer is an object, a list, or as_given"),
        ("answer = \"object\"", "", "an answer with fields is an object or a list"),
        ("\"opretail_store\"", "\"store\"", "line 13: resources.traffic.parameters.store_id.type: the types are"),
        ("\"S_123456\"", "\"S 1\"", "line 15: resources.traffic.parameters.store_id.example: an id has"),
        ("example = \"S_123456\"", "", "resources.traffic.parameters.store_id.example: missing: an example that works"),
        ("example = \"S_123456\"", "example = \"S_123456\"\nlist = true", "what stands in the path is one value"),
        ("\"integer\"", "\"whole\"", "the types of fields are"),
        ("\"/inNum\"", "\"\"", "line 18: resources.traffic.fields.visitors.from: missing: where it stands"),
        ("fields.visitors", "fields.Visitors", "a field's name is made of"),
        ("opretail_store", "oms_store", "line 13: resources.traffic.parameters.store_id.type: this is oms's"),
        ("wire = \"id\"", "wire = \"id\"\nlongest = 3", "parameters.store_id.longest: there is no such setting"),
        ("period = [\"startTime\", \"endTime\"]", "period_in = \"days\"", "there is no `period` that would go so"),
        ("[resources.traffic]", "[resources.store_flow]", "there is something called store_flow already"),
        ("[resources.traffic]", "[resources.metrics]", "there is something called metrics already"),
        ("open.shopweb.passengerFlow.getDataOfManyShopsHavingDevice", "Open.Gateway.Authentication", "are secrets"),
        ("\"/list/0\"", "\"/list/~2\"", "this is a JSON pointer"),
        ("\"S_123456\"", "\"S/1\"", "an example in the path is letters"),
        (
            "[\"startTime\", \"endTime\"]",
            "[\"startTime\", \"endTime\"]\nperiod_in = \"hours\"",
            "line 9: resources.traffic.period_in: a period goes as seconds, days, unix, unix_ms or iso",
        ),
        (
            "[\"startTime\", \"endTime\"]",
            "[\"startTime\", \"endTime\"]\nperiod_end = \"after\"",
            "line 9: resources.traffic.period_end: the end of a period goes as inclusive or exclusive",
        ),
        (
            "period = [\"startTime\", \"endTime\"]",
            "period_end = \"exclusive\"",
            "there is no `period` that would go so",
        ),
        ("select = ", "http = \"PUT\"\nselect = ", "line 9: resources.traffic.http: calls are sent by POST or GET"),
        ("answer = ", "anwser = \"list\"\nanswer = ", "did you mean resources.traffic.answer?"),
    ] {
        assert!(GOOD.contains(good), "{good}");
        let problems = read(&GOOD.replace(good, wrong)).1.join("\n");
        assert!(problems.contains(told), "{wrong}: {problems}");
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = GOOD
        .replace("flow:read", "x")
        .replace("/list/0", "list")
        .replace("opretail_store", "store")
        .replace("/traffic\"", "/flow\"");
    assert_eq!(read(&text).1.len(), 4, "{:?}", read(&text).1);
}

#[test]
fn two_declarations_may_share_a_scope_and_not_a_path() {
    let first = GOOD.replace("\"flow:read\"", "\"traffic:read\"\nallows = \"Read traffic.\"");
    let second = GOOD.replace("resources.traffic", "resources.traffic_again").replace("flow:read", "traffic:read");
    let (_, problems) = read(&format!("{first}{second}"));
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("a request could mean /stores/{store_id}/traffic, too"), "{problems:?}");
    let second = second.replace("/traffic\"", "/more\"");
    for text in [format!("{first}{second}"), format!("{second}{first}")] {
        let (declared, problems) = read(&text.replace("traffic_again", "a_first_one"));
        assert_eq!((problems, declared.scopes().len()), (Vec::new(), 1));
    }
}
