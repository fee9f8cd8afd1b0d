//! The platform's own description of its answers: an example of each, with every field that it names, is fed to the
//! operation that asks for it. Every field is found again in the typed value, and none is unknown.

use bud_sdk::operations::Support;
use serde_json::{Map, Value, json};

use super::NOT_OFFERED;
use super::exchange::Exchange;
use super::plan;

/// Answers whose content the description leaves open. The recordings of each are read whole.
const OPEN: &[(&str, &str)] = &[
    ("POST /auth/login", "the identity provider's token, passed on as it is"),
    ("POST /auth/refresh-token", "likewise"),
    ("GET /users/{user_id}/permissions", "any `result`"),
    ("GET /audit/records", "anything; its records are those of GET /audit/records/{audit_id}"),
    ("GET /audit/records/{audit_id}/verify", "anything"),
    ("POST /audit/verify-batch", "anything"),
    ("GET /audit/find-tampered", "anything"),
    ("GET /audit/summary", "any `data`"),
    ("GET /billing/check-limits", "any `result`"),
    ("POST /billing/history", "any `result`; of the metrics service there is no recording"),
];

/// Alternatives that are never answered to what we ask.
const NOT_ASKED_FOR: &[(&str, &str)] = &[(
    "ProprietaryCredentialResponseList",
    "keys of model providers, which this list has only if asked for",
)];

/// Fields that the typed value does not have, or not under that name, by route.
const KEPT_OTHERWISE: &[(&str, &[&str], &str)] = &[
    (
        "POST /users/reset-password",
        &["acknowledged", "status", "transaction_id"],
        "an acknowledgement, of which nothing depends",
    ),
    ("GET /credentials/", &["key"], "a secret, which is not written: encrypted_key() gives it"),
    ("PUT /credentials/{credential_id}", &["key"], "likewise"),
    (
        "PUT /permissions/{user_id}/global",
        &["permissions"],
        "it repeats what was asked for: what holds is read from GET /users/{id}/permissions",
    ),
    ("GET /workflows/{workflow_id}", &["other_provider_creds", "extra_headers"], "secrets"),
    ("POST /models/deploy-workflow", &["other_provider_creds", "extra_headers"], "likewise"),
    (
        "GET /permissions/{user_id}/projects",
        &["name", "status", "permissions"],
        "a permission has a level and no scopes; the project's name and status are those of projects.get",
    ),
];

/// Routes that no operation goes to.
const NOT_GONE_TO: &[(&str, &str)] =
    &[("POST /clusters/{cluster_id}/settings", "PUT does it whether or not there are any")];

/// Routes that nobody has recorded, and which take nothing but an id.
const NOT_RECORDED: &[&str] = &["DELETE /clusters/{cluster_id}/settings"];

/// What the description does not say of a field.
fn example_of(field: &str, number: u64) -> Option<Value> {
    Some(match field {
        "CurrentUsageSchema.billing_period_start" | "CurrentUsageSchema.billing_period_end" => {
            json!(format!("2026-11-01T00:00:00.{number:06}+00:00"))
        }
        "MyPermissions.permissions" => {
            json!([{ "rsid": format!("id {number}"), "rsname": "module_user", "scopes": ["view", "manage"] }])
        }
        "PermissionList.name" => {
            json!(if number.is_multiple_of(2) { "endpoint:view" } else { "model:manage" })
        }
        "ClusterDetailResponse.hardware_type" => json!(["CPU", "GPU"]),
        "ClusterSettingsResponse.default_access_mode" => json!("ReadWriteMany"),
        "ModelClusterDetail.status" => json!("unhealthy"),
        _ if field.ends_with(".modality") => {
            json!({ "text": { "input": true, "output": false, "label": format!("text {number}") } })
        }
        _ if field.ends_with(".supported_endpoints") && !field.contains("EndpointListResponse") => {
            json!({ "chat": { "path": format!("v{number}/chat"), "enabled": true, "label": "Chat" } })
        }
        "RecommendedCluster.resource_details" => json!([{ "type": "GPU", "available": number, "total": 9 }]),
        "RecommendedCluster.required_devices" => json!([{
            "device_type": "cuda", "num_replicas": number, "concurrency": 2, "cost_per_million_tokens": 0.5,
        }]),
        _ if field.starts_with("RecommendedClusterData.") && field != "RecommendedClusterData.replicas" => {
            json!({ "label": "As expected", "value": number })
        }
        "ProjectListResponse.profile_colors" => json!([format!("#{number:06}")]),
        _ => return None,
    })
}

/// Of an open object, the schema that it was made by.
fn made_by(field: &str) -> Option<&'static str> {
    match field {
        "AutoscaleConfigResponse.budaiscaler_config" => Some("BudAIScalerSpecification"),
        "ModelClusterDetail.deployment_config" | "EndpointResponse.deployment_config" => {
            Some("DeploymentTemplateCreate")
        }
        _ => None,
    }
}

struct Schemas {
    all: Value,
    /// No two values of an example are the same.
    number: u64,
}

/// Of alternatives and enumerations, which one.
#[derive(Clone, Copy)]
enum Turn {
    Nth(usize),
    /// Null or nothing, where that may be.
    Least,
}

impl Schemas {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/runtime/schemas.json");
        Self { all: serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(), number: 0 }
    }

    fn routes(&self) -> Map<String, Value> {
        self.all["routes"].as_object().unwrap().clone()
    }

    /// The alternatives of a schema that can be answered, null not among them.
    fn alternatives<'a>(&self, any: &'a [Value]) -> Vec<&'a Value> {
        let lists_another = |one: &Value| one["type"] == "array" && any.contains(&one["items"]);
        let asked = |one: &Value| !NOT_ASKED_FOR.iter().any(|(name, _)| one["$ref"] == *name);
        any.iter().filter(|one| one["type"] != "null" && !lists_another(one) && asked(one)).collect()
    }

    /// How many examples it takes to have seen every alternative and every value of an enumeration.
    fn turns(&self, schema: &Value, depth: u32) -> usize {
        let inner = match schema {
            Value::Object(fields) => fields,
            _ => return 1,
        };
        if depth > 40 {
            return 1;
        }
        if let Some(name) = schema["$ref"].as_str() {
            return self.turns(&self.all["schemas"][name], depth + 1);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            let any = self.alternatives(any);
            let each = any.iter().map(|one| self.turns(one, depth + 1)).max().unwrap_or(1);
            return each.max(any.len());
        }
        if let Some(values) = schema["enum"].as_array() {
            return values.len();
        }
        let properties = inner.get("properties").and_then(Value::as_object);
        let parts = properties.into_iter().flat_map(|fields| fields.values()).chain(inner.get("items"));
        parts.map(|part| self.turns(part, depth + 1)).max().unwrap_or(1)
    }

    /// A value with all that the schema names; `at` is the model and field.
    fn example(&mut self, schema: &Value, turn: Turn, at: &str) -> Value {
        self.number += 1;
        let number = self.number;
        if let Some(name) = schema["$ref"].as_str() {
            let schema = self.all["schemas"][name].clone();
            return self.example(&schema, turn, name);
        }
        if let Some(any) = schema["anyOf"].as_array() {
            let nullable = any.iter().any(|one| one["type"] == "null");
            let any: Vec<Value> = self.alternatives(any).into_iter().cloned().collect();
            return match turn {
                Turn::Least if nullable => Value::Null,
                Turn::Least => self.example(&any[0], turn, at),
                Turn::Nth(turn_number) => self.example(&any[turn_number % any.len()], turn, at),
            };
        }
        if let Some(example) = example_of(at, number) {
            return example;
        }
        if let Some(name) = made_by(at) {
            return self.example(&json!({ "$ref": name }), turn, name);
        }
        if let Some(values) = schema["enum"].as_array() {
            return match turn {
                Turn::Nth(turn) => values[turn % values.len()].clone(),
                Turn::Least => values[0].clone(),
            };
        }
        let text = |schema: &Value, name: &str| schema[name].as_str().map(str::to_owned).unwrap_or_default();
        match (text(schema, "type").as_str(), text(schema, "format").as_str()) {
            ("object", _) => self.object(schema, turn, at),
            ("array", _) => {
                json!([self.example(&schema["items"], turn, at), self.example(&schema["items"], turn, at)])
            }
            ("string", "date-time") => json!(format!("2026-01-02T03:04:05.{number:06}Z")),
            ("string", "uuid" | "uuid4") => json!(format!("00000000-0000-4000-8000-{number:012}")),
            ("string", "email") => json!(format!("user{number}@example.com")),
            ("string", _) if text(schema, "pattern").starts_with("^(?!^[-+.]*$)") => {
                json!(format!("{number}.50"))
            }
            ("string", _) => json!(format!("text {number}")),
            ("integer", _) => json!(number),
            ("number", _) => json!(number as f64 + 0.5),
            ("boolean", _) => json!(number.is_multiple_of(2)),
            ("", "") => json!(format!("anything {number}")),
            other => panic!("{at}: {other:?}"),
        }
    }

    fn object(&mut self, schema: &Value, turn: Turn, at: &str) -> Value {
        let Some(properties) = schema["properties"].as_object().cloned() else {
            let value = match &schema["additionalProperties"] {
                inner @ Value::Object(_) => self.example(&inner.clone(), turn, at),
                _ => json!({ "deep": [self.number] }),
            };
            return json!({ "some key": value });
        };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let model = at.split('.').next().unwrap_or(at);
        let mut object = Map::new();
        for (name, property) in properties {
            // A list without its items is no list.
            let needed = required.contains(&json!(name)) || property["type"] == "array";
            if matches!(turn, Turn::Least) && !needed {
                continue;
            }
            let value = self.example(&property, turn, &format!("{model}.{name}"));
            object.insert(name, value);
        }
        object.into()
    }
}

/// The recording whose request is made again: one that succeeded if there is one, else any to that route.
fn recorded(route: &str) -> Option<Exchange> {
    let (method, template) = route.split_once(' ').unwrap();
    let template = nameless(template);
    let fits = |exchange: &Exchange| exchange.method == method && nameless(&exchange.template) == template;
    let known = |exchange: &Exchange| !NOT_OFFERED.iter().any(|(name, _)| *name == exchange.name);
    let mut all: Vec<Exchange> =
        Exchange::all().into_iter().filter(|exchange| fits(exchange) && known(exchange)).collect();
    all.sort_by_key(|exchange| exchange.status);
    let plain = || NOT_RECORDED.contains(&route).then(|| Exchange::plain(method, &template));
    all.into_iter().next().or_else(plain)
}

fn nameless(template: &str) -> String {
    let parts = template.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The operations that begin with a request to this route.
fn operations(route: &str) -> Vec<&'static str> {
    let (method, template) = route.split_once(' ').unwrap();
    let goes_there = |info: &&bud_sdk::operations::OperationInfo| {
        matches!(info.on("runtime"), Some(Support::Offered(to))
            if to.method.as_str() == method && nameless(to.path) == nameless(template))
    };
    bud_sdk::operations::all().iter().filter(goes_there).map(|info| info.id).collect()
}

#[test]
fn every_route_that_we_offer_is_one_of_the_platforms() {
    let routes = Schemas::read().routes();
    for info in bud_sdk::operations::all() {
        if let Some(Support::Offered(to)) = info.on("runtime") {
            let there = routes.keys().any(|route| {
                let (method, template) = route.split_once(' ').unwrap();
                method == to.method.as_str() && nameless(template) == nameless(to.path)
            });
            assert!(there, "{}: there is no {} {}", info.id, to.method, to.path);
        }
    }
    for (route, reason) in OPEN.iter().copied().chain(KEPT_OTHERWISE.iter().map(|kept| (kept.0, kept.2))) {
        assert!(routes.contains_key(route) && !reason.is_empty(), "{route}");
    }
}

#[tokio::test]
async fn every_field_of_every_answer_is_typed() {
    let mut schemas = Schemas::read();
    let mut wrong = Vec::new();
    for (route, described) in schemas.routes() {
        if OPEN.iter().any(|(open, _)| *open == route) {
            continue;
        }
        let exchange = recorded(&route);
        let plan = exchange.as_ref().and_then(plan::of);
        let (Some(exchange), Some(_)) = (exchange, plan) else {
            if !NOT_GONE_TO.iter().any(|(unused, _)| *unused == route) {
                wrong.push(format!("{route}: no recording is played for {:?}", operations(&route)));
            }
            continue;
        };
        let turns = schemas.turns(&described["answer"], 0);
        for turn in (0..turns).map(Turn::Nth).chain([Turn::Least]) {
            let mut exchange = exchange.clone();
            exchange.status = described["status"].as_u64().unwrap() as u16;
            exchange.answer = schemas.example(&described["answer"], turn, "");
            envelope(&mut exchange);
            show_change(&mut exchange);
            if let Err(why) = play(&exchange, &route).await {
                wrong.push(format!("{route}: {why}\n    {}", exchange.answer));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{} routes:\n{}", wrong.len(), wrong.join("\n"));
}

/// What an answer says of its page is what was asked for.
/// An answer to a change shows it, or the change is unconfirmed.
fn show_change(exchange: &mut Exchange) {
    fn copy(sent: &Value, answer: &mut Value) {
        let Value::Object(fields) = sent else { return };
        for (name, value) in fields {
            if value.is_object() { copy(value, answer) } else { set(answer, name, value) }
        }
    }
    fn set(answer: &mut Value, name: &str, value: &Value) {
        let Value::Object(fields) = answer else { return };
        for (own, field) in fields {
            if own == name {
                *field = value.clone();
            } else {
                set(field, name, value);
            }
        }
    }
    if !matches!(exchange.method.as_str(), "PUT" | "PATCH") {
        return;
    }
    let (sent, answer) = (exchange.sent.clone(), &mut exchange.answer);
    copy(&sent, answer);
    let enabled = sent.pointer("/budaiscaler_specification/enabled").cloned();
    if let Some(enabled) = enabled.filter(|_| answer.get("autoscale_enabled").is_some()) {
        answer["autoscale_enabled"] = enabled;
    }
    if exchange.path.ends_with("/reactivate") {
        set(answer, "status", &json!("active"));
    }
}

fn envelope(exchange: &mut Exchange) {
    let asked = |name: &str, usual: u64| {
        let asked = exchange.query(name).and_then(|text| text.parse::<u64>().ok());
        asked.unwrap_or(usual)
    };
    let (page, limit) = (asked("page", 1), asked("limit", 10));
    if exchange.answer.get("total_pages").is_some() {
        exchange.answer["page"] = page.into();
        exchange.answer["limit"] = limit.into();
    }
    if exchange.answer.get("success").is_some() {
        exchange.answer["success"] = true.into();
    }
    // A reset that is not acknowledged is no success.
    if exchange.answer.get("acknowledged").is_some() {
        exchange.answer["acknowledged"] = true.into();
    }
    if exchange.answer.get("message").is_some() {
        exchange.answer["message"] = "done".into();
    }
}

async fn play(exchange: &Exchange, route: &str) -> Result<(), String> {
    let plan = plan::of(exchange).ok_or("no operation")?;
    let kept = KEPT_OTHERWISE.iter().find(|(kept, ..)| *kept == route).map(|(_, fields, _)| *fields);
    let known = ["object", "message", "param"].iter().chain(kept.unwrap_or_default());
    let known: Vec<&str> = known.copied().collect();
    if let Some((dropped, _)) = plan.renamed.iter().find(|(from, to)| to.is_empty() && !known.contains(from))
    {
        let of_this_answer = exchange.answer.to_string().contains(&format!("\"{dropped}\":"));
        if of_this_answer {
            return Err(format!("{dropped} is dropped without a reason"));
        }
    }
    match super::replay(exchange, plan).await? {
        "success" => Ok(()),
        kind => Err(format!("{kind} for a success")),
    }
}
