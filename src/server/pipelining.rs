//! No pipelining: requests of a connection are processed one at a time, and the next one is parsed after the response.
//!
//! The framework's codec remembers method, version and `Connection` of the request that it parsed last, and writes each
//! response by them. If it parses a second request while the first waits for its response, responses are mixed up: a
//! body after a HEAD, no body after a POST, or a connection that stays open after `close`.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Waker;

use actix_http::body::{BoxBody, MessageBody};
use actix_http::{ConnectionType, Request, Response, StatusCode};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, apply_fn_factory};

/// Counts the responses of one connection. The application counts where it sends them, and the connection reads the
/// count where requests arrive.
#[derive(Default)]
pub struct ResponseCounter {
    sent: Cell<u64>,
    is_last: Cell<bool>,
    /// Whether the current response, and the next one, is a stream without an end of its own.
    is_stream: Cell<bool>,
    next_is_stream: Cell<bool>,
    waiting: Cell<Option<Waker>>,
}

impl ResponseCounter {
    /// Returns the number of responses sent.
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Whether the connection closes after the current response (RFC 9112 §9.6).
    pub fn is_last(&self) -> bool {
        self.is_last.get()
    }

    /// Closes the connection after the next response, with `Connection: close`.
    pub fn close_after_next(&self) {
        self.is_last.set(true);
    }

    /// Whether the current response is a stream that lasts until the client disconnects.
    pub fn is_stream(&self) -> bool {
        self.is_stream.get()
    }

    /// Marks the next response as a stream that lasts until the client disconnects: a client that closes its side has left.
    pub fn next_is_stream(&self) {
        self.next_is_stream.set(true);
    }

    /// Wakes the connection after the next response.
    pub fn wake_at_next(&self, waker: &Waker) {
        self.waiting.set(Some(waker.clone()));
    }

    /// Counts a response. The framework writes its head before it reads from the connection again.
    pub fn record<B>(&self, answer: &mut Response<B>) {
        // Nobody waits for the rest of a request that arrived too slowly.
        if answer.status() == StatusCode::REQUEST_TIMEOUT {
            self.close_after_next();
        }
        if self.is_last() {
            answer.head_mut().set_connection_type(ConnectionType::Close);
        }
        self.is_stream.set(self.next_is_stream.take());
        self.sent.set(self.sent.get().wrapping_add(1));
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

/// Wraps the application so that its responses are counted.
pub fn without_pipelining<F, S, B>(
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
        let responses = request.conn_data::<Rc<ResponseCounter>>().cloned();
        if let Some(responses) = responses.as_deref()
            && request.head().connection_type() != ConnectionType::KeepAlive
        {
            responses.close_after_next();
        }
        let answer = application.call(request);
        async move {
            let mut answer = answer.await.map(Into::into);
            if let Some(responses) = responses {
                match &mut answer {
                    Ok(answer) => responses.record(answer),
                    Err(answer) => responses.record(answer),
                }
            }
            answer
        }
    })
}
