//! What odd servers answer, and what becomes of it.

use bud_sdk::audit::ExportFormat;
use bud_sdk::operations::Method;
use bud_sdk::testing::{Answer, Failure, Script};
use bud_sdk::{Client, Error, ErrorKind, Flavor};
use serde_json::{Value, json};

use crate::common::january;

fn answering(method: Method, path: &str, answer: Answer) -> Script {
    Script::new().on(method, path, answer)
}

/// What `users.get` says of this refusal.
async fn refused(answer: Answer) -> Error {
    let script = answering(Method::Get, "/users/u-1", answer);
    let bud = script.builder().attempts(1).build().unwrap();
    bud.users().get("u-1").await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_failure_with_a_status_of_success_is_an_error_in_the_servers_words() {
    let bodies = [
        json!({ "success": false, "message": "Directory is offline" }),
        json!({ "success": false, "message": "Directory is offline", "data": [], "users": [] }),
        json!({ "success": "false", "detail": "Directory is offline" }),
        json!({ "error": "Directory is offline" }),
        json!({ "error": { "message": "Directory is offline", "code": 7 }, "data": null }),
        json!({ "detail": "Directory is offline" }),
        json!({ "errors": ["Directory is offline"], "users": [] }),
        json!({ "object": "error", "code": 503, "message": "Directory is offline" }),
    ];
    for body in bodies {
        let script = answering(Method::Get, "/users/u-1", Answer::json(200, body.clone()))
            .on(Method::Get, "/users", Answer::json(200, body.clone()))
            .on(Method::Get, "/projects/p-1/billing/quota", Answer::json(200, body.clone()));
        let bud = script.builder().attempts(1).build().unwrap();
        let errors = [
            bud.users().get("u-1").await.map(drop).unwrap_err(),
            bud.users().list().all().await.map(drop).unwrap_err(),
            bud.quotas().of_project("p-1").await.map(drop).unwrap_err(),
        ];
        for error in errors {
            assert!(error.message().contains("Directory is offline"), "{body}: {error}");
            assert_eq!(error.status(), Some(200), "{body}: {error}");
            assert!(!error.maybe_applied(), "a read changes nothing: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_beside_the_thing_itself_is_one_of_its_fields() {
    for body in [
        json!({ "id": "u-1", "error": "last sign-in failed", "detail": "x" }),
        json!({ "user": { "id": "u-1" }, "error": null, "errors": [], "detail": "" }),
        json!({ "success": true, "user": { "id": "u-1" } }),
        json!({ "user": { "id": "u-1" }, "error": "a part of it is missing" }),
    ] {
        let script = answering(Method::Get, "/users/u-1", Answer::json(200, body.clone()));
        assert_eq!(script.client().users().get("u-1").await.unwrap().id.as_str(), "u-1", "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn reasons_are_read_in_every_form_that_frameworks_give_them() {
    let cases: [(Value, &str, Option<&str>); 15] = [
        (json!({ "message": "Name is reserved", "error": { "code": 7 } }), "Name is reserved", Some("7")),
        (json!({ "title": "Invalid", "errors": { "name": "taken" } }), "Invalid: name: taken", None),
        (
            json!({ "message": "The given data was invalid.", "errors": { "email": ["is taken", "is long"] } }),
            "The given data was invalid.: email: is taken; email: is long",
            None,
        ),
        (
            json!({ "type": "https://x/validation", "title": "One or more errors", "status": 400, "errors": { "Name": ["required"] } }),
            "One or more errors: Name: required",
            Some("https://x/validation"),
        ),
        (
            json!({ "error": "Bad Request", "message": "Validation failed", "errors": [{ "field": "name", "defaultMessage": "must not be blank", "code": "NotBlank" }] }),
            "Validation failed: name: must not be blank",
            None,
        ),
        (
            json!({ "errors": [{ "title": "Invalid", "detail": "too short", "source": { "pointer": "/data/name" } }] }),
            "/data/name: Invalid: too short",
            None,
        ),
        (json!({ "detail": { "message": "locked", "code": "L1" } }), "locked", Some("L1")),
        (
            json!({ "error": { "errors": [{ "message": "quota" }, { "message": "rate" }], "code": 403, "message": "both" } }),
            "both: quota; rate",
            Some("403"),
        ),
        (
            json!({ "detail": [{ "loc": ["body", "x"], "msg": "bad", "input": "secret" }] }),
            "body.x: bad",
            None,
        ),
        (json!({ "message": { "text": "odd" }, "title": "Heading" }), "Heading: text: odd", None),
        (json!({ "message": ["a", "b"] }), "a; b", None),
        (json!({ "error": "invalid_grant", "error_description": "gone" }), "invalid_grant: gone", None),
        (json!({ "result": { "error": "deep" } }), "deep", None),
        (json!([{ "msg": "one" }, "two"]), "one; two", None),
        (json!({ "x": 1 }), "the server gave no reason (fields: x)", None),
    ];
    for (body, message, code) in cases {
        let error = refused(Answer::json(400, body.clone())).await;
        assert_eq!(error.message(), message, "{body}");
        assert_eq!(error.server_code(), code, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_hides_no_reason_and_shows_no_input() {
    let body = json!({ "detail": [{ "loc": ["body", "x"], "msg": "bad", "input": "canary" }] });
    let error = refused(Answer::status(422).body(format!("\u{FEFF}{body}"))).await;
    assert_eq!((error.message(), error.kind()), ("body.x: bad", ErrorKind::Validation));
    let script = answering(Method::Get, "/users/u-1", Answer::status(200).body("\u{FEFF}{\"id\": \"u-1\"}"));
    assert_eq!(script.client().users().get("u-1").await.unwrap().id.as_str(), "u-1");
}

/// A client that does not know the flavor yet.
fn undecided(script: &Script) -> Client {
    Client::builder()
        .base_url("https://bud.test")
        .bearer_token("t")
        .attempts(1)
        .script(script)
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn detection_changes_nothing() {
    for answer in [Answer::status(503), Answer::fails(Failure::Timeout), Answer::fails(Failure::Interrupted)]
    {
        let script = answering(Method::Post, "/auth/refresh-token", answer);
        let bud = undecided(&script);
        for error in
            [bud.users().get("u-1").await.unwrap_err(), bud.projects().delete("p-1").await.unwrap_err()]
        {
            assert!(!error.maybe_applied(), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_404_is_neither_an_api_nor_a_missing_thing() {
    let page =
        || Answer::status(404).header("content-type", "text/html").body("<html><title>404</title></html>");
    let text = || Answer::status(404).header("content-type", "text/plain").body("default backend - 404");
    let none = || Answer::json(404, json!({ "detail": "Not Found" }));
    for foreign in [page(), text()] {
        let script = Script::new()
            .on(Method::Post, "/auth/refresh-token", foreign.clone())
            .on(Method::Post, "/auth/refresh-token", none())
            .on(Method::Get, "/users/u-1", Answer::json(200, json!({ "id": "u-1" })));
        let bud = undecided(&script);
        let error = bud.users().get("u-1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(
            error.to_string().contains("BUD_API_FLAVOR") && error.to_string().contains("API's address"),
            "{error}"
        );
        // Nothing of it is remembered.
        bud.users().get("u-1").await.unwrap();
        assert_eq!(bud.flavor().await.unwrap(), Flavor::Guide);

        // A delete that is lost on the way, and then meets a page: it is not known to be done.
        let script = Script::new()
            .on(Method::Delete, "/projects/p-1", Answer::fails(Failure::Interrupted))
            .on(Method::Delete, "/projects/p-1", foreign);
        let error = script.client().projects().delete("p-1").await.unwrap_err();
        assert!(!error.is_not_found() && error.maybe_applied(), "{error}");
        assert!(error.hint().unwrap().contains("API's address"), "{error}");
    }
    let error = refused(none()).await;
    assert!(error.is_not_found(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_export_in_another_format_shows_no_rows() {
    let csv = "id,email\r\n1,canary@example.com\r\n";
    for kind in ["text/csv", "text/plain", "application/json"] {
        let answer = || Answer::status(200).header("content-type", kind).body(csv);
        let script =
            answering(Method::Get, "/audit/export", answer()).on(Method::Get, "/audit/export", answer());
        let bud = script.client();
        let error = bud.audit().export(january()).records().next().await.unwrap().unwrap_err();
        assert!(error.message().starts_with("asked for JSON, the server sent text"), "{error}");
        assert_eq!(error.hint(), Some("use format(Csv)"));
        assert!(!error.to_string().contains("canary"), "{error}");
        let export = bud.audit().export(january()).format(ExportFormat::Json);
        let error = export.write_into(&mut Vec::new()).await.unwrap_err();
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_error_names_a_type_of_this_crate() {
    for body in [json!(null), json!([]), json!("x"), json!({ "result": 5 }), json!({ "user": 5 }), json!(7)] {
        let script = answering(Method::Get, "/users/u-1", Answer::json(200, body.clone()))
            .on(Method::Get, "/users/u-1/permissions", Answer::json(200, body.clone()))
            .on(Method::Get, "/billing/current", Answer::json(200, body.clone()));
        let bud = script.builder().flavor(Flavor::Runtime).build().unwrap();
        let errors = [
            bud.users().get("u-1").await.map(drop).unwrap_err(),
            bud.permissions()
                .of_user("u-1")
                .await
                .map(drop)
                .err()
                .unwrap_or_else(|| Error::credentials("fine")),
            bud.quotas().mine().await.map(drop).unwrap_err(),
        ];
        for error in errors {
            assert!(
                !error.to_string().contains("struct") && !error.to_string().contains("Wrapped"),
                "{body}: {error}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_challenge_is_the_reason_of_a_refusal_without_a_body() {
    let header = r#"Bearer realm="bud", error="invalid_token", error_description="The access token expired""#;
    let error = refused(Answer::status(401).header("www-authenticate", header)).await;
    assert_eq!(error.message(), "The access token expired");
    let error =
        refused(Answer::status(401).header("www-authenticate", r#"Bearer error="invalid_token""#)).await;
    assert_eq!(error.message(), "invalid_token");
    let error = refused(Answer::status(401).header("www-authenticate", "Bearer")).await;
    assert_eq!(error.message(), "the server gave no reason");
}

#[tokio::test(start_paused = true)]
async fn a_compressed_reason_is_called_that_and_a_traceback_is_its_last_line() {
    let packed = Answer::status(500).header("content-encoding", "gzip").body([0x1f, 0x8b, 8, 0, 1, 2, 3]);
    assert_eq!(refused(packed).await.message(), "the reason is compressed (gzip)");
    let frames = "  File \"app.py\", line 1, in f\n    g()\n".repeat(600);
    let text = format!("Traceback (most recent call last):\n{frames}ValueError: no such cluster\n");
    assert_eq!(
        refused(Answer::status(500).body(text.clone())).await.message(),
        "ValueError: no such cluster"
    );
    let error = refused(Answer::json(500, json!({ "detail": text }))).await;
    assert_eq!(error.message(), "ValueError: no such cluster");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_not_found_ends_a_list_that_counts_nothing() {
    let rows = json!({ "users": [{ "id": "u-1" }, { "id": "u-2" }] });
    let gone = || Answer::json(404, json!({ "detail": "Invalid page." }));
    let script = answering(Method::Get, "/users", Answer::json(200, rows)).on(Method::Get, "/users", gone());
    assert_eq!(script.client().users().list().page_size(2).all().await.unwrap().len(), 2);
    // The first page is no end, nor is one of a list that says how many there are.
    let script = answering(Method::Get, "/users", gone());
    assert!(script.client().users().list().page_size(2).all().await.unwrap_err().is_not_found());
    let counted = json!({ "users": [{ "id": "u-1" }, { "id": "u-2" }], "total_record": 9 });
    let script =
        answering(Method::Get, "/users", Answer::json(200, counted)).on(Method::Get, "/users", gone());
    assert!(script.client().users().list().page_size(2).all().await.unwrap_err().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn an_invited_user_has_no_list_of_permissions_yet() {
    let unknown = Answer::json(404, json!({ "object": "error", "code": 404, "message": "User not found" }));
    let script = answering(Method::Get, "/permissions/u-1/projects", unknown);
    let bud = script.builder().flavor(Flavor::Runtime).build().unwrap();
    let error = bud.permissions().list().user("u-1").all().await.unwrap_err();
    assert!(error.is_not_found() && error.hint().unwrap().contains("invited"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_warning_of_the_server_comes_with_the_result() {
    let answer = Answer::json(
        200,
        json!({ "id": "u-1", "warnings": ["deprecated field", 7], "warning": "soon gone" }),
    )
    .header("warning", r#"299 - "use v2""#);
    let script = answering(Method::Get, "/users/u-1", answer);
    let response = script.client().users().get("u-1").with_response().await.unwrap();
    let said: Vec<_> =
        response.warnings().iter().map(|warning| (warning.code(), warning.message())).collect();
    assert_eq!(said, [("server", "use v2"), ("server", "soon gone"), ("server", "deprecated field")]);
}

#[tokio::test(start_paused = true)]
async fn the_servers_names_in_an_error_are_cleaned_cut_and_masked() {
    let token = "canary-token-0123456789";
    let key = format!("\u{1b}]0;{token}\n{}", "x".repeat(5_000));
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    let body = format!(r#"{{"id": "u-1", {}: {deep}}}"#, json!(key));
    let script = answering(Method::Get, "/users/u-1", Answer::status(200).body(body));
    let bud = script.builder().bearer_token(token).build().unwrap();
    let error = bud.users().get("u-1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    let path = error.path().unwrap();
    assert!(path.len() < 400 && !path.contains(char::is_control) && !path.contains(token), "{path:?}");
}
