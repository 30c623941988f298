//! The diagnosis of a refusal for operators: which setting it points to. `reactions.rs` decides what the service does
//! about a refusal.

use super::error::{Error, Kind};

/// The setting or cause that a failed call points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Diagnosis {
    /// The gateway does not know the key.
    Key,
    /// The key has expired.
    KeyExpired,
    /// The key belongs to another system than the configured one.
    System,
    /// The signature differs from the one that the gateway computes.
    Signature,
    /// There is no such method, or it is not registered for the key.
    Method,
    /// The method exists, but the key may not call it.
    Permission,
    /// The signed time is wrong.
    Time,
    /// The login was refused.
    Login,
    /// The method needs a login token, and got none or an unknown one.
    LoginToken,
    /// A parameter that every call carries did not arrive.
    SystemParameter,
    /// Something in front of the gateway responded with an HTTP status.
    Front,
    /// The address redirects to another one.
    Redirect,
    /// The host has nothing at this path.
    NothingThere,
    /// The response is an HTML page.
    Page,
    /// The response is neither JSON in UTF-8 nor an HTML page.
    OtherDocument,
    /// Text precedes the JSON.
    TextBefore,
    /// No setting of ours could be named.
    Other,
}

impl Diagnosis {
    /// The diagnoses that a vendor's code may have, with their names in packs.
    pub const OF_CODES: [(&'static str, Self); 8] = [
        ("key", Self::Key),
        ("key_expired", Self::KeyExpired),
        ("system", Self::System),
        ("signature", Self::Signature),
        ("method", Self::Method),
        ("permission", Self::Permission),
        ("system_parameter", Self::SystemParameter),
        ("other", Self::Other),
    ];
}

/// What was received instead of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnexpectedAnswer {
    /// A redirect.
    Redirect,
    /// HTTP status 404.
    NothingThere,
    /// HTML.
    Page,
    /// XML.
    Xml,
    /// Text in an encoding other than UTF-8.
    NotUtf8,
    /// JSON that follows other text.
    TextBefore,
}

impl UnexpectedAnswer {
    /// Recognizes a body that is not a JSON object; `None` for one that is.
    pub fn of_body(body: &[u8]) -> Option<Self> {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii();
        let is_markup = body.starts_with(b"<");
        let has_json = !body.starts_with(b"{") && body.ends_with(b"}") && body.windows(2).any(|pair| pair == b"{\"");
        Some(match std::str::from_utf8(body) {
            Ok(_) if has_json => Self::TextBefore,
            _ if is_markup && is_page(body) => Self::Page,
            _ if is_markup => Self::Xml,
            Err(_) => Self::NotUtf8,
            Ok(_) => return None,
        })
    }

    /// The description that follows the error text; empty where the status says it already.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Redirect | Self::NothingThere => "",
            Self::Page => "; it is a page of HTML",
            Self::Xml => "; it is XML",
            Self::NotUtf8 => "; it is not UTF-8",
            Self::TextBefore => "; a text stands before its JSON",
        }
    }

    const fn diagnosis(self) -> Diagnosis {
        match self {
            Self::Redirect => Diagnosis::Redirect,
            Self::NothingThere => Diagnosis::NothingThere,
            Self::Page => Diagnosis::Page,
            Self::Xml | Self::NotUtf8 => Diagnosis::OtherDocument,
            Self::TextBefore => Diagnosis::TextBefore,
        }
    }
}

/// Whether markup is an HTML page, by its first element or document type. A vendor's XML has other names.
fn is_page(markup: &[u8]) -> bool {
    const HTML: [&[u8]; 12] =
        [b"!doctype", b"html", b"head", b"body", b"title", b"meta", b"script", b"style", b"div", b"p", b"br", b"h1"];
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!?_-:".contains(byte);
    let mut tags = markup.split(|byte| *byte == b'<').skip(1).map(|tag| tag.split(|byte| !is_name(byte)).next());
    let first = tags.find(|name| name.is_some_and(|name| !name.starts_with(b"?") && !name.starts_with(b"!--")));
    first.flatten().is_some_and(|first| HTML.iter().any(|name| first.eq_ignore_ascii_case(name)))
}

impl Error {
    /// Whether the gateway accepted key, time and signature. Only then does it check method, permission and parameters.
    pub fn is_admitted(&self) -> bool {
        self.kind.reaction().admitted || matches!(self.diagnosis(), Diagnosis::Method | Diagnosis::Permission)
    }

    /// The diagnosis of the failure. The vendor's codes are in its pack.
    pub fn diagnosis(&self) -> Diagnosis {
        if let Some(instead) = self.instead {
            return instead.diagnosis();
        }
        match self.kind {
            Kind::TimestampRefused => Diagnosis::Time,
            Kind::LoginRefused => Diagnosis::Login,
            Kind::LoginExpired => Diagnosis::LoginToken,
            Kind::CredentialsRefused => match self.note.as_ref().and_then(|note| note.code.as_deref()) {
                Some(code) => self.vendor.pack().codes.diagnosis(code),
                None => Diagnosis::Other,
            },
            Kind::UnexpectedStatus => Diagnosis::Front,
            _ => Diagnosis::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UnexpectedAnswer;

    #[test]
    fn bodies_that_are_not_json_are_distinguished() {
        let cases: [(&[u8], Option<UnexpectedAnswer>); 15] = [
            (b"<?xml version=\"1.0\"?><feed><title>a</title><p>b</p></feed>", Some(UnexpectedAnswer::Xml)),
            (b"<!-- a --><!-- b --><HTML lang=\"en\">", Some(UnexpectedAnswer::Page)),
            (b"<response>1 < 2</response>", Some(UnexpectedAnswer::Xml)),
            (b"<error_response><code>e000002</code></error_response>", Some(UnexpectedAnswer::Xml)),
            (b"<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"x\"><html></html>", Some(UnexpectedAnswer::Page)),
            (b"<h1>It works</h1>", Some(UnexpectedAnswer::Page)),
            (b"<!DOCTYPE html><html></html>", Some(UnexpectedAnswer::Page)),
            (b"\xEF\xBB\xBF\n <html><script>a({\"b\":1})</script></html>", Some(UnexpectedAnswer::Page)),
            (b"<html>\xB5\xEA</html>", Some(UnexpectedAnswer::Page)),
            (b"<?xml version=\"1.0\"?><a/>", Some(UnexpectedAnswer::Xml)),
            (b"<br />\n<b>Warning</b>: x in y<br />\n{\"response\":{}}", Some(UnexpectedAnswer::TextBefore)),
            (b"Notice: x {\"response\":{}}\n", Some(UnexpectedAnswer::TextBefore)),
            (b"{\"name\":\"\xB5\xEA\"}", Some(UnexpectedAnswer::NotUtf8)),
            (b"{\"response\":", None),
            (b"", None),
        ];
        for (body, instead) in cases {
            assert_eq!(UnexpectedAnswer::of_body(body), instead, "{}", String::from_utf8_lossy(body));
        }
    }
}
