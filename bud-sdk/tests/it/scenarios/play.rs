//! Playing one scenario: the call, the server beside it, and what was seen of both.

use std::future::poll_fn;
use std::path::Path;

use bindings::{StreamItem, Target, Task};
use bud_sdk::{Error, Warning, bindings};
use bud_testbed::{SeenRequest, Wire};
use serde_json::{Map, Value, json};

use super::answers;

/// What was sent, and what came of it.
pub struct Seen {
    requests: Vec<Value>,
    outcome: Map<String, Value>,
}

pub async fn play(scenario: &Value) -> Seen {
    let server = Wire::start(answers::scripts(scenario)).await.unwrap();
    let folder =
        std::env::temp_dir().join(format!("bud-scenario-{}-{}", std::process::id(), server.addr().port()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("file");

    let target = connected(scenario, server.url(), &folder);
    let mut args = object(&scenario["args"]);
    if args.get("path").is_some_and(|path| path == "$file") {
        args.insert("path".to_owned(), file.to_str().unwrap().into());
    }
    let id = scenario["call"].as_str().unwrap();
    let mut outcome = call(target, id, args, object(&scenario["options"])).await;
    if let Ok(text) = std::fs::read_to_string(&file) {
        outcome.insert("file".to_owned(), text.into());
    }
    std::fs::remove_dir_all(&folder).unwrap();
    let host = server.addr().to_string();
    // Reports name the server that they are about.
    let outcome = serde_json::to_string(&outcome).unwrap().replace(&host, "$host");
    let mut outcome: Map<String, Value> = serde_json::from_str(&outcome).unwrap();
    let mut requests: Vec<Value> = server.requests().iter().map(|request| shown(request, &host)).collect();
    if scenario["any_order"] == true {
        // They are made at the same time: those of the answers are told apart by their lines.
        requests.sort_by_key(|request| request["line"].to_string());
        if let Some(updates) = outcome.get_mut("updates").and_then(Value::as_array_mut) {
            updates.sort_by_key(|update| {
                (
                    update["kind"].to_string(),
                    update["finding"]["code"].to_string(),
                    update["finding"]["subject"]["name"].to_string(),
                )
            });
        }
    }
    Seen { requests, outcome }
}

/// The backend that the call belongs to.
pub fn backend(scenario: &Value) -> &str {
    scenario["backend"].as_str().unwrap_or("bud")
}

/// A client of the server: what has no address of its own is told the server's in a kubeconfig.
fn connected(scenario: &Value, url: &str, folder: &Path) -> Result<Target, Error> {
    let backend = bindings::backend(backend(scenario))?;
    let mut options = object(&scenario["client"]);
    if let Some(address) = backend.address() {
        options.insert(address.name.to_owned(), url.into());
    } else {
        let kubeconfig = folder.join("kubeconfig");
        std::fs::write(&kubeconfig, kubeconfig_of(url).to_string()).unwrap();
        options.insert("kubeconfig".to_owned(), kubeconfig.to_str().unwrap().into());
    }
    if backend.option("token").is_some() && !options.contains_key("password") {
        options.entry("token").or_insert_with(|| "scenario-token".into());
    }
    bindings::connect(backend.name, options, None)
}

fn kubeconfig_of(url: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "scenario",
        "clusters": [{ "name": "scenario", "cluster": { "server": url } }],
        "users": [{ "name": "scenario", "user": { "token": "scenario-token" } }],
        "contexts": [{ "name": "scenario", "context": { "cluster": "scenario", "user": "scenario" } }],
    })
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A request as it went over the wire, its host and version aside.
fn shown(request: &SeenRequest, host: &str) -> Value {
    let header = |(name, value): &(String, String)| {
        let value = value.replace(host, "$host").replace(env!("CARGO_PKG_VERSION"), "$version");
        Value::from(format!("{name}: {value}"))
    };
    let headers: Vec<Value> = request.headers.iter().map(header).collect();
    json!({
        "line": format!("{} {}", request.method, request.target),
        "headers": headers,
        "body": request.text(),
    })
}

/// What an error says, without the time that it took. What another language says in other words stands in `spelled`.
fn failed(error: &Error) -> Value {
    let mut told = object(&bindings::error_json(error, bindings::Dialect::Rust));
    told.remove("elapsed");
    told.remove("text");
    told.retain(|_, value| !value.is_null() && *value != json!([]));
    let languages = [("node", bindings::Dialect::Node), ("python", bindings::Dialect::Python)];
    let spelled = languages.map(|(name, language)| {
        let own = bindings::error_json(error, language);
        let texts = ["message", "hint"]
            .into_iter()
            .filter(|text| told.get(*text).is_some_and(|rust| *rust != own[*text]));
        let texts: Map<String, Value> = texts.map(|text| (text.to_owned(), own[text].clone())).collect();
        (name.to_owned(), Value::from(texts))
    });
    if spelled.iter().any(|(_, texts)| *texts != json!({})) {
        told.insert("spelled".to_owned(), spelled.into_iter().collect::<Map<_, _>>().into());
    }
    told.into()
}

fn json_of(output: &dyn bindings::Output) -> Value {
    serde_json::from_str(&output.to_json().unwrap()).unwrap()
}

/// Calls it. What came before an error is told beside it.
async fn call(
    target: Result<Target, Error>,
    id: &str,
    args: Map<String, Value>,
    options: Map<String, Value>,
) -> Map<String, Value> {
    let mut told = Told::default();
    if let Err(error) = begin(target, id, args, options, &mut told).await {
        told.0.insert("error".to_owned(), failed(&error));
    }
    // How an export is cut, and how often it tells of its progress, is its own affair.
    if id == "audit.export_file" {
        told.0.remove("updates");
    }
    let items = ["audit.export_records", "kubernetes.follow_logs"].contains(&id);
    if let Some(Value::Array(pages)) = told.0.get_mut("pages").filter(|_| items) {
        let items = pages.iter().flat_map(|page| page["items"].as_array().unwrap().clone());
        *pages = vec![json!({ "items": items.collect::<Vec<_>>(), "cursor": null, "total": null })];
    }
    told.0
}

async fn begin(
    target: Result<Target, Error>,
    id: &str,
    args: Map<String, Value>,
    options: Map<String, Value>,
    told: &mut Told,
) -> Result<(), Error> {
    let mut stream = match target?.begin(id, args, options)? {
        Task::Call(call) => {
            let answer = call.await?;
            told.0.insert("result".to_owned(), json_of(&*answer.value));
            told.warn(&answer.warnings);
            return Ok(());
        }
        Task::Stream(stream) => stream,
    };
    while let Some(piece) = poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
        match piece? {
            StreamItem::Page { items, cursor, total, warnings } => {
                told.warn(&warnings);
                told.push("pages", json!({ "items": json_of(&*items), "cursor": cursor, "total": total }));
            }
            StreamItem::Update(update) => told.push("updates", json_of(&*update)),
            StreamItem::Done(result) => drop(told.0.insert("result".to_owned(), json_of(&*result))),
            StreamItem::Chunk(chunk) => told.append("bytes", std::str::from_utf8(&chunk).unwrap()),
        }
    }
    Ok(())
}

#[derive(Default)]
struct Told(Map<String, Value>);

impl Told {
    /// Those of the last page are all.
    fn warn(&mut self, warnings: &[Warning]) {
        if !warnings.is_empty() {
            self.0.insert("warnings".to_owned(), json!(warnings));
        }
    }
    fn push(&mut self, name: &str, value: Value) {
        self.0.entry(name).or_insert_with(|| json!([])).as_array_mut().unwrap().push(value);
    }
    fn append(&mut self, name: &str, text: &str) {
        let so_far = self.0.get(name).and_then(Value::as_str).unwrap_or_default();
        let text = format!("{so_far}{text}");
        self.0.insert(name.to_owned(), text.into());
    }
}

const OUTCOMES: [&str; 7] = ["result", "pages", "bytes", "updates", "file", "error", "warnings"];

impl Seen {
    /// Writes down what is to be compared from now on.
    pub fn write_into(self, scenario: &mut Value) {
        let scenario = scenario.as_object_mut().unwrap();
        for name in OUTCOMES {
            scenario.remove(name);
        }
        scenario.extend(self.outcome);
        let exchanges = scenario.get_mut("exchanges").and_then(Value::as_array_mut);
        let exchanges = exchanges.map(Vec::as_mut_slice).unwrap_or_default();
        assert_eq!(exchanges.len(), self.requests.len(), "{}: as many requests as answers", scenario["name"]);
        for (exchange, request) in exchanges.iter_mut().zip(self.requests) {
            exchange["request"] = request;
        }
    }

    pub fn compare(&self, scenario: &Value) -> Result<(), String> {
        let exchanges = scenario["exchanges"].as_array().map(Vec::as_slice).unwrap_or_default();
        if exchanges.len() != self.requests.len() {
            return Err(format!("{} requests of {}", self.requests.len(), exchanges.len()));
        }
        for (at, (exchange, request)) in exchanges.iter().zip(&self.requests).enumerate() {
            if exchange["request"] != *request {
                return Err(format!("request {at} is {request}, not {}", exchange["request"]));
            }
        }
        for name in OUTCOMES {
            let (wanted, given) = (&scenario[name], self.outcome.get(name).unwrap_or(&Value::Null));
            if wanted != given {
                return Err(format!("{name} is {given}, not {wanted}"));
            }
        }
        Ok(())
    }
}
