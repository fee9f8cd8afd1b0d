//! Users, and who is asking.

use serde_json::{Value, json};

use super::call::{Answer, Call, Id, Someone, done, said};
use super::input::{Input, Paging};
use super::problem::{Problem, bad, detail, failed, missing};
use super::world::{GLOBAL_SCOPES, Profile, Status};
use crate::lock;
use crate::state::{Role, Store, User};
use http::StatusCode;

pub(super) const ROLES: [&str; 5] = ["admin", "super_admin", "developer", "devops", "tester"];
const TYPES: [&str; 2] = ["admin", "client"];

pub(super) fn body(user: &User, profile: &Profile) -> Value {
    let color = format!("#{}", &user.id[..6].to_ascii_uppercase());
    json!({
        "name": user.name(), "email": user.email, "id": user.id, "color": color, "role": profile.role,
        "status": profile.status.as_str(), "company": profile.company, "purpose": profile.purpose,
        "user_type": profile.user_type,
    })
}

pub(super) async fn me(someone: Someone) -> Answer {
    said("user.me", "Successfully get current user", "user", body(&someone.user, &someone.profile))
}

pub(super) async fn my_permissions(someone: Someone) -> Answer {
    let id = crate::ids::uuid_from(*b"default-resource");
    let default = json!({ "rsid": id, "rsname": "Default Resource", "scopes": [] });
    let modules = ["cluster", "model", "project", "user", "benchmark"].iter().filter_map(|module| {
        let scopes: Vec<&str> = ["view", "manage"]
            .into_iter()
            .filter(|scope| someone.may(&format!("{module}:{scope}")))
            .collect();
        let id = crate::ids::uuid_from(*b"module-of-rights");
        (!scopes.is_empty())
            .then(|| json!({ "rsid": id, "rsname": format!("module_{module}"), "scopes": scopes }))
    });
    let all: Vec<Value> = std::iter::once(default).chain(modules).collect();
    said("user.permissions", "Successfully get user permissions", "permissions", all.into())
}

fn check_password(input: &mut Input, name: &str) -> Option<String> {
    let password = input.text(name, 8, 100)?;
    let has = |test: fn(char) -> bool| password.chars().any(test);
    let strong = has(|c| c.is_ascii_digit())
        && has(char::is_uppercase)
        && has(char::is_lowercase)
        && has(|c| !c.is_alphanumeric() && !c.is_whitespace())
        && !has(char::is_whitespace);
    if !strong {
        let message = "Value error, Password must have a digit, an upper and a lower case letter and a special character, \
                       and no space";
        input.refuse(name, "value_error", message);
    }
    Some(password)
}

pub(super) async fn create(call: Call) -> Answer {
    call.must("user:manage")?;
    let mut input = call.open.input()?;
    let name = input.needed_text("name", 1, 100);
    let email = input.email("email");
    input.need("password");
    let password = check_password(&mut input, "password");
    input.need("role");
    let role = input.choice("role", &ROLES);
    if role.as_deref() == Some("super_admin") {
        input.refuse("role", "value_error", "Value error, The SUPER_ADMIN role is not permitted.");
    }
    let user_type = input.choice("user_type", &TYPES).unwrap_or_else(|| "client".to_owned());
    let text = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
    let (company, purpose) = (text("company"), text("purpose"));
    let permissions = input.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
    input.finish()?;
    let mut store = lock(&call.open.core.store);
    if store.user_by_email(&email).is_some() {
        return Err(bad("Email already registered"));
    }
    let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
    let mut user = User::new(&email, first, last, Role::User);
    user.set_password(&password.unwrap_or_default());
    let role = role.unwrap_or_default();
    let given = permissions.iter().filter(|scope| scope["has_permission"] == true);
    let mut scopes: std::collections::BTreeSet<String> =
        given.filter_map(|scope| Some(scope["name"].as_str()?.to_owned())).collect();
    if user_type == "client" {
        // Whatever was asked for.
        scopes.extend(["project:view", "project:manage"].map(str::to_owned));
    }
    if role == "admin" {
        scopes.extend(GLOBAL_SCOPES.map(str::to_owned));
    }
    let profile = Profile {
        given_role: role.clone(),
        role,
        status: Status::Invited,
        user_type,
        company,
        purpose,
        scopes,
        must_change: true,
        resets: 0,
    };
    let answer = body(&user, &profile);
    *lock(&call.open.core.world).profile_mut(&user) = profile;
    store.users.push(user);
    said("user.create", "User created successfully", "user", answer)
}

pub(super) async fn list(call: Call) -> Answer {
    call.must("user:view")?;
    let mut input = call.open.params();
    if super::input::is_huge(&input) {
        return Err(failed("Failed to get all users"));
    }
    let paging = Paging::read(&mut input, 0, u64::MAX);
    let searching = input.flag("search", false);
    let filters: Vec<(&str, String)> = ["name", "email", "role", "status", "user_type"]
        .into_iter()
        .filter_map(|name| Some((name, input.get(name)?.as_str()?.to_owned())))
        .collect();
    input.choice("role", &ROLES);
    input.choice("status", &["active", "deleted", "invited"]);
    input.finish()?;
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let bodies = store.users.iter().map(|user| body(user, &world.profile(user)));
    let bodies: Vec<Value> = bodies.collect();
    let text = |body: &Value, name: &str| body[name].as_str().unwrap_or_default().to_ascii_lowercase();
    let alike = |body: &Value, (name, wanted): &(&str, String)| {
        text(body, name).contains(&wanted.to_ascii_lowercase())
    };
    let (found, counted): (Vec<Value>, usize) = if searching && !filters.is_empty() {
        // What is listed matches any filter, what is counted matches all.
        let all = bodies.iter().filter(|body| filters.iter().all(|filter| alike(body, filter))).count();
        (bodies.into_iter().filter(|body| filters.iter().any(|filter| alike(body, filter))).collect(), all)
    } else {
        let same = |body: &Value| filters.iter().all(|(name, wanted)| body[*name] == **wanted);
        let listed = bodies.into_iter().filter(|body| {
            // Those who were deleted are not listed unless asked for.
            same(body) && (body["status"] != "deleted" || filters.iter().any(|(name, _)| *name == "status"))
        });
        let listed: Vec<Value> = listed.collect();
        let count = listed.len();
        (listed, count)
    };
    let mut answer = paging.answer("users.list", "Request fulfilled, document follows", "users", found);
    answer["total_record"] = counted.into();
    super::call::ok(answer)
}

pub(super) async fn one(Id(id): Id, call: Call) -> Answer {
    if id != call.user.id {
        call.must("user:view")?;
    }
    let store = lock(&call.open.core.store);
    let user = store.user(&id).ok_or_else(|| failed("Failed to get user by id"))?;
    let profile = lock(&call.open.core.world).profile(user);
    if profile.status == Status::Deleted {
        return Err(failed("Failed to get user by id"));
    }
    said("user.retrieve", "Successfully get user by id", "user", body(user, &profile))
}

pub(super) async fn change(Id(id): Id, someone: Someone) -> Answer {
    let own = id == someone.user.id;
    if !own && (someone.profile.status != Status::Active || !someone.may("user:manage")) {
        return Err(super::problem::forbidden());
    }
    let mut input = someone.open.input()?;
    // A null here reaches the database.
    if input.has("password") && input.get("password").is_none() {
        return Err(Problem::Unhandled);
    }
    let name = input.text("name", 1, 100);
    let password = check_password(&mut input, "password");
    let role = input.choice("role", &ROLES);
    let user_type = input.choice("user_type", &TYPES);
    let company = input.text("company", 0, 1000);
    let purpose = input.text("purpose", 0, 1000);
    input.finish()?;
    let mut store = lock(&someone.open.core.store);
    let mut world = lock(&someone.open.core.world);
    let target = store.user(&id).cloned().ok_or_else(|| failed("Failed to update current user"))?;
    let profile = world.profile_mut(&target);
    if profile.status == Status::Deleted {
        return Err(detail(StatusCode::BAD_REQUEST, "Cannot update inactive user"));
    }
    if role.is_some() && profile.role == "super_admin" {
        return Err(detail(StatusCode::BAD_REQUEST, "Cannot update superuser role"));
    }
    profile.role = role.unwrap_or_else(|| profile.role.clone());
    profile.user_type = user_type.unwrap_or_else(|| profile.user_type.clone());
    profile.company = company.or(profile.company.take());
    profile.purpose = purpose.or(profile.purpose.take());
    if let Some(password) = password {
        if own {
            profile.status = Status::Active;
            profile.must_change = false;
            profile.resets = 0;
        }
        // Whoever was named: it is the caller's password that is set.
        store.set_password(&someone.user.id, &password);
    }
    if let Some(name) = name
        && let Some(user) = store.users.iter_mut().find(|user| user.id == id)
    {
        let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
        (user.first_name, user.last_name) = (first.to_owned(), last.to_owned());
    }
    let user = store.user(&id).cloned().unwrap_or(target);
    said("user.me", "Successfully update current user", "user", body(&user, &world.profile(&user)))
}

pub(super) async fn delete(Id(id): Id, call: Call) -> Answer {
    call.must("user:manage")?;
    let remove = call.open.params().flag("remove_credential", true);
    if id == call.user.id {
        return Err(bad("You cannot delete your own account"));
    }
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let user = store.user(&id).cloned().ok_or_else(|| missing("User"))?;
    let profile = world.profile_mut(&user);
    if profile.status != Status::Active {
        return Err(missing("User"));
    }
    if profile.role == "super_admin" {
        return Err(bad("Cannot delete superuser"));
    }
    if !remove && world.keys.values().any(|key| key.owner == id) {
        return Err(bad("Credentials need to be removed"));
    }
    world.profile_mut(&user).status = Status::Deleted;
    remove_keys(&mut store, &mut world, |key| key.owner == id);
    done("info", "User deleted successfully")
}

/// Deletes API keys for good.
pub(super) fn remove_keys(
    store: &mut Store,
    world: &mut super::world::World,
    which: impl Fn(&super::world::Key) -> bool,
) {
    world.keys.retain(|_, key| !which(key));
    store.credentials.retain(|credential| world.keys.contains_key(&credential.id));
}

pub(super) async fn reactivate(Id(id): Id, call: Call) -> Answer {
    call.must("user:manage")?;
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let user = store.user(&id).ok_or_else(|| missing("Inactive user"))?;
    let profile = world.profile_mut(user);
    if profile.status != Status::Deleted {
        return Err(missing("Inactive user"));
    }
    profile.status = Status::Active;
    let answer = body(user, profile);
    said("user.retrieve", "Successfully reactivate user", "user", answer)
}
