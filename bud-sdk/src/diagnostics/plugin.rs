//! Credential plugins of a kubeconfig: programs that print a token. They get no terminal to ask on, and a limited time.

use std::process::Stdio;
use std::time::Duration;

use kube::Config;
use kube::config::ExecConfig;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;

use crate::error::{Error, Result};
use crate::types::{Secret, Timestamp};

#[derive(Deserialize)]
struct Answer {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<Secret>,
    client_certificate_data: Option<String>,
    client_key_data: Option<Secret>,
    expiration_timestamp: Option<Timestamp>,
}

/// Runs the plugin and puts what it prints into the configuration; returns when that ends.
pub(super) async fn run(
    exec: &ExecConfig,
    config: &mut Config,
    within: Duration,
) -> Result<Option<Timestamp>> {
    let program = exec.command.as_deref().unwrap_or_default();
    let wrong = |why: String| {
        let hint =
            exec.install_hint.clone().unwrap_or_else(|| "run it by hand to see what it wants".to_owned());
        let shown = crate::api::clean(program, 200);
        Error::config(format!("the kubeconfig's credential plugin `{shown}` {why}")).with_hint(hint)
    };
    let spec = match exec.cluster.as_ref().filter(|_| exec.provide_cluster_info) {
        Some(cluster) => json!({ "interactive": false, "cluster": cluster }),
        None => json!({ "interactive": false }),
    };
    let asked = json!({ "apiVersion": exec.api_version, "kind": "ExecCredential", "spec": spec });
    let variable = |pair: &std::collections::HashMap<String, String>| {
        Some((pair.get("name")?.clone(), pair.get("value")?.clone()))
    };
    let mut command = Command::new(program);
    command
        .args(exec.args.iter().flatten())
        .envs(exec.env.iter().flatten().filter_map(variable))
        .env("KUBERNETES_EXEC_INFO", asked.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(within, command.output()).await;
    let ended = ended.map_err(|_| wrong(format!("was not done within {within:?}")))?;
    let output = ended.map_err(|error| wrong(format!("cannot be run: {error}")))?;
    if !output.status.success() {
        let said = crate::api::clean(&String::from_utf8_lossy(&output.stderr), 300);
        return Err(wrong(format!("failed ({}): {said}", output.status)));
    }
    // What it printed is a secret, readable or not.
    let answer: Answer = serde_json::from_slice(&output.stdout)
        .map_err(|_| wrong("printed no ExecCredential in JSON".to_owned()))?;
    let status = answer.status.ok_or_else(|| wrong("printed no status".to_owned()))?;
    let secret = |secret: Secret| SecretString::from(secret.expose().to_owned());
    let auth = &mut config.auth_info;
    match (status.token, status.client_certificate_data, status.client_key_data) {
        (None, None, _) => return Err(wrong("printed neither a token nor a certificate".to_owned())),
        (token, certificate, key) => {
            auth.token = token.map(secret);
            // A kubeconfig has them in base64, a plugin as PEM.
            auth.client_certificate_data = certificate.map(|pem| base64(pem.as_bytes()));
            auth.client_key_data = key.map(|pem| SecretString::from(base64(pem.expose().as_bytes())));
        }
    }
    Ok(status.expiration_timestamp)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_of_each_length() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("\u{fb}\u{ff}", "w7vDvw=="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
