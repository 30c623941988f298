//! One request of a connection at a time: the connection keeps back what comes behind a request until that is answered.
//!
//! The framework's codec remembers the method, the version and `Connection` of the request that it has read last, and
//! writes each answer by them. If it reads a second request while the first waits for its answer, the answers get mixed
//! up: a body behind a HEAD, none behind a POST, a connection that stays open after `close`.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Waker;

use actix_http::body::{BoxBody, MessageBody};
use actix_http::{ConnectionType, Request, Response, StatusCode};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, apply_fn_factory};

/// The answers of one connection, counted where they are given and read where requests come in.
#[derive(Default)]
pub struct Answers {
    given: Cell<u64>,
    is_last: Cell<bool>,
    /// Whether the answer under way, and the one that comes next, is a stream without an end of its own.
    is_endless: Cell<bool>,
    next_is_endless: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl Answers {
    /// How many requests have been answered.
    pub fn given(&self) -> u64 {
        self.given.get()
    }

    /// Whether nothing is read behind the request under way (RFC 9112 §9.6).
    pub fn is_last(&self) -> bool {
        self.is_last.get()
    }

    /// Ends the connection after the next answer, and says so in it.
    pub fn end_with_the_next(&self) {
        self.is_last.set(true);
    }

    /// Whether the answer under way goes on until the caller leaves.
    pub fn is_endless(&self) -> bool {
        self.is_endless.get()
    }

    /// The next answer goes on until the caller leaves: one that sends nothing more is taken to have left.
    pub fn next_is_endless(&self) {
        self.next_is_endless.set(true);
    }

    /// Wakes the connection at the next answer, since something waits for it.
    pub fn wake_at_the_next(&self, waker: &Waker) {
        self.waiting.set(Some(waker.clone()));
    }

    /// The framework writes the answer's head before it reads from the connection again.
    pub fn give<B>(&self, answer: &mut Response<B>) {
        // Nobody waits for the rest of what came too slowly.
        if answer.status() == StatusCode::REQUEST_TIMEOUT {
            self.end_with_the_next();
        }
        if self.is_last() {
            answer.head_mut().set_connection_type(ConnectionType::Close);
        }
        self.is_endless.set(self.next_is_endless.take());
        self.given.set(self.given.get().wrapping_add(1));
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

/// The application, with its answers counted.
pub fn in_turn<F, S, B>(
    application: F,
) -> impl ServiceFactory<
    Request,
    Config = S::Config,
    Response = Response<B>,
    Error = Response<BoxBody>,
    InitError = S::InitError,
    Service = impl Service<Request, Response = Response<B>, Error = Response<BoxBody>>,
>
where
    F: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Error = Response<BoxBody>>,
    S::Response: Into<Response<B>>,
    B: MessageBody,
{
    apply_fn_factory(application, |request: Request, application: &S::Service| {
        let answers = request.conn_data::<Rc<Answers>>().cloned();
        if let Some(answers) = answers.as_deref()
            && request.head().connection_type() != ConnectionType::KeepAlive
        {
            answers.end_with_the_next();
        }
        let answer = application.call(request);
        async move {
            let mut answer = answer.await.map(Into::into);
            if let Some(answers) = answers {
                match &mut answer {
                    Ok(answer) => answers.give(answer),
                    Err(answer) => answers.give(answer),
                }
            }
            answer
        }
    })
}
