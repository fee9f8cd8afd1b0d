//! Objects as JSON through the API server, for tests to set up what they look at.

use std::time::Duration;

use serde_json::{Value, json};

use crate::identity::{Identity, Proof};
use crate::pki::client_config;
use crate::{Outcome, failed};

/// No call of a test takes longer.
const LIMIT: Duration = Duration::from_secs(60);
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// A client of the API server.
#[derive(Debug, Clone)]
pub struct Api {
    url: String,
    token: Option<String>,
    client: reqwest::Client,
}

/// What the API server said.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; null when it was no JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
}

impl Api {
    pub(crate) fn new(identity: &Identity) -> Outcome<Self> {
        let (token, pair) = match &identity.proof {
            Proof::Token(token) => (Some(token.clone()), None),
            Proof::Certificate(pair) => (None, Some(pair)),
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(client_config(&identity.authority, pair)?)
            .timeout(LIMIT)
            .no_proxy()
            // A connection belongs to the runtime that opened it, which may end before this client does.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(failed("an HTTP client"))?;
        Ok(Self { url: identity.url.clone(), token, client })
    }

    /// Sends a request as it is, with a content type if it has a body, and returns whatever is answered.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        accept: &str,
        body: Option<(&str, &Value)>,
    ) -> Outcome<Answer> {
        let what = format!("{method} {path}");
        let name = http::Method::from_bytes(method.as_bytes()).map_err(failed(&what))?;
        let mut request = self.client.request(name, format!("{}{path}", self.url)).header("accept", accept);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body.to_string());
        }
        let response = request.send().await.map_err(|error| format!("{what}: {}", chain(&error)))?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|error| format!("{what}: {}", chain(&error)))?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or_default(), text })
    }

    async fn done(
        &self,
        method: &str,
        path: &str,
        accept: &str,
        body: Option<(&str, &Value)>,
    ) -> Outcome<Value> {
        let answer = self.send(method, path, accept, body).await?;
        if (200..300).contains(&answer.status) {
            return Ok(answer.body);
        }
        let said = answer.body["message"].as_str().unwrap_or(&answer.text);
        Err(format!("{method} {path}: {} {said}", answer.status))
    }

    /// The object or list at a path.
    pub async fn get(&self, path: &str) -> Outcome<Value> {
        self.done("GET", path, "application/json", None).await
    }

    /// The same as the table that the server prints: the columns' names, and the rows' cells as text.
    pub async fn table(&self, path: &str) -> Outcome<(Vec<String>, Vec<Vec<String>>)> {
        let table = self.done("GET", path, TABLE, None).await?;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
        let names = list(&table["columnDefinitions"]).iter().map(|column| text(&column["name"])).collect();
        let rows = list(&table["rows"]);
        let rows = rows.iter().map(|row| list(&row["cells"]).iter().map(text).collect());
        Ok((names, rows.collect()))
    }

    /// Creates an object. A status that it has is written, too; the server would ignore it on creation.
    pub async fn create(&self, object: &Value) -> Outcome<Value> {
        let collection = collection(object)?;
        let created = self.done("POST", &collection, "application/json", json_body(object)).await?;
        if object["status"].is_null() {
            return Ok(created);
        }
        let name = created["metadata"]["name"].as_str().unwrap_or_default();
        self.patch_status(&format!("{collection}/{name}"), &object["status"]).await
    }

    /// Changes an object by a merge patch (RFC 7396).
    pub async fn patch(&self, path: &str, patch: &Value) -> Outcome<Value> {
        self.done("PATCH", path, "application/json", Some(("application/merge-patch+json", patch))).await
    }

    /// Changes an object's status by a merge patch.
    pub async fn patch_status(&self, path: &str, status: &Value) -> Outcome<Value> {
        self.patch(&format!("{path}/status"), &json!({ "status": status })).await
    }

    /// Deletes an object, at once.
    pub async fn delete(&self, path: &str) -> Outcome<Value> {
        self.done("DELETE", &format!("{path}?gracePeriodSeconds=0"), "application/json", None).await
    }
}

fn json_body(body: &Value) -> Option<(&str, &Value)> {
    Some(("application/json", body))
}

/// The path under which objects of this kind are created.
fn collection(object: &Value) -> Outcome<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let version = text(&object["apiVersion"]).ok_or("an object without apiVersion")?;
    let kind = text(&object["kind"]).ok_or("an object without kind")?;
    let root = if version.contains('/') { "/apis" } else { "/api" };
    let kinds = plural(&kind.to_ascii_lowercase());
    Ok(match text(&object["metadata"]["namespace"]) {
        Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{kinds}"),
        None => format!("{root}/{version}/{kinds}"),
    })
}

fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with('e') => format!("{stem}ies"),
        _ if kind == "endpoints" => kind.to_owned(),
        _ if kind.ends_with('s') => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
}

/// An error with everything below it, for the outermost says only that there was one.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::collection;

    #[test]
    fn where_objects_are_created() {
        for (version, kind, namespace, path) in [
            ("v1", "Pod", Some("a"), "/api/v1/namespaces/a/pods"),
            ("v1", "Node", None, "/api/v1/nodes"),
            ("apps/v1", "Deployment", Some("a"), "/apis/apps/v1/namespaces/a/deployments"),
            ("storage.k8s.io/v1", "StorageClass", None, "/apis/storage.k8s.io/v1/storageclasses"),
            (
                "networking.k8s.io/v1",
                "NetworkPolicy",
                Some("a"),
                "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies",
            ),
            ("v1", "Endpoints", Some("a"), "/api/v1/namespaces/a/endpoints"),
        ] {
            let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {}});
            if let Some(namespace) = namespace {
                object["metadata"]["namespace"] = namespace.into();
            }
            assert_eq!(collection(&object).unwrap(), path);
        }
        assert!(collection(&json!({"kind": "Pod"})).is_err());
    }
}
