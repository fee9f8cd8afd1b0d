//! What makes an answer the same as a recorded one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::client::Reply;

/// Fields that may be null on one side and not on the other: it depends on what they are about.
const NULLABLE: &[&str] = &[
    "resource_id",
    "resource_name",
    "details",
    "user_id",
    "user_email",
    "user_name",
    "title",
    "tags",
    "billing_plan_id",
    "billing_period_start",
    "billing_period_end",
    "billing_cycle_start",
    "billing_cycle_end",
    "expiry",
    "max_budget",
    "model_budgets",
    "ip_whitelist",
    "tag",
    "progress",
    "provider",
    "local_path",
    "cluster",
    "simulator_id",
    "bud_simulator_events",
    "quantization_simulation_events",
    "budserve_cluster_events",
    "project",
    "endpoint_name",
    "deploy_config",
    "hardware_mode",
    "model",
    "model_id",
    "icon",
    "start",
    "end",
    "description",
    "company",
    "purpose",
    "previous_state",
    "new_state",
];

pub(super) struct Book {
    pub(super) recorded: BTreeMap<String, Value>,
    pub(super) seen: BTreeSet<String>,
    pub(super) wrong: Vec<String>,
}

impl Book {
    pub(super) fn open() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../contract/runtime/");
        let read = |name: &str| std::fs::read_to_string(format!("{folder}{name}")).unwrap();
        let all = read("exchanges_keycloak.jsonl") + &read("exchanges.jsonl");
        let lines = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let recorded = lines.map(|line| (line["name"].as_str().unwrap().to_owned(), line)).collect();
        Self { recorded, seen: BTreeSet::new(), wrong: Vec::new() }
    }

    /// The answer is what was recorded under this name, as far as that is not about one moment.
    pub(super) fn same(&mut self, name: &str, reply: Reply) -> Value {
        let line = self.recorded.get(name).unwrap_or_else(|| panic!("{name} was not recorded"));
        let ours = if reply.body.is_empty() { json!("") } else { reply.json() };
        match compare(line, &reply, &ours) {
            Ok(()) => drop(self.seen.insert(name.to_owned())),
            Err(why) => self.wrong.push(format!("{name}: {why}")),
        }
        ours
    }
}

fn compare(line: &Value, reply: &Reply, ours: &Value) -> Result<(), String> {
    let recorded = &line["response_body"];
    if u64::from(reply.status) != line["status"].as_u64().unwrap() {
        return Err(format!("{} became {} {}", line["status"], reply.status, reply.text()));
    }
    let kind = line["response_headers"]["content-type"].as_str().unwrap_or_default();
    let got = reply.header("content-type").unwrap_or_default();
    if got != kind {
        return Err(format!("{kind} became {got}"));
    }
    if kind.starts_with("text/csv") {
        let same = reply.text().lines().next() == recorded.as_str().unwrap().lines().next();
        return if same { Ok(()) } else { Err(reply.text()) };
    }
    if let Some(text) = recorded.as_str() {
        return if reply.text() == text { Ok(()) } else { Err(reply.text()) };
    }
    let difference = if reply.status < 300 { differ("", recorded, ours) } else { refused(recorded, ours) };
    difference.map_or(Ok(()), |difference| Err(format!("{difference}\n  {recorded}\n  {ours}")))
}

/// Errors: the same words, or the same rules at the same places.
fn refused(recorded: &Value, ours: &Value) -> Option<String> {
    if let Some(fields) = recorded["detail"].as_array() {
        let found = ours["detail"].as_array().cloned().unwrap_or_default();
        return fields.iter().find_map(|field| {
            let rule = |found: &&Value| found["type"] == field["type"] && found["loc"][0] == field["loc"][0];
            let echoed = found.iter().find(rule).is_some_and(|found| found.get("input").is_some());
            (!echoed).then(|| format!("{field} is not there"))
        });
    }
    let without = |body: &Value| {
        let mut text = body.to_string();
        // The identifiers and addresses of two worlds differ.
        for part in
            body["message"].as_str().or(body["detail"].as_str()).unwrap_or_default().split([' ', '\''])
        {
            if part.len() == 36 || part.contains('@') {
                text = text.replace(part, "...");
            }
        }
        text
    };
    (without(recorded) != without(ours)).then(|| "other words".to_owned())
}

/// Where two bodies differ in fields or types.
fn differ(path: &str, recorded: &Value, ours: &Value) -> Option<String> {
    let name = path.rsplit('/').next().unwrap_or_default();
    match (recorded, ours) {
        (Value::Object(recorded), Value::Object(ours)) => {
            let names =
                |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            // Keys of maps, and what a deployment was given, are no fields.
            let free = ["features", "payload", "deploy_config", "details", "result/error"].contains(&name);
            if !free && names(recorded) != names(ours) {
                let odd: Vec<_> = names(recorded).symmetric_difference(&names(ours)).cloned().collect();
                return Some(format!("{path}: {odd:?}"));
            }
            recorded
                .iter()
                .filter(|(key, _)| ours.contains_key(*key))
                .find_map(|(key, value)| differ(&format!("{path}/{key}"), value, &ours[key]))
        }
        (Value::Array(recorded), Value::Array(ours)) => {
            recorded.first().zip(ours.first()).and_then(|(recorded, ours)| differ(path, recorded, ours))
        }
        (Value::Null, Value::Null) => None,
        (Value::Null, _) | (_, Value::Null) if NULLABLE.contains(&name) => None,
        (a, b) if std::mem::discriminant(a) == std::mem::discriminant(b) => None,
        (a, b) => Some(format!("{path}: {a} and {b}")),
    }
}
