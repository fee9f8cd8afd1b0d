//! One table of kubeconfigs and environments, with what becomes of them. That kubectl agrees is shown beside kubectl itself.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::*;

/// A folder with files, and variables.
struct Around {
    folder: PathBuf,
    variables: BTreeMap<String, OsString>,
}

impl Around {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("bud-sdk-kubeconfig-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self { folder, variables: BTreeMap::new() }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.insert(name.to_owned(), value.into());
    }

    fn load(&self, selection: &Selection) -> Result<Settings> {
        let variable = |name: &str| self.variables.get(name).cloned();
        let around = Surroundings {
            variable: &variable,
            home: Some(self.folder.join("home")),
            service_account: &self.folder.join("pod"),
        };
        load(selection, &around)
    }

    /// What becomes of this kubeconfig.
    fn of(&self, text: impl AsRef<[u8]>) -> Result<Settings> {
        let kubeconfig = Some(self.write("config", text));
        self.load(&Selection { kubeconfig, ..Selection::default() })
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn kubeconfig(cluster: Value, user: Value) -> String {
    named("one", cluster, user, json!({}))
}

fn named(name: &str, cluster: Value, user: Value, mut context: Value) -> String {
    context["cluster"] = name.into();
    context["user"] = name.into();
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": name,
        "clusters": [{ "name": name, "cluster": cluster }],
        "users": [{ "name": name, "user": user }],
        "contexts": [{ "name": name, "context": context }],
    })
    .to_string()
}

fn server() -> Value {
    json!({ "server": "https://api.example.com:6443" })
}

fn sent(settings: &Settings) -> String {
    let mut request = http::Request::new(());
    settings.authorization.apply(&mut request);
    request.headers().get("authorization").map_or("", |value| value.to_str().unwrap()).to_owned()
}

/// A certificate of its own, as PEM, and its key.
fn certificate() -> (String, String, Vec<u8>) {
    let pair = rcgen::generate_simple_self_signed(["test".to_owned()]).unwrap();
    (pair.cert.pem(), pair.signing_key.serialize_pem(), pair.cert.der().to_vec())
}

fn refused(outcome: Result<Settings>) -> String {
    let error = outcome.err().expect("it is refused");
    assert_eq!(error.kind(), crate::ErrorKind::Config, "{error}");
    let shown = format!("{error} {error:?} {}", error.hint().unwrap_or_default());
    assert!(!shown.contains("canary"), "{shown}");
    error.to_string()
}

#[test]
fn k06_a_token_with_a_line_end_is_trimmed_and_no_token_panics() {
    let around = Around::new("k06");
    for token in ["t\n", "t\r\n", " t "] {
        assert_eq!(sent(&around.of(kubeconfig(server(), json!({ "token": token }))).unwrap()), "Bearer t");
    }
    for token in ["canary\ncanary", "canary\u{7f}", "\n"] {
        let error = refused(around.of(kubeconfig(server(), json!({ "token": token }))));
        assert!(error.contains("users[0].user.token"), "{error}");
    }
}

#[test]
fn k07_a_server_without_a_scheme_is_refused() {
    let around = Around::new("k07");
    for address in ["127.0.0.1:6443", "api.example.com", "canary:6443/path", "//canary"] {
        let error = refused(around.of(kubeconfig(json!({ "server": address }), json!({}))));
        assert!(error.contains("clusters[0].cluster.server has no scheme"), "{error}");
    }
    assert!(refused(around.of(kubeconfig(json!({}), json!({})))).contains("server is missing"));
}

#[test]
fn s_h3_clear_text_stays_on_this_machine() {
    let around = Around::new("h3");
    let given = |server: &str, allow_http| {
        let config = kubeconfig(json!({ "server": server }), json!({ "token": "t", "as": "someone" }));
        let kubeconfig = Some(around.write("config", config));
        around.load(&Selection { kubeconfig, allow_http, ..Selection::default() })
    };
    for far in ["http://api.example.com", "http://10.0.0.1:8080", "http://localhost.example.com"] {
        let error = refused(given(far, false));
        assert!(error.contains("clusters[0].cluster.server must begin with https://"), "{error}");
        assert_eq!(sent(&given(far, true).unwrap()), "Bearer t");
    }
    for near in ["http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001"] {
        assert_eq!(sent(&given(near, false).unwrap()), "Bearer t", "nothing of it crosses a network");
    }
}

#[test]
fn k01_k02_k03_wrapped_data_is_read_and_empty_data_is_absent() {
    let around = Around::new("k01");
    let (pem, key, der) = certificate();
    let wrapped = |text: &str| {
        let lines: Vec<String> = encoded(text.as_bytes())
            .as_bytes()
            .chunks(76)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .collect();
        lines.join("\n")
    };
    let mut cluster = server();
    cluster["certificate-authority-data"] = wrapped(&pem).into();
    let user = json!({ "client-certificate-data": wrapped(&pem), "client-key-data": wrapped(&key) });
    let settings = around.of(kubeconfig(cluster, user)).unwrap();
    assert_eq!(settings.authorities, Some(vec![der]));
    assert!(settings.identity.is_some());

    let empty = json!({
        "server": "https://h", "certificate-authority-data": "", "certificate-authority": "", "tls-server-name": "", "proxy-url": "",
    });
    let user = json!({
        "token": "", "tokenFile": "", "client-certificate-data": "", "client-key-data": "", "client-certificate": "",
        "client-key": "", "username": "", "password": "", "as": "", "exec": null,
    });
    let settings = around.of(named("one", empty, user, json!({ "namespace": "" }))).unwrap();
    assert!(settings.authorities.is_none() && settings.server_name.is_none() && settings.proxy.is_none());
    assert!(settings.authorization.is_none() && settings.identity.is_none() && settings.exec.is_none());
    assert_eq!(settings.namespace, "default");
}

#[test]
fn k04_k05_a_token_file_is_trimmed_and_wins() {
    let around = Around::new("k04");
    around.write("token", "from-file\n");
    let user = json!({ "token": "old", "tokenFile": "token" });
    assert_eq!(sent(&around.of(kubeconfig(server(), user)).unwrap()), "Bearer from-file");
    let user = json!({ "token": "inline", "tokenFile": "missing" });
    assert_eq!(sent(&around.of(kubeconfig(server(), user)).unwrap()), "Bearer inline");
    let error = refused(around.of(kubeconfig(server(), json!({ "tokenFile": "canary" }))));
    assert!(error.contains("users[0].user.tokenFile: the file cannot be read"), "{error}");
}

#[test]
fn k16_missing_files_of_a_list_are_passed_over_and_the_first_value_wins() {
    let mut around = Around::new("k16");
    let file = |server: &str, token: &str, name: &str| {
        named(name, json!({ "server": server }), json!({ "token": token }), json!({}))
    };
    let first = around.write("a/first", file("https://first", "one", "x"));
    let second = around.write("b/second", file("https://second", "two", "x"));
    let third = around.write("c/third", file("https://third", "three", "y"));
    let missing = around.folder.join("missing");
    let list = |paths: &[&Path]| std::env::join_paths(paths).unwrap();
    around.set("KUBECONFIG", list(&[&missing, Path::new(""), &first, &second, &third, &missing]));
    let settings = around.load(&Selection::default()).unwrap();
    assert_eq!((settings.server.url.as_str(), sent(&settings).as_str()), ("https://first/", "Bearer one"));
    let other = Selection { context: Some("y".to_owned()), ..Selection::default() };
    assert_eq!(around.load(&other).unwrap().server.url.as_str(), "https://third/");
    let none = Selection { context: Some("z".to_owned()), ..Selection::default() };
    assert!(refused(around.load(&none)).contains("there is no context `z`"));

    around.set("KUBECONFIG", list(&[&missing, &missing]));
    assert!(refused(around.load(&Selection::default())).contains("KUBECONFIG: none of the files"));
    // Empty is not set.
    around.set("KUBECONFIG", "");
    assert!(refused(around.load(&Selection::default())).contains("no kubeconfig"));
    around.write("home/.kube/config", file("https://home", "h", "x"));
    assert_eq!(around.load(&Selection::default()).unwrap().server.url.as_str(), "https://home/");
}

#[test]
fn k18_without_a_namespace_it_is_default() {
    let mut around = Around::new("k18");
    let (pem, _, _) = certificate();
    around.set("KUBERNETES_SERVICE_HOST", "fd00::1");
    around.set("KUBERNETES_SERVICE_PORT", "443");
    assert!(refused(around.load(&Selection::default())).contains("ca.crt: the file cannot be read"));
    around.write("pod/ca.crt", pem);
    around.write("pod/token", "pod-token\n");
    let settings = around.load(&Selection::default()).unwrap();
    assert_eq!(settings.server.url.as_str(), "https://[fd00::1]/");
    assert_eq!((settings.namespace.as_str(), sent(&settings).as_str()), ("default", "Bearer pod-token"));
    around.write("pod/namespace", "bud-system\n");
    assert_eq!(around.load(&Selection::default()).unwrap().namespace, "bud-system");
    for (name, value) in
        [("KUBERNETES_SERVICE_PORT", "tcp://canary"), ("KUBERNETES_SERVICE_HOST", "canary@x/y")]
    {
        let mut odd = Around { folder: around.folder.clone(), variables: around.variables.clone() };
        odd.set(name, value);
        assert!(refused(odd.load(&Selection::default())).contains(name));
        std::mem::forget(odd);
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, length[0], length[1]], content].concat()
}

/// The certificate without its version, which makes it one of v1.
fn of_version_1(der: &[u8]) -> Vec<u8> {
    let version = [0xa0, 0x03, 0x02, 0x01, 0x02];
    let at: usize = memchr::memmem::find(der, &version).unwrap();
    // Its length takes one byte or two.
    let signed_length: usize = match [der[at - 2], der[at - 1]] {
        [0x81, length] => length.into(),
        length => u16::from_be_bytes(length).into(),
    };
    let signed: Vec<u8> = element(0x30, &der[at + version.len()..at + signed_length]);
    element(0x30, &[signed, der[at + signed_length..].to_vec()].concat())
}

#[test]
fn k10_k11_keys_and_certificates_that_cannot_be_used_are_named() {
    let around = Around::new("k10");
    let (pem, key, der) = certificate();
    let (_, other_key, _) = certificate();
    let text = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", encoded(der))
    };
    // PKCS #8 around a key on P-521, whose number is made up.
    let algorithm = element(
        0x30,
        &[
            &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01][..],
            &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23],
        ]
        .concat(),
    );
    let p521 = element(0x30, &[vec![0x02, 0x01, 0x00], algorithm, element(0x04, &[7; 80])].concat());
    for (certificate, key, says) in [
        (
            text("CERTIFICATE", &of_version_1(&der)),
            key.clone(),
            "X.509 v1, which the TLS library does not support; reissue it as v3",
        ),
        (pem.clone(), text("PRIVATE KEY", &p521), "the curve P-521"),
        (pem.clone(), text("PRIVATE KEY", b"canary"), "reissue it with one of"),
        (pem.clone(), text("ENCRYPTED PRIVATE KEY", b"canary"), "encrypted"),
        (pem.clone(), "canary".to_owned(), "the client key cannot be read"),
        ("canary".to_owned(), key.clone(), "the client certificate cannot be read"),
        (text("CERTIFICATE", b"canary"), key.clone(), "the client certificate cannot be read"),
        (pem.clone(), other_key, "does not belong"),
    ] {
        let user = json!({ "client-certificate-data": encoded(certificate.as_bytes()), "client-key-data": encoded(key.as_bytes()) });
        let error = refused(around.of(kubeconfig(server(), user)));
        assert!(error.contains(says) && error.contains("users[0].user"), "{says}: {error}");
    }
    // Text around the sections, and other sections, are passed over.
    let user = json!({
        "client-certificate-data": encoded(format!("Certificate:\n  Data\n{pem}\n{pem}").as_bytes()),
        "client-key-data": encoded(format!("{}{key}", text("EC PARAMETERS", b"x")).as_bytes()),
    });
    let settings = around.of(kubeconfig(server(), user)).unwrap();
    assert_eq!(settings.identity.unwrap().certificates.matches("BEGIN CERTIFICATE").count(), 2);
}

#[test]
fn s_h1_errors_of_the_parser_show_no_text() {
    let around = Around::new("h1");
    let good = "apiVersion: v1\nusers:\n- name: one\n  user:\n    token: canary\n";
    for text in [
        good.replace("    token", "\ttoken"),
        good.replace("token: canary", "token: \"canary"),
        good.replace("token: canary", "token: [canary]"),
        good.replace("token: canary", "token: canary: canary"),
        good.replace("- name: one", "- name: one\n  name: [canary"),
        good.replace("users:", "users: {canary"),
        good.replace("canary", "12345"),
        good.replace("apiVersion: v1", "apiVersion: canary"),
        good.replace("users:", "kind: canary\nusers:"),
        format!("{good}- name: one\n"),
        "canary".to_owned(),
        "- canary".to_owned(),
    ] {
        let error = refused(around.of(&text));
        assert!(error.contains("config: ") && !error.contains("12345"), "{text}: {error}");
    }
    let error = refused(around.of(good.replace("    token", "\ttoken")));
    assert!(error.contains("line 5, column "), "{error}");
    assert!(
        refused(around.of(good.replace("token: canary", "token: [canary]")))
            .contains("users[0].user.token must be text")
    );
    let missing = Selection { kubeconfig: Some(around.folder.join("missing")), ..Selection::default() };
    assert!(refused(around.load(&missing)).contains("missing does not exist"));
}

#[test]
fn what_contradicts_itself_is_refused() {
    let around = Around::new("contradictions");
    let (pem, _, _) = certificate();
    let exec = |changes: Value| {
        let mut exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": "plugin", "interactiveMode": "Never" });
        exec.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        json!({ "exec": exec })
    };
    let oidc = |token: &str| json!({ "auth-provider": { "name": "oidc", "config": { "idp-issuer-url": "https://i", "client-id": "c", "id-token": token } } });
    for (user, says) in [
        (json!({ "token": "canary", "username": "canary" }), "a token and a user name"),
        (json!({ "token": "canary", "password": "canary" }), "a token and a user name"),
        (json!({ "client-certificate-data": encoded(pem.as_bytes()) }), "without client-key"),
        (json!({ "client-certificate-data": "canary!" , "client-key-data": "canary!"}), "must be base64"),
        (json!({ "as-groups": ["canary"] }), "as must be set"),
        (json!({ "as": "canary\n" }), "as must be one line"),
        (exec(json!({ "command": "" })), "exec.command is missing"),
        (exec(json!({ "apiVersion": "client.authentication.k8s.io/v1alpha1" })), "exec.apiVersion must be"),
        (exec(json!({ "interactiveMode": null })), "exec.interactiveMode must be"),
        (exec(json!({ "interactiveMode": "Always" })), "no terminal"),
        (exec(json!({ "env": [{ "value": "canary" }] })), "exec.env[0].name must not be empty"),
        (
            json!({ "auth-provider": { "name": "gcp", "config": { "cmd-path": "/bin/canary" } } }),
            "auth-provider.name must be oidc",
        ),
        (oidc(""), "id-token is missing"),
        (oidc("canary"), "id-token must be a JWT"),
        (oidc("e30.eyJleHAiOjEwMDB9.canary"), "id-token has expired"),
    ] {
        let error = refused(around.of(kubeconfig(server(), user)));
        assert!(error.contains(says) && error.contains("users[0].user"), "{says}: {error}");
    }
    assert_eq!(
        sent(&around.of(kubeconfig(server(), oidc("e30.eyJleHAiOjk5OTk5OTk5OTl9.x"))).unwrap()),
        "Bearer e30.eyJleHAiOjk5OTk5OTk5OTl9.x"
    );
    for (cluster, says) in [
        (
            json!({ "server": "https://h", "certificate-authority": "canary" }),
            "certificate-authority: the file cannot be read",
        ),
        (
            json!({ "server": "https://h", "certificate-authority-data": encoded(b"canary") }),
            "holds no certificate",
        ),
        (json!({ "server": "https://h", "certificate-authority-data": "canary!" }), "must be base64"),
        (
            json!({ "server": "https://h", "insecure-skip-tls-verify": true }),
            "insecure-skip-tls-verify turns off",
        ),
        (json!({ "server": "https://h", "insecure-skip-tls-verify": "canary" }), "must be true or false"),
        (json!({ "server": "https://h", "tls-server-name": "canary canary" }), "tls-server-name must be"),
    ] {
        let error = refused(around.of(kubeconfig(cluster, json!({}))));
        assert!(error.contains(says) && error.contains("clusters[0].cluster"), "{says}: {error}");
    }
}

#[test]
fn credentials_count_in_kubectls_order() {
    let around = Around::new("order");
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "./bin/plugin" });
    let of = |cluster: &Value, user: Value| around.of(kubeconfig(cluster.clone(), user)).unwrap();
    let settings = of(&server(), json!({ "token": "t", "exec": exec }));
    assert_eq!((sent(&settings).as_str(), settings.exec.is_none()), ("Bearer t", true));
    let settings = of(&server(), json!({ "username": "u", "password": "p", "exec": exec }));
    assert_eq!((sent(&settings).as_str(), settings.exec.is_none()), ("Basic dTpw", true));
    let settings = of(&server(), json!({ "exec": exec }));
    let command = settings.exec.unwrap().command.unwrap();
    assert_eq!(Path::new(&command), around.folder.join("./bin/plugin"), "relative to the kubeconfig");
    // Those in the address go before all others, and do not stay in it.
    let settings = of(&json!({ "server": "https://u:p@h" }), json!({ "token": "t" }));
    assert_eq!(
        (sent(&settings).as_str(), settings.server.uri.to_string().as_str()),
        ("Basic dTpw", "https://h/")
    );
}

#[test]
fn a_plugin_is_given_the_cluster_if_it_wants_it() {
    let around = Around::new("info");
    let (pem, _, _) = certificate();
    let cluster = json!({
        "server": "https://h:1", "certificate-authority-data": encoded(pem.as_bytes()), "tls-server-name": "name",
        "extensions": [{ "name": "client.authentication.k8s.io/exec", "extension": { "audience": "a" } }],
    });
    let exec = |provide: bool| json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "x", "interactiveMode": "Never", "provideClusterInfo": provide } });
    let info = around.of(kubeconfig(cluster.clone(), exec(true))).unwrap().cluster_info.unwrap();
    assert_eq!(
        (&info["server"], &info["tls-server-name"], &info["config"]),
        (&"https://h:1".into(), &"name".into(), &json!({ "audience": "a" }))
    );
    assert!(
        pem::decoded(info["certificate-authority-data"].as_str().unwrap())
            .unwrap()
            .starts_with(b"-----BEGIN")
    );
    assert!(around.of(kubeconfig(cluster, exec(false))).unwrap().cluster_info.is_none());
}
