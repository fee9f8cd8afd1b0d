use std::time::Duration;

use bud_testbed::{Builder, Testbed};
use serde_json::{Value, json};

use crate::client::Client;

struct Stage {
    bed: Testbed,
    admin: Client,
    endpoint: String,
}

impl Stage {
    async fn new(builder: Builder) -> Self {
        let bed = builder.start().await.unwrap();
        Self { admin: Client::admin(&bed).await, endpoint: bed.endpoint_ids()[0].clone(), bed }
    }

    fn plan(&self, replicas: u64, gpus: u64) -> Value {
        json!({
            "cluster_id": self.bed.cluster_id(), "replicas": replicas,
            "resources": {"gpu_count": gpus, "memory_gb": 16},
        })
    }

    async fn deploy(&self, replicas: u64, gpus: u64) -> crate::client::Reply {
        let target = format!("/endpoints/{}/deploy", self.endpoint);
        self.admin.post(&target, self.plan(replicas, gpus)).await
    }

    async fn poll(&self) -> Value {
        self.admin.get(&format!("/endpoints/{}", self.endpoint)).await.is(200).json()
    }

    async fn statuses(&self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        for _ in 0..count {
            seen.push(self.poll().await["status"].as_str().unwrap().to_owned());
        }
        seen
    }
}

#[tokio::test]
async fn runs_at_the_last_poll() {
    let stage = Stage::new(Testbed::builder().deploy_polls(3)).await;
    assert_eq!(stage.poll().await["status"], "STOPPED");
    let answer = stage.deploy(2, 1).await.is(202).json();
    assert_eq!((&answer["status"], &answer["replicas"]), (&json!("DEPLOYING"), &json!(2)));
    // A list is no status poll.
    stage.admin.get("/endpoints").await.is(200);
    assert_eq!(stage.statuses(4).await, ["DEPLOYING", "DEPLOYING", "RUNNING", "RUNNING"]);
    stage.deploy(1, 1).await.is(409);
    let cluster = stage.admin.get(&format!("/clusters/{}", stage.bed.cluster_id())).await.json();
    assert_eq!(cluster["gpu_available"], 14);
}

#[tokio::test]
async fn fails_at_every_step_and_can_be_tried_again() {
    for step in 1..=3 {
        let reason = format!("image pull failed at {step}");
        let stage = Stage::new(Testbed::builder().deploy_polls(3).fail_deployment_at(step, &reason)).await;
        stage.deploy(1, 1).await.is(202);
        let mut expected = vec!["DEPLOYING"; step as usize - 1];
        expected.push("FAILED");
        assert_eq!(stage.statuses(step as usize).await, expected);
        let end = stage.poll().await;
        assert_eq!((&end["status"], &end["reason"]), (&json!("FAILED"), &json!(reason)));
        // The script was for one deployment.
        stage.deploy(1, 1).await.is(202);
        assert_eq!(stage.statuses(3).await.last().unwrap(), "RUNNING");
        assert_eq!(stage.poll().await["reason"], Value::Null);
    }
    let stage = Stage::new(Testbed::builder().deploy_polls(3)).await;
    stage.bed.fail_deployment_at(1, "later");
    stage.deploy(1, 1).await.is(202);
    assert_eq!(stage.poll().await["status"], "FAILED");
}

#[tokio::test]
async fn advances_by_time() {
    let stage =
        Stage::new(Testbed::builder().deploy_polls(2).deploy_step_time(Duration::from_millis(100))).await;
    stage.deploy(1, 1).await.is(202);
    assert_eq!(stage.statuses(5).await, ["DEPLOYING"; 5]);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(stage.statuses(1).await, ["RUNNING"]);
}

#[tokio::test]
async fn scaling_shows_late() {
    let stage = Stage::new(Testbed::builder().deploy_polls(2)).await;
    let target = format!("/endpoints/{}", stage.endpoint);
    stage.admin.put(&target, json!({"replicas": 3})).await.is(409);
    stage.deploy(1, 1).await.is(202);
    stage.statuses(2).await;
    let answer = stage.admin.put(&target, json!({"replicas": 3})).await.is(200).json();
    assert_eq!(answer["replicas"], 1);
    assert_eq!(stage.poll().await["replicas"], 1);
    assert_eq!(stage.poll().await["replicas"], 3);
    stage.admin.put(&target, json!({"replicas": 0})).await.is(422);
    stage.admin.put(&target, json!({"replicas": 17})).await.is(409);
    stage.admin.put(&target, json!({"replicas": 16})).await.is(200);
}

#[tokio::test]
async fn undeploy_is_idempotent_by_state() {
    let stage = Stage::new(Testbed::builder().deploy_polls(1).undeploy_polls(2)).await;
    let target = format!("/endpoints/{}/undeploy", stage.endpoint);
    let undeploy = async || stage.admin.call("POST", &target, None).await.is(202).json();
    assert_eq!(undeploy().await["status"], "STOPPED");
    stage.deploy(1, 1).await.is(202);
    stage.statuses(1).await;
    assert_eq!(undeploy().await["status"], "RUNNING");
    assert_eq!(stage.statuses(1).await, ["RUNNING"]);
    // Asking again does not begin anew.
    undeploy().await;
    assert_eq!(stage.statuses(1).await, ["STOPPED"]);
    assert_eq!(undeploy().await["status"], "STOPPED");
    assert_eq!(stage.poll().await["replicas"], 0);
}

#[tokio::test]
async fn refuses_what_cannot_be() {
    let stage = Stage::new(Testbed::builder()).await;
    let target = format!("/endpoints/{}/deploy", stage.endpoint);
    let mut plan = stage.plan(1, 1);
    plan["cluster_id"] = json!("none");
    let reply = stage.admin.post(&target, plan.clone()).await.is(404);
    assert_eq!(reply.json()["message"], "Cluster not found");
    plan["cluster_id"] = json!(stage.bed.unavailable_cluster_id());
    stage.admin.post(&target, plan).await.is(409);
    stage.deploy(0, 1).await.is(422);
    let full = stage.deploy(3, 8).await.is(409).json();
    assert_eq!(full["message"], "Not enough GPUs: 24 wanted, 16 available");
    let mut plan = stage.plan(1, 1);
    plan["resources"] = json!({"gpu_count": -1, "memory_gb": 1.5, "disk_gb": 2});
    let wrong = stage.admin.post(&target, plan).await.is(422).json();
    let places: Vec<_> = wrong["detail"].as_array().unwrap().iter().map(|d| d["loc"].clone()).collect();
    assert_eq!(places.len(), 3);
    assert_eq!(places[0], json!(["body", "resources", "gpu_count"]));
    assert_eq!(stage.poll().await["status"], "STOPPED");
    stage.admin.post("/endpoints/none/deploy", stage.plan(1, 1)).await.is(404);
}

#[tokio::test]
async fn a_project_with_live_endpoints_stays() {
    let stage = Stage::new(Testbed::builder().deploy_polls(1)).await;
    let project = stage.bed.project_id();
    stage.deploy(1, 1).await.is(202);
    let refused = stage.admin.delete(&format!("/projects/{project}")).await.is(409);
    assert!(refused.json()["message"].as_str().unwrap().contains("active endpoints"));
    stage.admin.call("POST", &format!("/endpoints/{}/undeploy", stage.endpoint), None).await.is(202);
    stage.admin.delete(&format!("/projects/{project}")).await.is(409);
    stage.statuses(1).await;
    stage.admin.delete(&format!("/projects/{project}")).await.is(204);
    stage.admin.get(&format!("/projects/{project}")).await.is(404);
    assert!(stage.bed.endpoint_ids().is_empty());
}
