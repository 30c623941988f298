//! Which certificates of gateways are trusted: the system's, Mozilla's, and those of `gateway.ca_file`.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

/// The TLS library refused its own defaults.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsError(#[from] rustls::Error);

/// TLS towards gateways. HTTP/1.1 only: pooled HTTP/2 connections that died are not noticed by the client library.
///
/// # Errors
/// When the TLS library does not take its own defaults.
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
