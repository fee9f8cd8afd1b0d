//! The recordings.

use bud_sdk::{Client, Flavor};
use bud_testbed::{respond, respond_json};
use bytes::Bytes;
use serde_json::Value;

/// One recorded request and its answer.
#[derive(Clone)]
pub struct Exchange {
    pub name: String,
    pub method: String,
    /// Without its query.
    pub path: String,
    /// Ids replaced by `{id}`.
    pub template: String,
    pub query: Vec<(String, String)>,
    pub sent: Value,
    pub status: u16,
    pub content_type: String,
    pub headers: Value,
    pub answer: Value,
}

fn is_id(segment: &str) -> bool {
    segment == "not-a-uuid" || (segment.len() == 36 && segment.matches('-').count() == 4)
}

impl Exchange {
    pub fn all() -> Vec<Self> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/runtime/");
        let read = |name: &str| std::fs::read_to_string(format!("{folder}{name}")).unwrap();
        let all = read("exchanges.jsonl") + &read("exchanges_keycloak.jsonl");
        all.lines().map(|line| Self::read(&serde_json::from_str(line).unwrap())).collect()
    }

    fn read(line: &Value) -> Self {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let (path, mut query) = match text("path").split_once('?') {
            None => (text("path"), Vec::new()),
            Some((path, query)) => {
                let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
                (path.to_owned(), pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
            }
        };
        if let Value::Object(pairs) = &line["query"] {
            query.extend(pairs.iter().map(|(name, value)| (name.clone(), plain(value))));
        }
        let segments = path.split('/').map(|segment| if is_id(segment) { "{id}" } else { segment });
        Self {
            name: text("name"),
            method: text("method"),
            template: segments.collect::<Vec<_>>().join("/"),
            path,
            query,
            sent: line["request_body"].clone(),
            status: line["status"].as_u64().unwrap() as u16,
            content_type: line["response_headers"]["content-type"].as_str().unwrap_or_default().to_owned(),
            headers: line["response_headers"].clone(),
            answer: line["response_body"].clone(),
        }
    }

    /// A request to a template with an id, and nothing else.
    pub fn plain(method: &str, template: &str) -> Self {
        Self {
            name: format!("{method} {template}"),
            method: method.to_owned(),
            path: template.replace("{}", "00000000-0000-4000-8000-000000000000"),
            template: template.replace("{}", "{id}"),
            query: Vec::new(),
            sent: Value::Null,
            status: 200,
            content_type: "application/json".to_owned(),
            headers: Value::Null,
            answer: Value::Null,
        }
    }

    /// The answer as it went over the wire.
    pub fn response(&self) -> Bytes {
        let mut headers: Vec<(&str, &str)> = Vec::new();
        for name in ["location", "retry-after", "allow", "www-authenticate"] {
            if let Some(value) = self.headers[name].as_str() {
                headers.push((name, value));
            }
        }
        let body = match &self.answer {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        headers.push(("content-type", &self.content_type));
        respond(self.status, &headers, body)
    }

    /// The first id in the path, as in `/users/{id}/permissions`.
    pub fn id(&self) -> &str {
        self.path.split('/').find(|segment| is_id(segment)).unwrap_or("none")
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The part of the answer that the typed value stands for.
    pub fn payload(&self, pointer: &str) -> Result<&Value, String> {
        self.answer.pointer(pointer).ok_or_else(|| format!("nothing at {pointer:?} of the answer"))
    }
}

/// A token that nothing else looks like.
const TOKEN: &str = "replayed-token-0123456789";

pub fn client(url: &str, login: Option<(String, String)>, flavor: Option<Flavor>) -> Client {
    let builder = Client::builder().base_url(url).attempts(1);
    let builder = match login {
        Some((email, password)) => builder.password(email, password),
        None => builder.bearer_token(TOKEN),
    };
    match flavor {
        Some(flavor) => builder.flavor(flavor),
        None => builder,
    }
    .build()
    .unwrap()
}

/// An answer beside the recorded one.
pub fn answer(status: u16, body: &Value) -> Bytes {
    respond_json(status, body)
}
