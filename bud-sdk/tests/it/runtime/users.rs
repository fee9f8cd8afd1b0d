//! The platform as shipped: its users, members, rights and API keys, and what protects a caller from its traps.

use bud_sdk::credentials::{ApiKeyValue, CredentialType, CredentialUpdate, Expiry};
use bud_sdk::permissions::{Grant, PermissionLevel, ResourceType, Scope, Scopes};
use bud_sdk::projects::{NewMember, NewProject, ProjectType};
use bud_sdk::users::{NewUser, Role, UserStatus, UserType};
use bud_sdk::{Client, ClientBuilder, ErrorKind, Flavor};
use bud_testbed::{Script, Wire, respond_json};
use serde_json::{Value, json};

use crate::common::{PASSWORD, TOKEN};

fn runtime(wire: &Wire) -> ClientBuilder {
    Client::builder().base_url(wire.url()).bearer_token(TOKEN).flavor(Flavor::Runtime).attempts(1)
}

async fn answering<const N: usize>(answers: [(u16, Value); N]) -> Wire {
    Wire::start(answers.map(|(status, body)| Script::answer(respond_json(status, &body)))).await.unwrap()
}

/// What was sent: method, target, body.
fn sent(wire: &Wire) -> Vec<(String, String, Value)> {
    let body = |text: &str| if text.is_empty() { Value::Null } else { serde_json::from_str(text).unwrap() };
    wire.requests()
        .iter()
        .map(|sent| (sent.method.clone(), sent.target.clone(), body(&sent.text())))
        .collect()
}

fn members(users: &[(&str, &[(&str, bool)])]) -> Value {
    let users: Vec<Value> = users
        .iter()
        .map(|(id, scopes)| {
            let permissions: Vec<Value> =
                scopes.iter().map(|(name, has)| json!({ "name": name, "has_permission": has })).collect();
            json!({ "id": id, "permissions": permissions, "project_role": "participant" })
        })
        .collect();
    json!({ "object": "project.list_users", "page": 1, "limit": 100, "users": users })
}

fn done() -> Value {
    json!({ "object": "info", "message": "done", "param": null })
}

fn edit() -> Grant {
    Grant::project("u-1", "p-1", PermissionLevel::Edit)
}

const LOOK: &str = "/projects/p-1/users?page=1&limit=100&order_by=created_at%2Cid";

#[tokio::test]
async fn a_grant_makes_a_member() {
    let held = members(&[("u-2", &[]), ("u-1", &[("endpoint:view", true), ("endpoint:manage", true)])]);
    let home = answering([(200, members(&[("u-2", &[])])), (200, done()), (200, held)]).await;
    let granted = runtime(&home).build().unwrap().permissions().grant(edit()).await.unwrap();
    assert_eq!(granted.permission_level.as_deref(), Some(&PermissionLevel::Edit));
    assert_eq!((granted.id, granted.resource_id.as_deref()), (None, Some("p-1")));
    let user = json!({ "user_id": "u-1", "scopes": ["endpoint:view", "endpoint:manage"] });
    assert_eq!(
        sent(&home),
        [
            ("GET".to_owned(), LOOK.to_owned(), Value::Null),
            ("POST".to_owned(), "/projects/p-1/add-users".to_owned(), json!({ "users": [user] })),
            ("GET".to_owned(), LOOK.to_owned(), Value::Null),
        ]
    );
}

#[tokio::test]
async fn a_grant_sets_what_a_member_may_however_far_down_the_list_he_is() {
    let many: Vec<String> = (0..100).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &[(&str, bool)])> = many.iter().map(|id| (id.as_str(), [].as_slice())).collect();
    let held = members(&[("u-1", &[("endpoint:view", true)])]);
    let home =
        answering([(200, members(&many)), (200, members(&[("u-1", &[])])), (200, done()), (200, held)]).await;
    let grant = Grant::project("u-1", "p-1", PermissionLevel::View);
    runtime(&home).build().unwrap().permissions().grant(grant).await.unwrap();
    let sent = sent(&home);
    assert_eq!(sent[1].1, LOOK.replace("page=1", "page=2"));
    let permissions = json!([
        { "name": "endpoint:view", "has_permission": true },
        { "name": "endpoint:manage", "has_permission": false },
    ]);
    let body = json!([{ "user_id": "u-1", "project_id": "p-1", "permissions": permissions }]);
    assert_eq!(sent[2], ("PATCH".to_owned(), "/permissions/project".to_owned(), body));
}

#[tokio::test]
async fn what_has_no_meaning_there_is_unsupported_before_any_request() {
    let home = answering([]).await;
    let bud = runtime(&home).build().unwrap();
    let admin = Grant::project("u-1", "p-1", PermissionLevel::Admin);
    let model = Grant::on("u-1", ResourceType::Model, "m-1", PermissionLevel::View);
    for error in [
        bud.permissions().grant(admin).await.unwrap_err(),
        bud.permissions().grant(model.clone()).await.unwrap_err(),
        bud.permissions().revoke(&model).await.unwrap_err(),
        bud.permissions().revoke_by_id("g-1").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("permissions."), "it says what to use: {error}");
    }
    let unfiltered = bud.permissions().list().all().await.unwrap_err();
    assert_eq!((unfiltered.kind(), unfiltered.param()), (ErrorKind::InvalidArgument, Some("user")));
}

#[tokio::test]
async fn a_revocation_ends_the_membership_and_keeps_the_keys() {
    let home = answering([(200, members(&[("u-1", &[])])), (200, done()), (200, members(&[]))]).await;
    let bud = runtime(&home).build().unwrap();
    assert_eq!(bud.permissions().revoke(&edit()).await.unwrap(), 1);
    assert_eq!(bud.permissions().revoke(&edit()).await.unwrap(), 0, "who is no member has nothing to lose");
    let sent = sent(&home);
    assert_eq!(sent.len(), 3);
    let target = "/projects/p-1/remove-users?remove_credential=false".to_owned();
    assert_eq!(sent[1], ("POST".to_owned(), target, json!({ "user_ids": ["u-1"] })));
}

#[tokio::test]
async fn permissions_of_a_user_of_a_project_and_of_both() {
    let scopes = [("endpoint:view", true), ("endpoint:manage", true)];
    let projects = json!({ "page": 1, "limit": 100, "projects": [
        { "id": "p-1", "name": "One", "permissions": [{ "name": "endpoint:view", "has_permission": true }] },
        { "id": "p-2", "name": "Two", "permissions": [{ "name": "endpoint:view", "has_permission": false }] },
    ] });
    let project = members(&[("u-1", &scopes), ("u-2", &scopes[..1])]);
    let home = answering([(200, projects), (200, project.clone()), (200, project)]).await;
    let bud = runtime(&home).build().unwrap();
    let of_user = bud.permissions().list().user("u-1").all().await.unwrap();
    let level = |at: usize| of_user[at].permission_level.as_deref();
    assert_eq!((level(0), level(1)), (Some(&PermissionLevel::View), None));
    assert_eq!(of_user[1].resource_id.as_deref(), Some("p-2"));
    let of_project = bud.permissions().list().project("p-1").all().await.unwrap();
    let users: Vec<&str> =
        of_project.iter().filter_map(|found| found.user_id.as_ref()).map(|id| id.as_str()).collect();
    assert_eq!(users, ["u-1", "u-2"]);
    let both = bud.permissions().list().user("u-2").project("p-1").all().await.unwrap();
    assert_eq!(both.len(), 1);
    assert_eq!(both[0].permission_level.as_deref(), Some(&PermissionLevel::View));
}

#[tokio::test]
async fn nothing_in_the_objects_place_means_no_rights() {
    let home =
        answering([(200, json!({ "object": "user.permissions", "message": "m", "result": [] }))]).await;
    let rights = runtime(&home).build().unwrap().permissions().of_user("u-1").await.unwrap();
    assert!(rights.global_scopes.is_empty() && rights.project_scopes.is_empty());
}

#[tokio::test]
async fn a_user_gets_a_password_that_is_shown_once() {
    let user = json!({ "object": "user.create", "user": { "id": "u-1", "status": "invited" } });
    let home = answering([(200, user.clone()), (200, user)]).await;
    let bud = runtime(&home).role_map(Role::User, Role::Tester).build().unwrap();
    let made = bud.users().create(NewUser::new("new@example.com", "New", "User", Role::User)).await.unwrap();
    let password = made.one_time_password.unwrap();
    let mut body = sent(&home)[0].2.clone();
    assert_eq!(body["password"].take(), password.expose());
    assert_eq!(
        body,
        json!({ "name": "New User", "email": "new@example.com", "role": "tester", "user_type": "client", "password": null })
    );
    assert_eq!(format!("{password:?}"), "***");
    let own = NewUser::new("new@example.com", "New", "User", Role::Admin)
        .password("Passw0rd!x")
        .user_type(UserType::Admin)
        .allow(Scope::ModelView);
    assert!(bud.users().create(own).await.unwrap().one_time_password.is_none(), "the caller knows it");
    let body = sent(&home)[1].2.clone();
    assert_eq!(body["permissions"], json!([{ "name": "model:view", "has_permission": true }]));
}

#[tokio::test]
async fn an_unmapped_role_a_weak_password_and_what_the_guide_lacks_are_refused() {
    let home = answering([]).await;
    let bud = runtime(&home).build().unwrap();
    let new = |role| NewUser::new("new@example.com", "New", "User", role);
    let refused = |error: bud_sdk::Error| error.param().map(str::to_owned);
    let error = bud.users().create(new(Role::User)).await.unwrap_err();
    assert_eq!(refused(error).as_deref(), Some("role"));
    let error = bud.users().create(new(Role::Admin).password("weak")).await.unwrap_err();
    assert_eq!(refused(error).as_deref(), Some("password"));
    let guide = crate::common::plain(home.url()).build().unwrap();
    let error = guide.users().create(new(Role::User).password("Passw0rd!x")).await.unwrap_err();
    assert_eq!(refused(error).as_deref(), Some("password"));
    let error = guide.users().deactivate("u-1").remove_credentials().await.unwrap_err();
    assert_eq!(refused(error).as_deref(), Some("remove_credentials"));
    let error = guide.credentials().create("k", "p-1").expiry(Expiry::Days30).await.unwrap_err();
    assert_eq!(refused(error).as_deref(), Some("expiry"));
    let error = bud.permissions().set_global("u-1", Scopes::new().allow(Scope::EndpointView)).await;
    assert_eq!(refused(error.unwrap_err()).as_deref(), Some("scopes"));
    let error = bud.projects().add_members("p-1", [NewMember::user("u", PermissionLevel::Admin)]).await;
    assert_eq!(refused(error.unwrap_err()).as_deref(), Some("level"));
    let update = CredentialUpdate::new().max_budget(-1.0);
    let error = bud.credentials().update("k-1", update).await.unwrap_err();
    assert_eq!(refused(error).as_deref(), Some("max_budget"));
    let update = CredentialUpdate::new().ip_whitelist(["not an address"]);
    let error = bud.credentials().update("k-1", update).await.unwrap_err();
    assert_eq!(refused(error).as_deref(), Some("ip_whitelist"));
    assert_eq!(home.requests().len(), 0);
}

#[tokio::test]
async fn only_ones_own_password_can_be_set_and_later_logins_use_it() {
    let token = |token: &str| json!({ "token": { "access_token": token, "expires_in": 1800 } });
    let me = json!({ "object": "user.me", "user": { "id": "me-1", "status": "active" } });
    let home = answering([
        (200, token("first")),
        (200, me.clone()),
        (200, me.clone()),
        (200, token("second")),
        (200, me),
    ])
    .await;
    let bud = crate::common::with_password(home.url(), "me@example.com", PASSWORD).flavor(Flavor::Runtime);
    let bud = bud.build().unwrap();
    let error = bud.auth().change_own_password("short").await.unwrap_err();
    assert_eq!((error.param(), home.requests().len()), (Some("password"), 0));
    bud.auth().change_own_password("N3w-Password!").await.unwrap();
    bud.auth().login().await.unwrap();
    bud.auth().whoami().await.unwrap();
    let sent = sent(&home);
    let path = "/users/me-1".to_owned();
    assert_eq!(sent[2], ("PATCH".to_owned(), path, json!({ "password": "N3w-Password!" })));
    assert_eq!(sent[3].2["password"], "N3w-Password!");
    assert!(!format!("{bud:?}").contains("N3w"));
}

#[tokio::test]
async fn a_user_is_shut_out_and_his_keys_stay() {
    let gone = json!({ "object": "info", "message": "User deleted successfully" });
    let unknown = json!({ "object": "error", "code": 404, "message": "User not found" });
    let home = answering([(200, gone.clone()), (200, gone), (404, unknown)]).await;
    let bud = runtime(&home).build().unwrap();
    let user = bud.users().deactivate("u-1").await.unwrap();
    assert_eq!(user.status.as_deref(), Some(&UserStatus::Inactive));
    bud.users().deactivate("u-1").remove_credentials().await.unwrap();
    let error = bud.users().deactivate("u-2").await.unwrap_err();
    assert!(error.is_not_found() && error.to_string().contains("invited"), "{error}");
    let targets: Vec<String> = sent(&home).into_iter().map(|(_, target, _)| target).collect();
    assert_eq!(targets[..2], ["/users/u-1?remove_credential=false", "/users/u-1?remove_credential=true"]);
}

#[tokio::test]
async fn a_user_who_may_do_nothing_is_told_why() {
    let home = answering([(400, json!({ "detail": "Inactive user" }))]).await;
    let error = runtime(&home).build().unwrap().projects().list().all().await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(400)));
    assert!(error.to_string().contains("change_own_password"), "{error}");
}

#[tokio::test]
async fn a_search_ends_at_a_short_page_whatever_the_count_says() {
    let user = |id: usize| json!({ "id": format!("u-{id}"), "name": "Miller" });
    let page = |page: u32, ids: std::ops::Range<usize>| json!({ "page": page, "limit": 2, "total_record": 0, "total_pages": 1, "users": ids.map(user).collect::<Vec<_>>() });
    let home = answering([(200, page(1, 0..2)), (200, page(2, 2..4)), (200, page(3, 4..5))]).await;
    let bud = runtime(&home).build().unwrap();
    let found = bud.users().list().search("miller").page_size(2).all().await.unwrap();
    assert_eq!(found.len(), 5, "the count that the server gives with a search is wrong");
    let query = "/users/?page=1&limit=2&order_by=created_at%2Cid&search=true&name=miller&email=miller";
    assert_eq!(sent(&home)[0].1, query);
    let both = bud.users().list().search("miller").role(Role::Admin).all().await.unwrap_err();
    assert_eq!(both.param(), Some("search"), "there it would widen the search");
}

#[tokio::test]
async fn a_key_that_comes_encrypted_is_not_passed_off_as_a_key() {
    let ciphertext = "ab".repeat(256);
    let made = json!({ "success": true, "result": {
        "id": "k-1", "name": "k", "key": ciphertext, "project_id": "p-1", "expiry": "2026-12-22T20:20:49.963661",
    } });
    let listed = json!({ "credentials": [
        { "id": "k-1", "key": ciphertext, "project": { "id": "p-1", "name": "One" } },
    ] });
    let home = answering([(201, made), (200, listed)]).await;
    let bud = runtime(&home).build().unwrap();
    let call = bud.credentials().create("k", "p-1").expiry(Expiry::Days30);
    let made = call.credential_type(CredentialType::AdminApp).await.unwrap();
    assert!(made.key.plain().is_none());
    let ApiKeyValue::Encrypted(key) = &made.key else { panic!("it is encrypted") };
    assert_eq!(key.ciphertext(), ciphertext);
    assert!(!format!("{made:?}").contains("abab"));
    assert_eq!(made.credential.expires_at.unwrap().to_string(), "2026-12-22T20:20:49.963661Z");
    let body = json!({ "name": "k", "project_id": "p-1", "expiry": 30, "credential_type": "admin_app" });
    assert_eq!(sent(&home)[0].2, body);
    let listed = bud.credentials().list().all().await.unwrap();
    assert_eq!(listed[0].encrypted_key().unwrap().ciphertext(), ciphertext);
    assert_eq!(listed[0].project_id.as_ref().unwrap().as_str(), "p-1", "a list has it too");
    assert!(!format!("{listed:?}").contains("abab"));
}

#[tokio::test]
async fn a_project_with_keys_is_not_deleted_unless_asked_for() {
    let refused = json!({ "object": "error", "code": 400, "message": "Credentials need to be removed" });
    let home = answering([(400, refused), (200, done())]).await;
    let bud = runtime(&home).build().unwrap();
    let error = bud.projects().delete("p-1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("remove_credentials()"), "{error}");
    bud.projects().delete("p-1").remove_credentials().await.unwrap();
    let targets: Vec<String> = sent(&home).into_iter().map(|(_, target, _)| target).collect();
    assert_eq!(targets, ["/projects/p-1?remove_credential=false", "/projects/p-1?remove_credential=true"]);
}

#[tokio::test]
async fn a_project_always_has_a_description_there() {
    let home = answering([(200, json!({ "project": { "id": "p-1" } }))]).await;
    runtime(&home).build().unwrap().projects().create(NewProject::new("P")).await.unwrap();
    assert_eq!(sent(&home)[0].2, json!({ "name": "P", "description": "" }), "without one it answers 500");
}

#[tokio::test]
async fn a_project_for_clients_is_said_to_be_one() {
    let (bed, bud) = crate::common::shipped().await;
    let client = bed.seed_user("USER");
    let found = bud.users().list().search(&client.email).all().await.unwrap().remove(0);
    assert_eq!(found.user_type.as_deref(), Some(&UserType::Client));
    let grant = |project: &bud_sdk::projects::Project| Grant::project(&found, project, PermissionLevel::View);

    let ours = bud.projects().create(NewProject::new("Ours")).await.unwrap();
    assert_eq!(ours.project_type.as_deref(), Some(&ProjectType::AdminApp), "an administrator's");
    let error = bud.permissions().grant(grant(&ours)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert!(error.hint().unwrap().contains("ClientApp"), "{error}");

    let theirs = NewProject::new("Theirs").project_type(ProjectType::ClientApp);
    let theirs = bud.projects().create(theirs).await.unwrap();
    bud.permissions().grant(grant(&theirs)).await.unwrap();
    let guide =
        Client::builder().base_url(bed.url()).bearer_token(TOKEN).flavor(Flavor::Guide).build().unwrap();
    let new = NewProject::new("P").project_type(ProjectType::ClientApp);
    assert_eq!(guide.projects().create(new).await.unwrap_err().param(), Some("project_type"));
}
