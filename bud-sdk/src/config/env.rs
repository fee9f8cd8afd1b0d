//! The environment as a layer of the configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::{Bundle, Layer, Login, Place, Sourced, always_checked, flavor, pem, seconds, wrong};
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
    #[cfg(any(test, feature = "bindings"))]
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
#[cfg(any(unix, feature = "kubernetes"))]
pub(crate) fn home() -> Option<PathBuf> {
    Variables::default().home()
}

impl Surroundings<'_> {
    pub(super) fn path(&self, name: &'static str) -> Option<Sourced<PathBuf>> {
        let path =
            (self.variable)(name).filter(|path| path.to_str().is_none_or(|path| !path.trim().is_empty()));
        path.map(|path| Sourced::new(path.into(), Place::Environment(name)))
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<Sourced<String>>> {
        let place = Place::Environment(name);
        match self.value(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(Sourced::new(text, place))),
            Some(Err(_)) => Err(wrong(&place, "text in UTF-8")),
        }
    }

    /// PEM text is taken in the place of a path.
    fn bundle(&self, name: &'static str) -> Option<Sourced<Bundle>> {
        let Sourced { value, place } = self.path(name)?;
        let bundle = match value.to_str() {
            Some(text) if pem::is_pem(text) => Bundle::Text(text.into()),
            _ => Bundle::File(value),
        };
        Some(Sourced::new(bundle, place))
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
            ca_certificate: self.bundle("BUD_CA_CERTIFICATE"),
            file: None,
        })
    }

    /// Never false: whatever a weaker layer says, no one who sets this gets the opposite.
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
        let wrong = |part, why: &'static str| {
            let variable = match part {
                "email" => "BUD_EMAIL",
                "password" => "BUD_PASSWORD",
                "token" => "BUD_TOKEN",
                _ => "BUD_API_KEY",
            };
            Error::config(format!("{}: {why}", Place::Environment(variable)))
        };
        let found = if let Some(key) = text("BUD_API_KEY")? {
            Ok(Login::ApiKey(key.into()))
        } else if let Some(token) = text("BUD_TOKEN")? {
            Ok(Login::Token(token.into()))
        } else {
            match (text("BUD_EMAIL")?, text("BUD_PASSWORD")?) {
                (Some(email), Some(password)) => Ok(Login::Password { email, password: password.into() }),
                (Some(_), None) => Err(Error::config("BUD_EMAIL is set, but BUD_PASSWORD is not")),
                (None, Some(_)) => Err(Error::config("BUD_PASSWORD is set, but BUD_EMAIL is not")),
                (None, None) => return Ok(None),
            }
        };
        Ok(Some(found.and_then(|login| login.checked(wrong))))
    }

    /// The variable that names an address, for a program that does not read it.
    pub(super) fn address(&self) -> Option<&'static str> {
        ["BUD_BASE_URL", "BUD_API_URL"].into_iter().find(|name| self.is_set(name))
    }

    /// Likewise the variables that hold credentials.
    pub(super) fn credentials(&self) -> Option<&'static str> {
        if self.is_set("BUD_API_KEY") {
            Some("BUD_API_KEY is")
        } else if self.is_set("BUD_TOKEN") {
            Some("BUD_TOKEN is")
        } else {
            let both = self.is_set("BUD_EMAIL") && self.is_set("BUD_PASSWORD");
            both.then_some("BUD_EMAIL and BUD_PASSWORD are")
        }
    }

    fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Blank counts as unset: it is how a variable is often turned off.
    fn value(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| value.to_str().is_none_or(|value| !value.trim().is_empty()))
    }
}
