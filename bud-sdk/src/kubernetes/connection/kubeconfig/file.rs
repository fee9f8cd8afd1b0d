//! The files: read, checked for types, and merged as kubectl merges them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::fields::Field;
use super::yaml;
use crate::error::{Error, Result};
use crate::types::Secret;

/// All files together. The first file that has a name wins.
#[derive(Default)]
pub(crate) struct Merged {
    pub(crate) current: Option<String>,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) contexts: BTreeMap<String, Context>,
}

#[derive(Clone, Default)]
pub(crate) struct Cluster {
    /// What errors call it: the file and the path in it.
    pub(crate) place: String,
    pub(crate) server: Option<String>,
    pub(crate) insecure: bool,
    pub(crate) authority: Option<PathBuf>,
    pub(crate) authority_data: Option<String>,
    pub(crate) proxy_url: Option<String>,
    pub(crate) server_name: Option<String>,
    pub(crate) disable_compression: bool,
    /// What the kubeconfig gives to credential plugins.
    pub(crate) extension: Option<Value>,
}

#[derive(Clone, Default)]
pub(crate) struct User {
    pub(crate) place: String,
    pub(crate) token: Option<Secret>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) name: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) certificate_data: Option<String>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) key_data: Option<Secret>,
    pub(crate) impersonated: Impersonated,
    pub(crate) provider: Option<Provider>,
    pub(crate) exec: Option<Exec>,
}

/// In whose name requests are made.
#[derive(Clone, Default)]
pub(crate) struct Impersonated {
    pub(crate) user: Option<String>,
    pub(crate) uid: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

/// The older way to get tokens, of which only `oidc` is left in Kubernetes.
#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) name: String,
    pub(crate) config: BTreeMap<String, Secret>,
}

/// A credential plugin.
#[derive(Clone, Default)]
pub(crate) struct Exec {
    pub(crate) place: String,
    pub(crate) version: Option<String>,
    pub(crate) command: Option<String>,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) install_hint: Option<String>,
    pub(crate) interactive_mode: Option<String>,
    pub(crate) provide_cluster_info: bool,
}

#[derive(Clone, Default)]
pub(crate) struct Context {
    pub(crate) place: String,
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) namespace: Option<String>,
}

/// Reads a file; none if it is not there.
///
/// # Errors
/// `Config` naming the file, and what is wrong where.
pub(crate) fn read(path: &Path) -> Result<Option<Merged>> {
    let place = path.display().to_string();
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(yaml::LARGEST + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Error::config(format!(
                "the kubeconfig {place} cannot be read: {}",
                super::why(&error)
            )));
        }
        Ok(read) if read as u64 > yaml::LARGEST => {
            let message =
                format!("the kubeconfig {place} must not be larger than {} MiB", yaml::LARGEST >> 20);
            return Err(Error::config(message));
        }
        Ok(_) => {}
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&bytes, &place, folder).map(Some)
}

/// Reads the text of a file that stands in `folder`.
pub(crate) fn parse(bytes: &[u8], place: &str, folder: &Path) -> Result<Merged> {
    let tree = yaml::tree(bytes).map_err(|wrong| Error::config(format!("{place}: {wrong}")))?;
    let root = Field::root(&tree, place);
    for (key, only) in [("kind", "Config"), ("apiVersion", "v1")] {
        let field = root.get(key)?;
        if field.text()?.is_some_and(|text| text != only) {
            return Err(field.wrong(&format!("must be {only}")));
        }
    }
    Ok(Merged {
        current: root.get("current-context")?.text()?,
        clusters: named(&root.get("clusters")?, "cluster", |field| Cluster::read(field, folder))?,
        users: named(&root.get("users")?, "user", |field| User::read(field, folder))?,
        contexts: named(&root.get("contexts")?, "context", Context::read)?,
    })
}

fn named<T>(
    list: &Field<'_>,
    key: &'static str,
    read: impl Fn(&Field<'_>) -> Result<T>,
) -> Result<BTreeMap<String, T>> {
    let mut all = BTreeMap::new();
    for item in list.items()? {
        let field = item.get("name")?;
        let name = field.text()?.unwrap_or_default();
        if all.insert(name, read(&item.get(key)?)?).is_some() {
            return Err(field.wrong("must differ from the names before it"));
        }
    }
    Ok(all)
}

impl Merged {
    /// Adds what a later file has and the earlier ones do not.
    pub(crate) fn merge(&mut self, next: Self) {
        fn add<T>(all: &mut BTreeMap<String, T>, next: BTreeMap<String, T>) {
            for (name, value) in next {
                all.entry(name).or_insert(value);
            }
        }
        self.current = self.current.take().or(next.current);
        add(&mut self.clusters, next.clusters);
        add(&mut self.users, next.users);
        add(&mut self.contexts, next.contexts);
    }
}

/// Paths are relative to the folder of the file that names them.
fn path(field: &Field<'_>, folder: &Path) -> Result<Option<PathBuf>> {
    Ok(field.text()?.map(|path| folder.join(path)))
}

impl Cluster {
    fn read(field: &Field<'_>, folder: &Path) -> Result<Self> {
        let mut extension = None;
        for item in field.get("extensions")?.items()? {
            let name = item.get("name")?.text()?;
            if name.as_deref() == Some("client.authentication.k8s.io/exec") {
                extension = Some(item.get("extension")?.value().clone());
            }
        }
        Ok(Self {
            place: field.path().to_owned(),
            server: field.get("server")?.text()?,
            insecure: field.get("insecure-skip-tls-verify")?.flag()?,
            authority: path(&field.get("certificate-authority")?, folder)?,
            authority_data: field.get("certificate-authority-data")?.text()?,
            proxy_url: field.get("proxy-url")?.text()?,
            server_name: field.get("tls-server-name")?.text()?,
            disable_compression: field.get("disable-compression")?.flag()?,
            extension,
        })
    }
}

impl User {
    fn read(field: &Field<'_>, folder: &Path) -> Result<Self> {
        let secret = |name| Ok::<_, Error>(field.get(name)?.text()?.map(Secret::new));
        let provider = field.get("auth-provider")?;
        let exec = field.get("exec")?;
        Ok(Self {
            place: field.path().to_owned(),
            token: secret("token")?,
            token_file: path(&field.get("tokenFile")?, folder)?,
            name: field.get("username")?.text()?,
            password: secret("password")?,
            certificate: path(&field.get("client-certificate")?, folder)?,
            certificate_data: field.get("client-certificate-data")?.text()?,
            key: path(&field.get("client-key")?, folder)?,
            key_data: secret("client-key-data")?,
            impersonated: Impersonated {
                user: field.get("as")?.text()?,
                uid: field.get("as-uid")?.text()?,
                groups: field.get("as-groups")?.texts()?,
                extra: field.get("as-user-extra")?.lists()?,
            },
            provider: (!provider.is_absent()).then(|| Provider::read(&provider)).transpose()?,
            exec: (!exec.is_absent()).then(|| Exec::read(&exec, folder)).transpose()?,
        })
    }
}

impl Provider {
    fn read(field: &Field<'_>) -> Result<Self> {
        const USED: [&str; 4] = ["idp-issuer-url", "client-id", "id-token", "refresh-token"];
        let given = field.get("config")?;
        let mut config = BTreeMap::new();
        for name in USED {
            if let Some(text) = given.get(name)?.text()? {
                config.insert(name.to_owned(), Secret::new(text));
            }
        }
        Ok(Self { name: field.get("name")?.text()?.unwrap_or_default(), config })
    }
}

impl Exec {
    fn read(field: &Field<'_>, folder: &Path) -> Result<Self> {
        // A name alone is looked up in PATH; anything else is a path.
        let command = field.get("command")?.text()?.map(|command| {
            let is_path = command.contains(std::path::is_separator);
            let resolved = folder.join(&command).into_os_string().into_string();
            if is_path { resolved.unwrap_or(command) } else { command }
        });
        let mut env = Vec::new();
        for item in field.get("env")?.items()? {
            let name = item.get("name")?;
            let Some(text) = name.text()? else { return Err(name.wrong("must not be empty")) };
            env.push((text, item.get("value")?.text()?.unwrap_or_default()));
        }
        Ok(Self {
            place: field.path().to_owned(),
            version: field.get("apiVersion")?.text()?,
            command,
            args: field.get("args")?.texts()?,
            env,
            install_hint: field.get("installHint")?.text()?,
            interactive_mode: field.get("interactiveMode")?.text()?,
            provide_cluster_info: field.get("provideClusterInfo")?.flag()?,
        })
    }
}

impl Context {
    fn read(field: &Field<'_>) -> Result<Self> {
        Ok(Self {
            place: field.path().to_owned(),
            cluster: field.get("cluster")?.text()?,
            user: field.get("user")?.text()?,
            namespace: field.get("namespace")?.text()?,
        })
    }
}
