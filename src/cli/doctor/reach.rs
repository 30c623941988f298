//! The way to an address, step by step: its name, a connection, TLS. The service's own client takes the same way and tells
//! less of it.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use awc::http::Uri;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use tokio::sync::oneshot;

use super::finding::Finding;

const CHECK: &str = "reach";

/// For each address of a host, and for TLS.
const STEP: Duration = Duration::from_secs(4);
/// For all of it.
const WHOLE: Duration = Duration::from_secs(10);

/// Where a way ends.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the name {0} cannot be resolved: {1}")]
    Name(String, io::Error),
    #[error("no connection to {0}: {1}")]
    Connect(SocketAddr, io::Error),
    #[error("TLS with {0} cannot be agreed: {1}")]
    Tls(String, String),
    #[error("{0} was not reached within {seconds} s", seconds = WHOLE.as_secs())]
    NotInTime(String),
    #[error("{0} is no address that can be called")]
    NoAddress(String),
}

impl Trouble {
    const fn remedy(&self) -> &'static str {
        match self {
            Self::Name(..) => "check the spelling of the address in the configuration, and this machine's DNS",
            Self::Connect(..) | Self::NotInTime(_) => {
                "check address and port, and whether a firewall lets this machine out to them"
            }
            Self::Tls(..) => {
                "check the host in the address; name the authority of its certificate in gateway.ca_file, or have it renewed"
            }
            Self::NoAddress(_) => "write it as https://host/path",
        }
    }
}

/// Goes the way to a URL.
pub(super) async fn check(url: &str, tls: Arc<ClientConfig>) -> Finding {
    match within_time(url, tls).await {
        Ok(way) => Finding::ok(CHECK, way),
        Err(trouble) => Finding::failed(CHECK, trouble.to_string(), trouble.remedy()),
    }
}

/// On a thread that nobody waits for: a resolver that hangs holds up no end.
async fn within_time(url: &str, tls: Arc<ClientConfig>) -> Result<String, Trouble> {
    let (tell, told) = oneshot::channel();
    let its_url = url.to_owned();
    let going = thread::Builder::new().name("reach".to_owned()).spawn(move || {
        // Nobody may be listening any more.
        let _late = tell.send(go(&its_url, tls));
    });
    let way = match going {
        Ok(_) => tokio::time::timeout(WHOLE, told).await.ok().and_then(Result::ok),
        Err(_) => None,
    };
    way.unwrap_or_else(|| Err(Trouble::NotInTime(url.to_owned())))
}

fn go(url: &str, tls: Arc<ClientConfig>) -> Result<String, Trouble> {
    let uri: Uri = url.parse().map_err(|_| Trouble::NoAddress(url.to_owned()))?;
    let is_tls = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let addresses = (host.as_str(), port).to_socket_addrs();
    let addresses: Vec<SocketAddr> = addresses.map_err(|error| Trouble::Name(host.clone(), error))?.collect();
    let stream = connect(&host, &addresses)?;
    if !is_tls {
        return Ok(format!("{host}:{port} takes connections, without TLS"));
    }
    agree(&host, stream, tls).map_err(|why| Trouble::Tls(host.clone(), why))?;
    Ok(format!("{host}:{port} takes connections, and its certificate is trusted"))
}

fn connect(host: &str, addresses: &[SocketAddr]) -> Result<TcpStream, Trouble> {
    let mut outcome = Err(Trouble::NoAddress(host.to_owned()));
    for address in addresses {
        match TcpStream::connect_timeout(address, STEP) {
            Ok(stream) => return Ok(stream),
            Err(error) => outcome = Err(Trouble::Connect(*address, error)),
        }
    }
    outcome
}

fn agree(host: &str, mut stream: TcpStream, tls: Arc<ClientConfig>) -> Result<(), String> {
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let mut connection = ClientConnection::new(tls, name).map_err(|error| error.to_string())?;
    let limited = stream.set_read_timeout(Some(STEP)).and_then(|()| stream.set_write_timeout(Some(STEP)));
    limited.and_then(|()| connection.complete_io(&mut stream)).map_err(|error| error.to_string())?;
    Ok(())
}
