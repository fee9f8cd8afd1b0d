//! The platform as shipped, from recordings of the real server: what is sent is what was recorded, and what was answered
//! is understood. For the operations that speak that API today.

use bud_sdk::projects::{NewProject, ProjectUpdate};
use bud_sdk::users::{Role, UserStatus, UserUpdate};
use bud_sdk::{Client, ErrorKind, Flavor};
use bud_testbed::{Script, Wire, respond, respond_json};
use serde_json::{Value, json};

use crate::common::{PASSWORD, TOKEN, with_password};

/// One recorded request and its answer.
struct Exchange(Value);

impl Exchange {
    fn named(name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/contract/runtime/");
        let read = |name: &str| std::fs::read_to_string(format!("{folder}{name}")).unwrap();
        let all = read("exchanges.jsonl") + &read("exchanges_keycloak.jsonl");
        let mut exchanges = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        Self(exchanges.find(|exchange| exchange["name"] == name).unwrap())
    }
    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }
    fn answer(&self) -> &Value {
        &self.0["response_body"]
    }
    fn status(&self) -> u16 {
        self.0["status"].as_u64().unwrap() as u16
    }
    /// A server that gives the recorded answer, whatever it is asked.
    async fn server(&self) -> Wire {
        let answer = Script::answer(respond_json(self.status(), self.answer()));
        Wire::builder().repeat_last().start([answer]).await.unwrap()
    }
    /// The last segment of the recorded path: the id.
    fn id(&self) -> &str {
        self.text("path").rsplit('/').next().unwrap()
    }
    /// That the first request was the recorded one.
    fn assert_sent(&self, wire: &Wire) {
        let sent = wire.requests().remove(0);
        assert_eq!((sent.method.as_str(), sent.path.as_str()), (self.text("method"), self.text("path")));
        assert_eq!(sent.json(), self.0["request_body"]);
    }
}

fn runtime(wire: &Wire) -> Client {
    Client::builder()
        .base_url(wire.url())
        .bearer_token(TOKEN)
        .flavor(Flavor::Runtime)
        .attempts(1)
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_login() {
    let exchange = Exchange::named("login_ok");
    let home = exchange.server().await;
    let (email, password) = (&exchange.0["request_body"]["email"], &exchange.0["request_body"]["password"]);
    let bud = with_password(home.url(), email.as_str().unwrap(), password.as_str().unwrap());
    let sign_in = bud.flavor(Flavor::Runtime).build().unwrap().auth().login().await.unwrap();
    assert_eq!(sign_in.expires_in.unwrap().as_secs(), 1800);
    assert_eq!(sign_in.must_change_password, Some(false), "the seeded super user may do everything");
    exchange.assert_sent(&home);
}

#[tokio::test]
async fn a_renewal() {
    let answers = ["login_ok", "refresh_ok", "user_get_ok"].map(Exchange::named);
    let expired = r#"{"detail":"Invalid authentication credentials"}"#;
    let [login, refresh, user] = answers.each_ref().map(|exchange| respond_json(200, exchange.answer()));
    let home =
        Wire::start([login, respond(401, &[], expired), refresh, user].map(Script::answer)).await.unwrap();
    let bud =
        with_password(home.url(), "admin@bud.studio", PASSWORD).flavor(Flavor::Runtime).build().unwrap();
    bud.users().get(answers[2].id()).await.unwrap();
    let sent = home.requests().remove(2);
    let recorded = &answers[1];
    assert_eq!((sent.method.as_str(), sent.path.as_str()), (recorded.text("method"), recorded.text("path")));
    assert_eq!(sent.json(), recorded.0["request_body"]);
}

#[tokio::test]
async fn refused_logins() {
    for (name, kind) in [
        ("login_wrong_password", ErrorKind::InvalidCredentials),
        ("login_unknown_email", ErrorKind::InvalidCredentials),
        ("login_reserved_tld_422", ErrorKind::Validation),
        ("rate_limit_login_11", ErrorKind::RateLimited),
    ] {
        let exchange = Exchange::named(name);
        let home = exchange.server().await;
        let bud = with_password(home.url(), "admin@bud.studio", PASSWORD).flavor(Flavor::Runtime).attempts(1);
        let error = bud.build().unwrap().auth().login().await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(exchange.status())), "{name}");
        let said = exchange.answer();
        let said = said["message"].as_str().or(said["detail"].as_str()).or(said["detail"][0]["msg"].as_str());
        assert!(error.message().contains(said.unwrap()), "{name}: {error}");
        assert_eq!(home.requests().len(), 1);
    }
}

#[tokio::test]
async fn one_user() {
    for name in ["user_get_ok", "user_get_after_login_role_reverted"] {
        let exchange = Exchange::named(name);
        let home = exchange.server().await;
        let user = runtime(&home).users().get(exchange.id()).await.unwrap();
        assert_eq!(user.id.as_str(), exchange.id());
        assert_found(&exchange.answer()["user"], &serde_json::to_value(&user).unwrap());
        assert!(user.extra.is_empty(), "{:?}", user.extra);
        exchange.assert_sent(&home);
    }
}

#[tokio::test]
async fn an_unknown_user_is_answered_500_and_keeps_the_servers_words() {
    let exchange = Exchange::named("user_get_unknown_500");
    let home = exchange.server().await;
    let error = runtime(&home).users().get(exchange.id()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Server, Some(500)));
    assert!(error.message().contains("Failed to get user by id"), "{error}");
}

#[tokio::test]
async fn users_are_listed_page_by_page() {
    let (first, past) = (Exchange::named("users_list_page1"), Exchange::named("users_list_page_past_end"));
    let mut last = past.answer().clone();
    last["page"] = 2.into();
    let scripts = [first.answer(), &last].map(|answer| Script::answer(respond_json(200, answer)));
    let home = Wire::start(scripts).await.unwrap();
    let users = runtime(&home).users().list().page_size(2).all().await.unwrap();
    let listed = serde_json::to_value(&users).unwrap();
    assert_found(&first.answer()["users"], &listed);
    assert!(users.iter().all(|user| user.extra.is_empty()));
    let sent = home.requests();
    assert_eq!(
        sent.iter().map(|sent| sent.target.as_str()).collect::<Vec<_>>(),
        [
            "/users/?page=1&limit=2&order_by=created_at%2Cid",
            "/users/?page=2&limit=2&order_by=created_at%2Cid",
        ]
    );
}

#[tokio::test]
async fn a_role_is_set() {
    let exchange = Exchange::named("user_patch_role_ok");
    let home = exchange.server().await;
    let user = runtime(&home).users().set_role(exchange.id(), Role::Devops).await.unwrap();
    let role = user.role.unwrap();
    assert_eq!((&*role, role.raw()), (&Role::Devops, "devops"));
    assert_eq!(user.status.as_deref(), Some(&UserStatus::Invited));
    exchange.assert_sent(&home);

    let refused = Exchange::named("user_patch_superuser_role_400");
    let home = refused.server().await;
    let error = runtime(&home).users().set_role(refused.id(), Role::Admin).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert!(error.message().contains("Cannot update superuser role"), "{error}");
    refused.assert_sent(&home);
}

#[tokio::test]
async fn a_password_reset_and_a_logout() {
    let exchange = Exchange::named("reset_password_ok");
    let home = exchange.server().await;
    runtime(&home).auth().request_password_reset("developer.admin@example.com").await.unwrap();
    exchange.assert_sent(&home);
    let exceeded = Exchange::named("reset_password_attempts_exceeded_429");
    let home = exceeded.server().await;
    let bud =
        Client::builder().base_url(home.url()).bearer_token(TOKEN).flavor(Flavor::Runtime).build().unwrap();
    let error = bud.auth().request_password_reset("developer.admin@example.com").await.unwrap_err();
    assert_eq!((error.kind(), home.requests().len()), (ErrorKind::RateLimited, 1), "that 429 is lasting");

    let answers = ["login_ok", "logout_ok"].map(Exchange::named);
    let scripts =
        answers.iter().map(|exchange| Script::answer(respond_json(exchange.status(), exchange.answer())));
    let home = Wire::start(scripts.collect::<Vec<_>>()).await.unwrap();
    let bud =
        with_password(home.url(), "admin@bud.studio", PASSWORD).flavor(Flavor::Runtime).build().unwrap();
    bud.auth().login().await.unwrap();
    bud.auth().logout().await.unwrap();
    let sent = home.requests().remove(1);
    assert_eq!((sent.path.as_str(), sent.json()), ("/auth/logout", answers[1].0["request_body"].clone()));
    assert!(sent.header("authorization").is_some(), "only with it is the access token ended too");
}

/// Every leaf of the recorded answer is found again in the typed value.
fn assert_found(recorded: &Value, typed: &Value) {
    match recorded {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| assert_found(value, &typed[name])),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, item)| assert_found(item, &typed[at])),
        leaf => assert_eq!(leaf, typed),
    }
}

#[tokio::test]
async fn clusters() {
    let exchange = Exchange::named("cluster_get");
    let home = exchange.server().await;
    let cluster = runtime(&home).clusters().get(exchange.id()).await.unwrap();
    let typed = serde_json::to_value(&cluster).unwrap();
    assert_found_but(&exchange.answer()["cluster"], &typed, &[("modified_at", "updated_at")]);
    assert!(cluster.extra.is_empty(), "{:?}", cluster.extra);
    assert_ne!(cluster.cluster_id.unwrap().as_str(), cluster.id.as_str(), "deployments name the other one");
    exchange.assert_sent(&home);

    let unknown = Exchange::named("cluster_get_unknown_400");
    let home = unknown.server().await;
    let error = runtime(&home).clusters().get(unknown.id()).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(400)));
    assert!(error.message().contains("Cluster not found"), "{error}");

    let empty = Exchange::named("clusters_list_empty");
    let home = empty.server().await;
    assert_eq!(runtime(&home).clusters().list().all().await.unwrap().len(), 0);
    assert_eq!(home.requests()[0].target, "/clusters/clusters?page=1&limit=100&order_by=created_at%2Cid");
}

#[tokio::test]
async fn projects() {
    let created = Exchange::named("project_create_ok");
    let home = created.server().await;
    let new = NewProject::new("New Project").description("Project description");
    let project = runtime(&home).projects().create(new).await.unwrap();
    assert_found_but(
        &created.answer()["project"],
        &serde_json::to_value(&project).unwrap(),
        &[RENAMED, NO_TAGS],
    );
    assert!(project.extra.is_empty(), "{:?}", project.extra);
    let sent = home.requests().remove(0);
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/projects/"));
    assert_eq!(sent.json(), json!({ "name": "New Project", "description": "Project description" }));

    for name in ["project_get", "member_project_get"] {
        let one = Exchange::named(name);
        let home = one.server().await;
        let project = runtime(&home).projects().get(one.id()).await.unwrap();
        let typed = serde_json::to_value(&project).unwrap();
        assert_found_but(&one.answer()["project"], &typed, &[RENAMED, NO_TAGS]);
        assert_eq!(typed["endpoints_count"], one.answer()["endpoints_count"]);
        assert_eq!(typed["credentials_count"], one.answer()["credentials_count"]);
        one.assert_sent(&home);
    }

    for name in ["project_list", "member_projects_list"] {
        let list = Exchange::named(name);
        let home = list.server().await;
        let page = runtime(&home).projects().list().page_size(10).pages().next().await.unwrap().unwrap();
        let recorded = &list.answer()["projects"][0];
        let typed = serde_json::to_value(&page.items[0]).unwrap();
        assert_found_but(&recorded["project"], &typed, &[RENAMED, NO_TAGS]);
        for count in ["users_count", "endpoints_count", "credentials_count", "profile_colors"] {
            assert_eq!(typed[count], recorded[count], "{name}: {count}");
        }
        assert_eq!(page.total_record, list.answer()["total_record"].as_u64());
        assert_eq!(home.requests()[0].target, "/projects/?page=1&limit=10&order_by=created_at%2Cid");
    }

    let changed = Exchange::named("project_patch");
    let home = changed.server().await;
    let update = ProjectUpdate::new().description("changed");
    let project = runtime(&home).projects().update(changed.id(), update).await.unwrap();
    assert_found_but(&changed.answer()["project"], &serde_json::to_value(&project).unwrap(), &[]);
    let sent = home.requests().remove(0);
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("PATCH", changed.text("path")));
    assert_eq!(sent.json(), json!({ "description": "changed" }));
}

#[tokio::test]
async fn users_are_renamed_and_let_in_again() {
    // The user of this recording has a name of two words.
    let renamed = Exchange::named("user_patch_role_ok");
    let home = renamed.server().await;
    let update = UserUpdate::new().first_name("User").last_name("developer");
    let user = runtime(&home).users().update(renamed.id(), update).await.unwrap();
    assert_eq!(user.name.as_deref(), renamed.answer()["user"]["name"].as_str());
    let sent = home.requests().remove(0);
    assert_eq!((sent.method.as_str(), sent.json()), ("PATCH", json!({ "name": "User developer" })));
    let half = runtime(&home).users().update("u-1", UserUpdate::new().first_name("New")).await.unwrap_err();
    assert_eq!((half.kind(), home.requests().len()), (ErrorKind::InvalidArgument, 1));

    let again = Exchange::named("user_reactivate_ok");
    let home = again.server().await;
    let id = again.text("path").split('/').nth(2).unwrap().to_owned();
    let user = runtime(&home).users().reactivate(&id).await.unwrap();
    assert_eq!(user.status.as_deref(), Some(&UserStatus::Active));
    again.assert_sent(&home);
}

const RENAMED: (&str, &str) = ("modified_at", "updated_at");
/// Lists are empty where the platform says null.
const NO_TAGS: (&str, &str) = ("tags", "");

/// Like [`assert_found`], with fields that have another name; without a name for those that are compared elsewhere.
fn assert_found_but(recorded: &Value, typed: &Value, renamed: &[(&str, &str)]) {
    for (name, value) in recorded.as_object().unwrap() {
        match renamed.iter().find(|(recorded, _)| recorded == name) {
            Some((_, "")) if value.is_null() => {}
            Some((_, other)) => assert_found(value, &typed[other]),
            None => assert_found(value, &typed[name]),
        }
    }
}
