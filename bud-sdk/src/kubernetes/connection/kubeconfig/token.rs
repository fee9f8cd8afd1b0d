//! The Authorization header: fixed, or a token from a file that others renew.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::AUTHORIZATION;

use crate::error::{Error, Result};
use crate::http::AuthHeader;
use crate::types::Secret;

/// How often a token file is read, as in Kubernetes' own clients: projected tokens are renewed long before they end.
const REREAD: Duration = Duration::from_secs(60);

/// What a request is authorized with.
#[derive(Clone, Default)]
pub(crate) enum Authorization {
    #[default]
    None,
    Fixed(Arc<AuthHeader>),
    File(Arc<TokenFile>),
}

impl Authorization {
    /// A bearer token; `place` is what errors call it. Spaces and line ends around it do not belong to it.
    pub(crate) fn bearer(token: &Secret, place: &str) -> Result<Self> {
        bearer(token.expose(), place).map(Self::Fixed)
    }

    pub(crate) fn basic(name: &str, password: &Secret, place: &str) -> Result<Self> {
        header(AuthHeader::basic(name, password.clone()), place).map(Self::Fixed)
    }

    /// A token file. If it cannot be read, `inline` counts.
    pub(crate) fn file(path: PathBuf, inline: Option<&Secret>, place: &str) -> Result<Self> {
        let latest = match (read(&path, place), inline) {
            (Ok(token), _) => token,
            (Err(_), Some(inline)) => bearer(inline.expose(), place)?,
            (Err(error), None) => return Err(error),
        };
        let latest = Mutex::new((latest, Instant::now()));
        Ok(Self::File(Arc::new(TokenFile { path, place: place.to_owned(), latest })))
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The header of this moment.
    pub(crate) fn header(&self) -> Option<Arc<AuthHeader>> {
        match self {
            Self::None => None,
            Self::Fixed(header) => Some(header.clone()),
            Self::File(file) => Some(file.token()),
        }
    }

    /// Adds the header to a request.
    pub(crate) fn apply<B>(&self, request: &mut http::Request<B>) {
        if let Some(header) = self.header() {
            request.headers_mut().insert(AUTHORIZATION, header.value());
        }
    }
}

/// A file with a token.
pub(crate) struct TokenFile {
    path: PathBuf,
    place: String,
    latest: Mutex<(Arc<AuthHeader>, Instant)>,
}

impl TokenFile {
    /// The token of this moment. While the file cannot be read, the last one counts.
    fn token(&self) -> Arc<AuthHeader> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.1.elapsed() >= REREAD {
            latest.1 = Instant::now();
            match read(&self.path, &self.place) {
                Ok(token) => latest.0 = token,
                Err(error) => tracing::warn!("{error}; the last token that was read is used"),
            }
        }
        latest.0.clone()
    }
}

fn read(path: &std::path::Path, place: &str) -> Result<Arc<AuthHeader>> {
    let text = super::read_file(path, place)?;
    let text =
        String::from_utf8(text).map_err(|_| Error::config(format!("{place}: must be text in UTF-8")))?;
    bearer(&text, place)
}

fn bearer(token: &str, place: &str) -> Result<Arc<AuthHeader>> {
    match token.trim() {
        "" => Err(Error::config(format!("{place}: the token is empty"))),
        token => header(AuthHeader::new(token.into(), &format!("Bearer {token}")), place),
    }
}

fn header(made: Result<AuthHeader>, place: &str) -> Result<Arc<AuthHeader>> {
    let unusable =
        |_| Error::config(format!("{place}: the token must be one line without control characters"));
    made.map(Arc::new).map_err(unusable)
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed(***)",
            Self::File(_) => "File(***)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(authorization: &Authorization) -> String {
        let mut request = http::Request::new(());
        authorization.apply(&mut request);
        request.headers().get(AUTHORIZATION).map_or("", |value| value.to_str().unwrap()).to_owned()
    }

    #[test]
    fn line_ends_around_a_token_do_not_belong_to_it() {
        for token in ["t", "t\n", " t\r\n", "\tt"] {
            assert_eq!(sent(&Authorization::bearer(&token.into(), "x").unwrap()), "Bearer t", "{token:?}");
        }
        for token in ["", "\n", "canary\ncanary", "canary\0"] {
            let error = Authorization::bearer(&token.into(), "users[0].user.token").unwrap_err().to_string();
            assert!(error.contains("users[0].user.token") && !error.contains("canary"), "{error}");
        }
        assert_eq!(sent(&Authorization::basic("u", &"p:q".into(), "x").unwrap()), "Basic dTpwOnE=");
    }

    #[test]
    fn a_token_file_is_read_again_and_its_last_token_outlives_it() {
        let path = std::env::temp_dir().join(format!("bud-sdk-token-{}", std::process::id()));
        std::fs::write(&path, "one\n").unwrap();
        let authorization = Authorization::file(path.clone(), Some(&"inline".into()), "tokenFile").unwrap();
        assert_eq!(sent(&authorization), "Bearer one", "the file wins over the inline token");
        let Authorization::File(file) = &authorization else { panic!("it is a file") };
        let age = || file.latest.lock().unwrap().1 = Instant::now().checked_sub(REREAD).unwrap();
        std::fs::write(&path, "two\n").unwrap();
        assert_eq!(sent(&authorization), "Bearer one");
        age();
        assert_eq!(sent(&authorization), "Bearer two");
        std::fs::remove_file(&path).unwrap();
        age();
        assert_eq!(sent(&authorization), "Bearer two");
        // Without a file, the inline token is what is left.
        let authorization = Authorization::file(path.clone(), Some(&"inline".into()), "tokenFile").unwrap();
        assert_eq!(sent(&authorization), "Bearer inline");
        assert!(Authorization::file(path, None, "tokenFile").is_err());
    }
}
