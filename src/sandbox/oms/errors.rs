//! The errors of OMS calls, with the vendor's two lists of codes: those of the RPC server, inside `error_response`, and
//! the shop page's numbers, which are bare.

use super::data::{Data, escaped_to_ascii};

/// Why a call has no result. Each server has its own codes for these errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OmsError {
    /// A system parameter is missing or wrong.
    SystemParameter,
    /// The timestamp has another form, or is too far from the server's clock.
    Timestamp,
    /// The flag is unknown.
    Flag {
        /// The signature that was sent.
        sent: String,
    },
    /// The signature does not match the parameters.
    Signature {
        /// The signature that was sent.
        sent: String,
        /// The string that the server signed.
        assembled: String,
    },
    /// The signature was used before.
    Repeated,
    /// There is no such method.
    Method,
    /// The flag may not call the method.
    Permission,
    /// A parameter of the method is missing.
    NoParameter,
    /// A parameter of the method is wrong.
    WrongParameter,
    /// The answer cannot have this type.
    Type,
    /// There is no such store.
    NoSuchShop,
    /// The method crashed, and the server shows an HTML page.
    Died,
}

/// The RPC server's codes and messages. Source: captured, and for `e000005` to `e000007` the server's source.
const CODES: [(&str, &str); 9] = [
    ("e000001", "system params lost or error"),
    ("e000002", "sign error"),
    ("e000003", "class or method not exist"),
    ("e000004", "no permissions to access"),
    ("e000005", "init interface fail"),
    ("e000006", "application params error"),
    ("e000007", "init template fail"),
    ("e000008", "refer server time invalid"),
    ("e000009", "repeat request invalid"),
];

/// The numbers that the shop page lists.
const NUMBERS: [(i64, &str); 14] = [
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
    (2003, "接口不存在"),
];

/// Creates an error of the RPC server.
pub fn coded(code: &str, sub_msg: Data) -> Data {
    let message = CODES.iter().find(|(known, _)| *known == code).map_or("unlisted", |(_, message)| message);
    let error = [("code", Data::text(code.to_owned())), ("msg", Data::text(message)), ("sub_msg", sub_msg)];
    Data::object([("error_response", Data::object(error))])
}

/// Creates an error with one of the shop page's numbers.
pub fn numbered(number: i64) -> Data {
    let message = NUMBERS.iter().find(|(known, _)| *known == number).map_or("未知错误", |(_, message)| message);
    Data::object([("code", Data::Number(number)), ("msg", Data::text(message))])
}

/// Creates an error with any code: a number bare, any other code in the form of the RPC server.
pub fn by_code(code: &str) -> Data {
    let sub_msg = match code {
        "e000002" => signed("", ""),
        "e000006" => Data::text(""),
        "e000008" | "e000009" => Data::text("[]"),
        _ => Data::Null,
    };
    code.parse().map_or_else(|_| coded(code, sub_msg), numbered)
}

/// A JSON text within an answer whose texts are not escaped, so that the answer is not valid JSON.
pub fn signed(sent: &str, assembled: &str) -> Data {
    let text = |text: &str| Data::text(text.to_owned());
    let both = Data::object([("request_sign", text(sent)), ("assemble_str", text(assembled))]);
    Data::text(both.to_json(escaped_to_ascii))
}
