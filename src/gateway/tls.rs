//! Which certificates of gateways are trusted: the system's, Mozilla's, and those of `gateway.ca_file`.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::settings::{MOST_OF_A_TEXT, read_file};

/// Why the TLS configuration cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of additional certificates cannot be read.
    #[error("gateway.ca_file: no certificates can be read from the file that is named here: {0}")]
    CaFile(String),
    /// The TLS library refused its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Provider(#[from] rustls::Error),
}

/// TLS towards gateways. HTTP/1.1 only: pooled HTTP/2 connections that died are not noticed by the client library.
///
/// # Errors
/// When the file of additional certificates cannot be used.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(ca_file)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let Some(path) = ca_file else { return Ok(roots) };
    let content = read_file(path, MOST_OF_A_TEXT).map_err(|error| TlsError::CaFile(error.to_string()))?;
    for certificate in CertificateDer::pem_slice_iter(&content) {
        let certificate = certificate.map_err(|error| TlsError::CaFile(error.to_string()))?;
        roots.add(certificate).map_err(|error| TlsError::CaFile(error.to_string()))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::client_config;
    use std::path::Path;

    #[test]
    fn certificates_are_read_from_a_regular_file_only_and_what_is_named_is_not_shown() {
        for (path, why) in [("/planted", "No such file"), ("/dev/zero", "not a regular file"), ("/", "not a regular")] {
            let told = client_config(Some(Path::new(path))).unwrap_err().to_string();
            assert!(told.starts_with("gateway.ca_file: ") && told.contains(why) && !told.contains("planted"), "{told}");
        }
    }
}
