//! Credentials as configured, checked where they are read, so that an error can name their place.

use super::Place;
use crate::error::Error;
use crate::error::Result;
use crate::types::Secret;

/// Credentials as configured.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    Password { email: String, password: Secret },
    Token(Secret),
    ApiKey(Secret),
}

/// No token is longer; the pipeline refuses it, too.
const LONGEST_TOKEN: usize = 16 * 1024;

impl Login {
    /// Trims tokens: files and variables often end in a line break. Refuses what cannot be sent as it was meant, before
    /// anything is sent. `wrong` makes the error for a part (`email`, `password`, `token`, `api_key`).
    pub(super) fn checked(self, wrong: impl Fn(&'static str, &'static str) -> Error) -> Result<Self> {
        let token = |part, token: &Secret| {
            let text = token.expose().trim();
            if text.is_empty() {
                return Err(wrong(part, "it is empty"));
            }
            if text.len() > LONGEST_TOKEN || !text.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(wrong(part, "it has characters or a length that no token has"));
            }
            Ok(Secret::from(text))
        };
        match self {
            Self::Password { email, password } => {
                if email.trim().is_empty() {
                    return Err(wrong("email", "it is empty"));
                }
                if email.contains(char::is_control) {
                    return Err(wrong("email", "it contains a line break or another control character"));
                }
                if password.expose().is_empty() {
                    return Err(wrong("password", "it is empty"));
                }
                if password.expose().contains(char::is_control) {
                    return Err(wrong("password", "it contains a line break or another control character"));
                }
                Ok(Self::Password { email: email.trim().to_owned(), password })
            }
            Self::Token(secret) => token("token", &secret).map(Self::Token),
            Self::ApiKey(secret) => token("api_key", &secret).map(Self::ApiKey),
        }
    }
}

/// The error for what the program itself has set.
pub(super) fn in_builder(part: &'static str, why: &'static str) -> Error {
    match part {
        "token" => Error::config(format!("{}: {why}", Place::Builder("bearer_token"))),
        "api_key" => Error::config(format!("{}: {why}", Place::Builder("api_key"))),
        part => Error::invalid(part, why),
    }
}
