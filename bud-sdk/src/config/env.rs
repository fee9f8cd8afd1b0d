//! The environment as a layer of the configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::{Layer, Login, Place, Sourced, always_checked, flavor, seconds, wrong};
use crate::error::{Error, Result};
use crate::types::Secret;

/// What surrounds the program: its variables and its user's home folder, or a table and a folder in tests.
pub(crate) struct Surroundings<'a> {
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub(crate) home: Option<PathBuf>,
}

/// The variables of the process, or a table of them that is used in their place: a worker thread of Node.js has variables of its
/// own. Any of them may be a secret.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables(Option<BTreeMap<String, Secret>>);

impl Variables {
    #[cfg(any(test, feature = "door"))]
    pub(crate) fn table(table: BTreeMap<String, Secret>) -> Self {
        Self(Some(table))
    }

    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        match &self.0 {
            Some(table) => table.get(name).map(|value| value.expose().into()),
            None => std::env::var_os(name),
        }
    }

    /// The user's home folder. A relative one would lead to other files in every folder, so it counts as none.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        self.get(name).map(PathBuf::from).filter(|home| home.is_absolute())
    }
}

/// The home folder of the process's user.
#[cfg(feature = "kube")]
pub(crate) fn home() -> Option<PathBuf> {
    Variables::default().home()
}

impl Surroundings<'_> {
    pub(super) fn path(&self, name: &'static str) -> Result<Option<Sourced<PathBuf>>> {
        let place = Place::Environment(name);
        match (self.variable)(name) {
            Some(path) if path.is_empty() => Err(wrong(&place, "not empty")),
            path => Ok(path.map(|path| Sourced::new(path.into(), place))),
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<Sourced<String>>> {
        let place = Place::Environment(name);
        match (self.variable)(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) if text.is_empty() => Err(wrong(&place, "not empty")),
            Some(Ok(text)) => Ok(Some(Sourced::new(text, place))),
            Some(Err(_)) => Err(wrong(&place, "text in UTF-8")),
        }
    }

    pub(super) fn layer(&self) -> Result<Layer> {
        let time = self.text("BUD_TIMEOUT")?;
        let time = time.map(|time| seconds(time.value.trim().parse().ok(), &time.place));
        Ok(Layer {
            base_url: self.text("BUD_BASE_URL")?.or(self.text("BUD_API_URL")?),
            login: self.login()?,
            flavor: self.text("BUD_API_FLAVOR")?.map(|name| flavor(&name)).transpose()?,
            timeout: time.transpose()?,
            verify: self.verify()?,
            ca_certificate: self.path("BUD_CA_CERTIFICATE")?,
            file: None,
        })
    }

    /// Never false: whatever a weaker layer says, nobody who sets this gets the opposite.
    fn verify(&self) -> Result<Option<Sourced<bool>>> {
        let Some(verify) = self.text("BUD_VERIFY_SSL")? else { return Ok(None) };
        match verify.value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Ok(Some(Sourced::new(true, verify.place))),
            "0" | "false" | "no" => Err(always_checked(&verify.place)),
            _ => Err(wrong(&verify.place, "true (certificates are always checked)")),
        }
    }

    /// Half a login is an error for those who would use it.
    fn login(&self) -> Result<Option<Result<Login>>> {
        let text = |name| Ok(self.text(name)?.map(|found| found.value));
        if let Some(key) = text("BUD_API_KEY")? {
            return Ok(Some(Ok(Login::ApiKey(key.into()))));
        }
        if let Some(token) = text("BUD_TOKEN")? {
            return Ok(Some(Ok(Login::Token(token.into()))));
        }
        Ok(match (text("BUD_EMAIL")?, text("BUD_PASSWORD")?) {
            (Some(email), Some(password)) => Some(Ok(Login::Password { email, password: password.into() })),
            (Some(_), None) => Some(Err(Error::config("BUD_EMAIL is set, but BUD_PASSWORD is not"))),
            (None, Some(_)) => Some(Err(Error::config("BUD_PASSWORD is set, but BUD_EMAIL is not"))),
            (None, None) => None,
        })
    }
}
