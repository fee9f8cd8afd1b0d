//! The registry is complete and says the truth, and nothing gets past it unchecked.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::*;

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn bud(options: Value) -> Result<Target> {
    connect("bud", map(options), None)
}

fn cluster(options: Value) -> Result<Target> {
    connect("kubernetes", map(options), None)
}

fn platform() -> Target {
    bud(json!({ "base_url": "http://127.0.0.1:9", "token": "t", "flavor": "guide" })).unwrap()
}

fn refused(id: &str, args: Value, options: Value) -> Error {
    match platform().begin(id, map(args), map(options)) {
        Err(error) => error,
        Ok(_) => panic!("{id} was begun"),
    }
}

#[test]
fn every_operation_can_be_called_through_the_door() {
    let known: BTreeSet<&str> = registry().map(|entry| entry.id).collect();
    assert_eq!(known.len(), registry().count(), "a name stands twice");
    let missing: Vec<&str> =
        crate::operations::all().iter().map(|info| info.id).filter(|id| !known.contains(id)).collect();
    // A session is renewed by itself.
    assert_eq!(missing, ["auth.refresh"]);
    let on_clusters: BTreeSet<&str> =
        backend("kubernetes").unwrap().entries().map(|entry| entry.id).collect();
    assert_eq!(on_clusters, crate::kubernetes::calls().iter().map(|call| call.id).collect());
}

#[test]
fn the_platform_and_clusters_are_not_mixed_up() {
    let error = refused("kubernetes.pods", json!({}), json!({}));
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("id")));
    let on_cluster = cluster(json!({})).unwrap();
    let refused =
        |id: &str, args: Value, options: Value| on_cluster.begin(id, map(args), map(options)).err().unwrap();
    assert_eq!(refused("users.get", json!({ "id": "u" }), json!({})).param(), Some("id"));
    assert_eq!(refused("kubernetes.pods", json!({ "name": "x" }), json!({})).param(), Some("name"));
    assert_eq!(refused("kubernetes.logs", json!({ "namespace": "n" }), json!({})).param(), Some("name"));
    assert_eq!(refused("kubernetes.nodes", json!({}), json!({ "attempts": 1 })).param(), Some("attempts"));
    for (options, param) in [
        (json!({ "timeout": 0 }), "timeout"),
        (json!({ "kubeconfig": 1 }), "kubeconfig"),
        (json!({ "server": "x" }), "server"),
    ] {
        assert_eq!(cluster(options).unwrap_err().param(), Some(param));
    }
}

#[test]
fn backends_are_known_by_their_names() {
    let names: BTreeSet<&str> = backends().iter().map(|backend| backend.name).collect();
    let classes: BTreeSet<(&str, &str)> =
        backends().iter().map(|backend| (backend.topic, backend.class)).collect();
    assert_eq!((names.len(), classes.len()), (backends().len(), backends().len()), "a name stands twice");
    let error = connect("canary-1", Map::new(), None).unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("backend")));
    assert!(error.message().contains("bud, kubernetes") && !error.message().contains("canary"), "{error}");
    assert_eq!(platform().base_url(), Some("http://127.0.0.1:9/"));
    assert_eq!(cluster(json!({})).unwrap().base_url(), None);
}

#[test]
fn what_a_backend_says_of_itself_is_so() {
    for backend in backends() {
        let Backend { name, about, docs, example, .. } = *backend;
        assert!(!about.ends_with('.') && docs.ends_with('.'), "{name}");
        assert!(backend.options.iter().all(|option| option.docs.trim().ends_with('.')), "{name}");
        assert!(backend.options.iter().all(|option| matches!(option.ty, Type::Optional(_))), "{name}");
        assert!(backend.address().is_none_or(|address| address.name == backend.options[0].name), "{name}");
        assert_eq!(backend.variables.is_some(), backend.option("env").is_some(), "{name}");
        assert!(backend.entries().any(|entry| entry.id.starts_with(backend.own)), "{name}");
        assert!(example.options.iter().all(|(option, _)| backend.option(option).is_some()), "{name}");
        let called = backend.entries().find(|entry| entry.id == example.call).unwrap();
        let has = |name: &str| called.args.iter().any(|arg| arg.name == name);
        assert!(example.args.iter().all(|(arg, _)| has(arg)), "{name}");
        let item = match called.output {
            Type::List(item) => *item,
            item => item,
        };
        let field = |field: &&str| match item {
            Type::Model(model) => model.shown().any(|known| known.name == *field),
            _ => false,
        };
        assert!(example.shown.iter().all(field), "{name}");
    }
}

#[test]
fn everything_is_documented() {
    for entry in registry() {
        assert!(entry.docs.trim().ends_with('.'), "{}", entry.id);
        for arg in entry.args {
            assert!(arg.docs.trim().ends_with('.'), "{} of {}", arg.name, entry.id);
        }
        let optional = |arg: &&Arg| matches!(arg.ty, Type::Optional(_));
        let required_behind = entry.args.iter().skip_while(|arg| !optional(arg)).find(|arg| !optional(arg));
        assert!(required_behind.is_none(), "{}: required arguments come first", entry.id);
    }
    for model in models() {
        assert!(!model.docs.trim().is_empty() && model.shown().count() > 0, "{}", model.name);
        assert!(model.shown().all(|field| !field.docs.trim().is_empty()), "{}", model.name);
    }
    assert!(models().iter().any(|model| model.name == "User"));
    assert!(enumerations().iter().any(|values| values.name == "Role" && values.values.len() == 7));
}

#[test]
fn models_that_others_hold_come_before_them_and_hidden_fields_never_show() {
    let names: Vec<&str> = models().iter().map(|model| model.name).collect();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap();
    assert!(at("User") < at("CreatedUser") && at("Credential") < at("IssuedKey"), "{names:?}");
    let credential = models().into_iter().find(|model| model.name == "Credential").unwrap();
    assert!(credential.fields.iter().any(|field| field.name == "key"));
    assert!(credential.shown().all(|field| field.name != "key"));
}

#[test]
fn wrong_arguments_are_named() {
    let cases = [
        ("users.get", json!({}), json!({}), "id", "it is missing"),
        ("users.get", json!({ "id": null }), json!({}), "id", "it is missing"),
        ("users.get", json!({ "id": 3 }), json!({}), "id", "it must be text"),
        ("users.get", json!({ "id": "u-1", "name": "x" }), json!({}), "name", "there is no such argument"),
        ("users.get", json!({ "id": "u-1" }), json!({ "limit": 3 }), "limit", "there is no such argument"),
        ("users.get", json!({ "id": "u-1" }), json!({ "timeout": 0 }), "timeout", "more than zero"),
        ("users.get", json!({ "id": "u-1" }), json!({ "timeout": -1 }), "timeout", "not negative"),
        ("users.get", json!({ "id": "u-1" }), json!({ "attempts": 0 }), "attempts", "from 1 to 20"),
        (
            "users.get",
            json!({ "id": "u-1" }),
            json!({ "headers": { "cookie": "a" } }),
            "header",
            "credentials",
        ),
        ("users.list", json!({}), json!({ "attempts": 1 }), "attempts", "there is no such argument"),
        ("endpoints.scale", json!({ "id": "e", "replicas": 1.5 }), json!({}), "replicas", "a whole number"),
        ("endpoints.scale", json!({ "id": "e", "replicas": -1 }), json!({}), "replicas", "a whole number"),
        (
            "endpoints.scale",
            json!({ "id": "e", "replicas": 4_294_967_296u64 }),
            json!({}),
            "replicas",
            "a whole number",
        ),
        ("projects.remove_members", json!({ "id": "p", "users": [1] }), json!({}), "users", "a list of text"),
        (
            "credentials.create",
            json!({ "name": "n", "project": "p", "expiry": 7 }),
            json!({}),
            "expiry",
            "0, 30, 60 or 90",
        ),
        (
            "audit.export",
            json!({ "start": "2026-01-02T00:00:00Z", "end": "2026-01-01T00:00:00Z" }),
            json!({}),
            "end",
            "not after the start",
        ),
        (
            "audit.export",
            json!({ "start": "2026-01-02", "end": "2026-01-03" }),
            json!({}),
            "start",
            "with a zone",
        ),
        ("client.raw", json!({ "method": "BREW", "path": "/" }), json!({}), "method", "GET"),
        ("auth.logout", json!({}), json!({ "attempts": 2 }), "attempts", "there is no such argument"),
        ("client.flavor", json!({}), json!({ "headers": {} }), "headers", "there is no such argument"),
        (
            "audit.export_records",
            json!({ "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z" }),
            json!({ "limit": 5 }),
            "limit",
            "there is no such argument",
        ),
        ("no.such", json!({}), json!({}), "id", "no call no.such"),
    ];
    for (id, args, options, param, why) in cases {
        let error = refused(id, args, options);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{id}: {error}");
        assert_eq!(error.param(), Some(param), "{id}: {error}");
        assert!(error.message().contains(why), "{id}: {error}");
    }
}

#[test]
fn wrong_options_of_a_client_are_named_and_never_shown() {
    let cases = [
        (json!({ "base_url": "http://127.0.0.1:9", "email": "a@example.com" }), "password"),
        (json!({ "base_url": "http://127.0.0.1:9", "password": "canary-1" }), "email"),
        (json!({ "base_url": "http://127.0.0.1:9", "token": "canary-1", "api_key": "canary-2" }), "token"),
        (json!({ "base_url": "http://127.0.0.1:9", "token": "canary-1", "verify_ssl": false }), "verify_ssl"),
        (json!({ "base_url": 7, "token": "canary-1" }), "base_url"),
        (json!({ "base_url": "http://127.0.0.1:9", "token": ["canary-1"] }), "token"),
        (json!({ "base_url": "http://127.0.0.1:9", "token": "t", "flavor": "canary-1" }), "flavor"),
        (
            json!({ "base_url": "http://127.0.0.1:9", "token": "t", "deployment_key": "canary-1" }),
            "deployment_key",
        ),
    ];
    for (options, param) in cases {
        let error = bud(options).unwrap_err();
        assert_eq!(error.param(), Some(param), "{error}");
        assert!(
            !format!("{error} {error:?} {}", error_json(&error, Dialect::Python)).contains("canary"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn nothing_is_sent_for_arguments_that_only_the_operation_refuses() {
    let Task::Call(call) =
        platform().begin("users.get", map(json!({ "id": "../admin" })), Map::new()).unwrap()
    else {
        panic!("not a call");
    };
    let error = call.await.err().unwrap();
    // Nobody listens there: a request would have failed otherwise.
    assert_eq!((error.kind(), error.param(), error.attempts()), (ErrorKind::InvalidArgument, Some("id"), 0));
    assert_eq!(error.operation(), Some("users.get"));
}

/// A value for an option that everything that has it takes.
fn fitting(option: &Arg) -> Value {
    match option.name {
        "headers" => json!({ "x-some": "1" }),
        "cursor" => Value::Null,
        _ => json!(2),
    }
}

#[test]
fn each_option_is_taken_by_what_has_it_and_refused_by_name_elsewhere() {
    let all: Vec<&Arg> = args::OF_CALLS.iter().chain(args::OF_PAGES).collect();
    let mut taken = 0;
    for entry in registry() {
        let known: Vec<&str> = entry.options().iter().map(|option| option.name).collect();
        let options: Map<String, Value> =
            entry.options().iter().map(|option| (option.name.to_owned(), fitting(option))).collect();
        taken += options.len();
        CallOptions::read(entry.options(), options).unwrap();
        for option in all.iter().filter(|option| !known.contains(&option.name)) {
            let options = [(option.name.to_owned(), fitting(option))].into_iter().collect();
            let error = CallOptions::read(entry.options(), options).unwrap_err();
            assert_eq!(error.param(), Some(option.name), "{}", entry.id);
        }
    }
    assert!(taken > 200, "{taken}");
}

/// A server that takes connections and never answers.
async fn silent() -> (tokio::net::TcpListener, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

#[tokio::test]
async fn only_what_may_change_something_may_be_applied_when_its_time_is_over() {
    let (_listener, address) = silent().await;
    let login = json!({ "base_url": address, "email": "a@example.com", "password": "p" });
    let kubeconfig = std::env::temp_dir().join(format!("bud-bindings-{}", std::process::id()));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{ "name": "c", "cluster": { "server": address } }],
        "users": [{ "name": "c", "user": { "token": "t" } }],
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "c" } }],
    });
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let on_cluster = cluster(json!({ "kubeconfig": kubeconfig })).unwrap();
    let target = |id: &str| match id.starts_with("kubernetes.") {
        true => on_cluster.clone(),
        false => bud(login.clone()).unwrap(),
    };
    let limit = json!({ "timeout": 0.05 });
    for (id, args, options, kind, changes) in [
        ("client.flavor", json!({}), &limit, ErrorKind::Timeout, false),
        ("client.capabilities", json!({}), &limit, ErrorKind::Timeout, false),
        ("auth.login", json!({}), &limit, ErrorKind::Timeout, true),
        ("kubernetes.pods", json!({}), &limit, ErrorKind::Timeout, false),
        ("kubernetes.logs", json!({ "namespace": "n", "name": "s" }), &limit, ErrorKind::Timeout, false),
        ("kubernetes.restart", json!({ "namespace": "n", "name": "s" }), &limit, ErrorKind::Timeout, true),
        // Their `timeout` is an argument, and tells more: the wait how far it is, the command that it was not run.
        (
            "kubernetes.wait_for_rollout",
            json!({ "namespace": "n", "name": "s", "timeout": 0.05 }),
            &json!({}),
            ErrorKind::PollTimeout,
            false,
        ),
        (
            "kubernetes.exec",
            json!({ "namespace": "n", "name": "s", "command": ["true"], "timeout": 0.05 }),
            &json!({}),
            ErrorKind::Timeout,
            false,
        ),
    ] {
        let begun = target(id).begin(id, map(args), map(options.clone())).unwrap();
        let Task::Call(call) = begun else { panic!("{id} is no call") };
        let error = call.await.err().unwrap();
        let told = (error.kind(), error.maybe_applied(), error.operation());
        assert_eq!(told, (kind, changes, Some(id)), "{id}: {error}");
    }
    std::fs::remove_file(kubeconfig).unwrap();
}

#[test]
fn numbers_that_javascript_would_round_travel_as_text() {
    let read =
        |used: Value| serde_json::from_value::<crate::quotas::Quota>(json!({ "tokens_used": used })).unwrap();
    for (used, written) in [
        (json!(9_007_199_254_740_991u64), json!(9_007_199_254_740_991u64)),
        (json!(9_007_199_254_740_993u64), json!("9007199254740993")),
        (json!("18446744073709551615"), json!("18446744073709551615")),
    ] {
        let quota = read(used);
        let text = serde_json::to_value(&quota).unwrap()["tokens_used"].clone();
        assert_eq!(text, written);
        assert_eq!(read(text).tokens_used, quota.tokens_used);
    }
    // Where nothing is known of a field, too.
    let beside = json!({ "a": 9_007_199_254_740_993u64, "b": -9_007_199_254_740_993i64, "c": 9_007_199_254_740_991u64 });
    let written = r#"{"a":"9007199254740993","b":"-9007199254740993","c":9007199254740991}"#;
    assert_eq!(super::Output::to_json(&beside).unwrap(), written);
}
