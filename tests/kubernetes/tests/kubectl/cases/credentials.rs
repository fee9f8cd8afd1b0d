//! Tokens, passwords, certificates, impersonation.

use super::{ASKS, CLUSTER, Case, given};

fn user(name: &'static str, user: &str) -> Case {
    given(name, CLUSTER, user)
}

pub(crate) fn tokens_and_token_files() -> Vec<Case> {
    let with = |name, text: &str, content: &str| user(name, text).file("token", content);
    vec![
        user("a token", "token: canary-token").sees("\"Bearer canary-token\""),
        user("a token in quotes", "token: \"canary-token\""),
        user("a token in a block", "token: |-\n  canary-token"),
        user("a token with a line end", "token: |\n  canary-token\n").refused().but(TRIMMED),
        user("a token with a blank at its end", "token: 'canary-token '"),
        user("a token with a line end inside", "token: \"canary\\ntoken\"").refused(),
        user("an empty token", "token: \"\"").refused().but(ASKS),
        user("no token", "token: null").refused().but(ASKS),
        user("a number", "token: 12345").refused(),
        user("a list", "token: [canary]").refused(),
        with("a token file", "tokenFile: token", "canary-file").sees("\"Bearer canary-file\""),
        with("a token file with a line end", "tokenFile: token", "canary-file\n")
            .sees("\"Bearer canary-file\""),
        with("a token file with a Windows line end", "tokenFile: token", "canary-file\r\n")
            .sees("\"Bearer canary-file\""),
        with("a token file elsewhere", "tokenFile: '{folder}/token'", "canary-file"),
        with("a token and a token file", "token: canary-token\ntokenFile: token", "canary-file\n")
            .sees("\"Bearer canary-file\""),
        with("a token and an empty token file", "token: canary-token\ntokenFile: token", "")
            .sees("\"Bearer canary-token\""),
        user("a token and a missing token file", "token: canary-token\ntokenFile: missing")
            .sees("\"Bearer canary-token\""),
        user("a missing token file", "tokenFile: missing").refused(),
        with("an empty token file", "tokenFile: token", "").refused(),
        with("a token file of blanks", "tokenFile: token", "\n\n").refused(),
    ]
}

const TRIMMED: &str =
    "white space around a token is never part of it; kubectl refuses what HTTP does not take";

pub(crate) fn passwords_and_providers() -> Vec<Case> {
    let oidc = |name, token: &str| {
        let config = format!("idp-issuer-url: https://issuer.test\n    client-id: c\n    id-token: {token}");
        user(name, &format!("auth-provider:\n  name: oidc\n  config:\n    {config}"))
    };
    vec![
        user("a password", "username: user\npassword: canary").sees("Basic dXNlcjpjYW5hcnk="),
        user("a password with a colon", "username: user\npassword: 'a:b'"),
        user("an empty password", "username: user\npassword: \"\"").sees("Basic dXNlcjo="),
        user("no password", "username: user").sees("Basic dXNlcjo="),
        user("a password without a user name", "password: canary").refused().but(ASKS),
        user("a password and a token", "username: user\npassword: canary\ntoken: canary").refused(),
        user("a password and a token file", "username: user\npassword: canary\ntokenFile: token")
            .file("token", "canary")
            .refused(),
        oidc("the token of a provider", "e30.eyJleHAiOjk5OTk5OTk5OTl9.x").sees("Bearer e30."),
        oidc("the ended token of a provider", "e30.eyJleHAiOjEwMDB9.x").refused(),
        oidc("no token of a provider", "\"\"").refused(),
        oidc("what is no token of a provider", "canary").refused(),
        user("a removed provider", "auth-provider:\n  name: gcp\n  config:\n    access-token: canary")
            .refused(),
        user("an unknown provider", "auth-provider:\n  name: canary").refused(),
    ]
}

pub(crate) fn client_certificates() -> Vec<Case> {
    const DATA: &str = "client-certificate-data: {cert}\nclient-key-data: {key}";
    const FILES: &str = "client-certificate: pki/c.crt\nclient-key: pki/c.key";
    let files =
        |name, text: &str| user(name, text).file("pki/c.crt", "{cert-pem}").file("pki/c.key", "{key-pem}");
    vec![
        user("data", DATA).sees("certificate: Some(\"client-one\")"),
        files("files", FILES).sees("certificate: Some(\"client-one\")"),
        files("a file and data", "client-certificate: pki/c.crt\nclient-key-data: {key}"),
        user("a certificate and a token", &format!("{DATA}\ntoken: canary-token")).sees("canary-token"),
        user("a certificate and a password", &format!("{DATA}\nusername: u\npassword: p")).sees("client-one"),
        user("empty data", "client-certificate-data: \"\"\nclient-key-data: \"\"\ntoken: canary-token"),
        files(
            "empty data beside files",
            &format!("{FILES}\nclient-certificate-data: \"\"\nclient-key-data: \"\""),
        )
        .sees("client-one"),
        user("no key", "client-certificate-data: {cert}").refused(),
        user("no certificate", "client-key-data: {key}\ntoken: canary-token"),
        files("the certificate twice", &format!("{FILES}\nclient-certificate-data: {{cert}}")).refused(),
        files("the key twice", &format!("{FILES}\nclient-key-data: {{key}}")).refused(),
        user("another key", "client-certificate-data: {cert}\nclient-key-data: {key-two}").refused(),
        user("no PEM", "client-certificate-data: Y2FuYXJ5\nclient-key-data: Y2FuYXJ5").refused(),
        user("no base64", "client-certificate-data: canary!\nclient-key-data: canary!").refused(),
        user("missing files", FILES).refused(),
        user("text around them", "client-certificate: c.crt\nclient-key: c.key")
            .file("c.crt", "Certificate:\n    Data:\n{cert-pem}")
            .file("c.key", "Key:\n{key-pem}\nmore"),
        user("both in one file", "client-certificate: both.pem\nclient-key: both.pem")
            .file("both.pem", "{key-pem}{cert-pem}")
            .sees("client-one"),
        user("X.509 v1", "client-certificate-data: {cert-v1}\nclient-key-data: {key}")
            .but("the TLS library takes X.509 v3 only; the error says so"),
        given("in clear text it stays unread", "server: http://127.0.0.1:{plain}", DATA),
    ]
}

pub(crate) fn impersonation() -> Vec<Case> {
    vec![
        user("a user", "token: canary-token\nas: someone").sees("(\"impersonate-user\", \"someone\")"),
        user(
            "a user, an ID and groups",
            "token: canary-token\nas: someone\nas-uid: '7'\nas-groups: [one, two]",
        ),
        user(
            "more of a user",
            "token: canary-token\nas: someone\nas-user-extra:\n  example.com/Namespaces: [a, b]\n  x y: [c]",
        ),
        user("an empty user", "token: canary-token\nas: \"\""),
        user("groups alone", "token: canary-token\nas-groups: [one]").refused(),
        user("an ID alone", "token: canary-token\nas-uid: one").refused(),
        user("a line end", "token: canary-token\nas: \"some\\none\"").refused(),
    ]
}
