//! The configuration file of the platform's command line, with profiles as our extension.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use toml::{Table, Value};
use tracing::warn;

use super::keys::Part;
use super::{Bundle, Key, Keys, Layer, Login, Place, Sourced, flavor, owner, pem, seconds, wrong};
use crate::error::{Error, Result};
use crate::operation::clean;
use crate::types::Secret;

/// More is no configuration.
const MOST_BYTES: u64 = 1024 * 1024;

/// Whose file may be used.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Trust {
    /// Only one that no other user owns or may write: what it says decides where credentials go.
    Owner,
    /// Any: it holds public certificates, and its path comes from a place that is trusted.
    Anyone,
}

/// Reads a small regular file. A FIFO or a device is never opened: it could block for ever.
fn read(path: &Path, trust: Trust) -> io::Result<Result<Vec<u8>, Error>> {
    let refused = |why: &str| Ok(Err(Error::config(format!("{}: {why}", path.display()))));
    if !fs::metadata(path)?.is_file() {
        return refused("it must be a regular file");
    }
    let mut options = File::options();
    options.read(true);
    // Should a FIFO have taken its place meanwhile.
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    if !found.is_file() {
        return refused("it must be a regular file");
    }
    if let Some((why, remedy)) = owner::distrusted(&found).filter(|_| trust == Trust::Owner) {
        return Ok(Err(Error::config(format!("{}: {why}", path.display())).with_hint(remedy)));
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return refused("it is larger than 1 MiB");
    }
    if trust == Trust::Owner && owner::readable_by_others(&found) && holds_secret(&bytes) {
        warn!(path = %path.display(), "others may read this file, which holds a password or key; run chmod 600 on it");
    }
    Ok(Ok(bytes))
}

/// Whether it sets what others should not read, as far as can be said before it is parsed.
fn holds_secret(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).lines().any(|line| {
        let key = line.split('=').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        let key = key.rsplit('.').next().unwrap_or_default().trim();
        line.contains('=') && matches!(key, "password" | "api_key" | "token")
    })
}

/// A file at its default path; `None` if there is none, or none that this user may read: nothing asked for it.
pub(super) fn read_default(path: &Path) -> Result<Option<Vec<u8>>> {
    match read(path, Trust::Owner) {
        Ok(bytes) => bytes.map(Some),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            warn!(path = %path.display(), "this file cannot be read (permission denied) and is passed over");
            Ok(None)
        }
        Err(error) => {
            Err(Error::config(format!("{} cannot be read: {}", path.display(), error.kind()))
                .with_source(error))
        }
    }
}

/// A file that a value names. The value itself may be anything, a secret in the wrong variable too, so that it is only
/// shown where it is the path of a file.
pub(super) fn read_named(path: &Path, place: &Place, trust: Trust) -> Result<Vec<u8>> {
    let named = |why: &str| Error::config(format!("{place}: {why}"));
    match read(path, trust) {
        Ok(bytes) => bytes,
        Err(error) => Err(match error.kind() {
            io::ErrorKind::PermissionDenied => named("the file may not be read (permission denied)"),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                named("there is no such file").with_hint("it must be the path of a file")
            }
            _ => named("not the path of a file that can be read"),
        }),
    }
}

/// The profile of that name, if one is asked for, and the flat keys. Empty without a file.
pub(super) fn layers(
    keys: &Keys,
    path: &Path,
    bytes: Option<Vec<u8>>,
    profile: Option<&Sourced<String>>,
) -> Result<Vec<Layer>> {
    let Some(bytes) = bytes else {
        return match profile {
            Some(profile) => Err(Error::config(format!(
                "{} names a profile, but there is no file {} that can be read",
                profile.place,
                path.display()
            ))),
            None => Ok(Vec::new()),
        };
    };
    let path: Arc<Path> = path.into();
    let table = parse(&path, bytes)?;
    let root = Section { path: &path, prefix: "", table: &table };
    let flat = root.of(keys)?;
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
    let mut chosen = Section { path: &path, prefix: &prefix, table }.of(keys)?;
    chosen.base_url = chosen.base_url.or_else(|| flat.base_url.clone());
    Ok(vec![chosen, flat])
}

fn no_such_profile(path: &Path, profile: &Sourced<String>, names: Vec<&str>) -> Error {
    let names = names.iter().map(|name| clean(name, 60)).collect::<Vec<_>>().join(", ");
    let there = if names.is_empty() { "it has no profiles".to_owned() } else { format!("it has: {names}") };
    Error::config(format!("{} names a profile that is not in {}; {there}", profile.place, path.display()))
}

/// Parser messages quote the file, which may hold a password, so that an error names only the place.
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

    fn get(&self, key: Key) -> Option<&'a Value> {
        self.table.get(key.file).filter(|_| !key.file.is_empty())
    }

    fn text(&self, key: Key) -> Result<Option<Sourced<String>>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => {
                Ok(Some(Sourced::new(text.clone(), self.place(key.file))))
            }
            Some(_) => Err(wrong(&self.place(key.file), "text in quotes, and not empty")),
        }
    }

    fn secret(&self, key: Key) -> Result<Option<Secret>> {
        Ok(self.text(key)?.map(|text| text.value.into()))
    }

    fn section(&self, key: &str) -> Result<Option<Section<'a>>> {
        match self.table.get(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(Section { path: self.path, prefix: self.prefix, table })),
            Some(_) => Err(wrong(&self.place(key), "a table")),
        }
    }

    /// What it says of a service: in the service's own table, if it has one.
    fn of(&self, keys: &Keys) -> Result<Layer> {
        let Some(name) = keys.table else { return self.layer(keys) };
        match self.section(name)? {
            None => Ok(Layer { file: Some(self.path.clone()), ..Layer::default() }),
            Some(section) => {
                let prefix = format!("{}{name}.", self.prefix);
                Section { prefix: &prefix, ..section }.layer(keys)
            }
        }
    }

    fn layer(&self, keys: &Keys) -> Result<Layer> {
        // Beyond 2^53 a number of seconds is refused in any case.
        let number = |time: &Value| time.as_float().or_else(|| time.as_integer().map(|whole| whole as f64));
        let Keys { timeout, verify, .. } = keys;
        let timeout = self.get(*timeout).map(|time| seconds(number(time), &self.place(timeout.file)));
        let verify = self.get(*verify).map(|value| {
            let place = self.place(verify.file);
            let verify =
                value.as_bool().ok_or_else(|| wrong(&place, "true (certificates are always checked)"))?;
            Ok(Sourced::new(verify, place))
        });
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let beside = |Sourced { value, place }: Sourced<String>| {
            let text = pem::is_pem(&value);
            Sourced::new(
                if text { Bundle::Text(value.into()) } else { Bundle::File(folder.join(value)) },
                place,
            )
        };
        Ok(Layer {
            base_url: self.text(keys.url)?,
            login: self.login(keys)?,
            flavor: self.text(keys.flavor)?.map(|name| flavor(keys, name)).transpose()?,
            timeout: timeout.transpose()?,
            verify: verify.transpose()?,
            ca_certificate: self.text(keys.ca_certificate)?.map(beside),
            file: Some(self.path.clone()),
        })
    }

    /// The credentials, in the order of the command line: an API key, then the table `auth`. A kind that is not
    /// supported is an error only for those who would use it.
    fn login(&self, keys: &Keys) -> Result<Option<Result<Login>>> {
        let own = self.key(keys)?.or(self.token(keys)?).or(self.password(keys)?);
        if !keys.command_line {
            return Ok(own);
        }
        let auth = self.section("auth")?;
        let auth = auth.map(|auth| {
            let prefix = format!("{}auth.", self.prefix);
            Section { prefix: &prefix, ..auth }.auth(keys)
        });
        Ok(own.or(auth.transpose()?.flatten()))
    }

    /// The table `auth` of the command line.
    fn auth(&self, keys: &Keys) -> Result<Option<Result<Login>>> {
        let (password, key) = (self.password(keys)?, self.key(keys)?);
        let Some(kind) = self.text(Key::new(&[], "type"))? else { return Ok(password.or(key)) };
        Ok(match kind.value.as_str() {
            "jwt" => password,
            "api_key" => Some(key.unwrap_or_else(|| Err(wrong(&self.place("api_key"), "there")))),
            "dapr" => Some(Err(Error::config(format!("{}: dapr is not supported", kind.place)).with_hint(
                "administration needs a person's login: set type to jwt, with email and password",
            ))),
            _ => return Err(wrong(&kind.place, "jwt or api_key")),
        })
    }

    fn checked(&self, keys: &Keys, login: Login) -> Result<Login> {
        let wrong =
            |part: Part, why: &str| Error::config(format!("{}: {why}", self.place(keys.part(part).file)));
        login.checked(wrong)
    }

    fn key(&self, keys: &Keys) -> Result<Option<Result<Login>>> {
        Ok(self.secret(keys.api_key)?.map(|key| self.checked(keys, Login::ApiKey(key))))
    }

    fn token(&self, keys: &Keys) -> Result<Option<Result<Login>>> {
        Ok(self.secret(keys.token)?.map(|token| self.checked(keys, Login::Token(token))))
    }

    /// An e-mail alone is what the command line leaves after a login: no credentials.
    fn password(&self, keys: &Keys) -> Result<Option<Result<Login>>> {
        match (self.text(keys.user)?, self.secret(keys.password)?) {
            (Some(user), Some(password)) => {
                Ok(Some(self.checked(keys, Login::Password { user: user.value, password })))
            }
            (None, Some(_)) => Err(wrong(&self.place(keys.user.file), "there, because there is a password")),
            (_, None) => Ok(None),
        }
    }
}
