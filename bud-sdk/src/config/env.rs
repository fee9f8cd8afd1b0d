//! The environment as a layer of the configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::keys::Part;
use super::{Bundle, Key, Keys, Layer, Login, Place, Sourced, always_checked, flavor, pem, seconds, wrong};
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

    /// The first variable of a value that is set.
    fn first(&self, key: Key) -> Result<Option<Sourced<String>>> {
        key.variables.iter().find_map(|name| self.text(name).transpose()).transpose()
    }

    pub(super) fn layer(&self, keys: &Keys) -> Result<Layer> {
        let time = self.first(keys.timeout)?;
        let time = time.map(|time| seconds(time.value.trim().parse().ok(), &time.place));
        Ok(Layer {
            base_url: self.first(keys.url)?,
            login: self.login(keys)?,
            flavor: self.first(keys.flavor)?.map(|name| flavor(keys, name)).transpose()?,
            timeout: time.transpose()?,
            verify: self.verify(keys)?,
            ca_certificate: keys.ca_certificate.variables.iter().find_map(|name| self.bundle(name)),
            file: None,
        })
    }

    /// Never false: whatever a weaker layer says, no one who sets this gets the opposite.
    fn verify(&self, keys: &Keys) -> Result<Option<Sourced<bool>>> {
        let Some(verify) = self.first(keys.verify)? else { return Ok(None) };
        match verify.value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Ok(Some(Sourced::new(true, verify.place))),
            "0" | "false" | "no" => Err(always_checked(&verify.place)),
            _ => Err(wrong(&verify.place, "true (certificates are always checked)")),
        }
    }

    /// Half a login is an error for those who would use it.
    fn login(&self, keys: &Keys) -> Result<Option<Result<Login>>> {
        let text = |key| Ok(self.first(key)?.map(|found| found.value));
        let found = if let Some(key) = text(keys.api_key)? {
            Ok(Login::ApiKey(key.into()))
        } else if let Some(token) = text(keys.token)? {
            Ok(Login::Token(token.into()))
        } else {
            let half = |set: Key, unset: Key| {
                Error::config(format!("{} is set, but {} is not", set.variable(), unset.variable()))
            };
            match (text(keys.user)?, text(keys.password)?) {
                (Some(user), Some(password)) => Ok(Login::Password { user, password: password.into() }),
                (Some(_), None) => Err(half(keys.user, keys.password)),
                (None, Some(_)) => Err(half(keys.password, keys.user)),
                (None, None) => return Ok(None),
            }
        };
        let wrong = |part: Part, why: &str| {
            Error::config(format!("{}: {why}", Place::Environment(keys.part(part).variable())))
        };
        Ok(Some(found.and_then(|login| login.checked(wrong))))
    }

    /// The variable that names an address, for a program that does not read it.
    pub(super) fn address(&self, keys: &Keys) -> Option<&'static str> {
        keys.url.variables.iter().copied().find(|name| self.is_set(name))
    }

    /// Likewise the variables that hold credentials, with the verb that follows them.
    pub(super) fn credentials(&self, keys: &Keys) -> Option<String> {
        let set = |key: Key| key.variables.iter().copied().find(|name| self.is_set(name));
        if let Some(name) = set(keys.api_key).or_else(|| set(keys.token)) {
            return Some(format!("{name} is"));
        }
        let (user, password) = set(keys.user).zip(set(keys.password))?;
        Some(format!("{user} and {password} are"))
    }

    fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// Blank counts as unset: it is how a variable is often turned off.
    fn value(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| value.to_str().is_none_or(|value| !value.trim().is_empty()))
    }
}
