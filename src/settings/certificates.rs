//! Certificates of authorities, as a setting names a file of them: PEM, at least one, and each of them one that TLS takes.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

use super::files::without_mark;

/// How DER begins: a sequence of more than 255 bytes.
const DER: &[u8] = &[0x30, 0x82];

/// Why a file has no certificates to trust.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The binary form.
    #[error("no certificate in the file: it is DER; convert it by `openssl x509 -inform der -in FILE -out FILE.pem`")]
    Der,
    /// No block of PEM, or none of a certificate.
    #[error("no certificate in the file: it must have at least one block `-----BEGIN CERTIFICATE-----`")]
    None,
    /// A block that cannot be read.
    #[error("a block of the file is not PEM: {0}")]
    Pem(&'static str),
    /// A certificate that no chain can end in.
    #[error("certificate {0} of the file cannot be trusted: {1}")]
    Unusable(usize, rustls::Error),
}

/// Reads the content of a file.
///
/// # Errors
/// There is no certificate, or one that cannot be used.
pub fn read(content: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificatesError> {
    let content = without_mark(content);
    if content.starts_with(DER) {
        return Err(CertificatesError::Der);
    }
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    let certificates = read.map_err(|error| CertificatesError::Pem(words(&error)))?;
    if certificates.is_empty() {
        return Err(CertificatesError::None);
    }
    let mut store = RootCertStore::empty();
    for (number, certificate) in (1..).zip(&certificates) {
        store.add(certificate.clone()).map_err(|error| CertificatesError::Unusable(number, error))?;
    }
    Ok(certificates)
}

/// The library's own words show bytes of the file.
const fn words(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "it begins and has no `-----END …-----`; the file may have been cut off"
        }
        pem::Error::IllegalSectionStart { .. } => "its line `-----BEGIN …-----` does not end in five dashes",
        pem::Error::Base64Decode(_) => "what is between its first and its last line is not base64",
        _ => "it cannot be read",
    }
}
