//! The dialect of the platform as shipped beside recordings of it: the same status, the same fields, the same types, the
//! same words where it refuses. What a stand-in answered in its place when it was recorded is no evidence, and left out.

mod book;
mod keycloak;

use book::Book;
use bud_testbed::{Flavor, Testbed};
use serde_json::{Value, json};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Client, connect, drain, parse, request_bytes};

async fn runtime() -> (Testbed, Client) {
    let bed = Testbed::builder().flavor(Flavor::Runtime).start().await.unwrap();
    let admin = sign_in(&bed, bed.admin_email(), bed.admin_password()).await;
    (bed, admin)
}

async fn sign_in(bed: &Testbed, email: &str, password: &str) -> Client {
    let login = json!({ "email": email, "password": password });
    let token = Client::nobody(bed).post("/auth/login", login).await.is(200).json();
    let token = token["token"]["access_token"].as_str().unwrap().to_owned();
    Client { url: bed.url().to_owned(), token: Some(token) }
}

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

fn id(body: &Value, name: &str) -> String {
    body[name]["id"].as_str().unwrap().to_owned()
}

async fn sessions(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let nobody = Client::nobody(&bed);
    let (email, password) = (bed.admin_email(), bed.admin_password());
    let login = |email: &str, password: &str| json!({ "email": email, "password": password });
    let tokens = book.same("login_ok", nobody.post("/auth/login", login(email, password)).await);
    book.same("login_wrong_password", nobody.post("/auth/login", login(email, "Wrong@12345")).await);
    book.same("login_unknown_email", nobody.post("/auth/login", login("a@b.co", "Wrong@12345")).await);
    book.same("login_malformed_email_422", nobody.post("/auth/login", login("a", "Wrong@12345")).await);
    book.same("login_missing_fields_422", nobody.post("/auth/login", json!({})).await);
    book.same("login_reserved_tld_422", nobody.post("/auth/login", login("a@b.local", "Wrong@12345")).await);
    book.same("login_get_405", nobody.get("/auth/login").await);
    let moved = nobody.post("/auth/login/", login(email, password)).await;
    assert_eq!(moved.header("location"), Some("http://bed/auth/login"));
    book.same("login_trailing_slash_307", moved);
    let refresh = json!({ "refresh_token": tokens["token"]["refresh_token"] });
    book.same("refresh_ok", nobody.post("/auth/refresh-token", refresh.clone()).await);
    book.same("refresh_bad", nobody.post("/auth/refresh-token", json!({ "refresh_token": "garbage" })).await);
    book.same("refresh_empty_422", nobody.post("/auth/refresh-token", json!({ "refresh_token": "" })).await);
    book.same("guide_password_reset_path_404", nobody.post("/auth/password/reset", json!({})).await);
    book.same("unauth_no_header", nobody.get("/users/me").await);
    book.same("users_me", admin.get("/users/me").await);
    book.same("users_me_permissions", admin.get("/users/me/permissions").await);
    book.same("head_users_me_405", admin.call("HEAD", "/users/me", None).await);
    book.same("delete_users_me_422", admin.delete("/users/me").await);
    book.same("not_found_404", admin.get("/nope").await);
    bed.expire_tokens();
    book.same("expired_token_me_permissions", admin.get("/users/me/permissions").await);
    book.same("expired_token_audit_401", admin.get("/audit/records").await);
    let fresh = sign_in(&bed, email, password).await;
    let reset = json!({ "email": email });
    book.same("reset_password_ok", nobody.post("/users/reset-password", reset.clone()).await);
    for _ in 0..4 {
        book.same("reset_password_repeat_3", nobody.post("/users/reset-password", reset.clone()).await);
    }
    let exceeded = nobody.post("/users/reset-password", reset).await;
    assert_eq!(exceeded.header("retry-after"), None);
    book.same("reset_password_attempts_exceeded_429", exceeded);
    book.same("logout_no_refresh_422", fresh.post("/auth/logout", json!({})).await);
    book.same("logout_ok", fresh.post("/auth/logout", refresh.clone()).await);
    book.same("logout_then_use_token_401", fresh.get("/users/me").await);
    // The stand-in refused this; Keycloak does not.
    book.same("kc_logout_ok", nobody.post("/auth/logout", refresh.clone()).await);
    book.same("refresh_after_logout", nobody.post("/auth/refresh-token", refresh).await);
    let limited = Testbed::builder()
        .flavor(Flavor::Runtime)
        .rate_limit("POST /auth/login", 10, std::time::Duration::from_secs(60))
        .start()
        .await
        .unwrap();
    for turn in 1..=11 {
        let reply = Client::nobody(&limited).post("/auth/login", login(email, "Wrong@12345")).await;
        if turn == 11 {
            assert!(reply.header("retry-after").is_some());
            assert!(reply.text().starts_with("{\"detail\":\"Rate limit exceeded. Please try again in "));
            assert_eq!(reply.status, 429);
            book.seen.insert("rate_limit_login_11".to_owned());
        } else if ![5, 8].contains(&turn) {
            book.same(&format!("rate_limit_login_{turn}"), reply);
        }
    }
}

async fn users(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let new = |email: &str, role: &str| {
        json!({
            "name": "User developer", "email": email, "password": "Passw0rd!x", "role": role, "user_type": "admin",
            "permissions": [{ "name": "project:view", "has_permission": true }],
        })
    };
    let made = book.same("user_create_ok", admin.post("/users/", new("d@example.com", "developer")).await);
    let target = format!("/users/{}", id(&made, "user"));
    let other =
        book.same("user_create_ok_admin_admin", admin.post("/users/", new("a@example.com", "admin")).await);
    let other = format!("/users/{}", id(&other, "user"));
    book.same("user_create_ok_devops_client", admin.post("/users/", new("o@example.com", "devops")).await);
    book.same("user_create_duplicate", admin.post("/users/", new("d@example.com", "developer")).await);
    let guide = json!({ "email": "n@example.com", "first_name": "N", "last_name": "U", "role": "USER" });
    book.same("user_create_guide_body_422", admin.post("/users/", guide).await);
    book.same(
        "user_create_super_admin_422",
        admin.post("/users/", new("s@example.com", "super_admin")).await,
    );
    book.same("user_create_no_slash_307", admin.post("/users", new("s@example.com", "developer")).await);
    for (name, query) in [
        ("users_list_page1", "page=1&limit=2"),
        ("users_list_page2", "page=2&limit=2"),
        ("users_list_page_past_end", "page=99&limit=2"),
        ("users_list_limit_0", "page=1&limit=0"),
        ("users_list_page_0_422", "page=0&limit=2"),
        ("users_list_limit_100000", "limit=100000"),
        ("users_list_order_by", "order_by=-created_at,name:asc&limit=2"),
        ("users_list_search_two_filters_count_mismatch", "search=true&name=user&email=nopolicy"),
    ] {
        book.same(name, admin.get(&format!("/users/?{query}")).await);
    }
    book.same("users_list_no_slash_307", admin.get("/users?page=1&limit=2").await);
    book.same("user_get_ok", admin.get(&target).await);
    book.same("user_get_unknown_500", admin.get(&format!("/users/{NOBODY}")).await);
    book.same("user_get_bad_uuid_422", admin.get("/users/not-a-uuid").await);
    book.same("user_put_405", admin.put(&target, json!({ "role": "devops" })).await);
    let role = |role: &str| json!({ "role": role });
    book.same("user_patch_role_ok", admin.patch(&target, role("devops")).await);
    book.same("user_patch_role_project_admin_422", admin.patch(&target, role("PROJECT_ADMIN")).await);
    let ignored = admin.patch(&target, json!({ "status": "INACTIVE" })).await;
    assert_eq!(ignored.json()["user"]["status"], "invited");
    book.same("user_patch_status_silently_ignored", ignored);
    let own = format!("/users/{}", bed.admin_id());
    book.same("user_patch_superuser_role_400", admin.patch(&own, role("admin")).await);
    book.same("user_patch_unknown_500", admin.patch(&format!("/users/{NOBODY}"), role("devops")).await);
    book.same("user_patch_user_type", admin.patch(&target, json!({ "user_type": "client" })).await);
    book.same("user_patch_name_ok", admin.patch(&target, json!({ "name": "Renamed" })).await);
    book.same("user_patch_null_role", admin.patch(&target, json!({ "role": null })).await);

    // He is invited: nothing but his own password first.
    let user = sign_in(&bed, "d@example.com", "Passw0rd!x").await;
    let reverted = book.same("user_get_after_login_role_reverted", admin.get(&target).await);
    assert_eq!(
        (&reverted["user"]["role"], &reverted["user"]["user_type"]),
        (&json!("developer"), &json!("client"))
    );
    book.same("invited_user_list_projects_400_inactive", user.get("/projects/").await);
    book.same("user_delete_invited_404", admin.delete(&target).await);
    book.same(
        "permissions_global_put_unknown_user",
        admin.put(&format!("/permissions/{NOBODY}/global"), json!([])).await,
    );
    user.patch(&target, json!({ "password": "Newpass1!x" })).await.is(200);
    book.same(
        "login_member",
        Client::nobody(&bed)
            .post("/auth/login", json!({ "email": "d@example.com", "password": "Newpass1!x" }))
            .await,
    );
    book.same("invited_user_me_after", user.get("/users/me").await);
    book.same("forbidden_403_users_list", user.get("/users/").await);
    book.same(
        "forbidden_403_create_project",
        user.post("/projects/", json!({ "name": "n", "description": "" })).await,
    );
    book.same("forbidden_403_patch_other_user", user.patch(&other, role("devops")).await);
    book.same("user_permissions", admin.get(&format!("{target}/permissions")).await);
    book.same("user_permissions_unknown_user_500", admin.get(&format!("/users/{NOBODY}/permissions")).await);
    let global = format!("/permissions/{}/global", id(&made, "user"));
    let scope = |name: &str| json!([{ "name": name, "has_permission": true }]);
    let given = book.same("permissions_global_put_ok", admin.put(&global, scope("project:manage")).await);
    assert_eq!(given["permissions"][1]["name"], "project:view", "it comes along");
    book.same("permissions_global_put_invalid_scope", admin.put(&global, scope("nope:manage")).await);
    book.same("permissions_global_put_object_422", admin.put(&global, json!({ "name": "x" })).await);
    book.same("permissions_guide_post_404", admin.post("/permissions", json!({})).await);
    book.same("user_delete_ok", admin.delete(&target).await);
    book.same("user_delete_again_404", admin.delete(&target).await);
    book.same("deleted_user_token_400_inactive", user.get("/users/me").await);
    book.same("user_patch_deleted_400", admin.patch(&target, role("devops")).await);
    book.same("user_reactivate_ok", admin.patch(&format!("{target}/reactivate"), json!({})).await);
    book.same("user_reactivate_again_404", admin.patch(&format!("{target}/reactivate"), json!({})).await);
    book.same("user_delete_self_400", admin.delete(&own).await);

    // Whoever is named, it is the caller's own password that is set.
    admin.patch(&other, json!({ "password": "Otherpw1!x" })).await.is(200);
    let login = |password: &str| json!({ "email": bed.admin_email(), "password": password });
    let nobody = Client::nobody(&bed);
    book.same(
        "admin_login_with_own_password_after",
        nobody.post("/auth/login", login(bed.admin_password())).await,
    );
    book.same(
        "admin_login_with_other_users_new_password",
        nobody.post("/auth/login", login("Otherpw1!x")).await,
    );
    book.same(
        "admin_restore_own_password",
        admin.patch(&own, json!({ "password": bed.admin_password() })).await,
    );
    book.same("users_huge_page_500", admin.get("/users/?page=99999999999999999999").await);
}

async fn projects(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let new = |name: &str, kind: &str| json!({ "name": name, "description": "Project description", "project_type": kind });
    let made =
        book.same("project_create_ok", admin.post("/projects/", new("New Project", "admin_app")).await);
    let target = format!("/projects/{}", id(&made, "project"));
    book.same("project_create_no_description_500", admin.post("/projects/", json!({ "name": "No" })).await);
    book.same("project_create_duplicate", admin.post("/projects/", new("New Project", "admin_app")).await);
    book.same(
        "project_create_missing_name_422",
        admin.post("/projects/", json!({ "description": "x" })).await,
    );
    book.same("project_create_no_slash_307", admin.post("/projects", json!({ "name": "x" })).await);
    book.same("project_list", admin.get("/projects/?page=1&limit=1").await);
    book.same("project_get", admin.get(&target).await);
    book.same("project_get_404", admin.get(&format!("/projects/{NOBODY}")).await);
    let change = json!({ "description": "changed", "tags": [{ "name": "a", "color": "#ff0000" }] });
    book.same("project_patch", admin.patch(&target, change).await);
    book.same(
        "project_patch_404",
        admin.patch(&format!("/projects/{NOBODY}"), json!({ "description": "x" })).await,
    );
    book.same("project_put_405", admin.put(&target, json!({ "name": "x" })).await);
    book.same("project_guide_endpoints_404", admin.get(&format!("{target}/endpoints")).await);
    book.same("project_guide_quota_404", admin.get(&format!("{target}/billing/quota")).await);

    let person = bed.seed_user("USER");
    let shared = admin.post("/projects/", new("Client Project", "client_app")).await.is(200).json();
    let shared_id = id(&shared, "project");
    let shared = format!("/projects/{shared_id}");
    let member = |scopes: &[&str]| json!({ "users": [{ "user_id": person.id, "scopes": scopes }] });
    let both = ["endpoint:view", "endpoint:manage"];
    book.same(
        "project_add_users_client_to_admin_project_400",
        admin.post(&format!("{target}/add-users"), member(&both)).await,
    );
    book.same("project_add_users_ok", admin.post(&format!("{shared}/add-users"), member(&both)).await);
    book.same(
        "project_add_users_again",
        admin.post(&format!("{shared}/add-users"), member(&both[..1])).await,
    );
    book.same(
        "project_add_users_bad_scope_422",
        admin.post(&format!("{target}/add-users"), member(&["edit"])).await,
    );
    book.same("project_users", admin.get(&format!("{shared}/users")).await);
    let set = |user: &str, name: &str| json!([{ "user_id": user, "project_id": shared_id, "permissions": [{ "name": name, "has_permission": true }] }]);
    book.same(
        "permissions_project_patch_ok",
        admin.patch("/permissions/project", set(&person.id, "endpoint:view")).await,
    );
    book.same(
        "permissions_project_patch_non_member_200",
        admin.patch("/permissions/project", set(NOBODY, "endpoint:view")).await,
    );
    book.same(
        "permissions_project_patch_bad_scope",
        admin.patch("/permissions/project", set(&person.id, "edit")).await,
    );
    book.same("permissions_user_projects", admin.get(&format!("/permissions/{}/projects", person.id)).await);

    let user = sign_in(&bed, &person.email, &person.password).await;
    book.same("member_projects_list", user.get("/projects/").await);
    book.same("member_project_get", user.get(&shared).await);
    book.same("member_other_project_get_403", user.get(&target).await);
    bed.seed_endpoint(&shared_id, "shared-ep");
    let listed = format!("/endpoints/?project_id={shared_id}");
    // The older `member_endpoints_global_403` is of a stand-in that granted nothing; Keycloak's permissions allow it.
    book.same("member_endpoints_with_resource_headers", user.get_in(&shared_id, &listed).await);
    book.same("member_audit_list_only_own", user.get("/audit/records?limit=1").await);
    book.same("member_audit_verify_403", user.get(&format!("/audit/records/{NOBODY}/verify")).await);
    book.same("member_billing_other_403", user.get(&format!("/billing/user/{}", bed.admin_id())).await);
    book.same(
        "member_credential_create",
        user.post("/credentials/", json!({ "name": "member key", "project_id": shared_id })).await,
    );
    book.same("member_credential_list", user.get("/credentials/").await);
    book.same("project_delete_with_endpoint_400", admin.delete(&shared).await);
    let endpoint = admin.get(&listed).await.json()["endpoints"][0]["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/endpoints/{endpoint}/delete-workflow"), json!({})).await.is(200);
    while admin.get(&format!("/endpoints/{endpoint}/model-cluster-detail")).await.status == 200 {}
    book.same(
        "project_delete_with_credentials_flag_false",
        admin.delete(&format!("{shared}?remove_credential=false")).await,
    );
    book.same(
        "project_remove_users_ok",
        admin.post(&format!("{shared}/remove-users"), json!({ "user_ids": [person.id] })).await,
    );
    book.same("project_delete_ok", admin.delete(&shared).await);
    book.same("project_get_deleted", admin.get(&shared).await);
    book.same("project_delete_again", admin.delete(&shared).await);
}

async fn keys(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let new = |name: &str| json!({ "name": name, "project_id": bed.project_id() });
    let made = book.same("credential_create_ok", admin.post("/credentials/", new("API Key v2")).await);
    assert_eq!(made["result"]["key"].as_str().unwrap().len(), 512);
    let target = format!("/credentials/{}", id(&made, "result"));
    let mut more = new("API Key exp");
    more["expiry"] = 30.into();
    more["max_budget"] = 10.5.into();
    more["ip_whitelist"] = json!(["10.0.0.1"]);
    book.same("credential_create_expiry", admin.post("/credentials/", more).await);
    book.same("credential_create_duplicate_400", admin.post("/credentials/", new("API Key v2")).await);
    let client = json!({ "name": "n", "description": "", "project_type": "client_app" });
    let client = id(&admin.post("/projects/", client).await.is(200).json(), "project");
    book.same(
        "credential_create_type_mismatch_400",
        admin.post("/credentials/", json!({ "name": "m", "project_id": client })).await,
    );
    let mut bad = new("bad");
    bad["expiry"] = 7.into();
    book.same("credential_create_bad_expiry_422", admin.post("/credentials/", bad).await);
    book.same(
        "credential_create_unknown_project_404",
        admin.post("/credentials/", json!({ "name": "b", "project_id": NOBODY })).await,
    );
    book.same("credential_list", admin.get("/credentials/").await);
    book.same(
        "credential_list_by_project",
        admin.get(&format!("/credentials/?project_id={}&limit=1&page=2", bed.project_id())).await,
    );
    book.same("credential_update", admin.put(&target, json!({ "name": "API Key v3" })).await);
    book.same("credential_patch_405", admin.patch(&target, json!({ "name": "x" })).await);
    book.same("credential_get_405", admin.get(&target).await);
    book.same("credential_delete", admin.delete(&target).await);
    book.same("credential_delete_again_404", admin.delete(&target).await);
    book.same("credential_no_slash_307", admin.post("/credentials", new("x")).await);
    book.same(
        "unhandled_500_credentials_huge_page",
        admin.get("/credentials/?page=99999999999999999999").await,
    );
    book.same("credential_create_nul_name", admin.post("/credentials/", new("a\0b")).await);
}

async fn clusters(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let target = format!("/clusters/{}", bed.cluster_id());
    book.same("clusters_list_guide_path_404", admin.get("/clusters").await);
    book.same("clusters_list_guide_path_slash_404", admin.get("/clusters/").await);
    book.same("clusters_list_empty", admin.get("/clusters/clusters?name=none").await);
    book.same("cluster_get", admin.get(&target).await);
    book.same("cluster_get_unknown_400", admin.get(&format!("/clusters/{NOBODY}")).await);
    book.same("cluster_guide_refresh_404", admin.post(&format!("{target}/refresh"), json!({})).await);
    book.same("cluster_settings_get", admin.get(&format!("{target}/settings")).await);
    let settings = json!({ "default_storage_class": "standard" });
    book.same("cluster_settings_put", admin.put(&format!("{target}/settings"), settings).await);

    let endpoint = bed.endpoint_ids().remove(0);
    let target = format!("/endpoints/{endpoint}");
    book.same("endpoints_list_no_slash_307", admin.get("/endpoints").await);
    book.same(
        "endpoints_list_by_project",
        admin.get(&format!("/endpoints/?project_id={}&limit=1", bed.project_id())).await,
    );
    book.same("endpoint_get_guide_path_404", admin.get(&target).await);
    book.same("endpoint_model_cluster_detail", admin.get(&format!("{target}/model-cluster-detail")).await);
    book.same("endpoint_detail_404", admin.get(&format!("/endpoints/{NOBODY}/model-cluster-detail")).await);
    book.same("endpoint_guide_deploy_404", admin.post(&format!("{target}/deploy"), json!({})).await);
    book.same("endpoint_guide_scale_put_404", admin.put(&target, json!({ "replicas": 3 })).await);
    book.same("endpoint_guide_undeploy_404", admin.post(&format!("{target}/undeploy"), json!({})).await);
    book.same("endpoint_autoscale_get", admin.get(&format!("{target}/autoscale")).await);
    let scaler =
        json!({ "budaiscaler_specification": { "enabled": true, "minReplicas": 3, "maxReplicas": 3 } });
    book.same("endpoint_autoscale_put", admin.put(&format!("{target}/autoscale"), scaler).await);
    book.same("endpoint_delete_workflow", admin.post(&format!("{target}/delete-workflow"), json!({})).await);
}

async fn deployments(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let (project, model) = (bed.project_id(), bed.local_model_id());
    let path = "/models/deploy-workflow";
    let send = async |body: Value| admin.post(path, body).await;
    book.same(
        "deploy_guide_like_missing_total_steps_422",
        send(json!({ "step_number": 1, "model_id": model })).await,
    );
    let first = json!({ "workflow_total_steps": 6, "step_number": 1, "model_id": model });
    let begun = book.same("deploy_step1", send(first.clone()).await);
    let workflow = begun["workflow_id"].clone();
    let third = book.same("deploy3_step1", send(first).await)["workflow_id"].clone();
    let name = |workflow: &Value, name: &str| json!({ "workflow_id": workflow, "step_number": 2, "project_id": project, "endpoint_name": name });
    book.same("deploy3_step2_name_taken_400", send(name(&third, "llama-3-8b")).await);
    book.same("deploy3_step2_ok", send(name(&third, "Free Name")).await);
    book.same("deploy3_step2_overwrite_with_taken_name_accepted_200", send(name(&third, "llama-3-8b")).await);
    let later = json!({ "workflow_id": third, "step_number": 3, "hardware_mode": "dedicated" });
    assert_eq!(send(later).await.status, 400, "every later step then fails");
    book.same("deploy3_cancel", admin.delete(&format!("/workflows/{}", third.as_str().unwrap())).await);
    book.same("deploy_unknown_workflow", send(json!({ "workflow_id": NOBODY, "step_number": 2 })).await);
    let second = send(name(&workflow, "Tiny EP 2")).await.is(200).json();
    assert_eq!(second["workflow_steps"]["endpoint_name"], "tiny-ep-2");
    let empty = json!({ "workflow_total_steps": 6, "step_number": 1, "model_id": model });
    let empty = send(empty).await.is(200).json()["workflow_id"].clone();
    let trigger = json!({ "workflow_id": empty, "step_number": 2, "trigger_workflow": true });
    book.same("deploy2_trigger_missing_data_400", send(trigger).await);
    let config = json!({ "concurrent_requests": 1, "avg_sequence_length": 100, "avg_context_length": 1000 });
    let configure = json!({ "workflow_id": workflow, "step_number": 3, "hardware_mode": "dedicated", "deploy_config": config });
    let configured = send(configure).await.is(200).json();
    assert_eq!(configured["current_step"], 4, "the platform takes the next step itself");
    let id = workflow.as_str().unwrap();
    let recommended = format!("/clusters/recommended/{id}");
    assert_eq!(admin.get(&recommended).await.is(200).json()["status"], "processing");
    let ready = admin.get(&recommended).await.is(200).json();
    assert_eq!(ready["status"], "success");
    assert_eq!(ready["clusters"][0]["cluster_id"], bed.cluster_deploy_id());
    let choose = |cluster: &str| json!({ "workflow_id": workflow, "step_number": 5, "cluster_id": cluster });
    book.same("deploy_step5_wrong_cluster_id_uses_cluster_pk", send(choose(&bed.cluster_id())).await);
    book.same("deploy_step5_cluster", send(choose(&bed.cluster_deploy_id())).await);
    let trigger = json!({ "workflow_id": workflow, "step_number": 6, "trigger_workflow": true });
    book.same("deploy_step6_trigger", send(trigger.clone()).await);
    book.same("workflow_get", admin.get(&format!("/workflows/{id}")).await);
    book.same("workflow_get_unknown_400", admin.get(&format!("/workflows/{NOBODY}")).await);
    book.same("workflows_list", admin.get("/workflows").await);
    send(trigger).await.is(200);
    assert_eq!(bed.deployments_started(), 2, "a second trigger is a second deployment");
    let mut polls = 0;
    while admin.get(&format!("/workflows/{id}")).await.json()["status"] == "in_progress" {
        polls += 1;
        assert!(polls < 100);
    }
    let listed = admin.get(&format!("/endpoints/?name=tiny-ep-2&project_id={project}")).await.is(200).json();
    assert_eq!(listed["endpoints"][0]["status"], "running");
    book.same("workflow_delete_again", admin.delete(&format!("/workflows/{NOBODY}")).await);
    let single = json!({
        "workflow_total_steps": 1, "step_number": 1, "trigger_workflow": true, "model_id": model, "project_id": project,
        "endpoint_name": "one-shot", "deploy_config": config, "cluster_id": bed.cluster_deploy_id(),
        "simulator_id": NOBODY,
    });
    let single = book.same("deploy_local_single_shot_with_simulator_id", send(single).await);
    let single = single["workflow_id"].as_str().unwrap().to_owned();
    admin.patch(&format!("/workflows/{single}"), json!({})).await.is(200);

    // A provider's model is there at once.
    let cloud = json!({
        "workflow_total_steps": 1, "step_number": 1, "trigger_workflow": true, "model_id": bed.cloud_model_id(),
        "project_id": project, "endpoint_name": "cloud-ep", "deploy_config": config,
        "credential_id": bed.provider_credential_id(),
    });
    let cloud = send(cloud).await.is(200).json();
    assert_eq!(cloud["status"], "completed");
    let endpoint =
        cloud["workflow_steps"]["budserve_cluster_events"]["endpoint_id"].as_str().unwrap().to_owned();
    book.same(
        "cloud_endpoint_detail",
        admin.get(&format!("/endpoints/{endpoint}/model-cluster-detail")).await,
    );
    let delete = format!("/endpoints/{endpoint}/delete-workflow");
    book.same("cloud_endpoint_delete_workflow", admin.post(&delete, json!({})).await);
    book.same("cloud_endpoint_delete_again", admin.post(&delete, json!({})).await);
}

async fn audit(book: &mut Book) {
    let (bed, admin) = runtime().await;
    let client = bed.seed_user("USER");
    sign_in(&bed, &client.email, &client.password).await;
    admin.post("/projects/", json!({ "name": "p", "description": "" })).await.is(200);
    Client::nobody(&bed)
        .post("/auth/login", json!({ "email": "a@b.co", "password": "Wrong@12345" }))
        .await
        .is(400);
    let list = book.same("audit_list", admin.get("/audit/records?page=1&limit=2").await);
    let newest = list["data"][0]["id"].as_str().unwrap().to_owned();
    for (name, query) in [
        ("audit_list_page2", "page=2&limit=2"),
        ("audit_list_limit_101_422", "limit=101"),
        ("audit_list_filter_action", "action=login_failed&limit=1"),
        (
            "audit_list_dates_inverted",
            "start_date=2030-01-01T00:00:00Z&end_date=2026-01-31T23:59:59Z&limit=1",
        ),
        ("audit_list_plus_offset_unescaped", "start_date=2026-01-01T00:00:00+05:30&limit=1"),
        ("audit_csv", "export_csv=true&limit=1&action=create"),
        ("audit_csv_ignores_page", "export_csv=true&limit=1&page=50&action=login"),
    ] {
        book.same(name, admin.get(&format!("/audit/records?{query}")).await);
    }
    book.same("audit_guide_export_404", admin.get("/audit/export?format=csv").await);
    book.same("audit_get", admin.get(&format!("/audit/records/{newest}")).await);
    book.same("audit_get_404", admin.get(&format!("/audit/records/{NOBODY}")).await);
    book.same("audit_verify", admin.get(&format!("/audit/records/{newest}/verify")).await);
    book.same("audit_verify_unknown", admin.get(&format!("/audit/records/{NOBODY}/verify")).await);
    book.same("audit_verify_batch", admin.post("/audit/verify-batch", json!([newest])).await);
    book.same("audit_find_tampered", admin.get("/audit/find-tampered").await);
    book.same("audit_find_tampered_after_bulk", admin.get("/audit/find-tampered?limit=2").await);
    book.same("audit_find_tampered_limit_1001_422", admin.get("/audit/find-tampered?limit=1001").await);
    bed.tamper_audit(&newest);
    assert_eq!(admin.get("/audit/find-tampered").await.json()["tampered_count"], 1);
    book.same("audit_summary", admin.get("/audit/summary").await);
    book.same(
        "audit_summary_dates",
        admin.get("/audit/summary?start_date=2026-01-01T00:00:00Z&end_date=2030-01-31T23:59:59Z").await,
    );
    bed.seed_audit(10_050);
    let range = "export_csv=true&start_date=2026-01-01T00:00:00Z&end_date=2026-01-31T23:59:59Z";
    let cut = admin.get(&format!("/audit/records?{range}")).await;
    assert!(cut.text().contains("'success': True"), "Python's way to write it");
    assert_eq!(cut.text().matches("\r\n").count() - 1, 10_000 + cut.text().matches("lines\r\nor").count());
    book.seen.insert("audit_csv_10050_matching_rows_truncated".to_owned());

    book.same("billing_plans_noauth", Client::nobody(&bed).get("/billing/plans").await);
    book.same("billing_plans", admin.get("/billing/plans").await);
    book.same("member_billing_current", admin.get("/billing/current").await);
    book.same("billing_user_404", admin.get(&format!("/billing/user/{}", bed.admin_id())).await);
    book.same("billing_user_client", admin.get(&format!("/billing/user/{}", client.id)).await);
    book.same("billing_user_usage", admin.get(&format!("/billing/user/{}/usage", client.id)).await);
    book.same("billing_check_limits", admin.get("/billing/check-limits").await);
    bed.metrics_down(true);
    let span = json!({ "start_date": "2026-01-01T00:00:00Z", "end_date": "2026-01-31T23:59:59Z", "granularity": "daily" });
    book.same("billing_history", admin.post("/billing/history", span).await);
}

#[tokio::test]
async fn it_answers_as_the_real_server_did() {
    let mut book = Book::open();
    sessions(&mut book).await;
    users(&mut book).await;
    projects(&mut book).await;
    keys(&mut book).await;
    clusters(&mut book).await;
    deployments(&mut book).await;
    audit(&mut book).await;
    keycloak::sessions(&mut book).await;
    keycloak::outages(&mut book).await;
    assert!(book.wrong.is_empty(), "{}", book.wrong.join("\n"));
    assert!(book.seen.len() > 240, "{} of {} compared", book.seen.len(), book.recorded.len());
}

#[tokio::test]
async fn lists_without_an_order_have_another_each_time() {
    let (bed, admin) = runtime().await;
    bed.seed_users(30);
    let ids = async |query: &str| -> Vec<String> {
        let list = admin.get(&format!("/users/?limit=100{query}")).await.is(200).json();
        list["users"].as_array().unwrap().iter().map(|user| user["id"].to_string()).collect()
    };
    let first = ids("").await;
    let mut others = 0;
    for _ in 0..20 {
        others += usize::from(ids("").await != first);
    }
    assert!(others > 0);
    assert_eq!(ids("&order_by=created_at").await, ids("&order_by=created_at").await);
}

#[tokio::test]
async fn an_exception_that_nobody_caught_breaks_the_connection() {
    let (_bed, admin) = runtime().await;
    let mut kept = connect(&admin.url).await;
    let request = |target: &str| {
        let request = request_bytes("GET", target, admin.token.as_deref(), None);
        request.replace("connection: close\r\n", "")
    };
    kept.write_all(request("/credentials/?page=99999999999999999999").as_bytes()).await.unwrap();
    let mut chunk = vec![0; 4096];
    let count = kept.read(&mut chunk).await.unwrap();
    let broken = parse(&chunk[..count], false);
    assert_eq!((broken.status, broken.text().as_str()), (500, "Internal Server Error"));
    kept.write_all(request("/users/me").as_bytes()).await.unwrap();
    assert_eq!(drain(&mut kept).await, (Vec::new(), true), "the next request finds it reset");
}
