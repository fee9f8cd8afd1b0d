//! What a scenario's server answers: written out, recorded from the real server, or a fixture of the documented API.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bud_testbed::{Script, Step, respond, respond_json};
use bytes::Bytes;
use serde_json::Value;

static RECORDED: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let lines = contract("runtime/exchanges_keycloak.jsonl") + &contract("runtime/exchanges.jsonl");
    let read = |line: &str| {
        let exchange: Value = serde_json::from_str(line).unwrap();
        (exchange["name"].as_str().unwrap().to_owned(), exchange)
    };
    lines.lines().map(read).collect()
});

fn contract(name: &str) -> String {
    let path = format!("{}/../tests/contract/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What each connection does: the answers in order, or, where requests are made at the same time, each to its own.
pub fn scripts(scenario: &Value) -> Vec<Script> {
    let exchanges = scenario["exchanges"].as_array().map(Vec::as_slice).unwrap_or_default();
    if scenario["any_order"] != true {
        return exchanges.iter().map(|exchange| script(&exchange["answer"])).collect();
    }
    let own = |exchange: &Value| {
        (exchange["request"]["line"].as_str().unwrap().to_owned(), bytes(&exchange["answer"]))
    };
    let answers = Arc::new(exchanges.iter().map(own).collect());
    let script = Script::new().read_request().step(Step::SendByLine(answers)).close();
    vec![script; exchanges.len()]
}

/// One connection: a request is read and answered.
fn script(answer: &Value) -> Script {
    if answer["close"] == true {
        return Script::new().read_request().close();
    }
    Script::answer(bytes(answer))
}

fn bytes(answer: &Value) -> Bytes {
    let status = answer["status"].as_u64().unwrap_or(200) as u16;
    if let Some(name) = answer["recorded"].as_str() {
        let exchange = RECORDED.get(name).unwrap_or_else(|| panic!("nothing was recorded as {name}"));
        let kind = exchange["response_headers"]["content-type"].as_str().unwrap_or_default();
        let mut headers = vec![("content-type", kind)];
        headers
            .extend(exchange["response_headers"]["retry-after"].as_str().map(|delay| ("retry-after", delay)));
        let body = match &exchange["response_body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        respond(exchange["status"].as_u64().unwrap() as u16, &headers, body)
    } else if let Some(name) = answer["fixture"].as_str() {
        let fixture: Value = serde_json::from_str(&contract(&format!("guide/{name}.json"))).unwrap();
        respond_json(status, &fixture)
    } else {
        let mut headers: Vec<(&str, &str)> = match answer["text"] {
            Value::String(_) => vec![("content-type", "text/plain")],
            _ => vec![("content-type", "application/json")],
        };
        for (name, value) in answer["headers"].as_object().into_iter().flatten() {
            headers.retain(|(known, _)| known != name);
            headers.push((name, value.as_str().unwrap()));
        }
        let body = match (&answer["text"], &answer["json"]) {
            (Value::String(text), _) => text.clone(),
            (_, Value::Null) => String::new(),
            (_, json) => json.to_string(),
        };
        respond(status, &headers, body)
    }
}
