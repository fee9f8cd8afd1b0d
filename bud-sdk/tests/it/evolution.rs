//! What happens when answers change: every documented model, field by field, in every envelope.

use std::pin::Pin;

use bud_sdk::clusters::Cluster;
use bud_sdk::credentials::Credential;
use bud_sdk::endpoints::Endpoint;
use bud_sdk::permissions::{Grant, Permission, PermissionLevel};
use bud_sdk::projects::Project;
use bud_sdk::quotas::Quota;
use bud_sdk::users::User;
use bud_sdk::{Client, Error, ErrorKind, Extra, Result};
use bud_testbed::{Script, Wire, respond};
use serde_json::{Value, json};

use crate::common::plain;
use crate::common::shapes::shapes;

/// One decoded model, as far as a program can see it.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    json: Value,
    extra: Vec<String>,
    /// The canonical values of its enumerations.
    known: Vec<(&'static str, String)>,
}

trait Show: serde::Serialize {
    fn extra(&self) -> &Extra;
    fn known(&self) -> Vec<(&'static str, String)>;
    fn see(&self) -> Seen {
        let extra = self.extra().names().map(str::to_owned).collect();
        Seen { json: serde_json::to_value(self).unwrap(), extra, known: self.known() }
    }
}

macro_rules! show {
    ($($model:ident { $($field:ident),* })*) => {$(
        impl Show for $model {
            fn extra(&self) -> &Extra {
                &self.extra
            }
            fn known(&self) -> Vec<(&'static str, String)> {
                let known = [$((stringify!($field), self.$field.as_deref().map(|value| format!("{value:?}")))),*];
                known.into_iter().filter_map(|(name, value): (_, Option<String>)| Some((name, value?))).collect()
            }
        }
    )*};
}
show! {
    User { role, status }
    Project { status }
    Permission { resource_type, permission_level }
    Endpoint { status }
    Cluster { status }
    Quota {}
    Credential {}
}

type Answer = Pin<Box<dyn Future<Output = Result<Vec<Seen>>> + Send>>;

type Ask = fn(Client) -> Answer;

/// A model, its fixture, and the calls that return it: as one object, and as a list.
struct Model {
    name: &'static str,
    plural: &'static str,
    fixture: &'static str,
    one: Ask,
    list: Option<Ask>,
}

macro_rules! model {
    ($name:literal, $plural:literal, |$bud:ident| $one:expr, $list:expr) => {
        Model {
            name: $name,
            plural: $plural,
            fixture: include_str!(concat!("../../../tests/contract/guide/", $name, ".json")),
            one: |$bud| Box::pin(async move { Ok(vec![$one.see()]) }),
            list: $list,
        }
    };
}
macro_rules! list {
    (|$bud:ident| $list:expr) => {
        Some(|$bud| Box::pin(async move { Ok($list.all().await?.iter().map(Show::see).collect()) }))
    };
}

const NEIGHBOR: &str = "the-neighbor";

const MODELS: [Model; 7] = [
    model!("user", "users", |bud| bud.users().get("u").await?, list!(|bud| bud.users().list())),
    model!("project", "projects", |bud| bud.projects().get("p").await?, list!(|bud| bud.projects().list())),
    model!(
        "permission",
        "permissions",
        |bud| bud.permissions().grant(Grant::project("u", "p", PermissionLevel::View)).await?,
        list!(|bud| bud.permissions().list())
    ),
    model!(
        "endpoint",
        "endpoints",
        |bud| bud.endpoints().get("e").await?,
        list!(|bud| bud.endpoints().list())
    ),
    model!("cluster", "clusters", |bud| bud.clusters().get("c").await?, list!(|bud| bud.clusters().list())),
    model!("quota", "", |bud| bud.quotas().of_project("p").await?, None),
    model!(
        "credential",
        "credentials",
        |bud| bud.credentials().create("k", "p").await?.credential,
        list!(|bud| bud.credentials().list())
    ),
];

/// How an answer is wrapped; `None` is not at all.
#[derive(Debug, Clone, Copy)]
enum Way {
    Object(Option<&'static str>),
    List(Option<&'static str>),
}

impl Way {
    /// The answer. In a list it stands behind an unspoiled neighbour.
    fn wrap(self, model: &Model, object: &Value) -> Value {
        match self {
            Self::Object(None) => object.clone(),
            Self::Object(Some(name)) => json!({ name: object }),
            Self::List(None) => json!([model.neighbor(), object]),
            Self::List(Some(name)) => {
                json!({ "page": 1, "limit": 100, "total_record": 2, "total_pages": 1, name: [model.neighbor(), object] })
            }
        }
    }

    /// Where the fields of the object stand.
    fn prefix(self) -> String {
        match self {
            Self::Object(None) => String::new(),
            Self::Object(Some(name)) => format!(".{name}"),
            Self::List(None) => ".[1]".to_owned(),
            Self::List(Some(name)) => format!(".{name}[1]"),
        }
    }
}

impl Model {
    fn fixture(&self) -> Value {
        serde_json::from_str(self.fixture).unwrap()
    }

    /// Another one of its kind.
    fn neighbor(&self) -> Value {
        with(&self.fixture(), "/id", Some(json!(NEIGHBOR)))
    }

    fn ways(&self) -> Vec<(Way, Ask)> {
        let objects = [None, Some(self.name), Some("data"), Some("result")].map(Way::Object);
        let lists = [None, Some(self.plural), Some("data"), Some("items"), Some("results")].map(Way::List);
        let one = objects.into_iter().map(|way| (way, self.one));
        one.chain(self.list.into_iter().flat_map(|list| lists.map(|way| (way, list)))).collect()
    }

    /// Pointers to every field but the secret key, which has tests of its own.
    fn fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        for (name, value) in self.fixture().as_object().unwrap() {
            fields.extend((name != "key").then(|| format!("/{name}")));
            if let Value::Object(inner) = value {
                fields.extend(inner.keys().map(|inner| format!("/{name}/{inner}")));
            }
        }
        fields
    }

    /// The fixture as it looks once it was read.
    async fn read(&self) -> Seen {
        let (way, ask) = self.ways().remove(0);
        let body = way.wrap(self, &self.fixture()).to_string();
        let wire = Wire::start([answer(&body)]).await.unwrap();
        ask(plain(wire.url()).build().unwrap()).await.unwrap().remove(0)
    }
}

/// Sets a field, or takes it out.
fn with(object: &Value, pointer: &str, value: Option<Value>) -> Value {
    let mut object = object.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let fields = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => fields.insert(name.to_owned(), value),
        None => fields.remove(name),
    };
    object
}

fn answer(body: impl AsRef<[u8]>) -> Script {
    Script::answer(respond(200, &[("content-type", "application/json"), ("connection", "close")], body))
}

type Spelt = &'static [(&'static str, &'static str)];
type Check = Box<dyn Fn(&str, Result<Vec<Seen>>)>;

/// Bodies, how each is asked for, and what must come of it.
#[derive(Default)]
struct Cases(Vec<(String, Vec<u8>, Ask, Check)>);

impl Cases {
    fn add(
        &mut self,
        what: &str,
        body: impl Into<Vec<u8>>,
        ask: Ask,
        check: impl Fn(&str, Result<Vec<Seen>>) + 'static,
    ) {
        self.0.push((what.to_owned(), body.into(), ask, Box::new(check)));
    }

    /// The same object in every envelope of its model; `check` gets the way and what came of it.
    fn everywhere(
        &mut self,
        model: &Model,
        what: &str,
        object: &Value,
        check: impl Fn(&str, Way, Result<Seen>) + Clone + 'static,
    ) {
        for (way, ask) in model.ways() {
            let (check, body) = (check.clone(), way.wrap(model, object).to_string());
            let what = format!("{what}, {} as {way:?}", model.name);
            self.add(&what, body, ask, move |what, result| {
                check(what, way, result.map(|mut all| all.pop().unwrap()));
            });
        }
    }

    /// One client, one request and one connection per body.
    async fn run(self) -> usize {
        let wire = Wire::start(self.0.iter().map(|(_, body, ..)| answer(body))).await.unwrap();
        let bud = plain(wire.url()).build().unwrap();
        for (what, _, ask, check) in &self.0 {
            check(what, ask(bud.clone()).await);
        }
        assert_eq!(wire.requests().len(), self.0.len(), "each was sent once");
        self.0.len()
    }
}

/// A decoding error that shows none of the canaries that it was fed.
#[track_caller]
fn refused(what: &str, result: Result<impl std::fmt::Debug>) -> Error {
    let error = match result {
        Err(error) => error,
        Ok(value) => panic!("{what}: read as {value:?}"),
    };
    assert_eq!(error.kind(), ErrorKind::Decode, "{what}: {error}");
    let mut all = format!("{error} {error:?} {:?} {:?}", error.message(), error.hint());
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        all.push_str(&format!("{cause} {cause:?}"));
        source = cause.source();
    }
    assert!(!all.contains("canary") && !all.contains("8675309"), "{what}: shows the value: {all}");
    assert!(all.contains(error.path().unwrap_or("")), "{what}: {all}");
    error
}

/// Numbers are the same as numbers and as text; what is expected of an object must be there, whatever else is.
fn same(expected: &Value, seen: &Value) -> bool {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse::<f64>().ok());
    match (expected, seen) {
        (Value::Object(expected), Value::Object(seen)) => {
            expected.iter().all(|(name, value)| seen.get(name).is_some_and(|seen| same(value, seen)))
        }
        _ => expected == seen || number(expected).is_some_and(|expected| number(seen) == Some(expected)),
    }
}

/// What stands for an absent field.
fn absent(fixture: &Value, pointer: &str) -> Value {
    if fixture.pointer(pointer).unwrap().is_array() { json!([]) } else { Value::Null }
}

#[tokio::test]
async fn every_documented_field_is_found_again_in_every_envelope() {
    let mut cases = Cases::default();
    for model in &MODELS {
        let mut expected = model.fixture();
        expected.as_object_mut().unwrap().remove("key");
        cases.everywhere(model, "as it is", &model.fixture(), move |what, _, seen| {
            let seen = seen.unwrap();
            assert!(same(&expected, &seen.json), "{what}: {expected} became {}", seen.json);
            assert!(seen.extra.is_empty(), "{what}: unknown {:?}", seen.extra);
            assert!(!seen.json.to_string().contains("not-a-real-key"), "{what}: {}", seen.json);
        });
    }
    assert_eq!(cases.run().await, 6 * 9 + 4);
}

#[tokio::test]
async fn an_absent_or_null_field_is_none_and_only_an_id_is_required() {
    let mut cases = Cases::default();
    for model in &MODELS {
        let (fixture, read) = (model.fixture(), model.read().await);
        for pointer in model.fields() {
            for (how, value) in [("without", None), ("null", Some(Value::Null))] {
                let spoiled = with(&fixture, &pointer, value);
                let expected = with(&read.json, &pointer, Some(absent(&fixture, &pointer)));
                // The other API has permissions without an id.
                let required = pointer == "/id" && model.name != "permission";
                cases.everywhere(model, &format!("{how} {pointer}"), &spoiled, move |what, way, seen| {
                    if required && matches!(way, Way::List(_)) {
                        // The row is left out, and its neighbor is there.
                        assert_eq!(seen.unwrap().json["id"], NEIGHBOR, "{what}");
                        return;
                    }
                    if required {
                        let error = refused(what, seen);
                        assert!(error.message().contains("`id`"), "{what}: {error}");
                        assert!(error.path().unwrap().starts_with(&way.prefix()), "{what}: {error}");
                        return;
                    }
                    let seen = seen.unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(seen.json, expected, "{what}");
                    assert!(seen.extra.is_empty(), "{what}");
                });
            }
        }
    }
    assert!(cases.run().await > 900);
}

#[tokio::test]
async fn an_unknown_field_is_kept_and_changes_nothing_else() {
    let mut cases = Cases::default();
    for model in &MODELS {
        let (fixture, read) = (model.fixture(), model.read().await);
        // Also under the names of envelopes, and under the name of the field that keeps it.
        for name in ["brand_new", "extra", "items", "data", "result", "page"] {
            // A quota has no id by which it could be told from an envelope.
            if model.name == "quota" && matches!(name, "data" | "result") {
                continue;
            }
            let value = json!({ "deep": [1, null, { "text": "x" }] });
            let pointer = format!("/{name}");
            let grown = with(&fixture, &pointer, Some(value.clone()));
            let expected = with(&read.json, &pointer, Some(value));
            cases.everywhere(model, &format!("unknown {name}"), &grown, move |what, _, seen| {
                let seen = seen.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(seen.json, expected, "{what}");
                assert_eq!(seen.extra, [name], "{what}");
            });
        }
    }
    let endpoint = &MODELS[3];
    let grown = with(&endpoint.fixture(), "/resources/disk_gb", Some(json!(100)));
    cases.everywhere(endpoint, "unknown disk", &grown, |what, _, seen| {
        let seen = seen.unwrap();
        assert_eq!(
            seen.json["resources"],
            json!({ "gpu_count": 1, "memory_gb": 16.5, "disk_gb": 100 }),
            "{what}"
        );
        assert!(seen.extra.is_empty(), "{what}");
    });
    assert!(cases.run().await > 200);
}

#[tokio::test]
async fn an_enumeration_reads_any_case_and_keeps_what_it_does_not_know() {
    let values: [(usize, &str, Spelt); 7] = [
        (0, "role", &[("USER", "User"), ("PROJECT_ADMIN", "ProjectAdmin"), ("ADMIN", "Admin")]),
        (0, "status", &[("ACTIVE", "Active"), ("INACTIVE", "Inactive")]),
        (1, "status", &[("ACTIVE", "Active"), ("INACTIVE", "Inactive")]),
        (2, "resource_type", &[("project", "Project"), ("endpoint", "Endpoint"), ("cluster", "Cluster")]),
        (2, "permission_level", &[("view", "View"), ("edit", "Edit"), ("admin", "Admin")]),
        (
            3,
            "status",
            &[
                ("DEPLOYING", "Deploying"),
                ("RUNNING", "Running"),
                ("STOPPED", "Stopped"),
                ("FAILED", "Failed"),
            ],
        ),
        (4, "status", &[("AVAILABLE", "Available"), ("NOT_AVAILABLE", "NotAvailable"), ("ERROR", "Error")]),
    ];
    let mut cases = Cases::default();
    for (model, field, known) in values {
        let (model, read) = (&MODELS[model], MODELS[model].read().await);
        let mut spellings = Vec::new();
        for (text, meaning) in known {
            let title = format!("{}{}", text[..1].to_uppercase(), text[1..].to_lowercase());
            for text in [text.to_uppercase(), text.to_lowercase(), title] {
                spellings.push((text, (*meaning).to_owned()));
            }
        }
        for new in ["SOMETHING_NEW", "", "été", " ACTIVE "] {
            spellings.push((new.to_owned(), format!("Other({new:?})")));
        }
        for (text, meaning) in spellings {
            let pointer = format!("/{field}");
            let object = with(&model.fixture(), &pointer, Some(json!(text)));
            // Serialized is what `raw()` returns.
            let expected = with(&read.json, &pointer, Some(json!(text)));
            cases.everywhere(model, &format!("{field} {text}"), &object, move |what, _, seen| {
                let seen = seen.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(seen.json, expected, "{what}");
                assert!(seen.known.contains(&(field, meaning.clone())), "{what}: {:?}", seen.known);
            });
        }
    }
    assert!(cases.run().await > 400);
}

#[tokio::test]
async fn a_value_that_cannot_be_read_is_kept_beside_its_field_and_loses_nothing_else() {
    let mut cases = Cases::default();
    for model in &MODELS {
        let (fixture, read) = (model.fixture(), model.read().await);
        for pointer in model.fields() {
            // An id that is a whole number is read as text.
            let fine = |wrong: &Value| pointer.ends_with("id") && wrong.is_u64();
            for wrong in shapes(&pointer).0.into_iter().filter(|wrong| !fine(wrong)) {
                let spoiled = with(&fixture, &pointer, Some(wrong.clone()));
                let expected = with(&read.json, &pointer, Some(absent(&fixture, &pointer)));
                let (name, pointer) = (pointer.rsplit('/').next().unwrap().to_owned(), pointer.clone());
                let nested = pointer.matches('/').count() > 1;
                // The other API has permissions without an id.
                let required = pointer == "/id" && model.name != "permission";
                let what = format!("{pointer} {wrong}");
                cases.everywhere(model, &what, &spoiled, move |what, way, seen| {
                    if required && matches!(way, Way::Object(_)) {
                        let error = refused(what, seen);
                        assert!(error.path().unwrap().ends_with(".id"), "{what}: {error}");
                        return;
                    }
                    let seen = seen.unwrap_or_else(|error| panic!("{what}: {error}"));
                    if required {
                        assert_eq!(seen.json["id"], NEIGHBOR, "{what}");
                        return;
                    }
                    assert_eq!(seen.json, expected, "{what}");
                    if !nested {
                        assert_eq!(seen.extra, [name.as_str()], "{what}");
                    }
                });
            }
        }
    }
    assert!(cases.run().await > 2000);
}

#[tokio::test]
async fn other_ways_to_write_a_value_mean_the_same() {
    let mut cases = Cases::default();
    for model in &MODELS {
        let read = model.read().await;
        for pointer in model.fields() {
            for (written, means) in shapes(&pointer).1 {
                let object = with(&model.fixture(), &pointer, Some(written.clone()));
                let expected = with(&read.json, &pointer, Some(means));
                cases.everywhere(model, &format!("{pointer} {written}"), &object, move |what, _, seen| {
                    let seen = seen.unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert_eq!(seen.json, expected, "{what}");
                });
            }
        }
    }
    assert!(cases.run().await > 1000);
}

#[tokio::test]
async fn an_answer_cut_anywhere_is_an_error() {
    let mut cases = Cases::default();
    for model in &MODELS {
        let listed = [None, Some(model.plural)];
        for (way, ask) in model.ways() {
            if matches!(way, Way::List(name) if !listed.contains(&name)) {
                continue;
            }
            let body = way.wrap(model, &model.fixture()).to_string();
            // Without any answer a grant is looked for in the list.
            let from = if model.name == "permission" { 7 } else { 0 };
            for at in (from..body.len()).step_by(7) {
                let what = format!("{} as {way:?} cut at {at}", model.name);
                cases.add(&what, &body[..at], ask, move |what, result| {
                    let error = refused(what, result);
                    let expected = if at == 0 { "empty" } else { "breaks off" };
                    assert!(error.message().contains(expected), "{what}: {error}");
                });
            }
        }
    }
    assert!(cases.run().await > 2000);
}

#[tokio::test]
async fn odd_json_is_read_or_refused_and_never_panics() {
    let mut cases = Cases::default();
    let (user, list) = (MODELS[0].one, MODELS[0].list.unwrap());
    let deep =
        |name: &str| format!(r#"{{"id":"u","{name}":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let bad: [&[u8]; 9] = [
        b"[NaN]",
        b"{\"id\":\"\\ud800\"}",
        b"{\"id\":\"\xff\xfe\"}",
        b"{\"id\":\"u\",}",
        b"{\"id\":\"u\"} canary",
        b"{\"id\":\"u\"}{\"id\":\"u\"}",
        b"\0\0\0",
        b"<html><title>Sign in</title></html>",
        b"{\"user\":{\"user\":{\"user\":{\"id\":\"u\"}}}}",
    ];
    for body in bad {
        let what = String::from_utf8_lossy(body).into_owned();
        cases.add(&what, body, user, |what, result| drop(refused(what, result)));
        let listed = [b"[".as_slice(), body, b"]"].concat();
        cases.add(&what, listed, list, |what, result| drop(refused(what, result)));
    }
    let marked = b"\xef\xbb\xbf{\"id\":\"u\"}".as_slice();
    cases.add("a byte order mark", marked, user, |what, result| {
        assert_eq!(result.unwrap().remove(0).json["id"], "u", "{what}");
    });
    for name in ["name", "unknown", "user"] {
        cases.add(name, deep(name), user, |what, result| drop(refused(what, result)));
    }
    // Of two equal keys the last one counts; what stands beside the items is not read.
    cases.add("twice", r#"{"id":"u","name":"a","id":"v","name":"b"}"#, user, |what, result| {
        let seen = result.unwrap().remove(0).json;
        assert_eq!((&seen["id"], &seen["name"]), (&json!("v"), &json!("b")), "{what}");
    });
    cases.add("deep beside", deep("x").replace("\"id\":\"u\"", "\"users\":[]"), list, |what, result| {
        assert_eq!(result.unwrap(), [], "{what}");
    });
    cases.run().await;
}

#[tokio::test]
async fn an_object_is_found_inside_two_wrappings() {
    let mut cases = Cases::default();
    for model in &MODELS {
        let name = model.name;
        for (outer, inner) in [("data", "data"), ("data", name), ("result", name), (name, "data")] {
            let body = json!({ outer: { inner: model.fixture() } }).to_string();
            cases.add(&body, body.as_str(), model.one, |what, result| {
                let seen = result.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert!(seen[0].extra.is_empty(), "{what}");
            });
        }
    }
    cases.run().await;
}

#[tokio::test]
async fn a_quota_without_any_use_is_an_error_and_not_an_empty_quota() {
    let quota = &MODELS[5];
    let mut cases = Cases::default();
    let mut rest = quota.fixture();
    for used in ["tokens_used", "requests_used", "cost_used"] {
        rest = with(&rest, &format!("/{used}"), None);
    }
    for object in
        [rest, json!({}), json!({ "quota": {} }), json!({ "status": "ok" }), json!({ "tokens_used": null })]
    {
        cases.everywhere(quota, &object.to_string(), &object, |what, _, seen| {
            let error = refused(what, seen);
            assert!(error.message().contains("tokens_used"), "{what}: {error}");
        });
    }
    cases.run().await;
}
