//! The certificates that are trusted for gateways: the system's, Mozilla's, and those of `gateway.ca_file`.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// The error of a TLS library that refuses its own defaults.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsError(#[from] rustls::Error);

/// The TLS configuration for gateways. It offers HTTP/1.1 only: the client library does not notice pooled HTTP/2
/// connections that died.
///
/// # Errors
/// The TLS library refuses its own defaults.
pub fn client_config(authorities: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(authorities)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots(authorities: &[CertificateDer<'static>]) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    authorities.iter().try_for_each(|authority| roots.add(authority.clone()))?;
    Ok(roots)
}
