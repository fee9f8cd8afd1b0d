//! What a kubelet would do with pods: start those on its node, and let go of those that are deleted.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{Api, Outcome};

const POLL: Duration = Duration::from_millis(100);

/// As long as it is kept, scheduled pods start and become ready at once, and deleted pods go.
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct Running(JoinHandle<()>);

impl Running {
    pub(crate) fn new(handle: JoinHandle<()>) -> Self {
        Self(handle)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Until it is aborted.
pub(crate) async fn run(api: Api, namespace: String) {
    loop {
        // Between two looks, anything may have changed or gone; the next look sees it.
        let _ = look(&api, &namespace).await;
        tokio::time::sleep(POLL).await;
    }
}

async fn look(api: &Api, namespace: &str) -> Outcome {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let list = api.get(&format!("{pods}?fieldSelector=spec.nodeName!=")).await?;
    for pod in list["items"].as_array().into_iter().flatten() {
        let path = format!("{pods}/{}", pod["metadata"]["name"].as_str().unwrap_or_default());
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            let _ = api.delete(&path).await;
        } else if pod["status"]["phase"] == "Pending" {
            let _ = api.patch_status(&path, &started(pod)).await;
        }
    }
    Ok(())
}

/// The status of a pod whose containers all run and are ready.
fn started(pod: &Value) -> Value {
    let now = format!("{:.0}", Timestamp::now());
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": now});
    let scheduled = pod["status"]["conditions"].as_array().into_iter().flatten();
    let mut conditions: Vec<Value> =
        scheduled.filter(|condition| condition["type"] == "PodScheduled").cloned().collect();
    conditions.extend(["Initialized", "ContainersReady", "Ready"].map(condition));
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let statuses: Vec<Value> = containers
        .map(|container| {
            json!({
                "name": container["name"], "image": container["image"], "imageID": container["image"],
                "containerID": format!("stand-in://{:016x}", fastrand::u64(..)),
                "ready": true, "started": true, "restartCount": 0, "state": {"running": {"startedAt": now}},
            })
        })
        .collect();
    json!({
        "phase": "Running", "startTime": now, "hostIP": "127.0.0.1", "podIP": "10.0.0.1",
        "conditions": conditions, "containerStatuses": statuses,
    })
}
