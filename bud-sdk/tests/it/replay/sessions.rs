//! Sessions and users.

use bud_sdk::permissions::Scope;
use bud_sdk::users::{NewUser, Role, UserType, UserUpdate};
use bytes::Bytes;
use serde_json::json;

use super::exchange::{Exchange, answer};
use super::plan::{Plan, Typed, done, list, plan, typed};

const EMAIL: &str = "someone@example.com";
const PASSWORD: &str = "Replayed-Passw0rd!";

/// The token of a session is kept, not shown.
const KEPT: &[(&str, &str)] = &[
    ("object", ""),
    ("message", ""),
    ("first_login", ""),
    ("is_reset_password", ""),
    ("access_token", ""),
    ("refresh_token", ""),
    ("id_token", ""),
    ("refresh_expires_in", ""),
    ("token_type", ""),
    ("not-before-policy", ""),
    ("session_state", ""),
    ("scope", ""),
];
/// What the answer to a password reset says, its acknowledgement aside.
const RESET: &[(&str, &str)] = &[("object", ""), ("message", ""), ("status", ""), ("transaction_id", "")];
/// What a mere acknowledgement says.
const SAID: &[(&str, &str)] =
    &[("object", ""), ("message", ""), ("acknowledged", ""), ("status", ""), ("transaction_id", "")];

fn session() -> Bytes {
    // The recordings have this in the place of every token.
    let token = json!({ "access_token": "<jwt>", "refresh_token": "<jwt>", "expires_in": 1800 });
    answer(200, &json!({ "token": token }))
}

fn text<'a>(exchange: &'a Exchange, name: &str) -> &'a str {
    exchange.sent[name].as_str().unwrap_or_default()
}

pub fn plan_of(exchange: &Exchange) -> Option<Plan> {
    let id = exchange.id().to_owned();
    Some(match (exchange.method.as_str(), exchange.template.as_str()) {
        (_, "/auth/login" | "/auth/login/") => login(exchange),
        ("POST", "/auth/refresh-token") => renewal(exchange),
        ("POST", "/auth/logout") => {
            let plan = plan("", |bud| async move {
                bud.auth().login().await?;
                bud.auth().logout().await.map(|()| done())
            });
            let plan = plan.renamed(SAID).logs_in(EMAIL, PASSWORD).after([session()]);
            // Only a token of the session is ever sent.
            if text(exchange, "refresh_token") == "<jwt>" { plan } else { plan.answer_only() }
        }
        ("POST", "/auth/password/reset") => reset(exchange).on_guide(),
        ("POST", "/users/reset-password") => reset(exchange),
        ("HEAD", "/users/me") => whoami().answer_only(),
        ("GET", "/users/me") => whoami(),
        ("GET", "/users/me/permissions") => {
            plan("/permissions", |bud| async move { Ok(typed(&bud.auth().permissions().await?)) })
        }
        ("GET", "/users/{id}") => plan("/user", |bud| async move { Ok(typed(&bud.users().get(id).await?)) }),
        ("DELETE", "/users/me") => deactivation("me".to_owned()),
        ("DELETE", "/users/{id}") => deactivation(id),
        ("PATCH", "/users/{id}/reactivate") => {
            plan("/user", |bud| async move { Ok(typed(&bud.users().reactivate(id).await?)) })
        }
        ("POST", "/users/") => creation(exchange),
        ("POST", "/users") => creation(exchange).on_guide(),
        ("GET", "/users/") => users(exchange),
        ("GET", "/users") => users(exchange).on_guide(),
        ("PATCH", "/users/{id}") => change(exchange, id),
        ("PUT", "/users/{id}") => rename(exchange, id).on_guide(),
        _ => return None,
    })
}

fn login(exchange: &Exchange) -> Plan {
    let must_change = exchange.answer["is_reset_password"] == true;
    let plan = plan("", move |bud| async move {
        let signed = bud.auth().login().await?;
        let expires_in = signed.expires_in.map(|life| life.as_secs());
        assert_eq!(signed.must_change_password, Some(must_change));
        Ok(Typed::other(json!({ "token": { "expires_in": expires_in } })))
    });
    // What is no e-mail address is refused here, and there is no other way to send it than as JSON by POST.
    let fine = exchange.method == "POST" && exchange.template == "/auth/login";
    // No session is asked to be remembered by the server.
    let fine = fine && exchange.sent["remember_me"].is_null();
    if fine && text(exchange, "email").contains('@') {
        return plan.renamed(KEPT).logs_in(text(exchange, "email"), text(exchange, "password"));
    }
    plan.renamed(KEPT).logs_in(EMAIL, PASSWORD).answer_only()
}

/// A call whose token has just expired; an empty refresh token is how the API is found out.
fn renewal(exchange: &Exchange) -> Plan {
    if text(exchange, "refresh_token").is_empty() {
        let plan = plan("", |bud| async move {
            assert_eq!(bud.flavor().await?.as_str(), "runtime");
            bud.users().get("u-1").await.map(|_| done())
        });
        // It is then given to the call as well.
        return plan.detects();
    }
    let plan = plan("", |bud| async move {
        bud.auth().login().await?;
        bud.users().get("u-1").await.map(|_| Typed::other(json!({ "token": { "expires_in": 1800 } })))
    });
    let user = answer(200, &json!({ "user": { "id": "u-1" } }));
    let plan = plan.renamed(KEPT).logs_in(EMAIL, PASSWORD);
    let plan = plan.after([session(), answer(401, &json!({ "detail": "expired" }))]);
    match (exchange.status, text(exchange, "refresh_token")) {
        (200, _) => plan.before([user]),
        // Then it logs in, and is answered the same.
        (_, "<jwt>") => plan,
        _ => plan.answer_only(),
    }
}

fn reset(exchange: &Exchange) -> Plan {
    let email = text(exchange, "email").to_owned();
    let plan = plan("", |bud| async move {
        bud.auth().request_password_reset(email).await?;
        // It succeeds only for what the server acknowledges.
        Ok(Typed { value: json!({ "acknowledged": true }), ..done() })
    });
    plan.renamed(RESET)
}

fn whoami() -> Plan {
    plan("/user", |bud| async move { Ok(typed(&bud.auth().whoami().await?)) })
}

fn deactivation(id: String) -> Plan {
    let plan = plan("", |bud| async move { Ok(typed(&bud.users().deactivate(id).await?)) });
    // The recordings left it to the server, which then deletes the keys.
    plan.renamed(SAID)
}

fn creation(exchange: &Exchange) -> Plan {
    let sent = &exchange.sent;
    let name = text(exchange, "name");
    let (first, last) = name.split_once(' ').unwrap_or(("New", "User"));
    let mut new = NewUser::new(text(exchange, "email"), first, last, Role::from(text(exchange, "role")));
    if let Some(password) = sent["password"].as_str() {
        new = new.password(password);
    }
    if let Some(user_type) = sent["user_type"].as_str() {
        new = new.user_type(UserType::from(user_type));
    }
    for permission in sent["permissions"].as_array().into_iter().flatten() {
        new = new.allow(Scope::from(permission["name"].as_str().unwrap()));
    }
    // A name of one word, a role that cannot be given, or no type of user: not what we send.
    let fine = name.contains(' ') && sent["user_type"].is_string();
    let new = if fine { new } else { NewUser::new(EMAIL, "New", "User", Role::Admin) };
    let plan = plan("/user", |bud| async move { Ok(typed(&bud.users().create(new).await?.user)) });
    if fine { plan } else { plan.answer_only() }
}

fn users(exchange: &Exchange) -> Plan {
    let searching = exchange.query("search").is_some();
    let plan = list(exchange, "users", move |bud| {
        let users = bud.users().list();
        // The server matches any of its filters; one text is searched for here, which all names and addresses hold.
        if searching { users.search("e") } else { users }
    });
    // We order by creation, and search for one text in names and addresses.
    if searching || exchange.query("order_by").is_some() { plan.answer_only() } else { plan }
}

fn change(exchange: &Exchange, id: String) -> Plan {
    let sent = exchange.sent.clone();
    if let Some(password) = sent["password"].as_str() {
        let password = password.to_owned();
        let me = json!({ "user": { "id": id } });
        let plan =
            plan("/user", |bud| async move { Ok(typed(&bud.auth().change_own_password(password).await?)) });
        return plan.after([answer(200, &me)]);
    }
    if let Some(role) = sent["role"].as_str().map(Role::from) {
        let fine = role.as_str() != "PROJECT_ADMIN";
        let role = if fine { role } else { Role::Admin };
        let plan = plan("/user", |bud| async move { Ok(typed(&bud.users().set_role(id, role).await?)) });
        return if fine { plan } else { plan.answer_only() };
    }
    // No status, no user type, no null and no half of a name is ever sent.
    rename(exchange, id)
}

/// A change that the answer shows. A name of one word is never sent, so that the role stands in for it.
fn rename(exchange: &Exchange, id: String) -> Plan {
    let user = &exchange.answer["user"];
    let name = user["name"].as_str().unwrap_or("New Name");
    if let Some((first, last)) = name.split_once(' ') {
        let update = UserUpdate::new().first_name(first).last_name(last);
        return plan("/user", |bud| async move { Ok(typed(&bud.users().update(id, update).await?)) })
            .answer_only();
    }
    let role = Role::from(user["role"].as_str().unwrap_or("developer"));
    plan("/user", |bud| async move { Ok(typed(&bud.users().set_role(id, role).await?)) }).answer_only()
}
