//! What a gateway may send that is no answer: for each question data of which nothing may be read, and flaws that no
//! document may have.

use storegate::sandbox::Vendor;

/// A question, and what a gateway answers to it.
pub struct Question {
    /// Asks it.
    pub path: &'static str,
    /// Whose gateway answers.
    pub vendor: Vendor,
    /// Whether a good answer is kept.
    pub is_kept: bool,
    /// A short answer that is read.
    pub data: &'static str,
    /// Data of which nothing may be read.
    pub refused: &'static [&'static str],
}

/// The flow of a store.
pub const FLOW: Question = Question {
    path: "/stores/S_123456/flow",
    vendor: Vendor::OpRetail,
    is_kept: true,
    data: r#"{"DAY_FLOW":7,"WEATHER":{"id":1},"cfgData":[{"key":"a","value":"b"}]}"#,
    refused: FIGURES,
};

/// A store.
pub const STORE: Question = Question {
    path: "/stores/SHOP001",
    vendor: Vendor::Oms,
    is_kept: true,
    data: r#"{"shop_bn":"SHOP001","shop_name":"a"}"#,
    refused: &[
        "{}",
        "null",
        "[]",
        "7",
        r#""SHOP001""#,
        r#"[{"shop_bn":"SHOP001"}]"#,
        r#"{"shop_bn":null}"#,
        r#"{"shop_bn":["SHOP001"]}"#,
        r#"{"shop_bn":true}"#,
        r#"{"shop_bn":"SHOP002"}"#,
    ],
};

const DEMOGRAPHICS: Question = Question {
    path: "/stores/S_123456/demographics?from=2026-11-01&to=2026-11-07",
    vendor: Vendor::OpRetail,
    is_kept: true,
    data: r#"{"genderDistribution":[{"gender":1,"peopleNum":5}],"ageDistribution":[]}"#,
    refused: &[
        "7",
        r#""{}""#,
        "{}",
        "[{}]",
        r#"{"message":"system busy"}"#,
        r#"{"rows":[]}"#,
        r#"{"genderDistribution":7}"#,
        r#"{"genderDistribution":[null]}"#,
        r#"{"genderDistribution":[[1,5]]}"#,
        r#"{"genderDistribution":[{"gender":"male"}]}"#,
        r#"{"genderDistribution":[{"peopleNum":1.5}]}"#,
        r#"{"ageDistribution":[{"ageFrom":{}}]}"#,
        r#"{"ageDistribution":[{"peopleNum":9007199254740993}]}"#,
    ],
};

/// A question for each resource of a gateway.
pub const QUESTIONS: &[Question] = &[
    FLOW,
    Question { path: "/organizations/1084/flow", ..FLOW },
    DEMOGRAPHICS,
    Question { path: "/demographics?store_id=S_123456&from=2026-11-01&to=2026-11-07", ..DEMOGRAPHICS },
    Question {
        path: "/inspections?from=2026-11-01&to=2026-11-07&page_size=2",
        vendor: Vendor::OpRetail,
        is_kept: true,
        data: r#"{"total":1,"rows":[{"id":1}]}"#,
        refused: &[
            "7",
            r#""[]""#,
            "[1]",
            "[[]]",
            r#"{"total":1}"#,
            r#"{"total":1,"rows":[]}"#,
            r#"{"total":1,"rows":{}}"#,
            r#"{"total":1,"rows":[null]}"#,
            r#"{"total":1,"rows":null}"#,
            r#"{"list":[],"rows":[{"id":1}]}"#,
        ],
    },
    Question {
        path: "/organizations/2/developer-account",
        vendor: Vendor::OpRetail,
        is_kept: false,
        data: r#"{"id":1,"applicationSecret":"s"}"#,
        refused: &[
            "7",
            "{}",
            "null",
            "[]",
            "[{}]",
            r#""{}""#,
            r#"{"message":"system busy"}"#,
            r#"{"id":{}}"#,
            r#"{"id":1.5}"#,
            r#"{"applicationSecret":["s"]}"#,
            r#"{"switchStatus":true}"#,
            r#"{"enterpriseId":9007199254740993}"#,
        ],
    },
    STORE,
    Question {
        path: "/stores?page_size=2",
        vendor: Vendor::Oms,
        is_kept: true,
        data: r#"{"count":1,"lists":[{"shop_bn":"A1"}]}"#,
        refused: &[
            "7",
            "[1]",
            r#"{"message":"busy"}"#,
            r#"{"count":1,"lists":[]}"#,
            r#"{"count":1,"lists":{}}"#,
            r#"{"count":1,"lists":"busy"}"#,
            r#"{"count":1,"lists":[null]}"#,
            r#"{"count":1,"lists":[{}]}"#,
            r#"{"count":1,"lists":[["A1"]]}"#,
            r#"{"count":1,"lists":[{"shop_bn":true}]}"#,
        ],
    },
];

const FIGURES: &[&str] = &[
    "7",
    "true",
    "{}",
    "[1]",
    "[{}]",
    r#"{"message":"system busy"}"#,
    r#"{"day_flow":3}"#,
    r#"{"DAY_FLOW":-1}"#,
    r#"{"DAY_FLOW":[]}"#,
    r#"{"DAY_FLOW":{}}"#,
    r#"{"DAY_FLOW":true}"#,
    r#"{"DAY_FLOW":1.5}"#,
    r#"{"DAY_FLOW":9007199254740993}"#,
    r#"{"DAY_FLOW":"7 people"}"#,
    r#"{"TOTAL_SALE":"NaN"}"#,
    r#"{"TOTAL_SALE":"1e999"}"#,
    r#"{"TOTAL_SALE":1e17}"#,
    r#"{"BUY_RATE":{}}"#,
    r#"{"WEATHER":7}"#,
    r#"{"WEATHER":[{}]}"#,
    r#"{"WEATHER":{"id":"x"}}"#,
    r#"{"WEATHER":{"wind":[]}}"#,
    r#"{"cfgData":"x"}"#,
    r#"{"cfgData":[null]}"#,
    r#"{"cfgData":[[]]}"#,
    r#"{"cfgData":[{"value":{}}]}"#,
];

/// Members that may not stand in any object of an answer, however good the rest of it is.
const FLAWED_MEMBERS: &[&str] = &[
    "",
    r#""a""#,
    r#""a":"#,
    r#""a":tru"#,
    r#""a":01"#,
    r#""a":+1"#,
    r#""a":.5"#,
    r#""a":NaN"#,
    "\u{1}\"a\":1",
    r#""a":'x'"#,
    "a:1",
    r#""a":/**/1"#,
];

/// More of them where texts have escapes; in those of an OMS a backslash is a backslash.
const FLAWED_ESCAPES: &[&str] = &[r#""a":"\x""#, "\"a\":\"\\\u{1}\"", "\"a\":\"\u{1}\""];

/// Members that readers would differ about, and that nobody reads: the rest is an answer.
pub const ODD_MEMBERS: &[&str] = &[
    r#""a":1,"a":1"#,
    r#""a":1,"\u0061":2"#,
    r#""a":{"b":[{"c":1,"c":1}]}"#,
    r#""$serde_json::private::RawValue":"{}""#,
    r#""$serde_json::private::Number":"1""#,
    r#""a":1e999"#,
    r#""a":"\ud800""#,
];

/// Whole bodies that are no answer of either gateway.
const NO_ENVELOPES: &[&str] = &[
    "null",
    "true",
    "7",
    "\"ok\"",
    "[]",
    "{",
    "{}",
    "{}{}",
    " ",
    "\u{0}",
    "<html></html>",
    "{\"success\":true}",
    "{\"stat\":null}",
    "{\"stat\":[0]}",
    "{\"stat\":{}}",
    "{\"stat\":{\"code\":null}}",
    "{\"stat\":{\"code\":[]}}",
    "{\"stat\":{\"code\":false}}",
    "{\"stat\":{\"code\":\"SUCCESS\"}}",
    "{\"stat\":{\"code\":0}}",
    "{\"stat\":{\"code\":1e-400},\"data\":{\"DAY_FLOW\":1,\"id\":1,\"rows\":[],\"ageDistribution\":[]}}",
    "{\"stat\":{\"code\":9007199254740993}}",
    "{\"response\":7}",
    "{\"response\":[7]}",
    "{\"response\":{\"response\":{}}}",
    "{\"rsp\":[]}",
    "{\"rsp\":\"succ\"}",
    "{\"rsp\":\"fail\"}",
    "{\"code\":0}",
    "{\"code\":false}",
    "{\"code\":true}",
    "{\"code\":\"00\"}",
    "{\"code\":\"ERROR\"}",
    "{\"code\":\"fail\"}",
    "{\"code\":200}",
    "{\"error_response\":{}}",
    "{\"error_response\":\"e000005\"}",
];

/// An answer with this data.
pub fn envelope(vendor: Vendor, data: &str) -> String {
    match vendor {
        Vendor::OpRetail => format!(r#"{{"stat":{{"cid":"c","code":0}},"result":"ok","data":{data}}}"#),
        Vendor::Oms => format!(r#"{{"response":{data}}}"#),
    }
}

/// An object with one more member before its own.
pub fn beside(member: &str, object: &str) -> String {
    object.replacen('{', &format!("{{{member},"), 1)
}

impl Question {
    /// Every body that must be refused as an answer to it.
    pub fn hostile_bodies(&self) -> Vec<String> {
        let good = envelope(self.vendor, self.data);
        let around = ["\u{feff}\u{feff}%", "%\u{feff}", "[%]", "%%", "%x", "%,", "%\u{0}", "%\u{a0}"]
            .map(|text| text.replace('%', &good));
        let nested = |depth: usize| format!("{}{}{}", "[".repeat(depth), self.data, "]".repeat(depth));
        let with = |member: &str| beside(member, &good);
        let twice = match self.vendor {
            Vendor::OpRetail => with(r#""data":null"#),
            Vendor::Oms => with(r#""response":null"#),
        };
        let mut bodies: Vec<String> = NO_ENVELOPES.iter().map(|body| (*body).to_owned()).collect();
        bodies.extend(around);
        bodies.extend([twice, with(&format!("\"x\":{}", nested(130)))]);
        bodies.extend(self.refused.iter().map(|data| envelope(self.vendor, data)));
        // Who walks a whole document does not know whose answer it is: one question a gateway is enough.
        let flawed = if [FLOW.path, STORE.path].contains(&self.path) { FLAWED_MEMBERS } else { &[] };
        let escapes = if self.path == FLOW.path { FLAWED_ESCAPES } else { &[] };
        for member in flawed.iter().chain(escapes) {
            bodies.extend([with(member), envelope(self.vendor, &beside(member, self.data))]);
        }
        if self.vendor == Vendor::Oms {
            bodies.extend([
                with(r#""error_response":{"code":"e000005"}"#),
                with(r#""rsp":"fail""#),
                with(r#""code":200"#),
            ]);
            bodies.extend([with(r#""res":"e000005""#), with(r#""error":"system busy""#)]);
            bodies.push(beside(r#""error":"system busy""#, self.data));
        }
        bodies
    }
}
