use bud_testbed::{ListShape, ObjectShape, Testbed};
use serde_json::{Value, json};

use crate::client::{Client, raw};

async fn admin() -> (Testbed, Client) {
    let bed = Testbed::builder().start().await.unwrap();
    let admin = Client::admin(&bed).await;
    (bed, admin)
}

fn new_user(email: &str) -> Value {
    json!({"email": email, "first_name": "New", "last_name": "User", "role": "USER"})
}

/// The one complaint of a 422.
#[track_caller]
fn complaint(reply: crate::client::Reply) -> (String, Value, Value) {
    let body = reply.is(422).json();
    let list = body["detail"].as_array().unwrap().clone();
    assert_eq!(list.len(), 1, "{list:?}");
    assert!(list[0]["msg"].is_string());
    (list[0]["type"].as_str().unwrap().to_owned(), list[0]["loc"].clone(), list[0]["input"].clone())
}

#[tokio::test]
async fn users_live() {
    let (_bed, admin) = admin().await;
    let made = admin.post("/users", new_user("n@example.com")).await.is(201).json();
    assert_eq!(made["name"], "New User");
    assert_eq!(made["status"], "ACTIVE");
    let target = format!("/users/{}", made["id"].as_str().unwrap());
    let twice = admin.post("/users", new_user("N@example.com")).await.is(409).json();
    assert_eq!((&twice["object"], &twice["code"]), (&json!("error"), &json!(409)));
    assert_eq!(twice["param"], "email");
    let changed = admin.put(&target, json!({"role": "PROJECT_ADMIN"})).await.is(200).json();
    assert_eq!(changed["role"], "PROJECT_ADMIN");
    assert_eq!(admin.get(&target).await.is(200).json(), changed);
    let gone = admin.get("/users/00000000-0000-4000-8000-000000000000").await.is(404);
    assert_eq!(gone.json()["message"], "User not found");
    admin.delete(&target).await.is(405);
}

#[tokio::test]
async fn broken_requests_are_refused() {
    let (bed, admin) = admin().await;
    let mut body = new_user("n@example.com");
    body["password"] = json!("Canary-1234");
    let (kind, place, input) = complaint(admin.post("/users", body).await);
    assert_eq!(kind, "extra_forbidden");
    assert_eq!(place, json!(["body", "password"]));
    assert_eq!(input, "Canary-1234", "the input is echoed");

    let mut body = new_user("n@example.com");
    body.as_object_mut().unwrap().remove("role");
    let (kind, place, input) = complaint(admin.post("/users", body.clone()).await);
    assert_eq!((kind.as_str(), place), ("missing", json!(["body", "role"])));
    assert_eq!(input, body);

    let mut body = new_user("n@example.com");
    body["role"] = json!("user");
    assert_eq!(complaint(admin.post("/users", body).await).0, "enum");
    let (kind, ..) = complaint(admin.post("/users", new_user("no address")).await);
    assert_eq!(kind, "value_error");
    let mut body = new_user("n@example.com");
    body["first_name"] = json!(7);
    assert_eq!(complaint(admin.post("/users", body).await).0, "string_type");
    assert_eq!(complaint(admin.post("/users", json!([])).await).0, "model_attributes_type");
    let (_, place, _) = complaint(admin.get("/users?rolle=USER").await);
    assert_eq!(place, json!(["query", "rolle"]));
    for query in ["limit=0", "limit=1001", "page=0", "page=x", "role=BOSS", "page=1&page=2"] {
        complaint(admin.get(&format!("/users?{query}")).await);
    }
    complaint(admin.put(&format!("/users/{}", bed.admin_id()), json!({})).await);
    complaint(admin.call("POST", "/users", None).await);

    let token = admin.token.as_deref().unwrap();
    let plain = |kind: &str, body: &str| {
        format!(
            "POST /projects HTTP/1.1\r\nhost: bed\r\nconnection: close\r\nauthorization: Bearer {token}\r\n{kind}content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let json_type = "content-type: application/json\r\n";
    let (kind, ..) = complaint(raw(bed.url(), &plain(json_type, "{\"name\":")).await);
    assert_eq!(kind, "json_invalid");
    let (kind, ..) = complaint(raw(bed.url(), &plain("", "{\"name\":\"x\"}")).await);
    assert_eq!(kind, "model_attributes_type");
    raw(bed.url(), &plain(json_type, "{\"name\":\"x\"}")).await.is(201);
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let (_bed, admin) = admin().await;
    let mut seen = Vec::new();
    for target in ["/users", "/users?x=1", "/nowhere", "/users/1"] {
        let reply = admin.get(target).await;
        seen.push(reply.header("x-request-id").unwrap().to_owned());
    }
    seen.dedup();
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn pages_and_filters() {
    let (bed, admin) = admin().await;
    assert_eq!(bed.seed_users(45).len(), 45);
    let first = admin.get("/users").await.json();
    assert_eq!(first["users"].as_array().unwrap().len(), 20);
    assert_eq!(
        (&first["page"], &first["limit"], &first["total_record"], &first["total_pages"]),
        (&json!(1), &json!(20), &json!(46), &json!(3))
    );
    let mut ids = Vec::new();
    for page in 1..=5 {
        let body = admin.get(&format!("/users?page={page}&limit=10")).await.json();
        ids.extend(body["users"].as_array().unwrap().iter().map(|user| user["id"].clone()));
    }
    assert_eq!(ids.len(), 46);
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), 46);
    let beyond = admin.get("/users?page=99").await.is(200).json();
    assert_eq!(beyond["users"], json!([]));
    let admins = admin.get("/users?role=ADMIN&status=ACTIVE").await.json();
    assert_eq!(admins["total_record"], 1);
    let found = admin.get("/users?search=user-0000").await.json();
    assert_eq!(found["total_record"], 9);
    assert_eq!(admin.get("/users?status=INACTIVE").await.json()["total_record"], 0);
}

#[tokio::test]
async fn list_shapes() {
    for shape in [ListShape::Envelope, ListShape::Bare, ListShape::Key("data"), ListShape::Key("items")] {
        let bed = Testbed::builder().list_shape(shape).start().await.unwrap();
        let admin = Client::admin(&bed).await;
        let project = format!("/projects/{}/endpoints", bed.project_id());
        for (target, plural, count) in [
            ("/users", "users", 1),
            ("/projects", "projects", 1),
            ("/clusters", "clusters", 2),
            ("/endpoints", "endpoints", 3),
            ("/permissions", "permissions", 0),
            ("/credentials", "credentials", 0),
            (project.as_str(), "endpoints", 3),
        ] {
            let body = admin.get(target).await.is(200).json();
            let rows = match shape {
                ListShape::Bare => body,
                ListShape::Envelope => body[plural].clone(),
                ListShape::Key(key) => body[key].clone(),
            };
            assert_eq!(rows.as_array().map(Vec::len), Some(count), "{shape:?} {target}");
        }
    }
    let (bed, admin) = admin().await;
    let body = admin.get(&format!("/projects/{}/endpoints", bed.project_id())).await.json();
    assert_eq!(body.as_array().unwrap().len(), 3, "bare, as the guide shows");
}

#[tokio::test]
async fn object_shapes() {
    for (shape, key) in [
        (ObjectShape::Wrapped("data"), "data"),
        (ObjectShape::Wrapped("result"), "result"),
        (ObjectShape::Named, "user"),
    ] {
        let bed = Testbed::builder().object_shape(shape).start().await.unwrap();
        let admin = Client::admin(&bed).await;
        let made = admin.post("/users", new_user("n@example.com")).await.is(201).json();
        assert_eq!(made[key]["email"], "n@example.com");
    }
    let bed = Testbed::builder().object_shape(ObjectShape::NoContentOnUpdate).start().await.unwrap();
    let admin = Client::admin(&bed).await;
    let made = admin.post("/users", new_user("n@example.com")).await.is(201).json();
    let target = format!("/users/{}", made["id"].as_str().unwrap());
    let reply = admin.put(&target, json!({"last_name": "Changed"})).await.is(204);
    assert!(reply.body.is_empty());
    assert_eq!(admin.get(&target).await.json()["last_name"], "Changed");
}

#[tokio::test]
async fn quotas_have_exact_money_and_suspend() {
    let (bed, admin) = admin().await;
    let project = bed.project_id();
    let target = format!("/projects/{project}/billing/quota");
    let quota = admin.get(&target).await.is(200).json();
    assert_eq!(quota["cost_used"], "12.34");
    assert_eq!(quota["cost_quota"], "1000.00");
    assert!(quota["tokens_used"].is_u64());
    assert_eq!(quota["suspended"], false);
    assert!(quota["period_start"].as_str().unwrap().ends_with("-01T00:00:00.000000Z"));
    assert!(bed.set_usage(&project, 1, 1, 100_001));
    let quota = admin.get(&target).await.json();
    assert_eq!((&quota["cost_used"], &quota["suspended"]), (&json!("1000.01"), &json!(true)));
    admin.get("/projects/none/billing/quota").await.is(404);
}

#[tokio::test]
async fn clusters_refresh() {
    let (bed, admin) = admin().await;
    let target = format!("/clusters/{}", bed.cluster_id());
    let before = admin.get(&target).await.is(200).json();
    assert_eq!(before["status"], "AVAILABLE");
    assert!(before["gpu_count"].as_u64() > Some(0));
    admin.post(&format!("{target}/refresh"), json!({})).await.is(202);
    let after = admin.get(&target).await.json();
    assert_ne!(before["last_refreshed_at"], after["last_refreshed_at"]);
    let other = admin.get(&format!("/clusters/{}", bed.unavailable_cluster_id())).await.json();
    assert_eq!(other["status"], "NOT_AVAILABLE");
    admin.post("/clusters/none/refresh", json!({})).await.is(404);
}

#[tokio::test]
async fn the_log_counts_by_template() {
    let (bed, admin) = admin().await;
    bed.clear_requests();
    admin.get("/users/1?a=b").await.is(422);
    admin.get("/users/2").await.is(404);
    admin.get("/users").await.is(200);
    assert_eq!(bed.count("GET", "/users/{id}"), 2);
    assert_eq!(bed.count("GET", "/users/2"), 1);
    assert_eq!(bed.count("POST", "/users/{id}"), 0);
    let seen = bed.requests();
    assert_eq!(seen.len(), 3);
    assert_eq!((seen[0].path.as_str(), seen[0].query.as_str()), ("/users/1", "a=b"));
    assert_eq!(seen.iter().map(|s| s.status).collect::<Vec<_>>(), [Some(422), Some(404), Some(200)]);
    assert!(seen[0].header("Authorization").unwrap().starts_with("Bearer "));
    assert_eq!(seen[1].connection, seen[0].connection + 1);
}
