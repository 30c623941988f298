//! Which of our settings a refusal speaks of, for the operator who has to correct it. What the service does about a refusal
//! is in `reactions.rs`; here is only what an operator does.

use super::error::{Error, Kind};

/// What a failed call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Diagnosis {
    /// The gateway does not know the key.
    Key,
    /// The key's time is over.
    KeyExpired,
    /// The key belongs to another system than the one that is named.
    System,
    /// The signature is another than the gateway computes.
    Signature,
    /// There is no such method, or it is not registered for the key.
    Method,
    /// The method is there, and not for this key.
    Permission,
    /// The time that was signed.
    Time,
    /// The login was refused.
    Login,
    /// The method wants a token, and knows none or not this one.
    LoginToken,
    /// A parameter that every call has did not arrive.
    SystemParameter,
    /// Something in front of the gateway, which answers with a status of HTTP.
    Front,
    /// The address leads to another one.
    Redirect,
    /// The host has nothing at this path.
    NothingThere,
    /// A page of HTML came.
    Page,
    /// Neither JSON in UTF-8 came nor a page.
    OtherDocument,
    /// A text stands before the JSON.
    TextBefore,
    /// Nothing of ours that could be named.
    Other,
}

impl Diagnosis {
    /// Those that a vendor's code may mean, with their names in packs.
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

/// What came instead of an envelope.
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
    /// Text in another encoding than UTF-8.
    NotUtf8,
    /// JSON behind another text.
    TextBefore,
}

impl UnexpectedAnswer {
    /// What a body is that is no JSON object.
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

    /// The same in words, to follow what is wrong; none where the status says it.
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

/// Whether markup is a page for browsers: its first element, or its document type, is one of HTML, where a vendor's XML has
/// names of its own.
fn is_page(markup: &[u8]) -> bool {
    const HTML: [&[u8]; 12] =
        [b"!doctype", b"html", b"head", b"body", b"title", b"meta", b"script", b"style", b"div", b"p", b"br", b"h1"];
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!?_-:".contains(byte);
    let mut tags = markup.split(|byte| *byte == b'<').skip(1).map(|tag| tag.split(|byte| !is_name(byte)).next());
    let first = tags.find(|name| name.is_some_and(|name| !name.starts_with(b"?") && !name.starts_with(b"!--")));
    first.flatten().is_some_and(|first| HTML.iter().any(|name| first.eq_ignore_ascii_case(name)))
}

impl Error {
    /// Whether the gateway took key, time and signature: it looks at method, permission and parameters only then.
    pub fn is_admitted(&self) -> bool {
        self.kind.reaction().admitted || matches!(self.diagnosis(), Diagnosis::Method | Diagnosis::Permission)
    }

    /// What the failure is about. A vendor's codes are in its pack.
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
    fn what_is_no_json_is_told_apart() {
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
