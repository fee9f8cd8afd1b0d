use std::time::Duration;

use bud_testbed::Testbed;
use serde_json::{Value, json};

use crate::client::Client;

async fn bed() -> Testbed {
    Testbed::builder().start().await.unwrap()
}

fn login_body(bed: &Testbed) -> Value {
    json!({"email": bed.admin_email(), "password": bed.admin_password()})
}

#[tokio::test]
async fn login_answers_a_signed_token_with_an_end() {
    let bed = bed().await;
    let reply = Client::nobody(&bed).post("/auth/login", login_body(&bed)).await.is(200).json();
    assert_eq!(reply["expires_in"], 1800);
    assert_eq!(reply["token_type"], "Bearer");
    let token = reply["access_token"].as_str().unwrap();
    assert_eq!(token.split('.').count(), 3);
    let client = Client::with_token(&bed, token);
    client.get("/users").await.is(200);
    // One changed character of the signature is enough.
    let last = if token.ends_with('A') { "B" } else { "A" };
    let forged = format!("{}{last}{}", &token[..token.len() - 5], &token[token.len() - 4..]);
    if forged != token {
        Client::with_token(&bed, &forged).get("/users").await.is(401);
    }
}

#[tokio::test]
async fn wrong_password_and_unknown_address_are_the_same_401() {
    let bed = bed().await;
    let nobody = Client::nobody(&bed);
    let wrong = nobody
        .post("/auth/login", json!({"email": bed.admin_email(), "password": "Wrong-1234"}))
        .await
        .is(401);
    let unknown = nobody
        .post("/auth/login", json!({"email": "who@example.com", "password": "Wrong-1234"}))
        .await
        .is(401);
    assert_eq!(wrong.text(), unknown.text());
    assert_eq!(wrong.json()["detail"], "Incorrect email or password");

    let bed = Testbed::builder().wrong_password_status(400).start().await.unwrap();
    let reply = Client::nobody(&bed)
        .post("/auth/login", json!({"email": bed.admin_email(), "password": "Wrong-1234"}))
        .await
        .is(400);
    assert_eq!(reply.json()["message"], "Incorrect email or password");
    assert_eq!(reply.json()["object"], "error");
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let bed = bed().await;
    let nobody = Client::nobody(&bed);
    let first = nobody.post("/auth/login", login_body(&bed)).await.json();
    let old = json!({"refresh_token": first["refresh_token"]});
    let second = nobody.post("/auth/refresh", old.clone()).await.is(200).json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_ne!(first["access_token"], second["access_token"]);
    let reused = nobody.post("/auth/refresh", old).await.is(401);
    assert_eq!(reused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    let new = json!({"refresh_token": second["refresh_token"]});
    nobody.post("/auth/refresh", new).await.is(200);
}

#[tokio::test]
async fn logout_ends_access_and_refresh() {
    let bed = bed().await;
    let nobody = Client::nobody(&bed);
    let tokens = nobody.post("/auth/login", login_body(&bed)).await.json();
    let other = Client::admin(&bed).await;
    let client = Client::with_token(&bed, tokens["access_token"].as_str().unwrap());
    let body = json!({"refresh_token": tokens["refresh_token"]});
    client.get("/users").await.is(200);
    client.post("/auth/logout", body.clone()).await.is(204);
    client.get("/users").await.is(401);
    nobody.post("/auth/refresh", body.clone()).await.is(401);
    nobody.post("/auth/logout", body).await.is(401);
    // Another session of the same person lives on.
    other.get("/users").await.is(200);
}

#[tokio::test]
async fn bearers_that_are_none() {
    let bed = bed().await;
    let admin = Client::admin(&bed).await;
    let project = bed.project_id();
    let made = admin.post("/credentials", json!({"name": "k", "project_id": project})).await.is(201);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    for client in [
        Client::nobody(&bed),
        Client::with_token(&bed, "garbage"),
        Client::with_token(&bed, "a.b.c"),
        Client::with_token(&bed, &key),
    ] {
        let reply = client.get("/users").await.is(401);
        assert!(reply.json()["detail"].is_string());
        assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
}

#[tokio::test]
async fn tokens_expire_by_time_and_by_hand() {
    let bed = Testbed::builder().access_ttl(Duration::from_millis(300)).start().await.unwrap();
    let admin = Client::admin(&bed).await;
    admin.get("/users").await.is(200);
    tokio::time::sleep(Duration::from_millis(350)).await;
    admin.get("/users").await.is(401);

    let bed = Testbed::builder().start().await.unwrap();
    let nobody = Client::nobody(&bed);
    let tokens = nobody.post("/auth/login", login_body(&bed)).await.json();
    let client = Client::with_token(&bed, tokens["access_token"].as_str().unwrap());
    bed.expire_tokens();
    client.get("/users").await.is(401);
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let fresh = nobody.post("/auth/refresh", refresh).await.is(200).json();
    let client = Client::with_token(&bed, fresh["access_token"].as_str().unwrap());
    client.get("/users").await.is(200);
    bed.revoke_refresh_tokens();
    client.get("/users").await.is(200);
    let refresh = json!({"refresh_token": fresh["refresh_token"]});
    nobody.post("/auth/refresh", refresh).await.is(401);
}

#[tokio::test]
async fn a_refresh_that_is_given_up_spends_nothing() {
    let bed = bed().await;
    let nobody = Client::nobody(&bed);
    let tokens = nobody.post("/auth/login", login_body(&bed)).await.json();
    let body = json!({"refresh_token": tokens["refresh_token"]});
    bed.refresh_delay(Duration::from_millis(200));
    let given_up =
        tokio::time::timeout(Duration::from_millis(50), nobody.post("/auth/refresh", body.clone()));
    assert!(given_up.await.is_err());
    tokio::time::sleep(Duration::from_millis(250)).await;
    nobody.post("/auth/refresh", body).await.is(200);
}

#[tokio::test]
async fn inactive_people_are_locked_out() {
    let bed = bed().await;
    let admin = Client::admin(&bed).await;
    let person = bed.seed_user("USER");
    let client = Client::login(&bed, &person.email, &person.password).await;
    let target = format!("/users/{}", person.id);
    admin.put(&target, json!({"status": "INACTIVE"})).await.is(200);
    client.get(&target).await.is(401);
    let body = json!({"email": person.email, "password": person.password});
    let reply = client.post("/auth/login", body.clone()).await.is(403);
    assert_eq!(reply.json()["detail"], "User account is not active");
    admin.put(&target, json!({"status": "ACTIVE"})).await.is(200);
    client.post("/auth/login", body).await.is(200);
}

#[tokio::test]
async fn reset_mails_go_only_to_people_that_exist() {
    let bed = bed().await;
    let nobody = Client::nobody(&bed);
    let known = nobody.post("/auth/password/reset", json!({"email": bed.admin_email()})).await.is(202);
    let unknown = nobody.post("/auth/password/reset", json!({"email": "who@example.com"})).await.is(202);
    assert_eq!(known.text(), unknown.text());
    assert_eq!(bed.mails(), [bed.admin_email()]);
}

#[tokio::test]
async fn the_other_dialects_refresh_is_not_found() {
    let bed = bed().await;
    let reply = Client::nobody(&bed).post("/auth/refresh-token", json!({"refresh_token": ""})).await.is(404);
    assert_eq!(reply.json()["detail"], "Not Found");
}

#[tokio::test]
async fn nested_tokens() {
    let bed = Testbed::builder().nested_token(true).start().await.unwrap();
    let reply = Client::nobody(&bed).post("/auth/login", login_body(&bed)).await.json();
    assert!(reply["token"]["access_token"].is_string());
    assert!(reply["access_token"].is_null());
}

#[tokio::test]
async fn limits_open_again() {
    let bed = Testbed::builder()
        .rate_limit("POST /auth/login", 2, Duration::from_millis(300))
        .start()
        .await
        .unwrap();
    let nobody = Client::nobody(&bed);
    for _ in 0..2 {
        nobody.post("/auth/login", login_body(&bed)).await.is(200);
    }
    let reply = nobody.post("/auth/login", login_body(&bed)).await.is(429);
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(reply.json()["detail"].is_string());
    nobody.get("/users").await.is(401);
    tokio::time::sleep(Duration::from_millis(350)).await;
    nobody.post("/auth/login", login_body(&bed)).await.is(200);
}
