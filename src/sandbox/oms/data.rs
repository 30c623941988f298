//! The data that a method returns, and its serialization: as JSON, whose texts each server writes in its own way, or as
//! XML.

use std::borrow::Cow;
use std::fmt::Write;

/// A value of an answer. Members are in the order in which a server writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    Null,
    Bool(bool),
    Number(i64),
    Text(Cow<'static, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'static, str>, Self)>),
}

/// Writes a text between the quotes of JSON.
pub type WriteText = fn(&str, &mut String);

impl Data {
    /// Creates a text.
    pub fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(text.into())
    }

    /// Creates an object with these members.
    pub fn object<const N: usize>(members: [(&'static str, Self); N]) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// Writes JSON without blanks.
    pub fn to_json(&self, write_text: WriteText) -> String {
        let mut json = String::new();
        self.write_json(write_text, &mut json);
        json
    }

    fn write_json(&self, write_text: WriteText, json: &mut String) {
        let quoted = |text: &str, json: &mut String| {
            json.push('"');
            write_text(text, json);
            json.push('"');
        };
        match self {
            Self::Null => json.push_str("null"),
            Self::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => append(json, number),
            Self::Text(text) => quoted(text, json),
            Self::List(items) => {
                json.push('[');
                for (place, item) in items.iter().enumerate() {
                    json.push_str(if place == 0 { "" } else { "," });
                    item.write_json(write_text, json);
                }
                json.push(']');
            }
            Self::Object(members) => {
                json.push('{');
                for (place, (name, value)) in members.iter().enumerate() {
                    json.push_str(if place == 0 { "" } else { "," });
                    quoted(name, json);
                    json.push(':');
                    value.write_json(write_text, json);
                }
                json.push('}');
            }
        }
    }

    /// Writes XML as the published server does: a list has no element for each item, texts that are not numbers are in
    /// `CDATA`, and nothing is escaped. Source: captured, and the server's source.
    pub fn to_xml(&self) -> String {
        let mut xml = String::new();
        self.write_xml(&mut xml);
        xml
    }

    fn write_xml(&self, xml: &mut String) {
        match self {
            Self::Null | Self::Bool(_) => {}
            Self::Number(number) => append(xml, number),
            Self::Text(text) if is_number(text) => xml.push_str(text),
            Self::Text(text) => append(xml, format_args!("<![CDATA[{text}]]>")),
            Self::List(items) => items.iter().for_each(|item| item.write_xml(xml)),
            Self::Object(members) => {
                for (name, value) in members {
                    append(xml, format_args!("<{name}>"));
                    value.write_xml(xml);
                    append(xml, format_args!("</{name}>"));
                }
            }
        }
    }
}

fn append(text: &mut String, more: impl std::fmt::Display) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "{more}");
}

/// Whether PHP treats a text as a number.
fn is_number(text: &str) -> bool {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    let is_written_so = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    is_written_so && text.parse::<f64>().is_ok()
}

/// Writes a text unchanged: a quote in the text ends it.
pub fn unescaped(text: &str, json: &mut String) {
    json.push_str(text);
}

/// Escapes a text as RFC 8259 requires.
pub fn escaped(text: &str, json: &mut String) {
    let quoted = serde_json::Value::from(text).to_string();
    json.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
}

/// Escapes a text as PHP's `json_encode` does by default: ASCII only, and `/` as `\/`.
pub fn escaped_to_ascii(text: &str, json: &mut String) {
    for letter in text.chars() {
        match letter {
            '/' => json.push_str("\\/"),
            ' '..='~' | '\0'..='\u{1f}' => escaped(letter.encode_utf8(&mut [0; 4]), json),
            _ => letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| append(json, format_args!("\\u{unit:04x}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, escaped, escaped_to_ascii, unescaped};

    fn document() -> Data {
        let shop = |name: &'static str| Data::object([("name", Data::text(name)), ("zip", Data::text("200000"))]);
        let lists = Data::List(vec![shop("a\"b\\c\n/店😀"), shop("")]);
        Data::object([("lists", lists), ("n", Data::Number(-1)), ("no", Data::Bool(false)), ("nil", Data::Null)])
    }

    #[test]
    fn texts_are_written_in_the_requested_way() {
        let json = |text: &str| {
            let first = format!(r#"{{"lists":[{{"name":"{text}","zip":"200000"}},{{"name":"","zip":"200000"}}]"#);
            first + r#","n":-1,"no":false,"nil":null}"#
        };
        assert_eq!(document().to_json(unescaped), json("a\"b\\c\n/店😀"));
        assert_eq!(document().to_json(escaped), json(r#"a\"b\\c\n/店😀"#));
        assert_eq!(document().to_json(escaped_to_ascii), json(r#"a\"b\\c\n\/\u5e97\ud83d\ude00"#));
    }

    #[test]
    fn xml_has_numbers_bare_and_other_texts_as_character_data() {
        let expected = "<lists><name><![CDATA[a\"b\\c\n/店😀]]></name><zip>200000</zip><name><![CDATA[]]></name>\
            <zip>200000</zip></lists><n>-1</n><no></no><nil></nil>";
        assert_eq!(document().to_xml(), expected);
        for (text, is_number) in [("1.5e3", true), (" 7 ", true), ("inf", false), ("021-1", false), ("", false)] {
            assert_eq!(super::is_number(text), is_number, "{text}");
        }
    }
}
