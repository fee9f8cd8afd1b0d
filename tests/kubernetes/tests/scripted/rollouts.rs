//! Waiting for a rollout.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bud_sdk::ErrorKind;
use bud_sdk::kubernetes::RolloutState;
use serde_json::json;

use crate::server::Server;
use crate::{list, status};

const MINUTE: Duration = Duration::from_secs(60);

/// A deployment of one pod, of which so many are new and available.
fn deployment(done: u32) -> Response {
    axum::Json(json!({
        "metadata": { "name": "app", "namespace": "here", "generation": 1 },
        "spec": { "replicas": 1 },
        "status": { "observedGeneration": 1, "replicas": 1, "updatedReplicas": done, "availableReplicas": done },
    }))
    .into_response()
}

fn gone() -> Response {
    status(404, "NotFound", "deployments.apps \"app\" not found")
}

#[tokio::test]
async fn a_wait_goes_on_through_what_passes() {
    let server = Server::start(|_, count| match count {
        1 => status(503, "ServiceUnavailable", "busy"),
        2 => deployment(0),
        _ => deployment(1),
    })
    .await;
    let cluster = server.cluster().await;
    let done = cluster.wait_for_rollout("here", "deployment/app", MINUTE).await.unwrap();
    assert_eq!((done.state.into_inner(), done.available), (RolloutState::Complete, 1));
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_its_lookup_may_fail_as_well() {
    let server = Server::start(|asked, count| match asked.path.ends_with("/deployments/app") {
        _ if count == 1 => status(503, "ServiceUnavailable", "busy"),
        true => deployment(u32::from(count > 4)),
        false => list(&[json!({ "metadata": { "name": "app" } })], ""),
    })
    .await;
    let done = server.cluster().await.wait_for_rollout("here", "app", MINUTE).await.unwrap();
    assert_eq!(done.state, RolloutState::Complete);
    let paths = server.paths();
    let looks = paths.iter().filter(|path| path.ends_with("/deployments/app")).count();
    assert!(looks >= 2 && paths[paths.len() - 2..].iter().all(|path| path.ends_with("/app")), "{paths:?}");
}

#[tokio::test]
async fn what_is_not_there_is_not_waited_for() {
    let server = Server::start(|_, _| gone()).await;
    let error = server.cluster().await.wait_for_rollout("here", "deployment/app", MINUTE).await.unwrap_err();
    assert_eq!((error.kind(), server.requests()), (ErrorKind::NotFound, 1), "{error}");
    let server = Server::start(|_, count| if count == 1 { deployment(0) } else { gone() }).await;
    let error = server.cluster().await.wait_for_rollout("here", "deployment/app", MINUTE).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::OperationFailed, "app has been deleted"));
}

#[tokio::test]
async fn a_wait_ends_in_time_and_names_what_it_waited_for() {
    let server = Server::start(|_, _| deployment(0)).await;
    let cluster = server.cluster().await;
    let began = std::time::Instant::now();
    let error = cluster.wait_for_rollout("here", "deployment/app", Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PollTimeout, "{error}");
    assert!(error.message().contains("0 of 1 pods are new"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    for unusable in [Duration::ZERO, Duration::MAX] {
        let error = cluster.wait_for_rollout("here", "deployment/app", unusable).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("timeout")));
    }
}
