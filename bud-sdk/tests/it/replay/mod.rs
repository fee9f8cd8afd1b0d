//! Every recording of the real server is fed to the operation that its request belongs to: what was answered is found
//! again in the typed value or in the error, and what we send is what was recorded.

mod access;
mod compare;
mod deployments;
mod exchange;
mod plan;
mod records;
mod schemas;
mod sessions;

use std::collections::BTreeMap;

use bud_sdk::Error;
use bud_testbed::{Script, Wire};
use compare::Kept;
use exchange::Exchange;
use plan::{Plan, Typed};

/// 227 with stand-ins for Keycloak and the services behind, and 63 with a real Keycloak.
const RECORDINGS: usize = 227 + 63;

/// Recordings of what no operation of this SDK asks for.
const NOT_OFFERED: &[(&str, &str)] = &[
    ("not_found_404", "no such route"),
    ("internal_403", "a route that only the platform itself may use"),
    ("register_1", "people register themselves in the platform's own pages"),
    ("register_4", "likewise"),
    ("cloud_providers", "a catalogue for the platform's own pages"),
    ("cluster_endpoints", "endpoints.list says the same"),
    ("endpoint_deployment_settings_get", "limits of requests, which the guide does not touch"),
    ("endpoint_add_worker_step1", "adds capacity by concurrency; endpoints.scale sets replicas"),
    ("endpoint_add_worker_trigger", "likewise"),
    ("endpoint_publish_put_422", "the catalogue of published endpoints, which the guide does not touch"),
    ("billing_users_with_billing", "bare ids, which the guide does not need"),
    ("billing_history_period_route_shadow", "a route that cannot be reached"),
    (
        "audit_csv_10050_matching_rows_truncated",
        "its rows were not kept; runtime/export.rs has such an answer",
    ),
    ("workflow_mark_completed_patch", "it only says that a workflow is done"),
];

/// Answers that no model is made of. Of all others every field is known to one.
const NO_MODEL: &[(&str, &str)] = &[
    ("/auth/login", "its tokens are kept inside"),
    ("/auth/refresh-token", "likewise"),
    ("/audit/records", "the CSV, which is compared byte for byte"),
];

#[test]
fn no_more_than_fifteen_are_left_out_and_each_for_a_reason() {
    let names: Vec<String> = Exchange::all().into_iter().map(|exchange| exchange.name).collect();
    assert_eq!(names.len(), RECORDINGS);
    assert!(NOT_OFFERED.len() <= 15);
    for (name, reason) in NOT_OFFERED {
        assert!(names.iter().any(|known| known == name) && !reason.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn every_recording_is_understood() {
    let mut wrong = Vec::new();
    let mut kinds = BTreeMap::<&'static str, usize>::new();
    for exchange in Exchange::all() {
        if NOT_OFFERED.iter().any(|(name, _)| *name == exchange.name) {
            continue;
        }
        let Some(plan) = plan::of(&exchange) else {
            wrong.push(format!("{}: no operation for {} {}", exchange.name, exchange.method, exchange.path));
            continue;
        };
        match replay(&exchange, plan).await {
            Ok(kind) => *kinds.entry(kind).or_default() += 1,
            Err(why) => wrong.push(format!("{}: {why}", exchange.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {RECORDINGS}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(kinds.values().sum::<usize>(), RECORDINGS - NOT_OFFERED.len());
    assert!(kinds["success"] > 90, "{kinds:?}");
}

/// Plays one recording; the kind of its outcome, or what is wrong.
async fn replay(exchange: &Exchange, plan: Plan) -> Result<&'static str, String> {
    let Plan { before, behind, login, flavor, run, sends, payload, renamed } = plan;
    let turn = before.len();
    let answers = before.into_iter().chain([exchange.response()]).chain(behind).map(Script::answer);
    let home = Wire::builder().repeat_last().start(answers).await.map_err(|error| error.to_string())?;
    let outcome = run(exchange::client(home.url(), login, flavor)).await;
    let sent = home.requests();
    let request = sent.get(turn).ok_or("the request was not made")?;
    if sends {
        compare::request(exchange, request)?;
    }
    match outcome {
        Ok(Typed { value, .. }) if exchange.status >= 300 => {
            Err(format!("status {} was taken for success: {value}", exchange.status))
        }
        Ok(Typed { unknown: Some(unknown), .. }) => Err(format!("no model knows {unknown}")),
        Ok(Typed { models: false, .. }) if !NO_MODEL.iter().any(|(path, _)| *path == exchange.path) => {
            Err("made of no model".to_owned())
        }
        Ok(Typed { value, .. }) => {
            let kept = Kept { renamed, value: &value };
            kept.holds(&payload, exchange.payload(&payload)?)?;
            Ok("success")
        }
        Err(error) => error_of(exchange, &error),
    }
}

fn error_of(exchange: &Exchange, error: &Error) -> Result<&'static str, String> {
    compare::error(exchange, error)?;
    Ok(error.kind().as_str())
}
