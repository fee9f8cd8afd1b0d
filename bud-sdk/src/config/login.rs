//! Credentials as configured, checked where they are read, so that an error can name their place.

use super::keys::Part;
use super::{Keys, Place};
use crate::error::{Error, Result};
use crate::types::Secret;

/// Credentials as configured.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    /// The user is an e-mail address where the service says so.
    Password {
        user: String,
        password: Secret,
    },
    Token(Secret),
    ApiKey(Secret),
}

/// No token is longer; the pipeline refuses it, too.
const LONGEST_TOKEN: usize = 16 * 1024;

impl Login {
    /// Trims tokens: files and variables often end in a line break. Refuses what cannot be sent as it was meant, before
    /// anything is sent. `wrong` makes the error for a part.
    pub(super) fn checked(self, wrong: impl Fn(Part, &'static str) -> Error) -> Result<Self> {
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
            Self::Password { user, password } => {
                const CONTROL: &str = "it contains a line break or another control character";
                if user.trim().is_empty() {
                    return Err(wrong(Part::User, "it is empty"));
                }
                if user.contains(char::is_control) {
                    return Err(wrong(Part::User, CONTROL));
                }
                if password.expose().is_empty() {
                    return Err(wrong(Part::Password, "it is empty"));
                }
                if password.expose().contains(char::is_control) {
                    return Err(wrong(Part::Password, CONTROL));
                }
                Ok(Self::Password { user: user.trim().to_owned(), password })
            }
            Self::Token(secret) => token(Part::Token, &secret).map(Self::Token),
            Self::ApiKey(secret) => token(Part::ApiKey, &secret).map(Self::ApiKey),
        }
    }
}

/// The error for what the program itself has set.
pub(super) fn in_builder(keys: &Keys, part: Part, why: &'static str) -> Error {
    match part {
        Part::Token => Error::config(format!("{}: {why}", Place::Builder("bearer_token"))),
        Part::ApiKey => Error::config(format!("{}: {why}", Place::Builder("api_key"))),
        Part::User | Part::Password => Error::invalid(keys.part(part).file, why),
    }
}
