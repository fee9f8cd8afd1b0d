//! The client of Prometheus against a real one, with promtool beside it.

use std::collections::BTreeMap;
use std::process::Command;

use bud_monitoring_testbed::{PLANTED_AT, Prometheus as Server, available};
use bud_sdk::monitoring::{Prometheus, QueryResult, ResultType};
use bud_sdk::{ErrorKind, Timestamp};

fn client(server: &Server) -> Prometheus {
    Prometheus::builder().base_url(&server.url).build().unwrap()
}

fn planted() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// The values by instance, as Prometheus writes them.
fn by_instance(result: &QueryResult) -> BTreeMap<String, String> {
    let pair = |series: &bud_sdk::monitoring::Series| {
        (series.labels["instance"].clone(), series.samples[0].value.to_string())
    };
    result.series.iter().map(pair).collect()
}

/// What promtool makes of the same query at the same time.
fn by_promtool(server: &Server, query: &str) -> BTreeMap<String, String> {
    let output = Command::new("promtool")
        .args(["query", "instant", "-o", "json", "--time", &PLANTED_AT.to_string(), &server.url, query])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(&row["metric"]["instance"]), text(&row["value"][1]))).collect()
}

#[tokio::test]
async fn answers_of_every_type_are_those_that_were_planted() {
    if !available() {
        return;
    }
    assert_eq!(planted().as_seconds(), PLANTED_AT);
    let server = Server::start().await.unwrap();
    let prometheus = client(&server);

    let vector = prometheus.query("planted").time(planted()).await.unwrap();
    assert_eq!(vector.result_type, ResultType::Vector);
    assert_eq!(vector.series.len(), 4);
    assert!(vector.series.iter().all(|series| series.samples.len() == 1 && series.histograms.is_empty()));
    assert!(vector.series.iter().all(|series| series.samples[0].time == planted()));
    let ours = by_instance(&vector);
    assert_eq!(ours["a:1"], "2.5");
    assert_eq!(ours["b:1"], "NaN");
    assert_eq!(ours["c:1"], "+Inf");
    assert_eq!(ours["d\"quoted\\ü:1"], "-12345678901234567000");
    let exact = vector.series.iter().find(|series| series.labels["instance"].starts_with('d')).unwrap();
    assert_eq!(exact.samples[0].value, -12_345_678_901_234_567_000.0);
    // Of finite numbers the two write the same, but for the exponent.
    let theirs = by_promtool(&server, "planted");
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (instance, value) in &theirs {
        assert!(
            value == &ours[instance]
                || value.parse::<f64>().unwrap() == ours[instance].parse::<f64>().unwrap(),
            "{instance}: {value}, {}",
            ours[instance]
        );
    }

    let matrix = prometheus.query(r#"planted{instance="a:1"}[2m]"#).time(planted()).await.unwrap();
    assert_eq!(matrix.result_type, ResultType::Matrix);
    let samples = &matrix.series[0].samples;
    assert_eq!(samples.iter().map(|sample| sample.value.to_f64()).collect::<Vec<_>>(), [1.5, 2.5]);
    assert_eq!(samples[1].time.as_seconds() - samples[0].time.as_seconds(), 60);

    let scalar = prometheus.query("1 / 0").time(planted()).await.unwrap();
    assert_eq!((scalar.result_type.clone().into_inner(), scalar.series.len()), (ResultType::Scalar, 0));
    assert_eq!(scalar.scalar.unwrap().value, f64::INFINITY);
    let small = prometheus.query("small").time(planted()).await.unwrap();
    assert_eq!(small.series[0].samples[0].value, 1.5e-9);
    let text = prometheus.query(r#""a text""#).await.unwrap();
    assert_eq!((text.result_type.into_inner(), text.text.as_deref()), (ResultType::Text, Some("a text")));

    let nothing = prometheus.query("planted").time("2025-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!((nothing.result_type.into_inner(), nothing.series.len()), (ResultType::Vector, 0));

    // Without a time it is the server's present.
    let before = Timestamp::now().as_seconds();
    let now = prometheus.query("time()").await.unwrap().scalar.unwrap();
    assert!((now.time.as_seconds() - before).abs() < 60);
    assert!((now.value.to_f64() - before as f64).abs() < 60.0);
}

#[tokio::test]
async fn a_query_is_as_long_as_it_needs_to_be() {
    if !available() {
        return;
    }
    let server = Server::start().await.unwrap();
    let query = (0..4000).map(|at| format!("planted{{instance=\"{at}\"}}")).collect::<Vec<_>>().join(" or ");
    assert!(query.len() > 100_000);
    let result = client(&server).query(query).time(planted()).await.unwrap();
    assert!(result.series.is_empty());
}

#[tokio::test]
async fn the_build_is_the_one_that_runs() {
    if !available() {
        return;
    }
    let server = Server::start().await.unwrap();
    let answer = client(&server).build_info().with_response().await.unwrap();
    assert_eq!((answer.status, answer.attempts), (200, 1));
    assert_eq!(answer.value.version.as_deref(), Some(server.version.as_str()));
    assert!(answer.value.go_version.is_some_and(|go| go.starts_with("go1.")));
    assert!(answer.value.extra.is_empty(), "{:?}", answer.value.extra);
}

#[tokio::test]
async fn errors_are_the_servers_own() {
    if !available() {
        return;
    }
    let server = Server::start().await.unwrap();
    let prometheus = client(&server);

    let parse = prometheus.query("sum(").await.unwrap_err();
    assert_eq!((parse.kind(), parse.status()), (ErrorKind::BadRequest, Some(400)));
    assert_eq!(parse.server_code(), Some("bad_data"));
    assert!(parse.message().contains("parse error"), "{parse}");
    assert_eq!(parse.attempts(), 1);
    assert_eq!(parse.operation(), Some("prometheus.query"));

    let many = prometheus.query("planted / on(job) planted").time(planted()).await.unwrap_err();
    assert_eq!((many.status(), many.server_code()), (Some(422), Some("execution")));
    assert!(many.message().contains("many-to-many"), "{many}");

    let empty = prometheus.query(" ").await.unwrap_err();
    assert_eq!(
        (empty.kind(), empty.param(), empty.attempts()),
        (ErrorKind::InvalidArgument, Some("query"), 0)
    );

    // Another path of the same server: what answers there is not the API.
    let root = server.url.strip_suffix("/metrics-of/prometheus").unwrap();
    let lost = Prometheus::builder().base_url(root).build().unwrap().build_info().await.unwrap_err();
    assert_eq!(lost.status(), Some(404));
    assert!(lost.to_string().contains("is this the API's address?"), "{lost}");
}
