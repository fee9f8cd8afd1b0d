//! Waits: they tell the truth, spare the server, and end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bud_sdk::endpoints::{Deployment, Endpoint, EndpointStatus};
use bud_sdk::{Client, ErrorKind, Result};
use bud_testbed::{Fault, Testbed};

use crate::common::{admin, millis};

const ONE: (&str, &str) = ("GET", "/endpoints/{id}");

async fn deployed(bed: &Testbed) -> (Client, String) {
    let bud = admin(bed);
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().deploy(id.as_str(), Deployment::on(bed.cluster_id())).await.unwrap();
    bed.clear_requests();
    (bud, id)
}

async fn wait(bud: &Client, id: &str) -> Result<Endpoint> {
    bud.endpoints().wait(id).poll_interval(millis(2)).timeout(Duration::from_secs(20)).await
}

#[tokio::test]
async fn a_wait_ends_when_the_state_is_reached() {
    let bed = Testbed::builder().deploy_polls(5).start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    let ready = wait(&bud, &id).await.unwrap();
    assert!(ready.is(&EndpointStatus::Running));
    assert_eq!(bed.count(ONE.0, ONE.1), 5);
}

#[tokio::test]
async fn a_failure_ends_it_at_any_step_and_carries_the_reason() {
    for step in 1..=3 {
        let bed =
            Testbed::builder().deploy_polls(3).fail_deployment_at(step, "no GPU left").start().await.unwrap();
        let (bud, id) = deployed(&bed).await;
        let error = wait(&bud, &id).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OperationFailed);
        assert!(error.message().contains("no GPU left"), "{error}");
        assert_eq!(bed.count(ONE.0, ONE.1), step as usize);
    }
}

#[tokio::test]
async fn what_has_failed_can_be_taken_down() {
    let bed = Testbed::builder().deploy_polls(3).fail_deployment_at(1, "no GPU left").start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    wait(&bud, &id).await.unwrap_err();
    bud.endpoints().undeploy(&id).await.unwrap();
    let down =
        bud.endpoints().wait(&id).until(EndpointStatus::Stopped).poll_interval(millis(2)).await.unwrap();
    assert!(down.is(&EndpointStatus::Stopped));
}

#[tokio::test]
async fn what_is_down_already_needs_no_sign() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let id = bed.endpoint_ids().remove(0);
    let answered = bud.endpoints().undeploy(&id).await.unwrap();
    assert!(answered.is(&EndpointStatus::Stopped));
    let wait = bud.endpoints().wait(&id).after(&answered).until(EndpointStatus::Stopped);
    assert!(wait.poll_interval(millis(2)).await.unwrap().is(&EndpointStatus::Stopped));
}

#[tokio::test]
async fn what_is_down_does_not_start_running_by_itself() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let error = wait(&bud, &bed.endpoint_ids()[0]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.message().contains("STOPPED"), "{error}");
}

#[tokio::test]
async fn outages_refused_tokens_and_early_absence_do_not_end_it() {
    let bed = Testbed::builder().deploy_polls(2).start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    bed.fault(Fault::on(ONE.0, ONE.1).status(404).times(3));
    bed.fault(Fault::on(ONE.0, ONE.1).status(503).times(4));
    bed.fault(Fault::on(ONE.0, ONE.1).reset().times(2));
    bed.expire_tokens();
    assert!(wait(&bud, &id).await.unwrap().is(&EndpointStatus::Running));
}

#[tokio::test]
async fn what_stays_absent_ends_it() {
    let bed = Testbed::builder().start().await.unwrap();
    let error = wait(&admin(&bed), "8f14e45f-ceea-467f-a0e6-4b6d1f3c2a10").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(bed.count(ONE.0, ONE.1), 4, "three times it might still appear");
}

#[tokio::test]
async fn a_missing_right_ends_it_at_once() {
    let bed = Testbed::builder().start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    bed.fault(Fault::on(ONE.0, ONE.1).status(403).always());
    assert_eq!(wait(&bud, &id).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(bed.count(ONE.0, ONE.1), 1);
}

#[tokio::test]
async fn an_unknown_state_is_waited_through_and_reported_at_the_deadline() {
    let bed = Testbed::builder().start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    bed.fault(Fault::on(ONE.0, ONE.1).edit(|endpoint| endpoint["status"] = "WARMING_UP".into()).always());
    let started = Instant::now();
    let error =
        bud.endpoints().wait(id.as_str()).poll_interval(millis(20)).timeout(millis(300)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PollTimeout);
    assert!(error.message().contains("WARMING_UP"), "{error}");
    assert!(error.hint().unwrap().contains("resume"));
    assert!(started.elapsed() < Duration::from_secs(3));
    // Resumed, it ends well.
    bed.clear_faults();
    assert!(wait(&bud, &id).await.unwrap().is(&EndpointStatus::Running));
}

#[tokio::test]
async fn after_scaling_the_state_alone_proves_nothing() {
    let bed = Testbed::builder().deploy_polls(3).start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    wait(&bud, &id).await.unwrap();
    bud.endpoints().scale(id.as_str(), 2).await.unwrap();
    bed.clear_requests();

    let scaled = bud.endpoints().wait(id.as_str()).replicas(2).poll_interval(millis(2)).await.unwrap();

    assert_eq!(scaled.replicas, Some(2));
    assert!(bed.count(ONE.0, ONE.1) > 1, "at the first look it was running, with the old number");
}

#[tokio::test]
async fn a_wait_without_time_is_refused() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    for (within, every) in
        [(Duration::ZERO, millis(1)), (millis(1), Duration::ZERO), (Duration::MAX, millis(1))]
    {
        let error = bud.endpoints().wait("e-1").timeout(within).poll_interval(every).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(bed.requests(), []);
}

#[tokio::test]
async fn each_look_is_told_to_a_callback_and_a_stream() {
    let bed = Testbed::builder().deploy_polls(4).start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let wait = bud.endpoints().wait(&id).poll_interval(millis(2)).on_update({
        let told = told.clone();
        move |endpoint| told.lock().unwrap().push(endpoint.status.as_ref().unwrap().raw().to_owned())
    });
    let (mut updates, mut seen) = (wait.updates(), Vec::new());
    while let Some(endpoint) = updates.next().await {
        seen.push(endpoint.unwrap().status.unwrap().raw().to_owned());
    }
    assert_eq!(seen, ["DEPLOYING", "DEPLOYING", "DEPLOYING", "RUNNING"]);
    assert_eq!(*told.lock().unwrap(), seen);
}

#[tokio::test]
async fn a_state_of_ones_own_choice_is_a_failure() {
    let bed = Testbed::builder().start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    bed.fault(Fault::on(ONE.0, ONE.1).edit(|endpoint| endpoint["status"] = "UNHEALTHY".into()).always());
    let wait = || bud.endpoints().wait(&id).poll_interval(millis(2)).timeout(millis(200));
    assert_eq!(wait().await.unwrap_err().kind(), ErrorKind::PollTimeout);
    let error = wait().fail_on(EndpointStatus::Unhealthy).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
}

#[tokio::test]
async fn after_an_action_the_state_counts_only_with_a_sign_of_it() {
    let bed = Testbed::builder().start().await.unwrap();
    let (bud, id) = deployed(&bed).await;
    let running = wait(&bud, &id).await.unwrap();
    let after = || bud.endpoints().wait(&id).after(&running).poll_interval(millis(2)).timeout(millis(200));

    // Nothing was done since: it is running, and that proves nothing.
    let error = after().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unconfirmed);
    assert!(error.message().contains("RUNNING"), "{error}");
    // Without `after` the state is enough.
    assert!(wait(&bud, &id).await.unwrap().is(&EndpointStatus::Running));
    // It was changed.
    bed.fault(
        Fault::on(ONE.0, ONE.1).edit(|endpoint| endpoint["updated_at"] = "2031-01-01T00:00:00Z".into()),
    );
    after().await.unwrap();
    // It was in another state on the way.
    bed.fault(Fault::on(ONE.0, ONE.1).edit(|endpoint| endpoint["status"] = "DEPLOYING".into()));
    after().await.unwrap();
    // It has what was asked for.
    after().replicas(1).await.unwrap();
}
