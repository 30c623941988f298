//! The shortcut in front of the application, as the server sees both: one service.

use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use futures_util::future::{Either, FutureExt as _, LocalBoxFuture, Ready, ready};

use super::Shortcut;

/// An application behind a shortcut.
pub struct WithShortcut<S> {
    application: S,
    shortcut: Rc<Shortcut>,
}

impl<F: ServiceFactory<Request, Config = AppConfig>> WithShortcut<F> {
    /// Puts the shortcut in front of the application that this makes.
    pub fn new<I: IntoServiceFactory<F, Request>>(shortcut: Shortcut, application: I) -> Self {
        Self { application: application.into_factory(), shortcut: Rc::new(shortcut) }
    }
}

impl<F> ServiceFactory<Request> for WithShortcut<F>
where
    F: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<BoxBody>, Error = Error>,
    F::Future: 'static,
    <F::Service as Service<Request>>::Future: 'static,
{
    type Response = Response<BoxBody>;
    type Error = Error;
    type Config = AppConfig;
    type Service = WithShortcut<F::Service>;
    type InitError = F::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, config: AppConfig) -> Self::Future {
        let (making, shortcut) = (self.application.new_service(config), self.shortcut.clone());
        async move { Ok(WithShortcut { application: making.await?, shortcut }) }.boxed_local()
    }
}

impl<S> Service<Request> for WithShortcut<S>
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
        if let Some(answer) = self.shortcut.answer(&request) {
            return Either::Left(ready(Ok(answer)));
        }
        let (answering, shortcut) = (self.application.call(request), self.shortcut.clone());
        let ordinary = async move {
            let answer = answering.await?;
            shortcut.learn(&answer);
            Ok(answer.into())
        };
        Either::Right(ordinary.boxed_local())
    }
}
