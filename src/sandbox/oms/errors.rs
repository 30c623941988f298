//! The OMS's errors, in its words: codes of its RPC server inside `error_response`, and the shop page's numbers bare.

use serde_json::{Value, json};

/// An error of the OMS's RPC server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OmsError {
    code: &'static str,
    message: &'static str,
    detail: Value,
}

macro_rules! oms_errors {
    ($($name:ident = $code:literal $message:literal;)+) => {
        impl OmsError {
            $(
                #[doc = $message]
                pub const $name: Self = Self { code: $code, message: $message, detail: Value::Null };
            )+
            const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

oms_errors! {
    SYSTEM_PARAMETER = "e000001" "system params error";
    SIGN = "e000002" "sign error";
    METHOD = "e000003" "method not found";
    PERMISSION = "e000004" "no permission";
    INIT = "e000005" "init failed";
    APPLICATION_PARAMETER = "e000006" "application params error";
    TEMPLATE = "e000007" "template error";
    TIMESTAMP = "e000008" "timestamp error";
    REPEATED = "e000009" "repeated request";
}

// The numbers that the shop page lists.
const NUMBERED: [(i64, &str); 13] = [
    (0, "成功"),
    (1, "参数错误"),
    (400, "参数错误"),
    (401, "未授权访问"),
    (403, "禁止访问"),
    (404, "店铺不存在"),
    (500, "服务器内部错误"),
    (1001, "非法的flag"),
    (1002, "请求已过期"),
    (1003, "签名错误"),
    (1004, "不支持的type格式"),
    (2001, "缺少必要的参数"),
    (2002, "非法的请求参数"),
];

impl OmsError {
    /// The same error with a `sub_msg`.
    pub fn about(self, detail: impl Into<Value>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Writes the error.
    pub fn document(&self) -> Value {
        json!({"error_response": {"code": self.code, "msg": self.message, "sub_msg": self.detail}})
    }
}

/// Writes one of the shop page's numbers.
pub fn numbered(code: i64) -> Value {
    let known = NUMBERED.iter().find(|(number, _)| *number == code);
    json!({"code": code, "msg": known.map_or("未知错误", |(_, message)| message)})
}

/// Writes any code: a number bare, anything else as the RPC server would.
pub fn by_code(code: &str) -> Value {
    if let Ok(number) = code.parse() {
        return numbered(number);
    }
    let known = OmsError::ALL.iter().find(|error| error.code == code).map(OmsError::document);
    known.unwrap_or_else(|| json!({"error_response": {"code": code, "msg": "unlisted", "sub_msg": null}}))
}
