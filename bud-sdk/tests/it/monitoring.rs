//! Answers of Prometheus and Alertmanager that are odd, broken, or somebody else's.

use std::time::Duration;

use bud_sdk::monitoring::{Alertmanager, NewSilence, Prometheus, QueryResult, ResultType};
use bud_sdk::operations::Method;
use bud_sdk::testing::{Answer, Failure, Script};
use bud_sdk::{Error, ErrorKind, Warning};
use serde_json::{Value, json};

const QUERY: &str = "/api/v1/query";

async fn asked(answer: Answer) -> Result<(QueryResult, Vec<Warning>), Error> {
    let script = Script::new().on(Method::Post, QUERY, answer);
    let prometheus = Prometheus::builder()
        .base_url("https://prometheus.test")
        .bearer_token("canary-token")
        .script(&script);
    let result = prometheus.build().unwrap().query("up").with_response().await;
    script.assert_done();
    result.map(|response| {
        let warnings = response.warnings().to_vec();
        (response.value, warnings)
    })
}

fn success(data: Value) -> Answer {
    Answer::json(200, json!({ "status": "success", "data": data }))
}

#[tokio::test]
async fn native_histograms_are_kept_beside_values() {
    let histogram = json!([1, { "count": "3", "sum": "7", "buckets": [[0, "1", "2", "3"]] }]);
    for (result_type, series) in [
        ("vector", json!({ "metric": { "a": "b" }, "histogram": histogram })),
        ("matrix", json!({ "metric": { "a": "b" }, "values": [[1, "2"]], "histograms": [histogram] })),
    ] {
        let answer = success(json!({ "resultType": result_type, "result": [series] }));
        let (result, _) = asked(answer).await.unwrap();
        assert_eq!(result.result_type.as_str(), result_type);
        assert_eq!(result.series[0].histograms, std::slice::from_ref(&histogram));
        assert_eq!(result.series[0].samples.len(), usize::from(result_type == "matrix"));
    }
}

#[tokio::test]
async fn warnings_and_infos_are_warnings() {
    let answer = json!({
        "status": "success", "data": { "resultType": "vector", "result": [] },
        "warnings": ["a store is missing"], "infos": ["metric might not be a counter"],
    });
    let (result, warnings) = asked(Answer::json(200, answer)).await.unwrap();
    assert_eq!((result.result_type.into_inner(), result.series.len()), (ResultType::Vector, 0));
    let texts: Vec<&str> = warnings.iter().map(Warning::message).collect();
    assert_eq!(texts, ["a store is missing", "metric might not be a counter"]);
}

#[tokio::test]
async fn times_are_read_to_the_millisecond() {
    let point = json!({ "metric": {}, "value": [1_767_225_600.123, "1"] });
    let (result, _) = asked(success(json!({ "resultType": "vector", "result": [point] }))).await.unwrap();
    assert_eq!(result.series[0].samples[0].time.to_string(), "2026-01-01T00:00:00.123Z");
}

#[tokio::test]
async fn an_answer_that_is_no_result_is_an_error() {
    for (answer, kind) in [
        // A failure with a status of success, also with data beside it.
        (json!({ "status": "error", "errorType": "execution", "error": "too many samples" }), ErrorKind::Api),
        (
            json!({ "status": "error", "error": "too many samples", "data": { "resultType": "vector", "result": [] } }),
            ErrorKind::Api,
        ),
        (json!({ "status": "success" }), ErrorKind::Decode),
        (json!({ "status": "success", "data": null }), ErrorKind::Decode),
        (json!({ "data": { "resultType": "vector", "result": [] } }), ErrorKind::Decode),
        (json!({ "status": "success", "data": { "resultType": "tensor", "result": [] } }), ErrorKind::Decode),
        (
            json!({ "status": "success", "data": { "resultType": "vector", "result": null } }),
            ErrorKind::Decode,
        ),
        (
            json!({ "status": "success", "data": { "resultType": "vector", "result": [{ "metric": {}, "value": [1, "x"] }] } }),
            ErrorKind::Decode,
        ),
        (
            json!({ "status": "success", "data": { "resultType": "scalar", "result": [1e300, "1"] } }),
            ErrorKind::Decode,
        ),
        (json!([]), ErrorKind::Decode),
    ] {
        let shown = answer.to_string();
        let error = asked(Answer::json(200, answer)).await.expect_err(&shown);
        assert_eq!((error.kind(), error.status()), (kind, Some(200)), "{shown}: {error}");
        assert_eq!(error.operation(), Some("prometheus.query"), "{error}");
    }
}

#[tokio::test]
async fn the_page_of_a_login_in_front_is_named() {
    let page = || {
        Answer::status(200).header("content-type", "text/html").body("<html><title>Sign in</title></html>")
    };
    let error = asked(page()).await.unwrap_err();
    assert!(error.to_string().contains("Sign in"), "{error}");
    let redirect = Answer::status(302).header("location", "https://login.test/?token=canary-token");
    let error = asked(redirect).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedRedirect);
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[tokio::test]
async fn a_token_that_comes_back_is_not_shown() {
    let echo =
        json!({ "status": "error", "errorType": "canary-token", "error": "no such tenant: canary-token" });
    let error = asked(Answer::json(400, echo)).await.unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", error.server_code()).contains("canary"), "{error}");
}

#[tokio::test]
async fn what_comes_with_a_success_is_masked_as_well() {
    let data = json!({ "resultType": "vector", "result": [] });
    let infos = json!({ "status": "success", "data": data, "infos": ["odd tenant canary-token"] });
    let (_, warnings) = asked(Answer::json(200, infos)).await.unwrap();
    assert!(warnings.len() == 1 && !warnings[0].message().contains("canary"), "{warnings:?}");
    let error = json!({ "status": "error", "errorType": "canary-token", "error": "x", "data": { "a": 1 } });
    let error = asked(Answer::json(200, error)).await.unwrap_err();
    assert!(error.server_code().is_some_and(|code| !code.contains("canary")), "{:?}", error.server_code());
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_cannot_be_read_after_it_was_created_is_named() {
    let script = Script::new()
        .on(Method::Post, "/api/v2/silences", Answer::json(200, json!({ "silenceID": "s-1" })))
        .on(Method::Get, "/api/v2/silence/{id}", Answer::status(404));
    let alertmanager =
        Alertmanager::builder().base_url("https://alerts.test").script(&script).build().unwrap();
    let silence = NewSilence::new("me", "why", Duration::from_secs(60)).matcher("a=b".parse().unwrap());
    let error = alertmanager.create_silence(silence).await.unwrap_err();
    assert_eq!((error.kind(), error.maybe_applied()), (ErrorKind::NotFound, true));
    assert!(error.hint().is_some_and(|hint| hint.contains("s-1")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn queries_are_repeated_and_silences_are_not() {
    let script = Script::new().on(Method::Post, QUERY, Answer::fails(Failure::Interrupted)).on(
        Method::Post,
        QUERY,
        success(json!({ "resultType": "scalar", "result": [0, "7"] })),
    );
    let prometheus =
        Prometheus::builder().base_url("https://prometheus.test").script(&script).build().unwrap();
    assert_eq!(prometheus.query("7").await.unwrap().scalar.unwrap().value, 7.0);
    script.assert_done();

    let script = Script::new().on(Method::Post, "/api/v2/silences", Answer::fails(Failure::Interrupted));
    let alertmanager =
        Alertmanager::builder().base_url("https://alerts.test").script(&script).build().unwrap();
    let silence = NewSilence::new("me", "why", Duration::from_secs(60)).matcher("a=b".parse().unwrap());
    let error = alertmanager.create_silence(silence).await.unwrap_err();
    assert!(error.maybe_applied() && error.attempts() == 1, "{error:?}");
    script.assert_done();
}

#[tokio::test]
async fn basic_credentials_are_shown_nowhere() {
    let script = Script::new().on(
        Method::Post,
        QUERY,
        Answer::json(401, json!("Basic c3JlOmNhbmFyeTrDvA== refused: canary:ü")),
    );
    let builder = Prometheus::builder().base_url("https://prometheus.test").basic_auth("sre", "canary:ü");
    let prometheus = builder.script(&script).build().unwrap();
    let error = prometheus.query("up").await.unwrap_err();
    // A script shows that credentials were sent; scenarios compare them.
    assert_eq!(script.requests()[0].header("authorization"), Some("***"));
    let shown = format!("{error} {error:#?} {prometheus:?} {:?}", script.requests());
    assert!(!shown.contains("canary") && !shown.contains("c3JlOmNhbmFyeTrDvA"), "{shown}");

    for (username, password, param) in
        [("a:b", "x", "username"), ("", "x", "username"), ("a", "", "password"), ("a\nb", "x", "username")]
    {
        let builder =
            Prometheus::builder().base_url("https://prometheus.test").basic_auth(username, password);
        assert_eq!(builder.build().unwrap_err().param(), Some(param), "{username:?} {password:?}");
    }
}
