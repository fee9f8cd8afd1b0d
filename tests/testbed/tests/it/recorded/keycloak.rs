//! The dialect beside the recordings with a real Keycloak: sessions, and outages of Keycloak and of the database.

use bud_testbed::Outage;
use serde_json::{Value, json};

use super::book::Book;
use super::{id, runtime};
use crate::client::Client;

/// What only a real Keycloak shows.
pub(super) async fn sessions(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let nobody = Client::nobody(&bed);
    let login = |email: &str, password: &str| json!({ "email": email, "password": password });
    let mut remembered = login(bed.admin_email(), bed.admin_password());
    let first =
        book.same("kc_login_ok", nobody.post("/auth/login", remembered.clone()).await)["token"].clone();
    remembered["remember_me"] = true.into();
    let token = book.same("kc_login_ok_remember_me", nobody.post("/auth/login", remembered).await);
    assert_eq!(token["token"]["refresh_expires_in"], 0);
    assert!(token["token"]["scope"].as_str().unwrap().ends_with("offline_access"));
    let refresh = json!({ "refresh_token": first["refresh_token"] });
    let second = book.same("kc_refresh_ok", nobody.post("/auth/refresh-token", refresh.clone()).await);
    book.same("kc_users_me_permissions_superuser", admin.get("/users/me/permissions").await);
    let with = |token: &Value| Client {
        url: bed.url().to_owned(),
        token: Some(token["access_token"].as_str().unwrap().to_owned()),
    };
    let newer = with(&second["token"]);
    book.same("kc_logout_ok", newer.post("/auth/logout", refresh.clone()).await);
    book.same("kc_logout_then_use_of_that_token_401", newer.get("/users/me").await);
    book.same(
        "kc_logout_then_use_of_an_older_access_token_of_the_session_200",
        with(&first).get("/users/me").await,
    );
    book.same("kc_refresh_after_logout_401", nobody.post("/auth/refresh-token", refresh).await);
    let garbage = json!({ "refresh_token": "garbage" });
    book.same("kc_logout_garbage_400", nobody.post("/auth/logout", garbage).await);
    book.same(
        "kc_wrong_password_1",
        nobody.post("/auth/login", login(bed.admin_email(), "Wrong@12345")).await,
    );

    let new = json!({
        "name": "Kc Member", "email": "kc@example.com", "password": "Passw0rd!x", "role": "developer",
        "user_type": "client",
    });
    let made = book.same("kc_user_create_client_default_permissions", admin.post("/users/", new).await);
    let target = format!("/users/{}", id(&made, "user"));
    let answer = nobody.post("/auth/login", login("kc@example.com", "Passw0rd!x")).await;
    let answer = book.same("kc_login_first", answer);
    assert_eq!((&answer["first_login"], &answer["is_reset_password"]), (&json!(true), &json!(true)));
    let user = with(&answer["token"]);
    book.same("kc_change_own_password", user.patch(&target, json!({ "password": "Newpass1!x" })).await);
    book.same("kc_token_from_before_the_password_change", user.get("/users/me").await);
    let again = nobody.post("/auth/login", login("kc@example.com", "Newpass1!x")).await;
    book.same("kc_login_second", again);
    let scopes =
        book.same("kc_user_permissions_of_a_new_client", admin.get(&format!("{target}/permissions")).await);
    let given = |name: &str| {
        let scopes = scopes["result"]["global_scopes"].as_array().unwrap();
        scopes.iter().any(|scope| scope["name"] == name && scope["has_permission"] == true)
    };
    assert!(given("project:view") && given("project:manage") && !given("user:view"));
    book.same("kc_member_endpoints_without_headers_200", user.get("/endpoints/").await);
    let endpoint = format!("/endpoints/{}", bed.endpoint_ids()[0]);
    let detail = user.get(&format!("{endpoint}/model-cluster-detail")).await;
    book.same("kc_non_member_endpoint_detail_without_headers_403", detail);
    let listed = admin.get("/projects/?limit=2&order_by=created_at").await;
    let client = json!({ "name": "c", "description": "", "project_type": "client_app" });
    let client = id(&admin.post("/projects/", client).await.is(200).json(), "project");
    book.same("kc_projects_list_of_an_admin_hides_client_projects", listed);
    let all = |body: Value| body["projects"].to_string().contains(&client);
    assert!(!all(admin.get("/projects/?limit=100").await.json()));
    assert!(all(admin.get("/projects/?limit=100&project_type=client_app").await.json()));
    let member = json!({ "users": [{ "user_id": id(&made, "user"), "scopes": ["endpoint:view"] }] });
    book.same("kc_add_users_view_only", admin.post(&format!("/projects/{client}/add-users"), member).await);

    admin.delete(&target).await.is(200);
    book.same("user_get_deactivated_500", admin.get(&target).await);
    let settings = format!("/clusters/{}/settings", bed.cluster_id());
    let storage = json!({ "default_storage_class": "standard", "default_access_mode": "ReadWriteOnce" });
    admin.put(&settings, storage).await.is(200);
    book.same("cluster_settings_delete", admin.delete(&settings).await);
    book.same("cluster_settings_get_after", admin.get(&settings).await);
}

/// A valid token is refused as an invalid one is.
pub(super) async fn outages(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let nobody = Client::nobody(&bed);
    let login = json!({ "email": bed.admin_email(), "password": bed.admin_password() });
    let session = nobody.post("/auth/login", login.clone()).await.is(200).json();
    let refresh = json!({ "refresh_token": session["token"]["refresh_token"] });
    let new =
        json!({ "name": "Down", "email": "down@example.com", "password": "Passw0rd!x", "role": "developer" });
    let users = json!({ "users": [{ "user_id": bed.admin_id(), "scopes": ["endpoint:view"] }] });
    let members = format!("/projects/{}/add-users", bed.project_id());
    bed.outage(Some(Outage::Keycloak));
    book.same("kc_down_users_me", admin.get("/users/me").await);
    book.same("kc_down_refresh", nobody.post("/auth/refresh-token", refresh.clone()).await);
    book.same("kc_down_login", nobody.post("/auth/login", login.clone()).await);
    book.same("kc_down_user_create", admin.post("/users/", new.clone()).await);
    book.same("kc_down_add_users", admin.post(&members, users).await);
    book.same("kc_down_billing_plans", nobody.get("/billing/plans").await);
    let reset = json!({ "email": "nobody@example.com" });
    book.same("kc_down_reset_password", nobody.post("/users/reset-password", reset).await);
    book.same("kc_down_logout", nobody.post("/auth/logout", refresh.clone()).await);
    bed.outage(Some(Outage::Postgres));
    book.same("pg_down_users_me", admin.get("/users/me").await);
    book.same("pg_down_users_list", admin.get("/users/?limit=1").await);
    book.same("pg_down_login", nobody.post("/auth/login", login).await);
    let project = json!({ "name": "Down pg", "description": "" });
    book.same("pg_down_project_create", admin.post("/projects/", project).await);
    book.same("pg_down_user_create", admin.post("/users/", new).await);
    book.same("pg_down_audit_csv", admin.get("/audit/records?export_csv=true&limit=1&action=update").await);
    book.same("pg_down_billing_plans", nobody.get("/billing/plans").await);
    book.same("pg_down_me_permissions", admin.get("/users/me/permissions").await);
    assert_eq!(nobody.post("/auth/logout", refresh.clone()).await.status, 500);
    // The session was never in danger.
    bed.outage(None);
    admin.get("/users/me").await.is(200);
    nobody.post("/auth/refresh-token", refresh).await.is(200);
}
