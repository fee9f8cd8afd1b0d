//! Servers, trust, proxies.

use super::{CLUSTER, Case, FAR, LOOPBACK, TOKEN, given};

const GUESS: &str = "kubectl guesses http, and sends no credentials; the SDK names what is missing";
const CLEAR: &str = "http beyond this machine needs allow_http";
const UNVERIFIED: &str = "insecure-skip-tls-verify needs allow_insecure_tls";

fn at(name: &'static str, server: &str) -> Case {
    given(name, &format!("server: {server}\ncertificate-authority-data: {{ca}}"), TOKEN)
}

pub(crate) fn addresses_of_servers() -> Vec<Case> {
    vec![
        at("an address", "https://127.0.0.1:{one}").sees("Bearer canary-token"),
        at("a name", "https://localhost:{one}").sees("localhost"),
        at("a slash at the end", "https://127.0.0.1:{one}/").sees("\"GET /api/v1/nodes?limit=500\""),
        at("a path", "https://127.0.0.1:{one}/k8s/clusters/c-1")
            .sees("\"GET /k8s/clusters/c-1/api/v1/nodes?limit=500\""),
        at("a path with slashes at its end", "https://127.0.0.1:{one}/k8s//")
            .sees("\"GET /k8s/api/v1/nodes?limit=500\""),
        at("a path with slashes inside", "https://127.0.0.1:{one}//k8s//clusters/c-1/"),
        at("a path with escapes", "https://127.0.0.1:{one}/k8s%20x/c"),
        at("a query and a fragment", "\"https://127.0.0.1:{one}/k8s?x=y#z\""),
        at("a scheme in capitals", "HTTPS://127.0.0.1:{one}"),
        at("quotes around it", "'https://127.0.0.1:{one}'"),
        at("user name and password in it", "https://user:canary%40x@127.0.0.1:{one}")
            .sees("Basic dXNlcjpjYW5hcnlAeA=="),
        at("a user name in it", "https://user@127.0.0.1:{one}"),
        at("no scheme", "127.0.0.1:{one}").refused(),
        at("no scheme, a name", "localhost:{one}").refused(),
        at("no scheme, clear text", "127.0.0.1:{plain}").but(GUESS),
        at("no scheme and a path", "127.0.0.1:{one}/k8s").refused(),
        at("another scheme", "ftp://127.0.0.1:{one}").refused(),
        at("an empty address", "\"\"").refused(),
        at("no host", "https://").refused(),
        at("blanks", "\"https://127.0.0.1:{one} \"").refused(),
        at("a line end", "\"https://127.0.0.1:{one}\\n\"").refused(),
        at("a closed port", "https://127.0.0.1:{closed}").refused(),
        at("a port that is none", "https://127.0.0.1:99999").refused(),
        given("no address", "certificate-authority-data: {ca}", TOKEN).refused(),
        given("clear text on this machine", "server: http://127.0.0.1:{plain}", TOKEN)
            .also_sends(LOOPBACK)
            .sees("canary-token"),
        given(
            "clear text and a password",
            "server: http://localhost:{plain}",
            "username: u\npassword: canary",
        )
        .also_sends(LOOPBACK),
        given(
            "clear text and impersonation",
            "server: http://127.0.0.1:{plain}",
            "token: canary\nas: someone",
        )
        .also_sends(LOOPBACK)
        .sees("someone"),
        given("clear text to a proxy and beyond", "server: http://kube.test:{plain}", TOKEN)
            .set("HTTP_PROXY", "http://127.0.0.1:{http-proxy}")
            .refused(),
        given("clear text beyond this machine", "server: http://0.0.0.0:{plain}", TOKEN).but(CLEAR),
        given(
            "TLS spoken to clear text",
            "server: https://127.0.0.1:{plain}\ncertificate-authority-data: {ca}",
            TOKEN,
        )
        .refused(),
        given("clear text spoken to TLS", "server: http://127.0.0.1:{one}", TOKEN).refused(),
    ]
}

pub(crate) fn trust_in_servers() -> Vec<Case> {
    let one = "server: https://127.0.0.1:{one}";
    let with = |name, more: &str| given(name, &format!("{one}\n{more}"), TOKEN);
    vec![
        with("base64 in lines", "certificate-authority-data: |\n  {ca-lines}"),
        with("base64 in lines without the last line end", "certificate-authority-data: |-\n  {ca-lines}"),
        with("base64 in folded lines", "certificate-authority-data: >\n  {ca-lines}")
            .refused()
            .but("white space inside base64 is ignored, be it line ends or what YAML folds them into"),
        with("a file beside it", "certificate-authority: pki/ca.crt").file("pki/ca.crt", "{ca-pem}"),
        with("a file elsewhere", "certificate-authority: '{folder}/ca.crt'").file("ca.crt", "{ca-pem}"),
        with("a missing file", "certificate-authority: ca.crt").refused(),
        with("a bundle with text", "certificate-authority: ca.crt")
            .file("ca.crt", "Subject: other\n{other-ca-pem}\nSubject: ours\n{ca-pem}\n"),
        with("a bundle with something broken", "certificate-authority: ca.crt")
            .file("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{ca-pem}"),
        with("no PEM", "certificate-authority-data: Y2FuYXJ5").refused(),
        with("no base64", "certificate-authority-data: canary!").refused(),
        with("another authority", "certificate-authority-data: {other-ca}").refused(),
        with("empty data", "certificate-authority-data: \"\"").refused(),
        with("empty data and what the system trusts", "certificate-authority-data: \"\"")
            .file("ca.crt", "{ca-pem}")
            .set("SSL_CERT_FILE", "{folder}/ca.crt"),
        with("no data and what the system trusts", "tls-server-name: \"\"")
            .file("ca.crt", "{ca-pem}")
            .set("SSL_CERT_FILE", "{folder}/ca.crt"),
        with("empty data beside a file", "certificate-authority-data: \"\"\ncertificate-authority: ca.crt")
            .file("ca.crt", "{ca-pem}"),
        with("data and a file", "certificate-authority-data: {ca}\ncertificate-authority: ca.crt")
            .file("ca.crt", "{ca-pem}")
            .refused(),
        with("another name", "certificate-authority-data: {ca}\ntls-server-name: kube.test"),
        with("a wrong name", "certificate-authority-data: {ca}\ntls-server-name: wrong.test").refused(),
        with("an empty name", "certificate-authority-data: {ca}\ntls-server-name: \"\""),
        with("an address as a name", "certificate-authority-data: {ca}\ntls-server-name: 127.0.0.1"),
        with("no verification", "insecure-skip-tls-verify: true").but(UNVERIFIED),
        with("no verification, allowed", "insecure-skip-tls-verify: true").insecure(),
        with("no verification, in the older words", "insecure-skip-tls-verify: yes").insecure(),
        with(
            "no verification and an authority",
            "insecure-skip-tls-verify: true\ncertificate-authority-data: {ca}",
        )
        .insecure()
        .refused(),
        with("verification", "insecure-skip-tls-verify: false\ncertificate-authority-data: {ca}"),
    ]
}

pub(crate) fn proxies_of_the_kubeconfig() -> Vec<Case> {
    let near = |name, url: &str| given(name, &format!("{CLUSTER}\nproxy-url: {url}"), TOKEN);
    let far = |name, url: &str| given(name, &format!("{FAR}\nproxy-url: {url}"), TOKEN);
    let http = "http://127.0.0.1:{http-proxy}";
    let socks = "socks5://127.0.0.1:{socks-proxy}";
    vec![
        far("http", http).sees("\"CONNECT kube.test:{one}\""),
        far("http with a slash", "http://127.0.0.1:{http-proxy}/"),
        far("http with a password", "http://user:canary%40@127.0.0.1:{http-proxy}")
            .sees("Basic dXNlcjpjYW5hcnlA"),
        far("socks5", socks).sees("\"CONNECT kube.test:{one}\""),
        far("socks5h", "socks5h://127.0.0.1:{socks-proxy}")
            .refused()
            .but("it says what socks5 does as well: names are resolved by the proxy"),
        near("http to this machine", http).sees("http-proxy"),
        near("socks5 to this machine", socks).sees("socks-proxy"),
        near("socks5 and the usual NO_PROXY", socks)
            .set("NO_PROXY", "localhost,127.0.0.1,.svc,10.0.0.0/8")
            .sees("socks-proxy"),
        far("http and NO_PROXY for all", http).set("NO_PROXY", "*").sees("http-proxy"),
        far("before the environment", socks)
            .set("HTTPS_PROXY", "http://127.0.0.1:{http-proxy}")
            .sees("socks-proxy"),
        near("an empty one", "\"\""),
        far("an empty one and the environment", "\"\"")
            .set("HTTPS_PROXY", "http://127.0.0.1:{http-proxy}")
            .sees("http-proxy"),
        far("no scheme", "127.0.0.1:{http-proxy}").refused(),
        far("another scheme", "ftp://user:canary@127.0.0.1:{http-proxy}").refused(),
        far("a closed port", "http://127.0.0.1:{closed}").refused(),
        far("what is no address", "http://[canary").refused(),
    ]
}

pub(crate) fn proxies_of_the_environment() -> Vec<Case> {
    let near = |name| given(name, CLUSTER, TOKEN);
    let far = |name| given(name, FAR, TOKEN);
    const HTTP: &str = "http://127.0.0.1:{http-proxy}";
    const NONE: &str = "http://127.0.0.1:{closed}";
    let proxied = |name| far(name).set("HTTPS_PROXY", HTTP);
    vec![
        proxied("HTTPS_PROXY").sees("\"CONNECT kube.test:{one}\""),
        far("https_proxy").set("https_proxy", HTTP).sees("http-proxy"),
        far("capitals go first").set("HTTPS_PROXY", HTTP).set("https_proxy", NONE),
        far("no scheme").set("HTTPS_PROXY", "127.0.0.1:{http-proxy}").sees("http-proxy"),
        far("a password")
            .set("HTTPS_PROXY", "http://user:canary@127.0.0.1:{http-proxy}")
            .sees("proxy-authorization"),
        far("socks5").set("HTTPS_PROXY", "socks5://127.0.0.1:{socks-proxy}").sees("socks-proxy"),
        far("socks5h").set("HTTPS_PROXY", "socks5h://127.0.0.1:{socks-proxy}").sees("socks-proxy"),
        far("a closed port").set("HTTPS_PROXY", NONE).refused(),
        far("what is no address").set("HTTPS_PROXY", "http://[canary").refused(),
        near("an empty variable").set("HTTPS_PROXY", ""),
        far("only the proxy for http").set("HTTP_PROXY", HTTP).refused(),
        far("ALL_PROXY is not known").set("ALL_PROXY", HTTP).refused(),
        near("this machine is reached directly").set("HTTPS_PROXY", NONE),
        near("this machine is reached directly, with NO_PROXY")
            .set("HTTPS_PROXY", NONE)
            .set("NO_PROXY", "127.0.0.1"),
        given(
            "this machine by name",
            "server: https://localhost:{one}\ncertificate-authority-data: {ca}",
            TOKEN,
        )
        .set("HTTPS_PROXY", NONE),
        near("ALL_PROXY and this machine").set("ALL_PROXY", NONE),
        proxied("NO_PROXY with another host").set("NO_PROXY", "example.com").sees("http-proxy"),
        proxied("NO_PROXY that ends with a comma")
            .set("NO_PROXY", "example.com,127.0.0.1,")
            .sees("http-proxy"),
        proxied("NO_PROXY with the host").set("NO_PROXY", "kube.test").refused(),
        proxied("NO_PROXY with the domain").set("NO_PROXY", "localhost, .test").refused(),
        proxied("NO_PROXY with the domain and no dot").set("NO_PROXY", "test").refused(),
        proxied("NO_PROXY with the host and its port").set("NO_PROXY", "kube.test:{one}").refused(),
        proxied("NO_PROXY with the host and another port").set("NO_PROXY", "kube.test:1").sees("http-proxy"),
        proxied("NO_PROXY for all").set("NO_PROXY", "*").refused(),
        proxied("no_proxy").set("no_proxy", "kube.test").refused(),
        proxied("NO_PROXY with part of a name").set("NO_PROXY", "ube.test").sees("http-proxy"),
        given(
            "NO_PROXY with a network",
            "server: https://10.1.2.3:{one}\ntls-server-name: kube.test\ncertificate-authority-data: {ca}",
            TOKEN,
        )
        .set("HTTPS_PROXY", HTTP)
        .set("NO_PROXY", "10.9.0.0/16,192.168.0.0/16")
        .sees("\"CONNECT 10.1.2.3:{one}\""),
    ]
}
