//! The headers of a response: the length of its body, whether its connection persists, and the form that is passed on.

use httparse::{EMPTY_HEADER, Header, ParserConfig, Response, Status};

use super::MalformedResponse;

/// The most header lines.
const MOST_FIELDS: usize = 96;

const BEGINNING: &[u8] = b"HTTP/1.";

/// Fields that the client library must not act on: the hop-by-hop fields, which RFC 9110 §7.6.1 removes from a
/// forwarded message, and those that delimit a body.
const HOP_BY_HOP: [&str; 8] =
    ["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length"];

/// How the end of a body is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyLength {
    /// The body has this many bytes.
    Known(u64),
    /// The body is chunked.
    Chunked,
    /// The body ends with its connection.
    UntilClose,
}

/// The framing that the headers of a final response state.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResponseFraming {
    pub(super) length: BodyLength,
    pub(super) is_persistent: bool,
}

/// Refuses bytes that cannot begin a response, from the first byte on.
pub(super) fn must_begin_as_http(head: &[u8]) -> Result<(), MalformedResponse> {
    let begun = BEGINNING.len().min(head.len());
    if head.get(..begun) == BEGINNING.get(..begun) {
        Ok(())
    } else {
        Err(MalformedResponse("it does not begin as HTTP/1"))
    }
}

impl ResponseFraming {
    /// Parses complete headers and appends the form that is passed on. Returns `None` for an interim response.
    pub(super) fn read(
        bytes: &[u8],
        answers_head: bool,
        output: &mut Vec<u8>,
    ) -> Result<Option<Self>, MalformedResponse> {
        let mut fields = [EMPTY_HEADER; MOST_FIELDS];
        let mut response = Response::new(&mut fields);
        let mut config = ParserConfig::default();
        config.allow_spaces_after_header_name_in_responses(true);
        let parsed = config.parse_response(&mut response, bytes);
        let is_whole = parsed.is_ok_and(|parsed| parsed == Status::Complete(bytes.len()));
        let (Some(version), Some(status), true) = (response.version, response.code, is_whole) else {
            return Err(MalformedResponse("its headers cannot be read"));
        };
        match status {
            // No upgrade was requested.
            101 => return Err(MalformedResponse("it switches protocols unasked")),
            100..=199 => return Ok(None),
            0..=99 => return Err(MalformedResponse("its status is none")),
            _ => {}
        }
        let fields = FramingHeaders(response.headers);
        let stated = fields.length(version)?;
        let has_no_body = answers_head || matches!(status, 204 | 304);
        let length = if has_no_body { BodyLength::Known(0) } else { stated };
        let is_persistent = length != BodyLength::UntilClose && fields.is_persistent(version);
        fields.write(status, if answers_head { stated } else { length }, output);
        Ok(Some(Self { length, is_persistent }))
    }
}

struct FramingHeaders<'a>(&'a [Header<'a>]);

impl FramingHeaders<'_> {
    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
    }

    /// Determines the body's length by RFC 9112 §6.3 without its leniencies: whatever two parsers could read
    /// differently is refused.
    fn length(&self, version: u8) -> Result<BodyLength, MalformedResponse> {
        let mut codings = self.values("transfer-encoding");
        let mut lengths = self.values("content-length");
        match (codings.next(), lengths.next()) {
            (Some(_), Some(_)) => Err(MalformedResponse("it has both a length and a transfer coding")),
            (Some(_), None) if version == 0 => Err(MalformedResponse("HTTP/1.0 has no transfer codings")),
            (Some(coding), None)
                if codings.next().is_none() && coding.trim_ascii().eq_ignore_ascii_case(b"chunked") =>
            {
                Ok(BodyLength::Chunked)
            }
            (Some(_), None) => Err(MalformedResponse("its transfer coding is not known")),
            (None, Some(length)) if lengths.next().is_none() => {
                number(length.trim_ascii()).map(BodyLength::Known).ok_or(MalformedResponse("its length is no number"))
            }
            (None, Some(_)) => Err(MalformedResponse("it has several lengths")),
            (None, None) => Ok(BodyLength::UntilClose),
        }
    }

    fn is_persistent(&self, version: u8) -> bool {
        let has = |wanted: &[u8]| {
            let mut options = self.values("connection").flat_map(|value| value.split(|byte| *byte == b','));
            options.any(|option| option.trim_ascii().eq_ignore_ascii_case(wanted))
        };
        !has(b"close") && (version == 1 || has(b"keep-alive"))
    }

    fn write(&self, status: u16, length: BodyLength, output: &mut Vec<u8>) {
        output.extend_from_slice(b"HTTP/1.0 ");
        output.extend_from_slice(status.to_string().as_bytes());
        output.extend_from_slice(b" \r\nconnection: close\r\n");
        if let BodyLength::Known(length @ 1..) = length {
            output.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
        }
        for field in self.0.iter().filter(|field| !is_hop_by_hop(field.name)) {
            for part in [field.name.as_bytes(), b": ", field.value, b"\r\n"] {
                output.extend_from_slice(part);
            }
        }
        output.extend_from_slice(b"\r\n");
    }
}

fn is_hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Parses digits and nothing else.
fn number(text: &[u8]) -> Option<u64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then_some(text).and_then(|text| std::str::from_utf8(text).ok()?.parse().ok())
}
