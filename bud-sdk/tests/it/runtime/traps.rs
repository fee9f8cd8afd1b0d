//! The traps of the platform as shipped, as `tests/traps.md` names them, on the test server that sets each of them.

use bud_sdk::audit::AuditRecord;
use bud_sdk::credentials::{CredentialType, CredentialUpdate};
use bud_sdk::operations::Method;
use bud_sdk::permissions::{Grant, PermissionLevel, Scope, ScopeState, Scopes};
use bud_sdk::projects::{NewProject, ProjectType};
use bud_sdk::users::{NewUser, Role, User, UserType};
use bud_sdk::{Client, ErrorKind, Flavor, Timestamp};
use bud_testbed::{Script, Wire, respond_json};
use serde_json::json;

use crate::common::{TOKEN, runtime_user, shipped};

const FIRST: &str = "F1rst-Password!";
const OWN: &str = "Own-Passw0rd!";

/// A user as an administrator creates him, who has not signed in yet.
async fn invited(bud: &Client, email: &str, role: Role) -> User {
    let new = NewUser::new(email, "New", "User", role).password(FIRST).user_type(UserType::Admin);
    bud.users().create(new).await.unwrap().user
}

#[tokio::test]
async fn who_must_set_his_password_first_is_told_so_and_can() {
    let (bed, admin) = shipped().await;
    let user = invited(&admin, "new@example.com", Role::Developer).await;
    let bud = runtime_user(&bed, "new@example.com", FIRST);
    assert_eq!(bud.auth().login().await.unwrap().must_change_password, Some(true));
    let error = bud.projects().list().all().await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::PermissionDenied, Some(400)));
    assert!(error.hint().unwrap().contains("change_own_password"), "{error}");
    let error = admin.users().deactivate(&user).await.unwrap_err();
    assert!(error.is_not_found() && error.hint().unwrap().contains("invited"), "{error}");

    bud.auth().change_own_password(OWN).await.unwrap();

    bud.auth().login().await.unwrap();
    bud.projects().list().all().await.unwrap();
    admin.users().deactivate(&user).await.unwrap();
}

#[tokio::test]
async fn a_password_is_set_for_oneself_and_nobody_else() {
    let (bed, admin) = shipped().await;
    let other = bed.seed_user("USER");
    let theirs = runtime_user(&bed, &other.email, &other.password);
    theirs.auth().login().await.unwrap();

    admin.auth().change_own_password(OWN).await.unwrap();

    theirs.auth().login().await.unwrap();
    runtime_user(&bed, bed.admin_email(), OWN).auth().login().await.unwrap();
    let old = runtime_user(&bed, bed.admin_email(), bed.admin_password()).auth().login().await.unwrap_err();
    assert_eq!(old.kind(), ErrorKind::InvalidCredentials);
    // Whatever is changed of another, no password goes along.
    admin.users().set_role(&other.id, Role::Tester).await.unwrap();
    let update = bud_sdk::users::UserUpdate::new().first_name("A").last_name("B");
    admin.users().update(&other.id, update).await.unwrap();
    let sent = bed.requests().into_iter().filter(|sent| sent.path.starts_with("/users/"));
    let own = format!("/users/{}", bed.admin_id());
    assert!(sent.filter(|sent| sent.text().contains("password")).all(|sent| sent.path == own));
}

#[tokio::test]
async fn what_a_sign_in_undoes_is_said_before_and_seen_after() {
    let (bed, admin) = shipped().await;
    let user = invited(&admin, "new@example.com", Role::Developer).await;
    let bud = runtime_user(&bed, "new@example.com", FIRST);
    bud.auth().login().await.unwrap();
    bud.auth().change_own_password(OWN).await.unwrap();
    assert_eq!(admin.users().get(&user).await.unwrap().user_type.as_deref(), Some(&UserType::Client));
    let promoted = admin.users().set_role(&user, Role::Devops).await.unwrap();
    assert_eq!(promoted.role.as_deref(), Some(&Role::Devops));

    bud.auth().login().await.unwrap();

    assert_eq!(admin.users().get(&user).await.unwrap().role.as_deref(), Some(&Role::Developer));
    let offered = admin.capabilities().await.unwrap();
    let limitation =
        |id: &str| offered.operations.iter().find(|known| known.id == id).unwrap().limitation.unwrap();
    assert!(limitation("users.set_role").contains("next sign-in undoes it"));
}

#[tokio::test]
async fn rights_that_were_asked_for_can_be_read_back() {
    let (bed, admin) = shipped().await;
    let user = bed.seed_user("USER");
    let scopes = Scopes::new().allow(Scope::ProjectManage).deny(Scope::ClusterView);
    let given = admin.permissions().set_global(&user.id, scopes).await.unwrap();
    let has = |scopes: &[ScopeState], scope: Scope| {
        let found = scopes.iter().find(|state| state.name.as_deref() == Some(&scope));
        found.is_some_and(|state| state.has_permission == Some(true))
    };
    assert!(has(&given, Scope::ProjectManage) && has(&given, Scope::ProjectView), "one needs the other");
    let kept = admin.permissions().of_user(&user.id).await.unwrap();
    assert!(has(&kept.global_scopes, Scope::ProjectManage) && !has(&kept.global_scopes, Scope::ClusterView));
}

#[tokio::test]
async fn a_right_is_never_set_of_who_is_no_member() {
    let (bed, admin) = shipped().await;
    let user = bed.seed_user("USER");
    let project = NewProject::new("P").project_type(ProjectType::ClientApp);
    let project = admin.projects().create(project).await.unwrap();
    let level = |level| Grant::project(&user.id, &project, level);
    admin.permissions().grant(level(PermissionLevel::View)).await.unwrap();
    admin.permissions().grant(level(PermissionLevel::Edit)).await.unwrap();
    let count = |path: &str| bed.requests().iter().filter(|sent| sent.path.ends_with(path)).count();
    assert_eq!(
        (count("/add-users"), count("/permissions/project")),
        (1, 1),
        "first a member, then his rights"
    );
    let found = admin.permissions().list().user(&user.id).project(&project).all().await.unwrap();
    assert_eq!(found[0].permission_level.as_deref(), Some(&PermissionLevel::Edit));
}

#[tokio::test]
async fn projects_that_a_user_has_nothing_to_do_with_are_no_permissions_of_his() {
    let (bed, admin) = shipped().await;
    let user = bed.seed_user("USER");
    let mut last = None;
    for number in 0..5 {
        let project = NewProject::new(format!("P {number}")).project_type(ProjectType::ClientApp);
        last = Some(admin.projects().create(project).await.unwrap());
    }
    let grant = Grant::project(&user.id, last.as_ref().unwrap(), PermissionLevel::View);
    admin.permissions().grant(grant).await.unwrap();
    bed.clear_requests();
    let found = admin.permissions().list().user(&user.id).page_size(2).all().await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].permission_level.as_deref(), Some(&PermissionLevel::View));
    let pages = bed.requests().len();
    assert!(pages >= 3, "pages without a permission do not end the list: {pages}");
}

#[tokio::test]
async fn cells_are_the_servers_own_and_records_are_typed() {
    let (bed, bud) = shipped().await;
    bed.seed_audit(3);
    let january: std::ops::Range<Timestamp> =
        "2026-01-01T00:00:00Z".parse().unwrap().."2026-02-01T00:00:00Z".parse().unwrap();
    let mut csv = Vec::new();
    bud.audit().export(january.clone()).write_into(&mut csv).await.unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(csv.contains("'success': True"), "as Python prints it: {csv}");
    let mut records = bud.audit().export(january).records();
    while let Some(record) = records.next().await {
        let AuditRecord { details, timestamp, .. } = record.unwrap();
        assert_eq!(details.unwrap()["success"], true);
        assert!(csv.contains(&timestamp.unwrap().to_string().replace('Z', "+00:00")));
    }
}

#[tokio::test]
async fn who_is_no_administrator_gets_his_own_records_and_is_told_before() {
    let (bed, admin) = shipped().await;
    bed.seed_audit(10);
    let user = bed.seed_user("USER");
    let bud = runtime_user(&bed, &user.email, &user.password);
    let records = bud.audit().records().all().await.unwrap();
    assert!(
        !records.is_empty()
            && records.iter().all(|record| {
                record.user_id.as_ref().map(bud_sdk::users::UserId::as_str) == Some(user.id.as_str())
            })
    );
    assert!(admin.audit().records().all().await.unwrap().len() > records.len());
    let offered = bud.capabilities().await.unwrap();
    for id in ["audit.export", "audit.records", "audit.summary"] {
        let known = offered.operations.iter().find(|known| known.id == id).unwrap();
        assert!(known.limitation.unwrap().contains("his own records only"), "{id}");
    }
}

#[tokio::test]
async fn times_in_every_form_are_utc_and_amounts_keep_their_digits() {
    let answers = [
        json!({ "success": true, "result": {
            "has_billing": true, "billing_period_start": "2026-11-01T00:00:00+00:00",
            "base_monthly_price": 10.0, "usage": { "cost_used": 0.1, "cost_quota": null },
        } }),
        json!({ "success": true, "result": [{ "id": "b-1", "base_monthly_price": "10.00" }] }),
        json!({ "credentials": [{ "id": "k-1" }] }),
        json!({ "success": true, "result": { "id": "k-1", "expiry": "2026-12-22T20:10:28.230019" } }),
        json!({ "data": { "id": "a-1", "timestamp": "2026-11-22T20:10:13.129661Z" } }),
    ];
    let answers = answers.map(|body| Script::answer(respond_json(200, &body)));
    let home = Wire::start(answers).await.unwrap();
    let bud = Client::builder().base_url(home.url()).bearer_token(TOKEN).flavor(Flavor::Runtime);
    let bud = bud.build().unwrap();
    let quota = bud.quotas().mine().await.unwrap();
    assert_eq!(quota.billing_period_start.unwrap().to_string(), "2026-11-01T00:00:00Z");
    assert_eq!(quota.base_monthly_price.unwrap().to_f64(), 10.0);
    assert_eq!(quota.usage.unwrap().cost_used.unwrap().as_str(), "0.1");
    assert_eq!(bud.quotas().plans().await.unwrap()[0].base_monthly_price.as_ref().unwrap().as_str(), "10.00");
    let key = bud.credentials().update("k-1", CredentialUpdate::new().name("N")).await.unwrap();
    assert_eq!(key.expires_at.unwrap().to_string(), "2026-12-22T20:10:28.230019Z");
    let record = bud.audit().get("a-1").await.unwrap();
    assert_eq!(record.timestamp.unwrap().to_string(), "2026-11-22T20:10:13.129661Z");
}

/// An exception that nobody catches there breaks the connection behind its answer.
#[tokio::test]
async fn after_an_unhandled_error_a_look_works_and_a_change_is_not_repeated() {
    let (bed, bud) = shipped().await;
    let crash = async || {
        let path = format!("/users/{}", bed.admin_id());
        let call = bud.raw(Method::Patch, path).json(&json!({ "password": null })).unwrap();
        let error = call.await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Server, "Internal Server Error"));
    };
    crash().await;
    assert!(!bud.projects().list().all().await.unwrap().is_empty());
    crash().await;
    let error = bud.projects().create(NewProject::new("Lost")).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Interrupted, 1));
    assert!(error.maybe_applied(), "{error}");
    bud.projects().create(NewProject::new("Lost")).await.unwrap();
}

#[tokio::test]
async fn who_has_keys_is_neither_shut_out_nor_taken_out_unless_they_are_to_go() {
    let (bed, admin) = shipped().await;
    let user = bed.seed_user("USER");
    let project = NewProject::new("P").project_type(ProjectType::ClientApp);
    let project = admin.projects().create(project).await.unwrap();
    let grant = Grant::project(&user.id, &project, PermissionLevel::View);
    let with_key = async |name: &str| {
        admin.permissions().grant(grant.clone()).await.unwrap();
        let bud = runtime_user(&bed, &user.email, &user.password);
        bud.credentials().create(name, &project).await.unwrap().credential
    };
    let key = with_key("first").await;
    for error in [
        admin.users().deactivate(&user.id).await.unwrap_err(),
        admin.projects().remove_members(&project, [&user.id]).await.unwrap_err(),
        admin.permissions().revoke(&grant).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.status()), (ErrorKind::Conflict, Some(400)));
        assert!(error.message().contains("Credentials need to be removed"), "{error}");
        assert!(error.hint().unwrap().contains("API keys first"), "{error}");
    }
    assert!(bed.plain_key(key.id.as_str()).is_some(), "no key was lost");
    admin.projects().remove_members(&project, [&user.id]).remove_credentials().await.unwrap();
    assert!(bed.plain_key(key.id.as_str()).is_none());
    with_key("second").await;
    admin.users().deactivate(&user.id).remove_credentials().await.unwrap();
}

#[tokio::test]
async fn keys_belong_to_an_application_and_are_asked_for_by_it() {
    let (bed, bud) = shipped().await;
    let project = NewProject::new("For clients").project_type(ProjectType::ClientApp);
    let project = bud.projects().create(project).await.unwrap();
    let error = bud.credentials().create("k", &project).await.unwrap_err();
    assert!(error.message().contains("ADMIN_APP projects"), "{error}");
    bud.credentials().create("k", &project).credential_type(CredentialType::ClientApp).await.unwrap();
    let listed = async |list: bud_sdk::List<_>| list.all().await.unwrap().len();
    assert_eq!(listed(bud.credentials().list().project(&project)).await, 0, "those of one's own application");
    let of_clients = bud.credentials().list().project(&project).credential_type(CredentialType::ClientApp);
    assert_eq!(listed(of_clients).await, 1);
    assert!(bed.requests().iter().any(|sent| sent.target.contains("credential_type=client_app")));
}

#[tokio::test]
async fn a_key_keeps_its_budget_when_something_else_changes() {
    let (bed, bud) = shipped().await;
    let project = bed.project_id();
    let limited = bud.credentials().create("k", &project).max_budget(12.5).await.unwrap().credential;
    for number in 0..3 {
        bud.credentials().create(format!("other {number}"), &project).await.unwrap();
    }
    let renamed = bud.credentials().update(&limited, CredentialUpdate::new().name("renamed")).await.unwrap();
    assert_eq!((renamed.name.as_deref(), renamed.max_budget), (Some("renamed"), Some(12.5)));
    let raised = bud.credentials().update(&limited, CredentialUpdate::new().max_budget(20.0)).await.unwrap();
    assert_eq!(raised.max_budget, Some(20.0));
    let unknown = "00000000-0000-4000-8000-000000000000";
    let error = bud.credentials().update(unknown, CredentialUpdate::new().name("n")).await.unwrap_err();
    assert!(error.is_not_found() && !error.maybe_applied(), "{error}");

    // One of the other application is found, too.
    let project = NewProject::new("For clients").project_type(ProjectType::ClientApp);
    let project = bud.projects().create(project).await.unwrap();
    let call = bud.credentials().create("c", &project).credential_type(CredentialType::ClientApp);
    let key = call.max_budget(3.0).await.unwrap().credential;
    let renamed = bud.credentials().update(&key, CredentialUpdate::new().name("d")).await.unwrap();
    assert_eq!(renamed.max_budget, Some(3.0));
    let put = bed.requests().into_iter().rfind(|sent| sent.method == "PUT").unwrap();
    assert_eq!(put.json(), json!({ "name": "d", "max_budget": 3.0 }));
}

#[tokio::test]
async fn a_budget_that_is_given_is_not_looked_for() {
    let others: Vec<_> = (0..100).map(|number| json!({ "id": format!("k-{number}") })).collect();
    let page = json!({ "page": 1, "limit": 100, "total_pages": 3, "credentials": others });
    let changed = json!({ "success": true, "result": { "id": "k-250", "max_budget": 20.0 } });
    let answers = [page, changed].map(|body| Script::answer(respond_json(200, &body)));
    let home = Wire::start(answers).await.unwrap();
    let bud = Client::builder().base_url(home.url()).bearer_token(TOKEN).flavor(Flavor::Runtime);
    let bud = bud.build().unwrap();
    let key = bud.credentials().update("k-250", CredentialUpdate::new().max_budget(20.0)).await.unwrap();
    assert_eq!(key.max_budget, Some(20.0));
    let sent: Vec<String> = home.requests().into_iter().map(|sent| sent.method).collect();
    assert_eq!(sent, ["GET", "PUT"]);
}

/// A server may give less at a time than it was asked for, and not count its pages.
#[tokio::test]
async fn a_key_behind_a_page_that_is_full_by_its_own_measure_is_found() {
    let page = |page: u32, keys: &[&str]| {
        let keys: Vec<_> = keys.iter().map(|id| json!({ "id": id, "max_budget": 3.0 })).collect();
        json!({ "page": page, "limit": 2, "credentials": keys })
    };
    let changed = json!({ "success": true, "result": { "id": "k-3", "max_budget": 3.0 } });
    let answers = [page(1, &["k-1", "k-2"]), page(2, &["k-3"]), changed];
    let home = Wire::start(answers.map(|body| Script::answer(respond_json(200, &body)))).await.unwrap();
    let bud = Client::builder().base_url(home.url()).bearer_token(TOKEN).flavor(Flavor::Runtime);
    let bud = bud.build().unwrap();
    bud.credentials().update("k-3", CredentialUpdate::new().name("N")).await.unwrap();
    let sent = home.requests();
    for (sent, page) in sent.iter().zip(["page=1&", "page=2&"]) {
        assert!(sent.target.contains(page) && sent.target.contains("admin_app"), "{}", sent.target);
    }
    assert_eq!(sent[2].json(), json!({ "name": "N", "max_budget": 3.0 }));
}

#[tokio::test]
async fn every_list_asks_for_an_order_and_none_is_redirected() {
    let (bed, bud) = shipped().await;
    bed.seed_users(5);
    bed.clear_requests();
    bud.users().list().page_size(2).all().await.unwrap();
    bud.projects().list().all().await.unwrap();
    bud.clusters().list().all().await.unwrap();
    bud.credentials().list().all().await.unwrap();
    bud.projects().members(bed.project_id()).all().await.unwrap();
    bud.permissions().list().user(bed.admin_id()).all().await.unwrap();
    for sent in bed.requests() {
        let ordered = sent.target.contains("order_by=created_at%2Cid") || sent.path.starts_with("/auth/");
        assert!(ordered && sent.status == Some(200), "{} {:?}", sent.target, sent.status);
    }
}
