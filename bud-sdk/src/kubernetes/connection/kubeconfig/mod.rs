//! One reading of kubeconfigs, before the client for Kubernetes sees anything: where kubectl connects, this connects, to the
//! same server and with the same credentials. Errors name the file and the key, and never a value.

mod fields;
mod file;
mod pem;
mod pod;
mod server;
mod token;
mod user;
mod yaml;

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustls::pki_types::ServerName;
use serde_json::{Value, json};

use self::file::{Cluster, Merged, User};
pub(crate) use self::file::{Exec, Impersonated};
pub(crate) use self::pem::{Identity, encoded, identity};
pub(crate) use self::server::Server;
pub(crate) use self::token::Authorization;
pub(crate) use self::yaml::tree;
use crate::config::is_loopback;
use crate::error::{Error, Result};

/// Which kubeconfig is wanted, and what of it is allowed.
#[derive(Clone, Default)]
pub(crate) struct Selection {
    pub(crate) kubeconfig: Option<PathBuf>,
    pub(crate) context: Option<String>,
    pub(crate) in_cluster: bool,
    pub(crate) allow_insecure_tls: bool,
    pub(crate) allow_http: bool,
}

/// What surrounds the program: its variables, its user's home folder, and the folder of the pod's service account.
pub(crate) struct Surroundings<'a> {
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
    pub(crate) home: Option<PathBuf>,
    pub(crate) service_account: &'a Path,
}

/// A kubeconfig's context, resolved: nothing of it is to be looked up or guessed any more.
pub(crate) struct Settings {
    /// What errors call the whole.
    pub(crate) place: String,
    pub(crate) server: Server,
    pub(crate) namespace: String,
    /// Certificates that are trusted, in DER; the system's if none are given.
    pub(crate) authorities: Option<Vec<Vec<u8>>>,
    /// Where they are renewed.
    pub(crate) authority_file: Option<PathBuf>,
    pub(crate) insecure: bool,
    pub(crate) server_name: Option<String>,
    pub(crate) disable_compression: bool,
    /// The value of `proxy-url` with what errors call it.
    pub(crate) proxy: Option<(String, String)>,
    pub(crate) authorization: Authorization,
    pub(crate) identity: Option<Identity>,
    pub(crate) exec: Option<Exec>,
    /// What a plugin is given of the cluster, if it is to be.
    pub(crate) cluster_info: Option<Value>,
    pub(crate) impersonated: Impersonated,
}

/// Larger files are no certificates, keys or tokens.
const LARGEST: u64 = 8 << 20;

/// Finds and reads what is selected.
///
/// # Errors
/// `Config` naming the file or variable and what is wrong with it.
pub(crate) fn load(selection: &Selection, around: &Surroundings<'_>) -> Result<Settings> {
    if selection.in_cluster {
        return pod::settings(around);
    }
    let (merged, place) = match &selection.kubeconfig {
        Some(path) => {
            let place = path.display().to_string();
            let missing = || Error::config(format!("the kubeconfig {place} does not exist"));
            (file::read(path)?.ok_or_else(missing)?, place)
        }
        None => match found(around)? {
            Some(found) => found,
            None if (around.variable)("KUBERNETES_SERVICE_HOST").is_some() => return pod::settings(around),
            None => {
                let message =
                    "no kubeconfig: none is given, KUBECONFIG is not set, and ~/.kube/config does not exist";
                return Err(Error::config(message));
            }
        },
    };
    resolve(&merged, place, selection)
}

/// The files of the environment, merged. Those that are missing are passed over, as long as there is one.
fn found(around: &Surroundings<'_>) -> Result<Option<(Merged, String)>> {
    let Some(list) = (around.variable)("KUBECONFIG").filter(|list| !list.is_empty()) else {
        let Some(path) = around.home.as_ref().map(|home| home.join(".kube").join("config")) else {
            return Ok(None);
        };
        return Ok(file::read(&path)?.map(|merged| (merged, path.display().to_string())));
    };
    let mut merged: Option<Merged> = None;
    for path in std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()) {
        if let Some(next) = file::read(&path)? {
            merged.get_or_insert_default().merge(next);
        }
    }
    let missing = || Error::config("KUBECONFIG: none of the files that it names exists");
    Ok(Some((merged.ok_or_else(missing)?, "KUBECONFIG".to_owned())))
}

fn resolve(merged: &Merged, place: String, selection: &Selection) -> Result<Settings> {
    let chosen = selection.context.as_deref().filter(|context| !context.is_empty());
    let context = match (chosen, &merged.current) {
        (Some(name), _) => merged.contexts.get(name).ok_or_else(|| {
            let name = crate::operation::clean(name, 100);
            Error::config(format!("{place}: there is no context `{name}`"))
        })?,
        (None, Some(name)) => merged.contexts.get(name).ok_or_else(|| {
            Error::config(format!("{place}: current-context must name one of the contexts"))
        })?,
        (None, None) => {
            return Err(Error::config(format!("{place}: current-context is not set"))
                .with_hint("name a context, or set one: kubectl config use-context NAME"));
        }
    };
    let at = |key: &str, why: &str| Error::config(format!("{}.{key} {why}", context.place));
    let one_of = |key: &str| at(key, &format!("must name one of the {key}s"));
    let name = context.cluster.as_deref().unwrap_or_default();
    let cluster = merged.clusters.get(name).ok_or_else(|| one_of("cluster"))?;
    let namespace = context.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let (server, authorities) = trusted(cluster, selection)?;
    let anonymous = User::default();
    let user = match &context.user {
        None => &anonymous,
        Some(name) => merged.users.get(name).ok_or_else(|| one_of("user"))?,
    };
    let mut settings = Settings {
        place,
        namespace,
        authorities,
        authority_file: None,
        insecure: cluster.insecure,
        server_name: cluster.server_name.clone(),
        disable_compression: cluster.disable_compression,
        proxy: cluster.proxy_url.clone().map(|url| (format!("{}.proxy-url", cluster.place), url)),
        authorization: Authorization::None,
        identity: None,
        exec: None,
        cluster_info: None,
        impersonated: user::impersonated(user)?,
        server,
    };
    user::credentials(user, &mut settings)?;
    let provides = settings.exec.as_ref().is_some_and(|exec| exec.provide_cluster_info);
    settings.cluster_info = provides.then(|| cluster_info(cluster, settings.authorities.as_deref()));
    Ok(settings)
}

type Trusted = (Server, Option<Vec<Vec<u8>>>);

/// The server, and the certificates by which it is known.
fn trusted(cluster: &Cluster, selection: &Selection) -> Result<Trusted> {
    let at = |key: &str, why: &str| Error::config(format!("{}.{key} {why}", cluster.place));
    let server = cluster.server.as_deref().ok_or_else(|| at("server", "is missing"))?;
    let server = server::parse(server).map_err(|why| at("server", &why.to_string()))?;
    if server.url.scheme() == "http" && !is_loopback(&server.url) && !selection.allow_http {
        return Err(at("server", "must begin with https://: http would send credentials in clear text")
            .with_hint("use https, or allow_http for a network that you trust"));
    }
    if cluster.insecure && !selection.allow_insecure_tls {
        return Err(at("insecure-skip-tls-verify", "turns off the verification of certificates")
            .with_hint("give the cluster's CA instead, or use allow_insecure_tls"));
    }
    if let Some(name) = &cluster.server_name
        && ServerName::try_from(name.as_str()).is_err()
    {
        return Err(at("tls-server-name", "must be a DNS name or an IP address"));
    }
    let given = (&cluster.authority, &cluster.authority_data);
    let (key, pem) = match given {
        (None, None) => return Ok((server, None)),
        (Some(_), Some(_)) => {
            return Err(at("certificate-authority", "and certificate-authority-data are both set; keep one"));
        }
        _ if cluster.insecure => {
            return Err(at("insecure-skip-tls-verify", "and a certificate authority are both set; keep one"));
        }
        (Some(path), None) => {
            let key = "certificate-authority";
            (key, read_file(path, &format!("{}.{key}", cluster.place))?)
        }
        (None, Some(data)) => {
            let key = "certificate-authority-data";
            (key, pem::decoded(data).ok_or_else(|| at(key, "must be base64"))?)
        }
    };
    let authorities = pem::authorities(&pem).map_err(|why| at(key, &why.to_string()))?;
    Ok((server, Some(authorities)))
}

/// What the API of credential plugins calls a cluster.
fn cluster_info(cluster: &Cluster, authorities: Option<&[Vec<u8>]>) -> Value {
    let mut info = json!({ "server": cluster.server });
    let mut add = |key: &str, value: Option<Value>| {
        if let (Some(fields), Some(value)) = (info.as_object_mut(), value) {
            fields.insert(key.to_owned(), value);
        }
    };
    add("tls-server-name", cluster.server_name.clone().map(Value::from));
    add("insecure-skip-tls-verify", cluster.insecure.then(|| true.into()));
    let bundle = authorities.map(pem::bundle);
    add("certificate-authority-data", bundle.map(|pem| encoded(pem.as_bytes()).into()));
    add("proxy-url", cluster.proxy_url.clone().map(Value::from));
    add("disable-compression", cluster.disable_compression.then(|| true.into()));
    add("config", cluster.extension.clone());
    info
}

/// Reads a file that a kubeconfig names; `place` is the key that names it.
fn read_file(path: &Path, place: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    match read {
        Err(error) => Err(Error::config(format!("{place}: the file cannot be read: {}", why(&error)))),
        Ok(read) if read as u64 > LARGEST => {
            Err(Error::config(format!("{place}: the file must not be larger than {} MiB", LARGEST >> 20)))
        }
        Ok(_) => Ok(bytes),
    }
}

/// Why a file cannot be read, without its name: that is named by its key.
fn why(error: &std::io::Error) -> String {
    error.kind().to_string()
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;
