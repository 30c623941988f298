//! `storegate secret`: makes client secrets, API keys, their hashes, and signing keys.

use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::error::CliError;
use super::output;
use crate::auth::key_algorithm::KeyAlgorithm;
use crate::auth::{private_key, secrets};

/// Make client secrets, API keys and signing keys, or hash a secret.
#[derive(clap::Subcommand)]
pub enum SecretCommand {
    /// Make a client secret of 256 random bits, and the line that stores its hash
    New {
        /// Write the hash to this file instead, for secret_sha256_file; the secret alone is printed
        #[arg(long, value_name = "FILE")]
        hash_file: Option<PathBuf>,
    },
    /// Make an API key of 256 random bits, and the line that stores its hash
    ApiKey {
        /// Write the hash to this file instead, for key_sha256_file; the key alone is printed
        #[arg(long, value_name = "FILE")]
        hash_file: Option<PathBuf>,
    },
    /// Hash a secret read from standard input
    Hash {
        /// For a secret that a person chose: Argon2id, slow on purpose
        #[arg(long)]
        argon2: bool,
    },
    /// Make a signing key: a private key as PKCS#8 PEM, or for HS256 a secret of 256 random bits
    Key {
        /// What the key is for. RS256 is for readers that know nothing else; an HS256 secret is shared with who checks tokens
        #[arg(long, value_name = "ALGORITHM", default_value = "eddsa", value_parser = ["eddsa", "es256", "rs256", "hs256"])]
        algorithm: String,
    },
}

impl SecretCommand {
    pub(super) fn run(self) -> Result<(), CliError> {
        let text = match self {
            Self::New { hash_file } => {
                made(&secrets::new_secret().map_err(failure)?, hash_file, "[auth.clients.<id>]", "secret_sha256")?
            }
            Self::ApiKey { hash_file } => {
                made(&secrets::new_api_key().map_err(failure)?, hash_file, "[auth.api_keys.<name>]", "key_sha256")?
            }
            Self::Hash { argon2: false } => format!("secret_sha256 = \"{}\"", secrets::sha256_hex(&read_secret()?)),
            Self::Hash { argon2: true } => {
                format!("secret_argon2 = \"{}\"", secrets::argon2_hash(&read_secret()?).map_err(failure)?)
            }
            Self::Key { algorithm } => {
                let key = private_key::generate(named(&algorithm)).map_err(failure)?;
                key.expose_secret().trim_end().to_owned()
            }
        };
        Ok(output::line(&text)?)
    }
}

/// The text that shows a secret and how to store its hash: in a file, or as this line of this section.
fn made(secret: &SecretString, hash_file: Option<PathBuf>, section: &str, key: &str) -> Result<String, CliError> {
    let (shown, hash) = (secret.expose_secret(), secrets::sha256_hex(secret));
    let Some(path) = hash_file else {
        return Ok(format!(
            "# Give this to the client; it is not stored:\n{shown}\n# In {section}:\n{key} = \"{hash}\""
        ));
    };
    // Overwriting another client's hash would lock that client out.
    let mut file = File::create_new(&path).map_err(|error| {
        CliError::message(format!("cannot make {}: {error}; remove it first to replace it", path.display()))
    })?;
    writeln!(file, "{hash}")?;
    Ok(shown.to_owned())
}

/// The algorithm of this name; the case of letters is ignored on the command line.
fn named(algorithm: &str) -> KeyAlgorithm {
    let is_named = |known: &KeyAlgorithm| known.name().eq_ignore_ascii_case(algorithm);
    KeyAlgorithm::OWN.into_iter().find(is_named).unwrap_or(KeyAlgorithm::EdDsa)
}

fn read_secret() -> Result<SecretString, CliError> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(CliError::message(
            "there is no secret on standard input; try: printf %s \"$SECRET\" | storegate secret hash",
        ));
    }
    Ok(SecretString::from(secret))
}

fn failure(error: impl std::fmt::Display) -> CliError {
    CliError::message(error.to_string())
}
