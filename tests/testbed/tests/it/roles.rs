use bud_testbed::Testbed;
use serde_json::{Value, json};

use crate::client::Client;

struct Cast {
    bed: Testbed,
    admin: Client,
    manager: Client,
    manager_id: String,
    user: Client,
    user_id: String,
}

async fn cast() -> Cast {
    let bed = Testbed::builder().start().await.unwrap();
    let admin = Client::admin(&bed).await;
    let (manager, user) = (bed.seed_user("PROJECT_ADMIN"), bed.seed_user("USER"));
    Cast {
        manager: Client::login(&bed, &manager.email, &manager.password).await,
        manager_id: manager.id,
        user: Client::login(&bed, &user.email, &user.password).await,
        user_id: user.id,
        admin,
        bed,
    }
}

fn grant(user: &str, project: &str, level: &str) -> Value {
    json!({"user_id": user, "resource_type": "project", "resource_id": project, "permission_level": level})
}

#[tokio::test]
async fn users_read_what_they_were_given() {
    let cast = cast().await;
    let project = cast.bed.project_id();
    let endpoint = &cast.bed.endpoint_ids()[0];
    let (own, quota) = (format!("/projects/{project}"), format!("/projects/{project}/billing/quota"));
    cast.user.get(&own).await.is(403);
    cast.user.get(&quota).await.is(403);
    cast.user.get(&format!("/endpoints/{endpoint}")).await.is(403);
    assert_eq!(cast.user.get("/projects").await.json()["total_record"], 0);

    let granted =
        cast.admin.post("/permissions", grant(&cast.user_id, &project, "edit")).await.is(201).json();
    cast.user.get(&own).await.is(200);
    cast.user.get(&quota).await.is(200);
    cast.user.get(&format!("/endpoints/{endpoint}")).await.is(200);
    assert_eq!(cast.user.get("/endpoints").await.json()["total_record"], 3);
    // Whatever the level: a plain user changes nothing.
    cast.user.put(&own, json!({"name": "mine"})).await.is(403);
    cast.user.delete(&own).await.is(403);
    cast.user.post(&format!("/endpoints/{endpoint}/undeploy"), json!({})).await.is(403);
    cast.user.post("/credentials", json!({"name": "k", "project_id": project})).await.is(403);

    let id = granted["id"].as_str().unwrap();
    cast.admin.delete(&format!("/permissions/{id}")).await.is(204);
    cast.admin.delete(&format!("/permissions/{id}")).await.is(404);
    cast.user.get(&own).await.is(403);
}

#[tokio::test]
async fn users_see_themselves_only() {
    let cast = cast().await;
    cast.user.get(&format!("/users/{}", cast.user_id)).await.is(200);
    cast.user.get(&format!("/users/{}", cast.manager_id)).await.is(403);
    cast.user.get("/users").await.is(403);
    let export = "/audit/export?start_date=2026-01-01T00:00:00Z&end_date=2026-01-02T00:00:00Z";
    cast.user.get(export).await.is(403);
    cast.manager.get(export).await.is(403);
    let new = json!({"email": "n@example.com", "first_name": "N", "last_name": "N", "role": "USER"});
    cast.manager.post("/users", new.clone()).await.is(403);
    cast.admin.post("/users", new).await.is(201);
    let cluster = cast.bed.cluster_id();
    cast.user.get(&format!("/clusters/{cluster}")).await.is(200);
    cast.manager.post(&format!("/clusters/{cluster}/refresh"), json!({})).await.is(403);
}

#[tokio::test]
async fn project_administrators_manage_what_they_hold() {
    let cast = cast().await;
    let project = cast.bed.project_id();
    let foreign = format!("/projects/{project}");
    cast.manager.get(&foreign).await.is(403);
    cast.manager.delete(&foreign).await.is(403);
    cast.manager.post("/permissions", grant(&cast.user_id, &project, "view")).await.is(403);
    // To see is not to change.
    cast.admin.post("/permissions", grant(&cast.manager_id, &project, "view")).await.is(201);
    cast.manager.get(&foreign).await.is(200);
    cast.manager.put(&foreign, json!({"name": "x"})).await.is(403);

    let own = cast.manager.post("/projects", json!({"name": "Own", "description": ""})).await.is(201).json();
    let own = own["id"].as_str().unwrap();
    cast.manager.post("/permissions", grant(&cast.user_id, own, "view")).await.is(201);
    cast.user.get(&format!("/projects/{own}")).await.is(200);
    let again = cast.manager.post("/permissions", grant(&cast.user_id, own, "edit")).await.is(200).json();
    assert_eq!(again["permission_level"], "edit");
    let key = cast.manager.post("/credentials", json!({"name": "k", "project_id": own})).await.is(201).json();
    assert_eq!(cast.manager.get("/credentials").await.json()["total_record"], 1);
    assert!(!cast.manager.get("/credentials").await.text().contains("bud_sk_"));
    let id = key["id"].as_str().unwrap();
    cast.manager.delete(&format!("/credentials/{id}")).await.is(204);
    cast.manager.delete(&format!("/credentials/{id}")).await.is(404);
    cast.manager.delete(&format!("/projects/{own}")).await.is(204);
    cast.user.get(&format!("/projects/{own}")).await.is(404);
    assert_eq!(
        cast.admin.get(&format!("/permissions?resource_id={own}")).await.json()["total_record"],
        0,
        "permissions go with their project"
    );
}

#[tokio::test]
async fn permission_filters() {
    let cast = cast().await;
    let project = cast.bed.project_id();
    for id in [&cast.user_id, &cast.manager_id] {
        cast.admin.post("/permissions", grant(id, &project, "view")).await.is(201);
    }
    let total = async |query: String| {
        let reply = cast.admin.get(&format!("/permissions?{query}")).await.is(200);
        reply.json()["total_record"].as_u64().unwrap()
    };
    assert_eq!(total(String::new()).await, 2);
    assert_eq!(total(format!("user_id={}", cast.user_id)).await, 1);
    assert_eq!(total("resource_type=cluster".to_owned()).await, 0);
    assert_eq!(total(format!("resource_type=project&resource_id={project}")).await, 2);
    // A person sees their own.
    assert_eq!(cast.user.get("/permissions").await.json()["total_record"], 1);
}
