//! The authenticated caller as an extractor: its bearer token is valid and has the required scope. `Caller<FlowRead>`
//! in a handler's signature is its whole authorization, except for the granted stores.

use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::Either;

use super::bearer::{Credential, challenged, credential, missing_scope, refused_api_key, refused_token};
use super::grants::Grants;
use super::issuers::KeyFetch;
use super::quota::headers;
use super::quota::{Count, Quota};
use super::rate::Rate;
use super::scope::Scope;
use super::verify::{TokenError, Unverified, VerifiedToken};
use super::{Auth, CurrentAuth, VerifiedCaller, api_keys};
use crate::http::exchange::Exchange;
use crate::http::problem::Problem;
use crate::http::problem_type::ProblemType;
use crate::http::rate_limit::RateLimit;
use crate::telemetry::metrics;

/// A caller whose token is valid and has the scope `S`.
#[derive(Debug)]
pub struct Caller<S: Scope> {
    /// The token, and what it was verified under.
    pub verified: VerifiedCaller,
    scope: PhantomData<fn() -> S>,
}

impl<S: Scope> Caller<S> {
    /// Returns the client to whom the token was issued.
    pub fn client_id(&self) -> &str {
        self.verified.token.client_id()
    }

    /// Returns the tenant whose gateway credentials and data the caller can reach.
    pub fn tenant(&self) -> &Arc<str> {
        self.verified.token.tenant()
    }

    /// Returns the subject of the token.
    pub fn subject(&self) -> &str {
        &self.verified.token.claims().sub
    }

    /// Whether the token has a further scope.
    pub fn has_scope(&self, name: &str) -> bool {
        self.verified.token.has_scope(name)
    }

    /// Returns the problem (401) for a token that is valid but cannot be served here.
    pub fn refuse(&self, what: &str) -> Problem {
        let parameters = format!(", error=\"invalid_token\", error_description=\"{what}\"");
        challenged(ProblemType::InvalidToken, what, &parameters)
    }

    /// Requires a scope that only the configuration names.
    ///
    /// # Errors
    /// Returns 403 if the token lacks the scope.
    pub fn require(&self, scope: &str) -> Result<(), Problem> {
        require(&self.verified.token, scope)
    }

    /// Counts this request, so far counted as one, with its full cost before any of it is looked up.
    ///
    /// # Errors
    /// Returns 429 if less is left of the client's quota, or if the quota is never that large.
    pub async fn charge(&self, request: &HttpRequest, things: usize) -> Result<(), Problem> {
        let cost = u32::try_from(things).unwrap_or(u32::MAX);
        let auth = request.app_data::<web::Data<CurrentAuth>>().map(|auth| auth.get());
        let Some(auth) = auth.filter(|_| cost > 1) else { return Ok(()) };
        let Quota::Limited(rate) = auth.quota_of(&self.verified.token) else { return Ok(()) };
        auth.memory.quotas.give_back(&self.verified.token, rate);
        if cost > rate.count() {
            let exchange = Exchange::of(request);
            let counted = exchange.details().rate_limit;
            if let Some(counted) = counted {
                exchange.note_rate_limit(RateLimit { cost, ..counted.given_back() });
            }
            metrics::quota_refused().increment(1);
            return Err(headers::never_fits(rate, cost));
        }
        let counted = auth.memory.quotas.take(&self.verified.token, rate, cost, auth.clock.elapsed()).await;
        admit(request, rate, cost, counted)
    }

    /// Returns the caller with another scope.
    ///
    /// # Errors
    /// Returns 403 if the token lacks that scope.
    pub fn narrowed<T: Scope>(&self) -> Result<Caller<T>, Problem> {
        Caller::with(self.verified.clone())
    }

    /// Returns the stores that the caller may read.
    pub fn grants(&self) -> &Grants {
        self.verified.token.grants()
    }
}

impl<S: Scope> FromRequest for Caller<S> {
    type Error = Problem;
    /// The caller is known at once, unless the token's key must be fetched first.
    type Future = Either<Ready<Result<Self, Problem>>, Pin<Box<dyn Future<Output = Result<Self, Problem>>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        match Self::of(request) {
            Ok(caller) => Either::Left(ready(Ok(caller))),
            Err(AuthFailure::Refused(problem)) => Either::Left(ready(Err(problem))),
            Err(stop) => {
                let request = request.clone();
                Either::Right(Box::pin(async move { Self::after(stop, &request).await }))
            }
        }
    }
}

/// Why authentication cannot finish without waiting.
enum AuthFailure {
    Refused(Problem),
    KeyMissing(KeyFetch, TokenError),
    /// Redis must report what is left of the client's quota.
    Uncounted(Arc<Auth>, VerifiedCaller, Rate),
}

impl From<Problem> for AuthFailure {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl AuthFailure {
    fn unverified(request: &HttpRequest, unverified: Unverified) -> Self {
        match unverified {
            Unverified::Refused(error) => Self::Refused(refused_token(request, error)),
            Unverified::KeyMissing { fetch, meanwhile } => Self::KeyMissing(fetch, meanwhile),
        }
    }
}

impl<S: Scope> Caller<S> {
    fn of(request: &HttpRequest) -> Result<Self, AuthFailure> {
        let auth = request.app_data::<web::Data<CurrentAuth>>().ok_or_else(|| {
            Problem::of(ProblemType::InternalError)
                .caused_by("the application was built without its web::Data<CurrentAuth>")
        })?;
        let (generation, auth) = (auth.generation(), auth.load());
        let token = match credential(request)? {
            Credential::Token(token) => {
                auth.verifier.begin(token).map_err(|refused| AuthFailure::unverified(request, refused))?
            }
            Credential::ApiKey(key) => {
                api_keys::verify(&auth, request, key).map_err(|error| refused_api_key(request, error))?
            }
        };
        Exchange::of(request).note_caller(token.identity().clone());
        let verified = VerifiedCaller { token, generation };
        if let Quota::Limited(rate) = auth.quota_of(&verified.token) {
            let counted = auth.memory.quotas.take_now(&verified.token, rate, auth.clock.elapsed());
            let Some(counted) = counted else { return Err(AuthFailure::Uncounted(auth.clone(), verified, rate)) };
            admit(request, rate, 1, counted)?;
        }
        Ok(Self::with(verified)?)
    }

    /// Continues after the awaited key or count has arrived.
    async fn after(stop: AuthFailure, request: &HttpRequest) -> Result<Self, Problem> {
        let stop = match stop {
            AuthFailure::KeyMissing(fetch, _) => {
                fetch.ended().await;
                match Self::of(request) {
                    Ok(caller) => return Ok(caller),
                    Err(stop) => stop,
                }
            }
            stop => stop,
        };
        match stop {
            AuthFailure::Refused(problem) => Err(problem),
            // The wait has ended.
            AuthFailure::KeyMissing(_, meanwhile) => Err(refused_token(request, meanwhile)),
            AuthFailure::Uncounted(auth, verified, rate) => {
                let counted = auth.memory.quotas.take(&verified.token, rate, 1, auth.clock.elapsed()).await;
                admit(request, rate, 1, counted)?;
                Self::with(verified)
            }
        }
    }

    fn with(verified: VerifiedCaller) -> Result<Self, Problem> {
        require(&verified.token, S::NAME)?;
        Ok(Self { verified, scope: PhantomData })
    }
}

/// Requires that the token has one of these scopes, separated by blanks. An empty list requires nothing.
fn require(token: &VerifiedToken, scopes: &str) -> Result<(), Problem> {
    let is_held = scopes.is_empty() || scopes.split(' ').any(|name| token.has_scope(name));
    if is_held { Ok(()) } else { Err(missing_scope(scopes)) }
}

/// Records the count for the response's headers, and lets the request pass unless the quota is exhausted.
fn admit(request: &HttpRequest, rate: Rate, cost: u32, counted: Count) -> Result<(), Problem> {
    Exchange::of(request).note_rate_limit(headers::rate_limit(rate, cost, counted));
    counted.map(|_| ()).map_err(|exhausted| {
        metrics::quota_refused().increment(1);
        headers::exceeded(rate, cost, exhausted)
    })
}

#[cfg(test)]
mod tests {
    use super::Caller;
    use crate::auth::scope::FlowRead;
    use crate::auth::{Auth, CurrentAuth, fixtures};
    use crate::clock::ManualClock;
    use crate::http::exchange::Exchange;
    use crate::http::problem::Problem;
    use crate::http::problem_type::ProblemType;
    use actix_web::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
    use actix_web::test::TestRequest;
    use actix_web::{FromRequest as _, HttpRequest, web};
    use std::time::Duration;

    fn auth() -> (web::Data<CurrentAuth>, ManualClock) {
        let (auth, clock) = fixtures::auth();
        (web::Data::new(CurrentAuth::new(auth)), clock)
    }

    fn token(auth: &CurrentAuth, scopes: &[&str], stores: Option<&[&str]>) -> String {
        let auth: &Auth = &auth.load();
        fixtures::token(auth, scopes, stores)
    }

    fn request(auth: &web::Data<CurrentAuth>, headers: &[&str]) -> HttpRequest {
        let request = TestRequest::get().uri("/stores/S_1/flow?access_token=x").app_data(auth.clone());
        headers.iter().fold(request, |request, value| request.append_header((AUTHORIZATION, *value))).to_http_request()
    }

    async fn extract(request: &HttpRequest) -> Result<Caller<FlowRead>, Problem> {
        Caller::extract(request).await
    }

    async fn challenge(headers: &[&str]) -> String {
        challenge_of(&extract(&request(&auth().0, headers)).await.unwrap_err())
    }

    fn challenge_of(problem: &Problem) -> String {
        let (_, value) = problem.headers.iter().find(|(name, _)| name == WWW_AUTHENTICATE).unwrap();
        value.to_str().unwrap().to_owned()
    }

    #[actix_web::test]
    async fn a_valid_token_gives_a_caller_and_leaves_its_identity_for_the_log() {
        let (auth, _) = auth();
        let token = token(&auth, &["flow:read", "cache:bypass"], Some(&["S_1"]));
        for scheme in ["Bearer", "bearer", "BEARER  "] {
            let request = request(&auth, &[&format!("{scheme} {token}")]);
            let caller = extract(&request).await.unwrap();
            assert_eq!((caller.client_id(), caller.subject(), &**caller.tenant()), ("dashboard", "dashboard", "acme"));
            assert!(caller.has_scope("cache:bypass") && !caller.has_scope("cache:purge"));
            assert!(caller.grants().stores().unwrap().contains(&"S_1".parse().unwrap()));
            let identity = Exchange::of(&request).details().caller.clone().unwrap();
            assert_eq!((&*identity.client_id, &*identity.tenant), ("dashboard", "acme"));
        }
    }

    #[actix_web::test]
    async fn without_a_token_the_challenge_has_no_error_code() {
        for headers in [&[][..], &["Basic ZGFzaGJvYXJkOng="], &["DPoP abc"]] {
            assert_eq!(challenge(headers).await, "Bearer realm=\"storegate\"");
        }
    }

    #[actix_web::test]
    async fn a_malformed_or_repeated_header_is_an_invalid_token() {
        for headers in
            [&["Bearer"][..], &["Bearer "], &["Bearer a b"], &["Bearer a,Bearer b"], &["Bearer a", "Bearer b"]]
        {
            let challenge = challenge(headers).await;
            assert!(challenge.starts_with("Bearer realm=\"storegate\", error=\"invalid_token\""), "{challenge}");
        }
    }

    #[actix_web::test]
    async fn a_refused_token_is_401_and_says_why() {
        let (auth, clock) = auth();
        let request = request(&auth, &[&format!("Bearer {}", token(&auth, &["flow:read"], None))]);
        clock.advance(Duration::from_secs(3600));
        let problem = extract(&request).await.unwrap_err();
        assert_eq!(problem.kind, ProblemType::TokenExpired);
        assert_eq!(
            challenge_of(&problem),
            "Bearer realm=\"storegate\", error=\"invalid_token\", error_description=\"The token has expired\""
        );
        assert!(Exchange::of(&request).details().caller.is_none());
    }

    #[actix_web::test]
    async fn a_missing_scope_is_403_and_names_it() {
        let (auth, _) = auth();
        let request = request(&auth, &[&format!("Bearer {}", token(&auth, &["stores:read"], None))]);
        let problem = extract(&request).await.unwrap_err();
        assert_eq!(problem.kind, ProblemType::InsufficientScope);
        assert_eq!(
            challenge_of(&problem),
            "Bearer realm=\"storegate\", error=\"insufficient_scope\", scope=\"flow:read\""
        );
        assert!(Exchange::of(&request).details().caller.is_some());
    }

    #[actix_web::test]
    async fn an_application_without_auth_lets_nobody_in() {
        let request = TestRequest::get().insert_header((AUTHORIZATION, "Bearer x")).to_http_request();
        assert_eq!(extract(&request).await.unwrap_err().kind, ProblemType::InternalError);
    }
}
