//! Proxies of the environment: used, passed by, refused and blamed. The environment belongs to the process, so each
//! client lives in one of its own.

use std::fs;
use std::net::SocketAddr;

use bud_sdk::{Client, Flavor};
use bud_testbed::{Script, Wire};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::common::fault::new_user;
use crate::common::tls::{Home, authority, named, signed};
use crate::common::{Folder, TOKEN, USER, test_path};

/// A host that no machine has: it can only be reached by a proxy that knows it.
const API: &str = "https://api.bud.test";

/// The other process: one client, a change, and what came of it on standard output.
#[tokio::test]
async fn probe() {
    let Ok(url) = std::env::var("BUD_TEST_PROXIES") else { return };
    let builder = Client::builder().base_url(url).bearer_token(TOKEN).flavor(Flavor::Guide).env();
    let builder = match std::env::var_os("BUD_TEST_NO_PROXY") {
        Some(_) => builder.no_proxy(),
        None => builder,
    };
    let outcome = async { builder.build()?.users().create(new_user()).await }.await;
    match outcome {
        Ok(made) => println!("outcome: worked {}", made.user.id),
        Err(error) => println!(
            "outcome: {} attempts={} applied={} {error} {error:?}",
            error.code(),
            error.attempts(),
            error.maybe_applied()
        ),
    }
}

async fn call(url: &str, variables: &[(&str, &str)]) -> String {
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &test_path(module_path!(), "probe"), "--nocapture"]).env("BUD_TEST_PROXIES", url);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        child.env_remove(name).env_remove(name.to_lowercase());
    }
    child.env_remove("REQUEST_METHOD").envs(variables.iter().copied());
    let output = child.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("canary"), "{text}");
    text.split_once("outcome: ").unwrap().1.lines().next().unwrap().to_owned()
}

/// A proxy that leads every tunnel to one address, and reports what it was asked.
async fn tunnel(to: SocketAddr) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let asked = asked.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await.unwrap());
                }
                asked.send(String::from_utf8(head).unwrap()).unwrap();
                client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let mut server = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address.to_string(), heard)
}

#[tokio::test]
async fn a_proxy_leads_to_the_server_and_sees_no_token() {
    let authority = authority();
    let home = Home::healthy(signed(&named(&["api.bud.test"]), &authority)).await;
    let folder = Folder::new("proxies-ca");
    let bundle = folder.path().join("ca.pem");
    fs::write(&bundle, authority.pem()).unwrap();
    let (proxy, mut heard) = tunnel(home.address).await;
    for (name, value, login) in [
        ("HTTPS_PROXY", format!("http://{proxy}"), false),
        ("https_proxy", proxy.clone(), false),
        ("ALL_PROXY", format!(" http://{proxy}/ "), false),
        ("HTTPS_PROXY", format!("http://user:canary%21@{proxy}"), true),
    ] {
        let outcome = call(API, &[(name, &value), ("BUD_CA_CERTIFICATE", bundle.to_str().unwrap())]).await;
        assert!(outcome.starts_with(&format!("worked {USER}")), "{outcome}");
        let head = heard.recv().await.unwrap();
        assert!(head.starts_with("CONNECT api.bud.test:443 HTTP/1.1\r\n"), "{head}");
        assert!(!head.contains(TOKEN), "{head}");
        assert_eq!(head.contains("Proxy-Authorization: Basic dXNlcjpjYW5hcnkh\r\n"), login, "{head}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_down_is_blamed_and_not_the_server() {
    let refused = Wire::refused_url().await.unwrap();
    let address = refused.trim_start_matches("http://").trim_end_matches('/').to_owned();
    for (name, value) in [
        ("HTTPS_PROXY", refused.clone()),
        ("all_proxy", format!("http://user:canary@{address}")),
        ("https_proxy", format!("https://{address}")),
    ] {
        let outcome = call(API, &[(name, &value)]).await;
        let named = format!("the proxy {address} (from the environment variable {name}): no connection: ");
        assert!(outcome.starts_with("connect attempts=3 applied=false"), "{outcome}");
        assert!(outcome.contains(&named) && outcome.contains("NO_PROXY"), "{outcome}");
        assert!(!outcome.contains("base URL"), "{outcome}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_blamed_with_its_reason() {
    for (answer, attempts, why) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", 1, "requires a user name and password"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 3, "refused to connect to the server"),
        ("SSH-2.0-canary\r\n", 3, "refused to connect to the server"),
        ("", 3, "closed the connection without an answer"),
    ] {
        let script = Script::new().read(10).send(answer).close();
        let wire = Wire::builder().repeat_last().start([script]).await.unwrap();
        let outcome = call(API, &[("HTTPS_PROXY", wire.url())]).await;
        let begins = format!("connect attempts={attempts} applied=false");
        assert!(outcome.starts_with(&begins) && outcome.contains(why), "{answer}: {outcome}");
        assert!(outcome.contains(&wire.addr().to_string()) && outcome.contains("HTTPS_PROXY"), "{outcome}");
    }
    // One that speaks no TLS where TLS is expected.
    let wire =
        Wire::builder().repeat_last().start([Script::new().read(10).send("HTTP/1.1 400 x\r\n\r\n").close()]);
    let wire = wire.await.unwrap();
    let outcome = call(API, &[("HTTPS_PROXY", &wire.url().replace("http:", "https:"))]).await;
    assert!(outcome.starts_with("tls attempts=1 applied=false"), "{outcome}");
    assert!(outcome.contains(&format!("the proxy {}", wire.addr())), "{outcome}");
}

#[tokio::test]
async fn a_value_that_cannot_be_used_is_refused_and_never_a_direct_connection() {
    for (name, value) in [
        ("HTTPS_PROXY", "ftp://canary:1"),
        ("https_proxy", "http://canary\nproxy:1"),
        ("HTTPS_PROXY", "\"http://canary:3128\""),
        ("ALL_PROXY", "http://user:canary@proxy:port"),
        ("ALL_PROXY", "socks5://user:canary@127.0.0.1:1"),
        ("all_proxy", "socks5h://canary"),
    ] {
        let outcome = call(API, &[(name, value)]).await;
        assert!(outcome.starts_with("config attempts=0") && outcome.contains(name), "{value}: {outcome}");
    }
    let socks = call(API, &[("ALL_PROXY", "socks5://127.0.0.1:1")]).await;
    assert!(socks.contains("SOCKS proxies are not supported") && socks.contains("NO_PROXY"), "{socks}");
    // Blank is unset; the host does not exist, so the direct connection fails by its own name.
    for blank in ["", " ", "\n"] {
        let outcome = call(API, &[("HTTPS_PROXY", blank), ("ALL_PROXY", blank)]).await;
        assert!(
            outcome.starts_with("connect") && outcome.contains("api.bud.test:443"),
            "{blank:?}: {outcome}"
        );
    }
}

/// Also a broken value disturbs no call that would not use it.
#[tokio::test]
async fn exempt_and_loopback_servers_are_reached_directly() {
    let wire = Wire::builder().repeat_last().start([Script::new().close()]).await.unwrap();
    for (url, name, value) in [
        ("https://203.0.113.7:9", "NO_PROXY", "*"),
        (API, "no_proxy", " x.test , .BUD.test,"),
        (API, "NO_PROXY", "api.bud.test:443"),
        ("https://[2001:db8::7]:9", "NO_PROXY", "[2001:db8::7]:9"),
        ("https://203.0.113.7:9", "NO_PROXY", "203.0.113.0/24"),
        (API, "BUD_TEST_NO_PROXY", "1"),
    ] {
        // Unroutable addresses are not waited for.
        let variables = [("HTTPS_PROXY", wire.url()), (name, value), ("BUD_TIMEOUT", "0.5")];
        let outcome = call(url, &variables).await;
        assert!(!outcome.contains("the proxy"), "{url} {value}: {outcome}");
    }
    let nowhere = Wire::refused_url().await.unwrap();
    for url in
        [nowhere.clone(), nowhere.replace("http:", "https:"), nowhere.replace("127.0.0.1", "localhost")]
    {
        for value in [wire.url(), "ftp://canary"] {
            let outcome =
                call(&url, &[("HTTPS_PROXY", value), ("HTTP_PROXY", value), ("ALL_PROXY", value)]).await;
            assert!(outcome.starts_with("connect attempts=3"), "{outcome}");
        }
    }
    assert_eq!(wire.connections(), 0);
}
