//! API keys, whose values only ever go out encrypted.

use http::StatusCode;
use jiff::{Timestamp, ToSpan};
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::OsRng;
use rsa::{Oaep, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::Sha256;

use super::call::{Answer, Call, Id, check_uuid, done, ok};
use super::input::{Input, Paging};
use super::problem::{Problem, detail};
use super::world::{DEPLOYMENT_KEY, Key, World, naive, time};
use crate::ids;
use crate::lock;
use crate::state::audit::AuditRow;
use crate::state::{Credential, Store};

fn seal(plain: &str) -> Option<String> {
    let key = RsaPrivateKey::from_pkcs8_pem(DEPLOYMENT_KEY).ok()?.to_public_key();
    key.encrypt(&mut OsRng, Oaep::new::<Sha256>(), plain.as_bytes()).ok().map(|sealed| ids::hex(&sealed))
}

fn body(credential: &Credential, key: &Key) -> Value {
    json!({
        "name": credential.name, "key": key.sealed, "project_id": credential.project_id, "expiry": key.expiry,
        "max_budget": key.max_budget, "model_budgets": key.model_budgets, "id": credential.id,
        "created_at": time(credential.created_at), "last_used_at": null, "credential_type": key.credential_type,
        "ip_whitelist": key.ip_whitelist,
    })
}

fn record(call: &Call, store: &mut Store, action: &'static str, credential: &Credential) {
    let row = AuditRow {
        action,
        resource_type: "api_key",
        resource_id: Some(credential.id.clone()),
        resource_name: Some(credential.name.clone()),
        details: json!({ "operation": action }),
        ..AuditRow::default()
    };
    call.open.record(store, Some(&call.user), row);
}

/// Days from now, 0 for ever.
fn expiry(input: &mut Input) -> Option<Option<String>> {
    let days = input.get("expiry")?.as_i64();
    match days {
        Some(0) => Some(None),
        Some(days @ (30 | 60 | 90)) => {
            let end = Timestamp::now().checked_add((days * 24).hours()).unwrap_or_default();
            Some(Some(naive(end)))
        }
        _ => {
            input.refuse("expiry", "enum", "Input should be 0, 30, 60 or 90");
            None
        }
    }
}

fn budget(input: &mut Input) {
    if input.get("max_budget").is_some_and(|budget| budget.as_f64().is_none_or(|budget| budget <= 0.0)) {
        input.refuse("max_budget", "greater_than", "Input should be greater than 0");
    }
}

fn check_addresses(addresses: Option<&Value>) -> Result<(), Problem> {
    for address in addresses.and_then(Value::as_array).into_iter().flatten() {
        let text = address.as_str().unwrap_or_default();
        if text.parse::<std::net::IpAddr>().is_err() {
            return Err(detail(StatusCode::BAD_REQUEST, &format!("Invalid IP address: {text}")));
        }
    }
    Ok(())
}

pub(super) async fn create(call: Call) -> Answer {
    let mut input = call.open.input()?;
    let name = input.needed_text("name", 0, usize::MAX);
    let project_id = input.needed_text("project_id", 0, 100);
    let expiry = expiry(&mut input).flatten();
    budget(&mut input);
    let given_type = input.choice("credential_type", &["client_app", "admin_app"]);
    let value = |name: &str| input.get(name).cloned().unwrap_or_default();
    let (max_budget, model_budgets, ip_whitelist) =
        (value("max_budget"), value("model_budgets"), value("ip_whitelist"));
    input.finish()?;
    check_uuid("body", "project_id", &project_id)?;
    // The database takes no such character, and nobody catches that here.
    if name.contains('\0') {
        return Err(Problem::Unhandled);
    }
    check_addresses(Some(&ip_whitelist))?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let project = store.project(&project_id).filter(|project| !world.project(&project.id).deleted);
    let project_type = match project {
        Some(project) => world.project(&project.id).project_type.clone(),
        None => return Err(detail(StatusCode::NOT_FOUND, "Project not found")),
    };
    let credential_type = given_type.unwrap_or_else(|| format!("{}_app", call.profile.user_type));
    if credential_type != project_type {
        let upper = credential_type.to_ascii_uppercase();
        let text = format!("{upper} credentials can only be created for {upper} projects");
        return Err(detail(StatusCode::BAD_REQUEST, &text));
    }
    if store.credentials.iter().any(|key| key.project_id == project_id && key.name == name) {
        return Err(detail(StatusCode::BAD_REQUEST, "Credential already exists with the same name"));
    }
    let plain = ids::secret("bud_client_");
    let sealed = seal(&plain).ok_or(Problem::Unhandled)?;
    let credential = Credential { id: ids::uuid(), name, project_id, created_at: Timestamp::now() };
    let owner = call.user.id.clone();
    let key = Key { owner, plain, sealed, expiry, max_budget, model_budgets, credential_type, ip_whitelist };
    let result = body(&credential, &key);
    record(&call, &mut store, "create", &credential);
    world.keys.insert(credential.id.clone(), key);
    store.credentials.push(credential);
    let answer = json!({ "success": true, "result": result, "message": "Credential added successfully" });
    Ok(axum::response::IntoResponse::into_response((StatusCode::CREATED, axum::Json(answer))))
}

pub(super) async fn list(call: Call) -> Answer {
    let mut input = call.open.params();
    // Larger than the database can count, and nobody catches that here.
    if super::input::is_huge(&input) {
        return Err(Problem::Unhandled);
    }
    let paging = Paging::read(&mut input, 0, u64::MAX);
    let project = input.text("project_id", 0, 100);
    let wanted = input.choice("credential_type", &["client_app", "admin_app"]);
    let wanted = wanted.unwrap_or_else(|| format!("{}_app", call.profile.user_type));
    input.finish()?;
    let store = lock(&call.open.core.store);
    let world = lock(&call.open.core.world);
    let items = store.credentials.iter().filter_map(|credential| {
        let key = world.keys.get(&credential.id)?;
        let fits = key.owner == call.user.id
            && key.credential_type == wanted
            && project.as_ref().is_none_or(|project| *project == credential.project_id);
        fits.then(|| {
            let mut body = body(credential, key);
            let name = store.project(&credential.project_id).map(|project| project.name.clone());
            if let Some(body) = body.as_object_mut() {
                body.remove("project_id");
                body.insert("project".to_owned(), json!({ "id": credential.project_id, "name": name }));
            }
            body
        })
    });
    let items = items.collect();
    ok(paging.answer("info", "Credentials listed successfully", "credentials", items))
}

/// The caller's own key.
fn find(call: &Call, store: &Store, world: &World, id: &str) -> Result<Credential, Problem> {
    let own = world.keys.get(id).is_some_and(|key| key.owner == call.user.id);
    let found = store.credentials.iter().find(|credential| credential.id == id && own);
    found.cloned().ok_or_else(|| detail(StatusCode::NOT_FOUND, "Credential not found"))
}

pub(super) async fn change(Id(id): Id, call: Call) -> Answer {
    let mut input = call.open.input()?;
    let name = input.text("name", 0, usize::MAX);
    let expiry = expiry(&mut input);
    budget(&mut input);
    let fields = ["max_budget", "model_budgets", "ip_whitelist"].map(|name| input.get(name).cloned());
    input.finish()?;
    let [max_budget, model_budgets, ip_whitelist] = fields;
    check_addresses(ip_whitelist.as_ref())?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let mut credential = find(&call, &store, &world, &id)?;
    credential.name = name.unwrap_or(credential.name);
    let Some(key) = world.keys.get_mut(&id) else { return Err(Problem::Unhandled) };
    key.expiry = expiry.unwrap_or_else(|| key.expiry.clone());
    // What is not said again is dropped, as there: of this field only.
    key.max_budget = max_budget.unwrap_or_default();
    key.model_budgets = model_budgets.unwrap_or_else(|| key.model_budgets.clone());
    key.ip_whitelist = ip_whitelist.unwrap_or_else(|| key.ip_whitelist.clone());
    let mut result = body(&credential, key);
    // What is null is left out here, and only here.
    if let Some(body) = result.as_object_mut() {
        body.retain(|_, value| !value.is_null());
    }
    record(&call, &mut store, "update", &credential);
    if let Some(kept) = store.credentials.iter_mut().find(|kept| kept.id == id) {
        *kept = credential;
    }
    ok(json!({ "success": true, "result": result, "message": "Credential updated successfully" }))
}

pub(super) async fn delete(Id(id): Id, call: Call) -> Answer {
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let credential = find(&call, &store, &world, &id)?;
    record(&call, &mut store, "delete", &credential);
    world.keys.remove(&id);
    store.credentials.retain(|kept| kept.id != id);
    done("info", "Credential deleted successfully")
}
