//! Clusters of the platform as shipped: their two ids, their settings, and what is recommended.

use bud_sdk::clusters::{AccessMode, ClusterStatus, StorageDefaults};
use bud_sdk::endpoints::{DeployModel, DeploymentStage};
use bud_sdk::{ErrorKind, Timestamp};
use bud_testbed::{Fault, Testbed};
use serde_json::{Value, json};

use crate::common::{millis, runtime, runtime_user};

#[tokio::test]
async fn a_cluster_has_two_ids_and_an_unknown_one_is_not_found() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let clusters = bud.clusters().list().all().await.unwrap();
    let cluster = clusters.iter().find(|cluster| cluster.is(&ClusterStatus::Available)).unwrap();
    assert_eq!(cluster.status.as_ref().unwrap().raw(), "available");
    assert_eq!(cluster.id.as_str(), bed.cluster_id());
    assert_eq!(cluster.cluster_id.as_ref().unwrap().as_str(), bed.cluster_deploy_id());
    let error = bud.clusters().get("00000000-0000-4000-8000-000000000000").await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(400)));
}

#[tokio::test]
async fn settings_are_set_whether_or_not_there_were_any_and_replaced_as_a_whole() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let (clusters, id) = (bud.clusters(), bed.cluster_id());
    assert!(clusters.settings(&id).await.unwrap_err().is_not_found());
    assert!(clusters.delete_settings(&id).await.unwrap_err().is_not_found());

    let storage = StorageDefaults::class("standard").access_mode(AccessMode::ReadWriteMany);
    let set = clusters.set_settings(&id, storage).await.unwrap();
    assert_eq!(set.default_storage_class.as_deref(), Some("standard"));
    assert_eq!(set.default_access_mode.as_deref(), Some(&AccessMode::ReadWriteMany));
    assert_eq!(set.cluster_id.as_ref().unwrap().as_str(), id);
    // Their times come without a zone.
    let age = Timestamp::now().as_seconds() - set.updated_at.unwrap().as_seconds();
    assert!((0..600).contains(&age), "{age}");

    let set = clusters.set_settings(&id, StorageDefaults::access(AccessMode::ReadWriteOnce)).await.unwrap();
    assert_eq!(set.default_storage_class, None, "what is left out is cleared");
    let read = clusters.settings(&id).await.unwrap();
    assert_eq!((read.id, read.default_access_mode), (set.id, set.default_access_mode));
    clusters.delete_settings(&id).await.unwrap();
    assert!(clusters.settings(&id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn settings_that_were_deleted_unseen_are_deleted() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    bud.clusters().set_settings(bed.cluster_id(), StorageDefaults::class("standard")).await.unwrap();
    bed.fault(Fault::on("DELETE", "/clusters/{id}/settings").reset().applied());
    bud.clusters().delete_settings(bed.cluster_id()).await.unwrap();
    assert_eq!(bed.count("DELETE", "/clusters/{id}/settings"), 2);
}

#[tokio::test]
async fn who_may_only_look_sets_nothing() {
    let (bed, _) = runtime(Testbed::builder()).await;
    let user = bed.seed_user("USER");
    let bud = runtime_user(&bed, &user.email, &user.password);
    let set = bud.clusters().set_settings(bed.cluster_id(), StorageDefaults::class("standard")).await;
    assert_eq!(set.unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn clusters_are_recommended_once_the_simulator_is_done() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let model = DeployModel::new(bed.local_model_id(), bed.project_id(), "chat");
    let mut updates = bud.endpoints().deploy_model(model).poll_interval(millis(2)).updates();
    while updates.next().await.unwrap().unwrap().stage.as_deref() != Some(&DeploymentStage::Simulating) {}
    let workflow = updates.workflow().unwrap();
    let found = bud.clusters().recommended(&workflow).await.unwrap();
    assert_eq!((found.status.as_deref(), found.workflow_id.as_ref()), (Some("success"), Some(&workflow)));
    let cluster = &found.clusters[0];
    assert_eq!(cluster.id.as_ref().unwrap().as_str(), bed.cluster_id());
    assert_eq!(cluster.cluster_id.as_ref().unwrap().as_str(), bed.cluster_deploy_id());
    assert_eq!(cluster.cost_per_token.as_ref().unwrap().as_str(), "0.25");
    let estimates = cluster.benchmarks.as_ref().unwrap();
    assert_eq!((estimates.replicas, estimates.ttft.as_ref().unwrap().value), (Some(1), Some(1.5)));

    let list = |body: &mut Value| *body = json!({ "object": "cluster.recommended", "status": "success" });
    bed.fault(Fault::on("GET", "/clusters/recommended/{id}").edit(list));
    let error = bud.clusters().recommended(&workflow).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "no list is not an empty list");
}
