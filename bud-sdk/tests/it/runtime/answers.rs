//! The platform as shipped answers a success with something else: what is read of it is an error, never an empty result.

use bud_sdk::audit::ExportFormat;
use bud_sdk::clusters::StorageDefaults;
use bud_sdk::endpoints::Autoscaler;
use bud_sdk::permissions::{Grant, PermissionLevel};
use bud_sdk::{Client, Error, ErrorKind, Flavor, Result};
use bud_testbed::{Script, Wire, respond, respond_json};
use bytes::Bytes;
use serde_json::json;

use crate::common::{TOKEN, january};

async fn answering(answers: impl IntoIterator<Item = Bytes>) -> (Wire, Client) {
    let home = Wire::start(answers.into_iter().map(Script::answer)).await.unwrap();
    let bud = Client::builder().base_url(home.url()).bearer_token(TOKEN).flavor(Flavor::Runtime).attempts(1);
    let bud = bud.build().unwrap();
    (home, bud)
}

/// What each call makes of this answer, of which it needs nothing.
async fn outcomes(answer: &Bytes) -> Vec<(&'static str, Result<(), Error>)> {
    macro_rules! outcomes {
        ($($name:literal => |$bud:ident| $call:expr;)*) => {
            vec![$({
                // Where an answer does not show a change, a read follows.
                let (_home, $bud) = answering([answer.clone(), answer.clone()]).await;
                ($name, $call.await.map(drop))
            },)*]
        };
    }
    outcomes! {
        "permissions.of_user" => |bud| bud.permissions().of_user("u-1");
        "audit.summary" => |bud| bud.audit().summary();
        "audit.verify" => |bud| bud.audit().verify("a-1");
        "audit.verify_many" => |bud| bud.audit().verify_many(["a-1"]);
        "audit.find_tampered" => |bud| bud.audit().find_tampered();
        "quotas.mine" => |bud| bud.quotas().mine();
        "quotas.of_user" => |bud| bud.quotas().of_user("u-1");
        "quotas.billing_of" => |bud| bud.quotas().billing_of("u-1");
        "quotas.plans" => |bud| bud.quotas().plans();
        "quotas.limits" => |bud| bud.quotas().limits();
        "quotas.history" => |bud| bud.quotas().history(january());
        "projects.get" => |bud| bud.projects().get("p-1");
        "endpoints.autoscaler" => |bud| bud.endpoints().autoscaler("e-1");
        "endpoints.autoscale" => |bud| bud.endpoints().autoscale("e-1", Autoscaler::between(1, 2));
        "clusters.settings" => |bud| bud.clusters().settings("c-1");
        "clusters.set_settings" => |bud| bud.clusters().set_settings("c-1", StorageDefaults::class("fast"));
    }
}

#[tokio::test]
async fn an_answer_about_something_else_is_neither_no_rights_nor_nothing_tampered() {
    for body in [json!({ "status": "ok" }), json!({ "success": true, "message": "done" }), json!({})] {
        for (name, outcome) in outcomes(&respond_json(200, &body)).await {
            let error = outcome.expect_err(name);
            assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(200)), "{name}: {error}");
            assert!(error.message().contains("missing"), "{name} says what it looked for: {error}");
        }
    }
}

#[tokio::test]
async fn a_page_in_the_answers_place_is_named() {
    let page = respond(200, &[("content-type", "text/html")], "<html><title>Sign in</title></html>");
    for (name, outcome) in outcomes(&page).await {
        let error = outcome.expect_err(name);
        assert_eq!((error.kind(), error.status()), (ErrorKind::Decode, Some(200)), "{name}");
        assert!(error.message().contains("HTML page: Sign in") && error.hint().is_some(), "{name}: {error}");
    }
}

/// Its answer may be a message and nothing else.
#[tokio::test]
async fn an_answer_about_something_else_takes_no_endpoint_down() {
    let page = respond(200, &[("content-type", "text/html")], "<html><title>Sign in</title></html>");
    let others = [json!({ "status": "ok" }), json!({})].map(|body| respond_json(200, &body));
    let others = others.into_iter().map(|answer| (answer, ErrorKind::Unconfirmed, "confirms nothing"));
    for (answer, kind, said) in others.chain([(page, ErrorKind::Decode, "HTML page")]) {
        let (_home, bud) = answering([answer]).await;
        let error = bud.endpoints().undeploy("e-1").await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(200)), "{error}");
        assert!(error.message().contains(said) && error.maybe_applied(), "{error}");
    }
    let (_home, bud) = answering([respond_json(200, &json!({ "message": "done" }))]).await;
    bud.endpoints().undeploy("e-1").await.unwrap();
}

#[tokio::test]
async fn what_a_success_says_of_a_failure_is_foreign_text_too() {
    let said = format!("\u{1b}[31mnot found\nfor {TOKEN}, {}", "on and on ".repeat(1000));
    let verified = json!({ "success": true, "is_valid": false, "message": said });
    let history = json!({ "success": true, "result": { "error": said, "data": [] } });
    let (_home, bud) = answering([respond_json(200, &verified), respond_json(200, &history)]).await;
    let errors =
        [bud.audit().verify("a-1").await.unwrap_err(), bud.quotas().history(january()).await.unwrap_err()];
    for (error, kind) in errors.iter().zip([ErrorKind::NotFound, ErrorKind::Server]) {
        assert_eq!((error.kind(), error.status()), (kind, Some(200)));
        assert!(error.message().contains("not found for ***, on and on"), "{error}");
        assert!(!format!("{error} {error:?}").contains(TOKEN));
        assert!(!error.message().contains(char::is_control) && error.message().len() < 2000, "{error}");
    }
}

/// Records of one moment have no order there, so that a page may begin with what ended the one before.
#[tokio::test]
async fn an_export_in_which_a_record_comes_twice_is_incomplete() {
    let page = |page: u32, ids: [&str; 2]| {
        let record = |id: &str| json!({ "id": id, "timestamp": "2026-01-10T00:00:00.000001Z" });
        let data: Vec<_> = ids.iter().map(|id| record(id)).collect();
        let head = json!({ "page": page, "limit": 2, "total_pages": 2, "total_record": 4, "data": data });
        respond_json(200, &head)
    };
    let end = respond_json(200, &json!({ "page": 3, "limit": 2, "total_pages": 2, "data": [] }));
    for (second, whole) in [(["a-2", "a-3"], false), (["a-3", "a-4"], true)] {
        // It is read once more, in pieces, before it is given up.
        let none = respond_json(
            200,
            &json!({ "page": 1, "limit": 100, "total_record": 0, "total_pages": 1, "data": [] }),
        );
        let again = if whole { vec![] } else { vec![page(1, ["a-1", "a-2"]), none.clone(), none] };
        let answers = [page(1, ["a-1", "a-2"]), page(2, second), end.clone()].into_iter().chain(again);
        let (home, bud) = answering(answers).await;
        let export = bud.audit().export(january()).format(ExportFormat::Json);
        let outcome = export.write_into(&mut Vec::new()).await;
        assert_eq!(outcome.is_ok(), whole, "{outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error.kind(), ErrorKind::Incomplete);
            assert!(
                error.message().contains("more than once") && error.hint().unwrap().contains("CSV"),
                "{error}"
            );
            assert_eq!(home.requests().len(), 6);
        }
    }
}

#[tokio::test]
async fn a_member_behind_a_page_that_is_shorter_than_asked_for_is_found() {
    let page = |page: u32, user: &str| {
        let user = json!({ "id": user, "permissions": [] });
        respond_json(200, &json!({ "page": page, "limit": 1, "total_pages": 2, "users": [user] }))
    };
    let done = respond_json(200, &json!({ "object": "info", "message": "done" }));
    let scope = json!({ "name": "endpoint:view", "has_permission": true });
    let held = respond_json(200, &json!({ "users": [{ "id": "u-1", "permissions": [scope] }] }));
    let (home, bud) = answering([page(1, "u-2"), page(2, "u-1"), done, held]).await;
    bud.permissions().grant(Grant::project("u-1", "p-1", PermissionLevel::View)).await.unwrap();
    assert_eq!(home.requests()[2].path, "/permissions/project", "he is a member, and not added again");
}
