//! The cases, in groups. What stands in braces is filled in: ports (`{one}`), certificates in base64 (`{ca}`), the folder.

mod connections;
mod credentials;
mod files;
mod plugins;

use base64::Engine;

/// A file of a case's folder.
pub(crate) struct File {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) program: bool,
}

/// One kubeconfig in one environment.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) files: Vec<File>,
    pub(crate) environment: Vec<(&'static str, &'static str)>,
    pub(crate) context: Option<&'static str>,
    pub(crate) allow_insecure_tls: bool,
    /// Whether kubectl connects.
    pub(crate) connects: bool,
    /// Why the SDK does the opposite, and whether it connects.
    pub(crate) differs: Option<(&'static str, bool)>,
    /// Both connect, and the SDK sends credentials where kubectl does not.
    pub(crate) also_sends: Option<&'static str>,
    /// What the servers and proxies must have seen of the SDK, and so of kubectl.
    pub(crate) sees: Option<&'static str>,
    pub(crate) namespace: Option<&'static str>,
}

/// A test of several cases.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) cases: Vec<Case>,
}

pub(crate) fn all() -> Vec<Group> {
    macro_rules! groups {
        ($($module:ident::$name:ident,)+) => { vec![$(Group { name: stringify!($name), cases: $module::$name() }),+] };
    }
    groups![
        connections::addresses_of_servers,
        connections::trust_in_servers,
        connections::proxies_of_the_kubeconfig,
        connections::proxies_of_the_environment,
        credentials::tokens_and_token_files,
        credentials::passwords_and_providers,
        credentials::client_certificates,
        credentials::impersonation,
        files::contexts_and_namespaces,
        files::lists_of_files,
        files::texts_of_files,
        files::types_of_values,
        plugins::what_plugins_print,
        plugins::how_plugins_are_run,
    ]
}

/// The cluster that most cases have.
pub(crate) const CLUSTER: &str = "server: https://127.0.0.1:{one}\ncertificate-authority-data: {ca}";
/// A server that only a proxy leads to.
pub(crate) const FAR: &str = "server: https://kube.test:{one}\ncertificate-authority-data: {ca}";
pub(crate) const TOKEN: &str = "token: canary-token";
/// Why the SDK sends credentials in clear text.
pub(crate) const LOOPBACK: &str =
    "kubectl sends none over http; on this machine nothing of them crosses a network";
/// Why the SDK connects without credentials.
pub(crate) const ASKS: &str =
    "kubectl asks for a user name on the terminal; a library sends the request without credentials";

/// A kubeconfig of one context.
pub(crate) fn kubeconfig(cluster: &str, user: &str) -> String {
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: c\n  cluster:\n{}users:\n- name: u\n  user:\n{}\
         contexts:\n- name: c\n  context:\n    cluster: c\n    user: u\n",
        indented(cluster),
        indented(user)
    )
}

/// One that kubectl connects with.
pub(crate) fn given(name: &'static str, cluster: &str, user: &str) -> Case {
    text(name, kubeconfig(cluster, user))
}

pub(crate) fn text(name: &'static str, text: impl Into<String>) -> Case {
    Case {
        name,
        files: Vec::new(),
        environment: Vec::new(),
        context: None,
        allow_insecure_tls: false,
        connects: true,
        differs: None,
        also_sends: None,
        sees: None,
        namespace: None,
    }
    .file("config", text)
}

impl Case {
    pub(crate) fn file(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.files.push(File { name, text: text.into(), program: false });
        self
    }
    pub(crate) fn program(mut self, name: &'static str, script: &str) -> Self {
        self.files.push(File { name, text: format!("#!/bin/sh\n{script}\n"), program: true });
        self
    }
    pub(crate) fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }
    pub(crate) fn context(mut self, name: &'static str) -> Self {
        self.context = Some(name);
        self
    }
    pub(crate) fn insecure(mut self) -> Self {
        self.allow_insecure_tls = true;
        self
    }
    pub(crate) fn refused(mut self) -> Self {
        self.connects = false;
        self
    }
    /// The SDK does the opposite of kubectl, for this reason.
    pub(crate) fn but(mut self, why: &'static str) -> Self {
        self.differs = Some((why, !self.connects));
        self
    }
    pub(crate) fn also_sends(mut self, why: &'static str) -> Self {
        self.also_sends = Some(why);
        self
    }
    pub(crate) fn sees(mut self, what: &'static str) -> Self {
        self.sees = Some(what);
        self
    }
    pub(crate) fn namespace(mut self, namespace: &'static str) -> Self {
        self.namespace = Some(namespace);
        self
    }
}

/// A certificate without its version, which makes it one of X.509 v1. Its signature is then no longer right, which only its
/// issuer's friends would see.
pub(crate) fn of_version_1(pem: &str) -> String {
    let base64 = base64::engine::general_purpose::STANDARD;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = base64.decode(body).unwrap();
    let version = [0xa0, 0x03, 0x02, 0x01, 0x02];
    let at = der.windows(version.len()).position(|part| part == version).unwrap();
    // Its length takes one byte or two.
    let length: usize = match [der[at - 2], der[at - 1]] {
        [0x81, length] => length.into(),
        length => u16::from_be_bytes(length).into(),
    };
    let element = |content: &[u8]| match u8::try_from(content.len()) {
        Ok(length) if length >= 0x80 => [&[0x30, 0x81, length], content].concat(),
        Ok(length) => [&[0x30, length], content].concat(),
        Err(_) => {
            let length = u16::try_from(content.len()).unwrap().to_be_bytes();
            [&[0x30, 0x82, length[0], length[1]], content].concat()
        }
    };
    let signed = element(&der[at + version.len()..at + length]);
    let whole = element(&[signed, der[at + length..].to_vec()].concat());
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64.encode(whole))
}
