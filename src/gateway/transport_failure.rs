//! The transport failures in place of a whole response, each with a name of its own, so that the table of
//! `reactions.rs` can list it.

use std::fmt;

macro_rules! transport_failures {
    ($($failure:ident $words:literal;)+) => {
        /// Why there is no whole response.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum TransportFailure { $(#[doc = $words] $failure),+ }

        impl TransportFailure {
            /// All failures.
            pub const ALL: &[Self] = &[$(Self::$failure),+];

            /// The text for the log; it names no address and holds no part of the request.
            pub const fn words(self) -> &'static str { match self { $(Self::$failure => $words),+ } }
        }
    };
}

transport_failures! {
    NameNotResolved "the gateway's name cannot be resolved";
    ConnectionRefused "the gateway does not take the connection";
    NoConnectionInTime "no connection in time";
    TlsFailed "TLS could not be agreed, or the certificate is not trusted";
    StaleConnection "a reused connection was closed before the answer";
    Closed "the connection was closed before the answer";
    Reset "the connection broke before the answer";
    NotInTime "no complete answer in time";
    MalformedHttp "the answer is not well-formed HTTP";
    CutShort "the body is shorter than its framing promised";
    EndsEarly "the document in the body ends too early";
    Empty "the body is empty";
    TooLarge "the body is larger than gateway.max_body";
    BrokeOff "the body broke off";
    Undecodable "the body is compressed in a way that was not asked for, or cannot be decompressed";
    NotAnEnvelope "the answer is not one complete envelope of the documented shape";
}

impl fmt::Display for TransportFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.words())
    }
}
