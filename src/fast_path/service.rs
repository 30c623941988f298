//! The fast path in front of the application; the server sees both as one service.

use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use futures_util::future::{Either, FutureExt as _, LocalBoxFuture, Ready, ready};

use super::FastPath;

/// An application behind the fast path.
pub struct WithFastPath<S> {
    application: S,
    fast_path: Rc<FastPath>,
}

impl<F: ServiceFactory<Request, Config = AppConfig>> WithFastPath<F> {
    /// Puts the fast path in front of the applications that this factory creates.
    pub fn new<I: IntoServiceFactory<F, Request>>(fast_path: FastPath, application: I) -> Self {
        Self { application: application.into_factory(), fast_path: Rc::new(fast_path) }
    }
}

impl<F> ServiceFactory<Request> for WithFastPath<F>
where
    F: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<BoxBody>, Error = Error>,
    F::Future: 'static,
    <F::Service as Service<Request>>::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = Error;
    type Config = AppConfig;
    type Service = WithFastPath<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let (making, fast_path) = (self.application.new_service(config), self.fast_path.clone());
        async move { Ok(WithFastPath { application: making.await?, fast_path }) }.boxed_local()
    }
}

impl<S> Service<Request> for WithFastPath<S>
where
    S: Service<Request, Response = ServiceResponse<BoxBody>, Error = Error>,
    S::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<Result<Self::Response, Error>>, LocalBoxFuture<'static, Result<Self::Response, Error>>>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.application.poll_ready(context)
    }

    fn call(&self, request: Request) -> Self::Future {
        if let Some(answer) = self.fast_path.answer(&request) {
            return Either::Left(ready(Ok(answer)));
        }
        let (answering, fast_path) = (self.application.call(request), self.fast_path.clone());
        let ordinary = async move {
            let answer = answering.await?;
            fast_path.remember(&answer);
            Ok(answer.into())
        };
        Either::Right(ordinary.boxed_local())
    }
}
