//! Connecting: credentials that end, plugins that hang, servers that are silent or strange.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bud_kubernetes_testbed::{Cluster as Bed, Outcome};
use bud_sdk::ErrorKind;
use bud_sdk::kubernetes::Cluster;
use serde_json::{Value, json};

use super::{connected, told};

/// Three times ten of what is allowed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kubeconfig for this server, with this user.
fn kubeconfig(bed: &Bed, name: &str, server: &str, user: Value) -> Outcome<PathBuf> {
    use base64::Engine;
    let authority = base64::engine::general_purpose::STANDARD.encode(bed.authority());
    let cluster = match server.starts_with("https") {
        true => json!({ "server": server, "certificate-authority-data": authority }),
        false => json!({ "server": server }),
    };
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{ "name": "one", "cluster": cluster }],
        "users": [{ "name": "one", "user": user }],
        "contexts": [{ "name": "one", "context": { "cluster": "one", "user": "one", "namespace": "here" } }],
    });
    let path = bed.folder().join(format!("{name}.kubeconfig"));
    fs::write(&path, config.to_string()).map_err(|error| error.to_string())?;
    Ok(path)
}

fn plugin(bed: &Bed, name: &str, script: &str) -> Outcome<Value> {
    let path = bed.folder().join(name);
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).map_err(|error| error.to_string())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    Ok(
        json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": path, "interactiveMode": "IfAvailable" } }),
    )
}

fn credential(token: &str) -> String {
    json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": { "token": token } }).to_string()
}

pub(crate) async fn refused_credentials_are_got_anew_once(bed: &Bed) -> Outcome {
    bed.add_namespace("plugins").await?;
    let account = bed.service_account("plugins", "robot").await?;
    let token = account.token().ok_or("no token")?;
    let count = bed.folder().join("plugin-runs");
    let counted = |then: &str| format!("echo x >> '{}'\n{then}", count.display());
    let runs = || fs::read_to_string(&count).map_or(0, |text| text.lines().count());
    // The first token is old; the account may do nothing, which the server says once it knows it.
    let script = counted(&format!(
        "if [ \"$(wc -l < '{}')\" -gt 1 ]; then echo '{}'; else echo '{}'; fi",
        count.display(),
        credential(token),
        credential("an-old-token"),
    ));
    let user = plugin(bed, "renewing", &script)?;
    let cluster =
        connected(Cluster::builder().kubeconfig(kubeconfig(bed, "renewing", bed.url(), user)?)).await?;
    assert_eq!((runs(), cluster.default_namespace().as_str()), (1, "here"));
    let denied = cluster.pods("plugins").await.unwrap_err();
    assert_eq!((denied.kind(), runs()), (ErrorKind::PermissionDenied, 2), "{denied}");

    // One that stays old is asked for once more, and not for ever.
    fs::remove_file(&count).map_err(|error| error.to_string())?;
    let user = plugin(bed, "stubborn", &counted(&format!("echo '{}'", credential("an-old-token"))))?;
    let cluster =
        connected(Cluster::builder().kubeconfig(kubeconfig(bed, "stubborn", bed.url(), user)?)).await?;
    let refused = cluster.pods("plugins").await.unwrap_err();
    assert_eq!((refused.kind(), runs()), (ErrorKind::AuthRejected, 2), "{refused}");
    assert!(!format!("{refused} {refused:?}").contains("an-old-token"));
    Ok(())
}

pub(crate) async fn a_plugin_cannot_hang_or_ask(bed: &Bed) -> Outcome {
    let cases = [
        ("hanging", "sleep 600".to_owned(), "was not done within"),
        ("failing", "echo 'log in first' >&2; exit 3".to_owned(), "log in first"),
        ("talking", "echo hello".to_owned(), "printed no ExecCredential"),
        // There is nobody to answer.
        ("asking", format!("read answer || exit 7; echo '{}'", credential("t")), "failed (exit status: 7)"),
    ];
    for (name, script, why) in cases {
        let path = kubeconfig(bed, name, bed.url(), plugin(bed, name, &script)?)?;
        let started = Instant::now();
        let builder = Cluster::builder().kubeconfig(path).connect_timeout(Duration::from_secs(1));
        let error = builder.connect().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains(why), "{name}: {error}");
        assert!(started.elapsed() < PATIENCE, "{name}: {:?}", started.elapsed());
    }
    Ok(())
}

pub(crate) async fn each_way_not_to_reach_a_server_has_its_name(bed: &Bed) -> Outcome {
    let user = || json!({ "token": "canary-token" });
    let limited = |path| {
        Cluster::builder()
            .kubeconfig(path)
            .request_timeout(Duration::from_secs(1))
            .connect_timeout(Duration::from_secs(1))
    };
    let failure = async |name: &str, server: &str| {
        let cluster = connected(limited(kubeconfig(bed, name, server, user())?)).await?;
        let started = Instant::now();
        let error = cluster.nodes().await.unwrap_err();
        assert!(started.elapsed() < PATIENCE, "{name}: {:?}", started.elapsed());
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        Ok::<_, String>(error)
    };
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let silent_url = format!("http://{}", silent.local_addr().map_err(|error| error.to_string())?);
    let error = failure("silent", &silent_url).await?;
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let closed = closed.map_err(|error| error.to_string())?;
    let error = failure("closed", &format!("http://{closed}")).await?;
    assert!(error.kind() == ErrorKind::Connect && error.hint().is_some(), "{error}");
    let elsewhere = bed.url().replace("127.0.0.1", "no-such-host.invalid");
    let error = failure("unknown-name", &elsewhere).await?;
    assert_eq!(error.kind(), ErrorKind::Connect, "{error}");

    // Another authority than the one that signed the server's certificate.
    let other =
        rcgen::generate_simple_self_signed(["other".to_owned()]).map_err(|error| error.to_string())?;
    let path = kubeconfig(bed, "other-ca", bed.url(), user())?;
    let mut config: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    use base64::Engine;
    let pem = base64::engine::general_purpose::STANDARD.encode(other.cert.pem());
    config["clusters"][0]["cluster"]["certificate-authority-data"] = pem.into();
    fs::write(&path, config.to_string()).unwrap();
    let error = connected(limited(path.clone())).await?.nodes().await.unwrap_err();
    assert!(error.kind() == ErrorKind::Tls && error.hint().is_some(), "{error}");

    config["clusters"][0]["cluster"] = json!({ "server": bed.url(), "insecure-skip-tls-verify": true });
    fs::write(&path, config.to_string()).unwrap();
    let error = limited(path.clone()).connect().await.unwrap_err();
    assert!(
        error.kind() == ErrorKind::Config && error.to_string().contains("insecure-skip-tls-verify"),
        "{error}"
    );
    let error = connected(limited(path).allow_insecure_tls()).await?.nodes().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRejected, "the server itself answers: {error}");

    for (path, why) in [("nowhere.kubeconfig", "nowhere.kubeconfig"), ("", "kubeconfig")] {
        let error = limited(bed.folder().join(path)).connect().await.unwrap_err();
        assert!(error.kind() == ErrorKind::Config && error.to_string().contains(why), "{error}");
    }
    let error = limited(bed.kubeconfig()).context("no-such-context").connect().await.unwrap_err();
    assert!(error.to_string().contains("no-such-context"), "{error}");
    told(connected(limited(bed.kubeconfig())).await?.nodes().await).map(drop)
}
