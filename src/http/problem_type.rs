//! The table of all errors that a caller can get: type, status, title, meaning and remedy.

use crate::gateway::reactions::ShownProblem;

macro_rules! problem_types {
    ($($type:ident = $status:literal $slug:literal, $title:literal, $meaning:literal, $remedy:literal;)+) => {
        /// The type of a problem, as `type` in the document names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ProblemType { $(#[doc = $meaning] $type),+ }

        impl ProblemType {
            /// All types, by status.
            pub const ALL: &[Self] = &[$(Self::$type),+];

            /// Returns the last segment of the `type` reference: `/problems/{slug}`.
            pub const fn slug(self) -> &'static str { match self { $(Self::$type => $slug),+ } }

            /// Returns the HTTP status code.
            pub const fn status(self) -> u16 { match self { $(Self::$type => $status),+ } }

            /// Returns a short summary that does not change from case to case.
            pub const fn title(self) -> &'static str { match self { $(Self::$type => $title),+ } }

            /// Returns the meaning, for the page of this type.
            pub const fn meaning(self) -> &'static str { match self { $(Self::$type => $meaning),+ } }

            /// Returns what to do about it.
            pub const fn remedy(self) -> &'static str { match self { $(Self::$type => $remedy),+ } }
        }
    };
}

problem_types! {
    InvalidParameter = 400 "invalid-parameter", "A parameter is malformed or unknown",
        "One or more parameters of the path, the query or the form are malformed, out of range, or not known here. `errors` lists all of them at once.",
        "Correct each parameter named in `errors`. The API document at /docs lists what every path takes.";
    BadRequest = 400 "bad-request", "The request is not well-formed HTTP",
        "The request could not be read as HTTP, or a header has a value that cannot be read.",
        "Look at `detail`, and send the request with a common HTTP client.";
    InvalidToken = 401 "invalid-token", "A valid access token is needed",
        "There is no bearer token and no API key, or it was issued for another service, or is not signed by a key known here.",
        "Get a new token from who issued it; POST /oauth/token gives one to clients of this service. Send it as `Authorization: Bearer …`, and get another when its `exp` is near.";
    TokenExpired = 401 "token-expired", "The access token has expired",
        "The token was good until its `exp`, and that time has passed. An API key has expired at the time of its `expires`.",
        "Get a new token from who issued it, as before; POST /oauth/token gives one to clients of this service. Get it a little before `exp`.";
    InsufficientScope = 403 "insufficient-scope", "The token lacks a scope",
        "The token is valid, but it does not hold the scope that this path needs.",
        "Ask for a token with the scope named in `detail`; whoever runs this service can grant it to your client.";
    StoreNotGranted = 403 "store-not-granted", "The token may not read this store or organization",
        "The token is limited to certain stores or organizations, or the organization does not belong to this company's gateway key.",
        "Use an id that the token's claims `stores` and `organizations` grant, or ask whoever runs this service to grant it to your client.";
    NotFound = 404 "not-found", "There is no such path, store or organization",
        "There is no such path, or no such store or organization.",
        "Check the id and the path; GET /stores lists the stores, and /docs all paths.";
    StoreNotFound = 404 "store-not-found", "There is no such store",
        "The store's id is well-formed, and neither the store directory nor the gateway knows a store by it.",
        "Check the id; GET /stores lists the stores.";
    StoreNotMapped = 404 "store-not-mapped", "The store has no number at this vendor",
        "Vendors number stores differently, and the number that this path needs is not known for this store.",
        "Use the store's id at the vendor named in `detail`, or have the store added to the store directory.";
    NotConfigured = 404 "not-configured", "This service has no account for this",
        "Each company has its own accounts at vendors' gateways. The company of this token has none at the vendor that this path asks, or its account lacks a setting.",
        "Use a path of another vendor, or ask the operator of this service to add what `detail` names to the configuration.";
    MethodNotAllowed = 405 "method-not-allowed", "This path does not take this method",
        "The path exists, but not with this method. `Allow` lists the ones that it takes.",
        "Use one of the methods in `Allow`; resources are read with GET or HEAD.";
    NotAcceptable = 406 "not-acceptable", "No representation fits the Accept header",
        "Each path answers in one media type, mostly JSON in UTF-8, and the `Accept` header of the request excludes it.",
        "Send the `Accept` header named in `detail`, or none at all.";
    RequestTimeout = 408 "request-timeout", "The request did not arrive in time",
        "The request's head or body came too slowly.",
        "Send the whole request without pauses.";
    PayloadTooLarge = 413 "payload-too-large", "The request body is too large",
        "No path of this service takes a large body.",
        "Send a smaller body.";
    UriTooLong = 414 "uri-too-long", "The request target is too long",
        "The path and query are longer than this service reads.",
        "Ask for fewer ids at once.";
    UnsupportedMediaType = 415 "unsupported-media-type", "The body has an unsupported media type",
        "The body is not of the media type that this path takes.",
        "Send the body as the API document says.";
    ExpectationFailed = 417 "expectation-failed", "An expectation of the request is not met",
        "The `Expect` header asks for something that this service does not do.",
        "Send the request without `Expect`, or with `Expect: 100-continue`.";
    MisdirectedRequest = 421 "misdirected-request", "This service does not answer for this host",
        "The `Host` header names a host that this service is not configured to answer for.",
        "Use the address that you were given for this service. Whoever runs it can add a host to `server.hosts`.";
    GatewayRejectedRequest = 422 "gateway-rejected-request", "The gateway refused a parameter of the request",
        "The request was well-formed, but the vendor's gateway refused a parameter that came from the caller, with a code that is documented to mean this. `gateway` has its code.",
        "Read `detail` and the gateway's code, and correct the parameter. The same request will be refused again.";
    QuotaExceeded = 429 "quota-exceeded", "The quota is spent",
        "This client has sent more requests than its quota allows, or asks for more at once than is left of it: each store of `/flow` and each part of an overview costs one.",
        "Wait as long as `Retry-After` says, or ask for fewer things at once. `RateLimit-Policy` shows the quota.";
    TooManyWrongKeys = 429 "too-many-wrong-keys", "Too many wrong API keys came from this address",
        "So many API keys or client secrets that are wrong came from this address that further ones are not looked at for a while. A right API key is accepted all the same.",
        "Correct the API key, and wait as long as `Retry-After` says.";
    HeadersTooLarge = 431 "headers-too-large", "The request head is too large",
        "The headers of the request are larger or more than this service reads.",
        "Send fewer or shorter headers and cookies.";
    InternalError = 500 "internal-error", "Something went wrong inside this service",
        "This service made a mistake. It has been logged under the `request_id`.",
        "Try again; if it stays, report the `request_id` to whoever runs this service.";
    GatewayRefusedCredentials = 502 "gateway-refused-credentials", "The gateway refused this service's credentials",
        "The vendor's gateway refused this service's key, signature, login or permission. Your token is fine.",
        "Nothing is wrong with your request. Whoever runs this service has to correct the gateway's credentials.";
    GatewayError = 502 "gateway-error", "The gateway failed, or its answer cannot be read",
        "The vendor's gateway reported a failure of its own, or sent something that cannot be read.",
        "Try again in a moment; if it stays, report the `request_id` and `gateway.call_id`.";
    GatewayUnavailable = 503 "gateway-unavailable", "The gateway cannot be reached or is busy",
        "The vendor's gateway refuses connections, asks to wait, answered with a code that is not documented (such as one for too many calls; `gateway` has it), or was failing so often that it is given a rest.",
        "Wait as long as `Retry-After` says, then try again.";
    TooManyStreams = 503 "too-many-streams", "All event streams are taken",
        "So many event streams are open that this service opens no more: of your client, or of all together.",
        "Close streams that nobody looks at, or wait as long as `Retry-After` says. Whoever runs this service can raise the limits under `[events]`.";
    TooManyConnections = 503 "too-many-connections", "This service has as many connections as it may have",
        "All connections that this service may have at a time are in use, and none ended in time for this one.",
        "Wait as long as `Retry-After` says, then try again; use one connection for many requests. Whoever runs this service can raise `server.connections`.";
    IssuerUnavailable = 503 "issuer-unavailable", "The token's issuer cannot be asked for its keys",
        "The token is from a trusted identity provider whose keys could not be read so far, so that nobody can tell whether it is good.",
        "Keep the token, wait as long as `Retry-After` says, then try again.";
    GatewayTimeout = 504 "gateway-timeout", "The gateway did not answer in time",
        "The vendor's gateway did not give a complete answer in the time allowed.",
        "Try again in a moment; ask for a shorter period if the answer is large.";
}

impl ProblemType {
    /// Returns the type for a status without a problem, such as the router's own 404.
    pub const fn for_status(status: u16) -> Self {
        match status {
            401 => Self::InvalidToken,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            406 => Self::NotAcceptable,
            408 => Self::RequestTimeout,
            413 => Self::PayloadTooLarge,
            414 => Self::UriTooLong,
            415 => Self::UnsupportedMediaType,
            417 => Self::ExpectationFailed,
            421 => Self::MisdirectedRequest,
            431 => Self::HeadersTooLarge,
            400..=499 => Self::BadRequest,
            _ => Self::InternalError,
        }
    }
}

impl From<ShownProblem> for ProblemType {
    fn from(shown: ShownProblem) -> Self {
        match shown {
            ShownProblem::RefusedCredentials => Self::GatewayRefusedCredentials,
            ShownProblem::GatewayError => Self::GatewayError,
            ShownProblem::Unavailable => Self::GatewayUnavailable,
            ShownProblem::Timeout => Self::GatewayTimeout,
            ShownProblem::NotGranted => Self::StoreNotGranted,
            ShownProblem::NotFound => Self::NotFound,
            ShownProblem::RejectedRequest => Self::GatewayRejectedRequest,
            ShownProblem::InternalError => Self::InternalError,
        }
    }
}
