//! What a person reads when something fails: every rendering comes from a real exchange.

use std::error::Error as _;
use std::fmt::Debug;

use bud_sdk::credentials::ApiKeyValue;
use bud_sdk::endpoints::Deployment;
use bud_sdk::operations::Method;
use bud_sdk::permissions::{Grant, PermissionLevel};
use bud_sdk::users::{NewUser, Role, UserUpdate};
use bud_sdk::{Client, Error, ErrorKind, Flavor, Result};
use bud_testbed::{Fault, Script, Testbed, Wire, respond};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::common::{PASSWORD, admin, millis, plain, with_password};

/// The rendering without times, ports and random ids; what the server asked to wait stays.
fn shown(error: &Error) -> String {
    let text = error.to_string();
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for at in 2..words.len() {
        let number = words[at - 1].trim_start_matches('(').to_owned();
        let is_time = number.contains('.') && number.parse::<f64>().is_ok() && words[at - 2] != "after";
        if is_time && matches!(words[at].as_str(), "s" | "s)" | "s,") {
            words[at - 1] = words[at - 1].replace(&number, "[time]");
            words[at].remove(0);
        }
        if words[at - 2].ends_with("request") && words[at - 1] == "id" && words[at].len() > 36 {
            words[at] = "[id],".to_owned();
        }
    }
    let text = words.join(" ").replace("[time] )", "[time])");
    match text.split_once("127.0.0.1:") {
        Some((before, after)) if after.starts_with(|c: char| c.is_ascii_digit()) => {
            let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}127.0.0.1:[port]{rest}")
        }
        _ => text,
    }
}

/// The rendering, after a look that the server's own words are in it.
#[track_caller]
fn says(error: &Error, words: &str) -> String {
    assert!(error.to_string().contains(words), "{words:?} is not in {error}");
    assert!(error.message().contains(words), "{words:?} is not in {}", error.message());
    assert!(!error.to_string().contains(char::is_control), "{error:?}");
    shown(error)
}

/// Looks everywhere.
#[track_caller]
fn hides(error: &Error, secret: &str) {
    let mut all = format!("{error} {error:?} {error:#?} {:?} {:?}", error.message(), error.hint());
    all += &format!("{:?} {:?} {:?}", error.fields(), error.param(), error.server_code());
    let mut source = error.source();
    while let Some(cause) = source {
        all += &format!("{cause} {cause:?}");
        source = cause.source();
    }
    assert!(!all.contains(secret), "{secret} is in {all}");
}

#[track_caller]
fn failed(result: Result<impl Debug>, kind: ErrorKind) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

/// One answer to `users.get`, which is asked once.
async fn refused(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Error {
    let wire = Wire::start([Script::answer(respond(status, headers, body))]).await.unwrap();
    let error = plain(wire.url()).attempts(1).build().unwrap().users().get("u-1").await.unwrap_err();
    assert_eq!(wire.requests().len(), 1);
    error
}

async fn refused_json(status: u16, body: Value) -> Error {
    refused(status, &[("content-type", "application/json")], body.to_string()).await
}

#[tokio::test]
async fn an_error_object_is_read_with_its_type_and_parameter() {
    let body = json!({ "object": "error", "code": 400, "type": "InvalidRequestError", "message": "The role is not assignable", "param": "role" });
    let error = refused_json(400, body).await;
    assert_eq!(
        (error.kind(), error.status(), error.param()),
        (ErrorKind::BadRequest, Some(400), Some("role"))
    );
    assert_eq!(error.server_code(), Some("InvalidRequestError"));
    assert_snapshot!(says(&error, "The role is not assignable"),
        @"users.get failed: GET /users/{id} answered 400: `role`: The role is not assignable (InvalidRequestError, 1 attempt, [time])");
}

#[tokio::test]
async fn a_refused_token_says_that_it_cannot_be_renewed() {
    let error = refused_json(401, json!({ "detail": "Signature has expired" })).await;
    assert_eq!(error.kind(), ErrorKind::AuthRejected);
    assert_snapshot!(says(&error, "Signature has expired"),
        @"users.get failed: GET /users/{id} answered 401: Signature has expired; the token cannot be renewed: build a client with a fresh one (1 attempt, [time])");
}

#[tokio::test]
async fn a_missing_right_is_in_the_servers_words() {
    let bed = Testbed::builder().start().await.unwrap();
    let user = bed.seed_user("USER");
    let bud = with_password(bed.url(), &user.email, &user.password).build().unwrap();
    let error = failed(bud.users().set_role("u-1", Role::Admin).await, ErrorKind::PermissionDenied);
    assert_snapshot!(says(&error, "Insufficient permissions"),
        @"users.set_role failed: PUT /users/{id} answered 403: Insufficient permissions for this operation (request id [id], 1 attempt, [time])");
}

#[tokio::test]
async fn what_is_not_there_and_what_is_there_already_are_told_apart() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let error = failed(bud.users().get("u-1").await, ErrorKind::NotFound);
    assert!(error.is_not_found());
    assert_snapshot!(says(&error, "User not found"),
        @"users.get failed: GET /users/{id} answered 404: `id`: User not found (NotFoundError, request id [id], 1 attempt, [time])");
    let new = || NewUser::new("twice@example.com", "A", "B", Role::User);
    bud.users().create(new()).await.unwrap();
    let error = failed(bud.users().create(new()).await, ErrorKind::Conflict);
    assert!(error.is_conflict() && !error.maybe_applied());
    assert_snapshot!(says(&error, "Email already registered"),
        @"users.create failed: POST /users answered 409: `email`: Email already registered (ConflictError, request id [id], 1 attempt, [time])");
    let error = failed(bud.endpoints().deploy("e-1", Deployment::on("c-1")).await, ErrorKind::NotFound);
    assert_snapshot!(says(&error, "not found"),
        @"endpoints.deploy failed: POST /endpoints/{id}/deploy answered 404: `id`: Endpoint not found (NotFoundError, request id [id], 1 attempt, [time])");
}

#[tokio::test]
async fn refused_fields_are_named_and_what_was_sent_is_not_shown() {
    let entry = |place: &str, why: &str| json!({ "type": "value_error", "loc": ["body", place], "msg": why, "input": PASSWORD, "ctx": { "error": PASSWORD } });
    let body = json!({ "detail": [entry("email", "value is not a valid email address"), entry("password", "String should have at least 20 characters")] });
    let error = refused_json(422, body).await;
    hides(&error, PASSWORD);
    assert_eq!(error.kind(), ErrorKind::Validation);
    let fields: Vec<_> =
        error.fields().iter().map(|field| (&*field.location, field.rule.as_deref())).collect();
    assert_eq!(fields, [("body.email", Some("value_error")), ("body.password", Some("value_error"))]);
    says(&error, "String should have at least 20 characters");
    assert_snapshot!(says(&error, "value is not a valid email address"),
        @"users.get failed: GET /users/{id} answered 422: body.email: value is not a valid email address; body.password: String should have at least 20 characters (1 attempt, [time])");
}

/// What a login says when the server refuses it with this body.
async fn refused_login(body: Value) -> Error {
    let wire = Wire::start([Script::answer(respond(422, &[], body.to_string()))]).await.unwrap();
    let bud = with_password(wire.url(), "a@example.com", PASSWORD).build().unwrap();
    failed(bud.auth().login().await, ErrorKind::Validation)
}

#[tokio::test]
async fn an_echoed_password_is_masked_wherever_it_stands() {
    let shapes = [
        json!({ "detail": format!("login refused for a@example.com with {PASSWORD}") }),
        json!({ "detail": [{ "loc": ["body", PASSWORD], "msg": format!("refused {PASSWORD}"), "type": PASSWORD, "input": PASSWORD }] }),
        json!({ "message": "refused", "type": PASSWORD, "param": PASSWORD }),
        json!({ "error": { "message": format!("refused: {PASSWORD}"), "code": PASSWORD } }),
        json!(format!("refused {PASSWORD}")),
        json!([{ "msg": "refused", "input": PASSWORD }]),
        json!({ PASSWORD: "refused", "message": "refused" }),
    ];
    for body in shapes {
        let error = refused_login(body).await;
        hides(&error, PASSWORD);
        says(&error, "refused");
    }
}

/// No call knows these secrets, so nothing but the shape of the answer can keep them out.
#[tokio::test]
async fn an_echo_in_a_body_that_breaks_off_or_is_bare_is_not_shown() {
    let entry = json!({ "type": "missing", "loc": ["body", "email"], "msg": "Field required", "input": { "password": PASSWORD } });
    let whole = json!({ "detail": [entry] }).to_string();
    let long = json!({ "detail": vec![entry.clone(); 200] }).to_string();
    let cut = format!(
        "HTTP/1.1 422 X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
        whole.len(),
        &whole[..whole.len() - 3]
    );
    let answers = [
        cut,
        String::from_utf8(respond(422, &[], long).to_vec()).unwrap(),
        String::from_utf8(respond(422, &[], json!([entry]).to_string()).to_vec()).unwrap(),
    ];
    for answer in answers {
        let wire = Wire::start([Script::answer(answer)]).await.unwrap();
        let bud = plain(wire.url()).build().unwrap();
        let body = json!({ "password": PASSWORD });
        let error = failed(bud.raw(Method::Post, "/users").json(&body).unwrap().await, ErrorKind::Validation);
        hides(&error, PASSWORD);
    }
}

#[tokio::test]
async fn other_shapes_of_a_reason_are_read_too() {
    let problem = json!({ "type": "https://errors.example.com/quota", "title": "Quota exceeded", "status": 403, "detail": "Project 12 has no tokens left", "instance": "/users/u-1" });
    let headers = [("content-type", "application/problem+json"), ("x-request-id", "req-7f3a")];
    let error = refused(403, &headers, problem.to_string()).await;
    assert_eq!(error.request_id(), Some("req-7f3a"));
    says(&error, "Quota exceeded");
    assert_snapshot!(says(&error, "Project 12 has no tokens left"),
        @"users.get failed: GET /users/{id} answered 403: Quota exceeded: Project 12 has no tokens left (https://errors.example.com/quota, request id req-7f3a, 1 attempt, [time])");
    let error = refused_json(418, json!({ "error": "I refuse to brew" })).await;
    assert_eq!((error.kind(), error.status()), (ErrorKind::Api, Some(418)));
    assert_snapshot!(says(&error, "I refuse to brew"),
        @"users.get failed: GET /users/{id} answered 418: I refuse to brew (1 attempt, [time])");
    let error = refused_json(
        400,
        json!({ "error": { "message": "Unknown model", "code": "model_not_found", "param": "model" } }),
    )
    .await;
    assert_snapshot!(says(&error, "Unknown model"),
        @"users.get failed: GET /users/{id} answered 400: `model`: Unknown model (model_not_found, 1 attempt, [time])");
    let error =
        refused_json(400, json!({ "error": "invalid_grant", "error_description": "Token is not active" }))
            .await;
    assert_snapshot!(says(&error, "Token is not active"),
        @"users.get failed: GET /users/{id} answered 400: invalid_grant: Token is not active (1 attempt, [time])");
    let error = refused_json(404, json!({ "detail": { "message": "No such cluster", "code": "E17" } })).await;
    assert_snapshot!(says(&error, "No such cluster"),
        @"users.get failed: GET /users/{id} answered 404: No such cluster (E17, 1 attempt, [time])");
    let error = refused_json(400, json!({ "reasons": ["a"], "trace": 7 })).await;
    assert_snapshot!(shown(&error),
        @"users.get failed: GET /users/{id} answered 400: the server gave no reason (fields: reasons, trace) (1 attempt, [time])");
}

#[tokio::test]
async fn a_reason_inside_a_result_is_read() {
    let error = refused_json(400, json!({ "result": { "error": { "message": "Cluster is busy" } } })).await;
    says(&error, "Cluster is busy");
    let error = refused_json(400, json!({ "result": { "error": "Cluster is busy" } })).await;
    says(&error, "Cluster is busy");
}

#[tokio::test]
async fn a_proxys_page_is_named_by_its_title() {
    let page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>nginx</h1></body></html>";
    let error = refused(502, &[("content-type", "text/html")], page).await;
    assert_snapshot!(says(&error, "502 Bad Gateway"),
        @"users.get failed: GET /users/{id} answered 502: an HTML page: 502 Bad Gateway (1 attempt, [time])");
    let error =
        refused(403, &[("content-type", "text/html; charset=utf-8")], "<h1>Blocked by policy 4711</h1>")
            .await;
    assert_snapshot!(says(&error, "Blocked by policy 4711"),
        @"users.get failed: GET /users/{id} answered 403: an HTML page: Blocked by policy 4711 (1 attempt, [time])");
    let error = refused(500, &[("content-type", "text/html")], "<body>sorry</body>").await;
    assert_snapshot!(shown(&error),
        @"users.get failed: GET /users/{id} answered 500: an HTML page without a title (1 attempt, [time])");
    let error = refused(504, &[("content-type", "text/plain")], "upstream request timeout\n").await;
    assert_snapshot!(says(&error, "upstream request timeout"),
        @"users.get failed: GET /users/{id} answered 504: upstream request timeout (1 attempt, [time])");
}

#[tokio::test]
async fn a_silent_server_leaves_the_status() {
    let error = refused(500, &[], "").await;
    assert_snapshot!(shown(&error),
        @"users.get failed: GET /users/{id} answered 500: the server gave no reason (1 attempt, [time])");
    for nothing in ["  \n", "{}", "{\"detail\":null}", "{\"detail\":[]}", "{\"message\":\"\"}", "\"\""] {
        let error = refused(500, &[], nothing).await;
        assert!(error.to_string().contains("answered 500: the server gave no reason"), "{nothing}: {error}");
    }
}

#[tokio::test]
async fn an_empty_json_value_is_no_reason() {
    for nothing in ["null", "[]"] {
        let error = refused(500, &[], nothing).await;
        assert!(error.to_string().contains("answered 500: the server gave no reason"), "{nothing}: {error}");
    }
}

#[tokio::test]
async fn foreign_text_is_one_short_harmless_line() {
    let text = "\u{1b}[31mred\u{1b}[0m\r\nfake: log line\u{202e}desrever\u{0}\u{7} end";
    let error = refused_json(400, json!({ "title": text, "type": text, "param": text })).await;
    assert_snapshot!(says(&error, "fake: log line"),
        @r#"users.get failed: GET /users/{id} answered 400: \u{1b}[31mred\u{1b}[0m  fake: log line\u{202e}desrever\u{0}\u{7} end (\u{1b}[31mred\u{1b}[0m  fake: log line\u{202e}desrever\u{0}\u{7} end, 1 attempt, [time])"#);
    let long = "very long ".repeat(100_000);
    for body in
        [json!({ "title": long }).to_string(), long.clone(), format!("<h1>{}</h1><html>", &long[..5000])]
    {
        let error = refused(400, &[], body).await;
        says(&error, "very long very long");
        assert!(error.to_string().chars().count() < 1300, "{}", error.to_string().len());
    }
    let error = refused(400, &[], b"caf\xe9 \xff\xfe closed").await;
    assert_snapshot!(says(&error, "closed"),
        @"users.get failed: GET /users/{id} answered 400: caf� �� closed (1 attempt, [time])");
}

#[tokio::test]
async fn a_rate_limit_says_how_long_to_wait() {
    let body = json!({ "detail": "Too many requests" }).to_string();
    let error = refused(429, &[("retry-after", "7")], &body).await;
    assert_eq!((error.retry_after(), error.is_rate_limited()), (Some(millis(7000)), true));
    assert_snapshot!(says(&error, "Too many requests"),
        @"users.get failed: GET /users/{id} answered 429: Too many requests (retry after 7 s, 1 attempt, [time])");
    // Too long to wait for: it is told at once.
    let wire = Wire::start([Script::answer(respond(429, &[("retry-after", "3600")], body))]).await.unwrap();
    let error = failed(plain(wire.url()).build().unwrap().users().get("u-1").await, ErrorKind::RateLimited);
    assert_eq!((error.attempts(), error.retry_after()), (1, Some(millis(3_600_000))));
    assert_snapshot!(says(&error, "Too many requests"),
        @"users.get failed: GET /users/{id} answered 429: Too many requests (retry after 3600 s, 1 attempt, [time])");
}

#[tokio::test]
async fn a_server_in_trouble_is_told_with_the_attempts() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    bed.fault(
        Fault::on("*", "/users/{id}").status(503).body(r#"{"detail":"Database is restarting"}"#).times(5),
    );
    let error = failed(bud.users().get("u-1").attempts(2).await, ErrorKind::Server);
    assert_eq!((error.attempts(), bed.count("GET", "/users/{id}")), (2, 2));
    assert_snapshot!(says(&error, "Database is restarting"),
        @"users.get failed: GET /users/{id} answered 503: Database is restarting (request id [id], 2 attempts, [time])");
    // A change may have happened all the same.
    bed.fault(Fault::on("POST", "/permissions").status(500).body(r#"{"detail":"Internal Server Error"}"#));
    let error = bud.permissions().grant(Grant::project("u", "p", PermissionLevel::View)).await;
    let error = failed(error, ErrorKind::Server);
    assert!(error.maybe_applied());
    assert_snapshot!(says(&error, "Internal Server Error"),
        @"permissions.grant failed: POST /permissions answered 500: Internal Server Error; it may have been applied (request id [id], 1 attempt, [time])");
}

#[tokio::test]
async fn a_redirect_is_named_and_not_followed() {
    let to = [("location", "https://login.example.com/sso?token=canary")];
    let error = refused(302, &to, "").await;
    hides(&error, "canary");
    assert_eq!(error.kind(), ErrorKind::UnexpectedRedirect);
    assert_snapshot!(shown(&error),
        @"users.get failed: GET /users/{id} answered 302: the server redirects to https://login.example.com, and no redirect is followed; set the base URL to the API's own address (1 attempt, [time])");
    assert_snapshot!(shown(&refused(307, &[("location", "/users/u-1/")], "").await),
        @"users.get failed: GET /users/{id} answered 307: the server redirects to /users/u-1/, and no redirect is followed; set the base URL to the API's own address (1 attempt, [time])");
    assert_snapshot!(shown(&refused(301, &[], "").await),
        @"users.get failed: GET /users/{id} answered 301: the server redirects without a usable target, and no redirect is followed; set the base URL to the API's own address (1 attempt, [time])");
}

#[tokio::test]
async fn without_a_connection_the_host_is_named() {
    let url = Wire::refused_url().await.unwrap();
    let bud = plain(&url).attempts(1).build().unwrap();
    let error = failed(bud.users().set_role("u-1", Role::User).await, ErrorKind::Connect);
    assert!(!error.maybe_applied());
    assert_snapshot!(shown(&error),
        @"users.set_role failed: PUT /users/{id}: 127.0.0.1:[port]: no connection: Connection refused (os error 111); nothing was sent; check the base URL and the network (1 attempt, [time])");
}

#[tokio::test]
async fn a_broken_exchange_says_whether_it_may_have_worked() {
    let silent = Wire::builder().repeat_last().start([Script::new().read_request().stall()]).await.unwrap();
    let bud = plain(silent.url()).timeout(millis(100)).build().unwrap();
    assert_snapshot!(shown(&failed(bud.users().get("u-1").await, ErrorKind::Timeout)),
        @"users.get failed: GET /users/{id}: no answer within [time]  (1 attempt, [time])");
    let error = bud.users().create(NewUser::new("a@example.com", "A", "B", Role::User)).await;
    assert_snapshot!(shown(&failed(error, ErrorKind::Timeout)),
        @"users.create failed: POST /users: no answer within 0.1 s; it may have been applied (1 attempt, [time])");
    let gone = Wire::start([Script::new().read_request().reset()]).await.unwrap();
    let bud = plain(gone.url()).build().unwrap();
    let error = failed(bud.credentials().create("API Key v2", "p-1").await, ErrorKind::Interrupted);
    assert!(error.maybe_applied());
    assert_snapshot!(shown(&error),
        @"credentials.create failed: POST /credentials: the connection broke: Connection reset by peer (os error 104); it may have been applied; a key that nobody knows may exist: list the project's credentials and delete what has this name (1 attempt, [time])");
    let other = Wire::start([Script::answer("SSH-2.0-OpenSSH_9.7\r\n")]).await.unwrap();
    let bud = plain(other.url()).build().unwrap();
    assert_snapshot!(shown(&failed(bud.users().get("u-1").await, ErrorKind::Protocol)),
        @"users.get failed: GET /users/{id}: the answer is not HTTP: invalid HTTP version parsed (does this port speak TLS, or another protocol?) (1 attempt, [time])");
    let short = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"id\":";
    let cut = Wire::start([Script::answer(short)]).await.unwrap();
    let bud = plain(cut.url()).attempts(1).build().unwrap();
    assert_snapshot!(shown(&failed(bud.users().get("u-1").await, ErrorKind::Interrupted)),
        @"users.get failed: GET /users/{id}: the connection broke: end of file before message length reached (1 attempt, [time])");
}

#[tokio::test]
async fn an_answer_of_another_shape_is_not_success() {
    let page = "<html><title>Sign in</title></html>";
    let error = refused(200, &[("content-type", "text/html; charset=utf-8")], page).await;
    assert_eq!((error.kind(), error.path()), (ErrorKind::Decode, Some(".")));
    assert_snapshot!(shown(&error),
        @"users.get failed: GET /users/{id} answered 200: the server sent an HTML page: Sign in, not JSON; is this the API's address, and is no login page in front of it? (1 attempt, [time])");
    assert_snapshot!(shown(&refused(200, &[], "").await),
        @"users.get failed: GET /users/{id} answered 200: the answer is empty where a body was expected (1 attempt, [time])");
    assert_snapshot!(shown(&refused(200, &[], "null").await),
        @"users.get failed: GET /users/{id} answered 200: expected an object, found null (1 attempt, [time])");
    assert_snapshot!(shown(&refused(200, &[], "{\"id\":\"u-1\",\"na").await),
        @"users.get failed: GET /users/{id} answered 200: the answer breaks off (1 attempt, [time])");
    assert_snapshot!(shown(&refused_json(200, json!({ "user": { "email": "a@example.com" } })).await),
        @"users.get failed: GET /users/{id} answered 200: a required field is missing: `id` at .user (1 attempt, [time])");
    assert_snapshot!(shown(&refused_json(200, json!({ "id": ["canary"] })).await),
        @"users.get failed: GET /users/{id} answered 200: expected an id as text, found a list at .id (1 attempt, [time])");
    let wire = Wire::start([Script::answer(respond(200, &[], r#"{"users":[{"id":1.5}]}"#))]).await.unwrap();
    let error = failed(plain(wire.url()).build().unwrap().users().list().all().await, ErrorKind::Decode);
    assert_snapshot!(shown(&error),
        @"users.list failed: GET /users answered 200: expected an id as text, found a number at .users[0].id (1 attempt, [time])");
    let wire =
        Wire::start([Script::answer(respond(200, &[], r#"{"note":"none","rows":[]}"#))]).await.unwrap();
    let error = failed(plain(wire.url()).build().unwrap().users().list().all().await, ErrorKind::Decode);
    assert_eq!(error.cursor(), Some("page=1;page_size=100;skip=0"));
    assert_snapshot!(shown(&error),
        @"users.list failed: GET /users answered 200: expected a list, or an object with `users`, `data`, `items` or `results` (1 attempt, [time])");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_request() {
    let wire = Wire::start([Script::new()]).await.unwrap();
    let bud = plain(wire.url()).build().unwrap();
    let invalid = ErrorKind::InvalidArgument;
    assert_snapshot!(shown(&failed(bud.users().get("../admin").await, invalid)),
        @"users.get failed: invalid argument `id`: an id has only letters, digits and . _ ~ -");
    let user = NewUser::new("a@example.com, b@example.com", "A", "B", Role::User);
    assert_snapshot!(shown(&failed(bud.users().create(user).await, invalid)),
        @"users.create failed: invalid argument `email`: not one e-mail address");
    assert_snapshot!(shown(&failed(bud.users().set_role("u-1", Role::Devops).await, invalid)),
        @"users.set_role failed: invalid argument `role`: the `guide` API cannot give the role DEVOPS; it has User, ProjectAdmin, Admin");
    assert_snapshot!(shown(&failed(bud.users().update("u-1", UserUpdate::new()).await, invalid)),
        @"users.update failed: invalid argument `update`: it changes nothing");
    assert_snapshot!(shown(&failed(bud.endpoints().scale("e-1", 0).await, invalid)),
        @"endpoints.scale failed: invalid argument `replicas`: 0 is not from 1 to 1000");
    assert_snapshot!(shown(&failed(bud.users().list().page_size(0).all().await, invalid)),
        @"users.list failed: invalid argument `page_size`: it must be from 1 to 1000");
    let call = bud.users().get("u-1").header("Authorization", "canary");
    let error = failed(call.await, invalid);
    hides(&error, "canary");
    assert_snapshot!(shown(&error),
        @"users.get failed: invalid argument `header`: Authorization: credentials are given to the builder, which keeps them to one origin");
    let runtime = plain(wire.url()).flavor(Flavor::Runtime).build().unwrap();
    let error = failed(runtime.quotas().of_project("p-1").await, ErrorKind::Unsupported);
    assert_snapshot!(shown(&error),
        @"quotas.of_project failed: the `runtime` API of this server does not offer it; use quotas.of_user or quotas.mine: that platform has quotas per user, never per project");
    assert_eq!(wire.connections(), 0);
}

#[tokio::test]
async fn a_configuration_error_names_what_to_change() {
    let config = |builder: bud_sdk::ClientBuilder| {
        let error = failed(builder.build(), ErrorKind::Config);
        hides(&error, "canary");
        shown(&error)
    };
    assert_snapshot!(config(Client::builder()), @"no base URL; use builder.base_url, or builder.env with BUD_BASE_URL");
    assert_snapshot!(config(Client::builder().base_url("https://api.example.com")),
        @"no credentials; use builder.password, builder.bearer_token or builder.api_key, or builder.env with BUD_EMAIL and BUD_PASSWORD");
    assert_snapshot!(config(plain("http://api.example.com")),
        @"builder.base_url: http would send tokens in clear text; use https (or builder.allow_http)");
    assert_snapshot!(config(plain("https://admin:canary@api.example.com")),
        @"builder.base_url: it holds a user name or password; credentials are given separately");
    assert_snapshot!(config(plain("https://api.example.com").bearer_token("canary\r\nx: y")),
        @"builder.bearer_token: it has characters or a length that no token has");
    let page = Script::answer(respond(200, &[("content-type", "text/html")], "<title>Welcome</title>"));
    let wire = Wire::start([page]).await.unwrap();
    let bud = Client::builder().base_url(wire.url()).bearer_token("x").build().unwrap();
    assert_snapshot!(shown(&failed(bud.users().get("u-1").await, ErrorKind::Config)),
        @"users.get failed: the API flavor of this server is unclear: the probe was answered 200; is this the API's address? If it is, set the flavor (BUD_API_FLAVOR) to guide or runtime");
}

#[tokio::test]
async fn a_session_that_cannot_be_had_says_why() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = with_password(bed.url(), bed.admin_email(), PASSWORD).build().unwrap();
    let error = failed(bud.users().get("u-1").await, ErrorKind::InvalidCredentials);
    hides(&error, PASSWORD);
    assert_eq!(bed.count("POST", "/auth/login"), 1);
    assert_snapshot!(says(&error, "email or password"),
        @"users.get failed: POST /auth/login answered 401: Incorrect email or password; check the email and password; after two wrong passwords in quick succession the server locks the account for 60 s and refuses the right password with the same words (request id [id], 1 attempt, [time])");
    let bud = admin(&bed);
    bud.auth().login().await.unwrap();
    bud.auth().logout().await.unwrap();
    let error = failed(bud.users().get("u-1").await, ErrorKind::SessionExpired);
    assert_snapshot!(shown(&error),
        @"users.get failed: GET /users/{id}: this client has logged out; call auth().login() to open a new session ([time])");
}

/// The object with one field set, or without it.
fn but(object: &Value, name: &str, value: impl Into<Option<Value>>) -> Value {
    let mut object = object.clone();
    let fields = object.as_object_mut().unwrap();
    match value.into() {
        Some(value) => fields.insert(name.to_owned(), value),
        None => fields.remove(name),
    };
    object
}

#[tokio::test]
async fn a_new_key_is_found_under_each_of_its_names_and_missed_loudly() {
    let fixture: Value =
        serde_json::from_str(include_str!("../../../tests/contract/guide/credential.json")).unwrap();
    let key = fixture["key"].as_str().unwrap();
    let bare = but(&fixture, "key", None);
    let found = ["key", "api_key", "value", "secret"].map(|name| but(&bare, name, json!(key)));
    let found = found
        .into_iter()
        .flat_map(|object| [object.clone(), json!({ "credential": object }), json!({ "data": object })]);
    let lost = [json!(null), json!(""), json!([key]), json!({ "canary": key }), json!(8675309)];
    let lost = lost.into_iter().map(|key| but(&bare, "key", key)).chain([bare.clone()]);
    for (body, there) in found.map(|body| (body, true)).chain(lost.map(|body| (body, false))) {
        let wire = Wire::start([Script::answer(respond(201, &[], body.to_string()))]).await.unwrap();
        let made = plain(wire.url()).build().unwrap().credentials().create("k", "p").await;
        assert!(!format!("{made:?}").contains(key), "{made:?}");
        if there {
            let ApiKeyValue::Plain(made) = made.unwrap().key else { panic!("{body}") };
            assert_eq!(made.expose(), key);
        } else {
            let error = failed(made, ErrorKind::Decode);
            hides(&error, "8675309");
            assert!(
                error.maybe_applied() && error.hint().is_some_and(|hint| hint.contains("delete")),
                "{error}"
            );
        }
    }
    let wire = Wire::start([Script::answer(respond(201, &[], bare.to_string()))]).await.unwrap();
    let error = plain(wire.url()).build().unwrap().credentials().create("k", "p").await.unwrap_err();
    assert_snapshot!(shown(&error),
        @"credentials.create failed: POST /credentials: the credential e4da3b7f-bbce-4345-9777-2b0674a318d5 was created, but the answer has no key; it may have been applied; a key that nobody knows may exist: list the project's credentials and delete what has this name (1 attempt, [time])");
}

#[tokio::test]
async fn a_token_is_found_in_every_envelope_and_missed_loudly() {
    let fixture: Value =
        serde_json::from_str(include_str!("../../../tests/contract/guide/token.json")).unwrap();
    let token = fixture["access_token"].as_str().unwrap();
    let life = |life: Value| but(&fixture, "expires_in", life);
    let found = [
        (fixture.clone(), Some(1800)),
        (json!({ "token": fixture }), Some(1800)),
        (json!({ "data": fixture }), Some(1800)),
        (life(json!("1800")), Some(1800)),
        (life(json!(1800.0)), Some(1800)),
        (life(json!(null)), None),
        (life(json!(-1)), None),
        (life(json!("soon")), None),
        (life(json!({})), None),
        (but(&fixture, "refresh_token", None), Some(1800)),
        (but(&fixture, "unknown", json!([1])), Some(1800)),
    ];
    let lost = [
        but(&fixture, "access_token", None),
        but(&fixture, "access_token", json!("")),
        but(&fixture, "access_token", json!({ "x": token })),
        but(&fixture, "refresh_token", json!([token])),
        json!({}),
        json!({ "token": token }),
    ];
    let found = found.into_iter().map(|(body, life)| (body, Some(life)));
    for (body, expected) in found.chain(lost.into_iter().map(|body| (body, None))) {
        let answers = [body.to_string(), r#"{"id":"u-1"}"#.to_owned()];
        let answers = answers.map(|body| Script::answer(respond(200, &[("connection", "close")], body)));
        let wire = Wire::start(answers).await.unwrap();
        let bud = with_password(wire.url(), "a@example.com", PASSWORD).build().unwrap();
        let signed = bud.auth().login().await;
        assert!(!format!("{signed:?}").contains(token), "{signed:?}");
        let Some(life) = expected else {
            failed(signed, ErrorKind::Decode);
            continue;
        };
        assert_eq!(signed.unwrap().expires_in.map(|life| life.as_secs()), life, "{body}");
        bud.users().get("u-1").await.unwrap();
        let sent = wire.requests().remove(1);
        assert_eq!(sent.header("authorization"), Some(format!("Bearer {token}").as_str()), "{body}");
    }
}
