//! The configuration file of the platform's command line, with profiles as our extension.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use toml::{Table, Value};

use super::{Layer, Login, Place, Sourced, flavor, seconds, wrong};
use crate::api::clean;
use crate::error::{Error, Result};
use crate::types::Secret;

/// More is no configuration.
const MOST_BYTES: u64 = 1024 * 1024;

/// Reads a small regular file; `None` if there is none. A FIFO or a device is never opened: it could block for ever.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let refused = |why: &str| Err(Error::config(format!("{}: {why}", path.display())));
    let broken = |error: io::Error| {
        Error::config(format!("{} cannot be read: {}", path.display(), error.kind())).with_source(error)
    };
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(broken(error)),
    };
    if !found.is_file() {
        return refused("it must be a regular file");
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes)).map_err(broken)?;
    if bytes.len() as u64 > MOST_BYTES {
        return refused("it is larger than 1 MiB");
    }
    Ok(Some(bytes))
}

/// The profile of that name, if one is asked for, and the flat keys. Empty without a file.
pub(super) fn layers(path: &Path, profile: Option<&Sourced<String>>) -> Result<Vec<Layer>> {
    let Some(bytes) = read(path)? else {
        return match profile {
            Some(profile) => Err(Error::config(format!(
                "{} names a profile, but there is no file {}",
                profile.place,
                path.display()
            ))),
            None => Ok(Vec::new()),
        };
    };
    let path: Arc<Path> = path.into();
    let table = parse(&path, bytes)?;
    let root = Section { path: &path, prefix: "", table: &table };
    let flat = root.layer()?;
    let Some(profile) = profile else { return Ok(vec![flat]) };

    let profiles = root.section("profiles")?;
    let names = profiles.as_ref().map(|profiles| profiles.table.keys().map(String::as_str).collect());
    let Some((name, value)) = profiles.and_then(|profiles| profiles.table.get_key_value(&profile.value))
    else {
        return Err(no_such_profile(&path, profile, names.unwrap_or_default()));
    };
    let prefix = format!("profiles.{}.", clean(name, 60));
    let Value::Table(table) = value else {
        return Err(wrong(&root.place(prefix.trim_end_matches('.')), "a table"));
    };
    let mut chosen = Section { path: &path, prefix: &prefix, table }.layer()?;
    chosen.base_url = chosen.base_url.or_else(|| flat.base_url.clone());
    Ok(vec![chosen, flat])
}

fn no_such_profile(path: &Path, profile: &Sourced<String>, names: Vec<&str>) -> Error {
    let names = names.iter().map(|name| clean(name, 60)).collect::<Vec<_>>().join(", ");
    let there = if names.is_empty() { "it has no profiles".to_owned() } else { format!("it has: {names}") };
    Error::config(format!("{} names a profile that is not in {}; {there}", profile.place, path.display()))
}

/// Parser messages quote the file, which may hold a password, so only the place is told.
fn parse(path: &Path, bytes: Vec<u8>) -> Result<Table> {
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::config(format!("{}: it is not text in UTF-8", path.display())))?;
    text.parse::<Table>().map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Error::config(format!("{}: not TOML at line {line}, column {column}", path.display()))
    })
}

/// A table of the file, and how its keys are called in errors.
struct Section<'a> {
    path: &'a Arc<Path>,
    prefix: &'a str,
    table: &'a Table,
}

impl<'a> Section<'a> {
    fn place(&self, key: &str) -> Place {
        Place::File { path: self.path.clone(), key: format!("{}{key}", self.prefix) }
    }

    fn text(&self, key: &str) -> Result<Option<Sourced<String>>> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => {
                Ok(Some(Sourced::new(text.clone(), self.place(key))))
            }
            Some(_) => Err(wrong(&self.place(key), "text in quotes, and not empty")),
        }
    }

    fn secret(&self, key: &str) -> Result<Option<Secret>> {
        Ok(self.text(key)?.map(|text| text.value.into()))
    }

    fn section(&self, key: &str) -> Result<Option<Section<'a>>> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Section { path: self.path, prefix: self.prefix, table })),
            Some(_) => Err(wrong(&self.place(key), "a table")),
        }
    }

    fn layer(&self) -> Result<Layer> {
        // Beyond 2^53 a number of seconds is refused in any case.
        let number = |time: &Value| time.as_float().or_else(|| time.as_integer().map(|whole| whole as f64));
        let timeout = self.table.get("timeout").map(|time| seconds(number(time), &self.place("timeout")));
        let verify = self.table.get("verify_ssl").map(|verify| {
            let place = self.place("verify_ssl");
            let verify =
                verify.as_bool().ok_or_else(|| wrong(&place, "true (certificates are always checked)"))?;
            Ok(Sourced::new(verify, place))
        });
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let beside = |named: Sourced<String>| Sourced::new(folder.join(named.value), named.place);
        Ok(Layer {
            base_url: self.text("api_url")?,
            login: self.login()?,
            flavor: self.text("flavor")?.map(|name| flavor(&name)).transpose()?,
            timeout: timeout.transpose()?,
            verify: verify.transpose()?,
            ca_certificate: self.text("ca_certificate")?.map(beside),
            file: Some(self.path.clone()),
        })
    }

    /// The credentials, in the order of the command line: an API key, then the table `auth`. A kind that is not
    /// supported is an error only for those who would use it.
    fn login(&self) -> Result<Option<Result<Login>>> {
        let key = self.secret("api_key")?;
        let own = self.password()?;
        let auth = self.section("auth")?;
        let auth = auth.map(|auth| {
            let prefix = format!("{}auth.", self.prefix);
            Section { prefix: &prefix, ..auth }.auth()
        });
        let found = key.map(Login::ApiKey).or(own).map(Ok);
        Ok(found.or(auth.transpose()?.flatten()))
    }

    fn auth(&self) -> Result<Option<Result<Login>>> {
        let (password, key) = (self.password()?, self.secret("api_key")?);
        let Some(kind) = self.text("type")? else { return Ok(password.or(key.map(Login::ApiKey)).map(Ok)) };
        Ok(match kind.value.as_str() {
            "jwt" => password.map(Ok),
            "api_key" => Some(key.map(Login::ApiKey).ok_or_else(|| wrong(&self.place("api_key"), "there"))),
            "dapr" => Some(Err(Error::config(format!("{}: dapr is not supported", kind.place)).with_hint(
                "administration needs a person's login: set type to jwt, with email and password",
            ))),
            _ => return Err(wrong(&kind.place, "jwt or api_key")),
        })
    }

    /// An e-mail alone is what the command line leaves after a login: no credentials.
    fn password(&self) -> Result<Option<Login>> {
        match (self.text("email")?, self.secret("password")?) {
            (Some(email), Some(password)) => Ok(Some(Login::Password { email: email.value, password })),
            (None, Some(_)) => Err(wrong(&self.place("email"), "there, because there is a password")),
            (_, None) => Ok(None),
        }
    }
}
