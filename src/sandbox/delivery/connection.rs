//! A second handle on a connection, for faults below HTTP.

use std::any::Any;
use std::io::{self, Write};
use std::os::fd::AsFd;

use actix_web::dev::Extensions;
use actix_web::rt::net::{TcpSocket, TcpStream};

/// The connection of a request.
pub struct ConnectionHandle(std::net::TcpStream);

impl ConnectionHandle {
    /// Stores a handle on a connection that has just been accepted.
    pub fn keep(connection: &dyn Any, data: &mut Extensions) {
        let stream = connection.downcast_ref::<TcpStream>();
        let handle = stream.and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
        if let Some(handle) = handle {
            data.insert(Self(handle.into()));
        }
    }

    /// Makes the connection be reset when the server closes it.
    pub fn reset_when_closed(&self) {
        if let Err(error) = self.without_linger() {
            tracing::warn!(%error, "connection reset unavailable: the connection is closed instead");
        }
    }

    /// Sends bytes without the server. They must be few, because they have to fit into the system's buffers.
    pub fn send(&self, bytes: &[u8]) {
        if let Err(error) = (&self.0).write_all(bytes) {
            tracing::warn!(%error, "fault data not sent: the connection is closed without it");
        }
    }

    // Closing a connection without time to linger resets it.
    fn without_linger(&self) -> io::Result<()> {
        TcpSocket::from_std_stream(self.0.try_clone()?).set_zero_linger()
    }
}
