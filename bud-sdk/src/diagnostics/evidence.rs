//! What a report asks for beyond lists: the last lines of what fails, and commands where they are wanted. Each has a cap.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use tokio::time::{Instant, timeout_at};

use super::Cluster;
use super::picture::{Picture, Problem, Sections};
use super::request::Ask;
use super::rules::{dapr, engines};
use crate::error::{ErrorKind, Result};
use crate::report::{Draft, EvidenceKind, LogWanted, Unavailable};

/// Of how many pods logs are read, how many at a time, and how much of each.
const LOGS: usize = 20;
const AT_ONCE: usize = 8;
const LINES: u32 = 20;
const MOST: usize = 8 << 10;
/// One log, or one command, takes no longer.
const EACH: Duration = Duration::from_secs(10);
/// In how many pods commands are run.
const COMMANDS: usize = 20;

/// Adds the last lines of the logs that are wanted, those of the most urgent first.
pub(super) async fn logs(
    cluster: &Cluster,
    drafts: &mut [Draft],
    sections: &mut Sections,
    deadline: Instant,
) {
    let mut wanted: Vec<(LogWanted, &mut Draft)> =
        drafts.iter_mut().filter_map(|draft| Some((draft.log.clone()?, draft))).collect();
    wanted.sort_by_key(|(_, draft)| draft.severity.rank());
    // One log is enough for replicas that fail alike.
    let mut seen = BTreeSet::new();
    wanted.retain(|(_, draft)| {
        let whole = draft.owner.clone().unwrap_or_else(|| draft.subject.clone());
        seen.insert((draft.code, whole, draft.container.clone()))
    });
    wanted.truncate(LOGS);
    let (logs, drafts): (Vec<LogWanted>, Vec<&mut Draft>) = wanted.into_iter().unzip();
    let count = logs.len();
    let read = iter(logs).map(|log| async move {
        let until = deadline.min(Instant::now() + EACH);
        timeout_at(until, lines(cluster, &log)).await
    });
    let read: Vec<_> = read.buffered(AT_ONCE).collect().await;
    let mut problem = None;
    for (draft, lines) in drafts.into_iter().zip(read) {
        match lines {
            Ok(Ok(lines)) => add(draft, &lines),
            // One that is not there any more is no fault.
            Ok(Err(error)) if error.is_not_found() || error.kind() == ErrorKind::BadRequest => {}
            Ok(Err(error)) => problem = problem.or(Some(Problem::of(&error))),
            Err(_) => {
                problem = problem.or(Some(Problem::new(Unavailable::Timeout, "a log did not come in time")))
            }
        }
    }
    if count > 0 {
        sections.add("logs", count, problem);
    }
}

async fn lines(cluster: &Cluster, log: &LogWanted) -> Result<Vec<String>> {
    let path = format!("/api/v1/namespaces/{}/pods/{}/log", log.namespace, log.pod);
    let ask = Ask::get(path, "pods/log", Some(&log.namespace)).query("container", &log.container);
    let ask = ask.query("tailLines", LINES).query("limitBytes", 4 * MOST);
    let ask = if log.previous { ask.query("previous", true) } else { ask };
    let (bytes, _) = cluster.ask(&ask, Instant::now() + EACH).await?;
    let end = bytes.slice(bytes.len().saturating_sub(MOST)..);
    let text = String::from_utf8_lossy(&end);
    Ok(text.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn add(draft: &mut Draft, lines: &[String]) {
    let told = match draft.code {
        "DAPR_SIDECAR_NOT_READY" => dapr::by_log(lines),
        _ => engines::by_log(lines).map(|(what, remedy)| (what.to_owned(), remedy)),
    };
    if let Some((what, remedy)) = told {
        draft.title = format!("{}: {what}", draft.title);
        draft.remedy = remedy.to_owned();
    }
    // The last ones say most; they stand before what else is known.
    let last = lines.iter().rev().take(5).rev().map(String::as_str).collect::<Vec<_>>().join(" ⏎ ");
    let with = draft.clone().evidence(EvidenceKind::Log, None, last);
    draft.evidence = with.evidence;
}

/// Asks PostgreSQL for its connections, and engines for what their GPUs do.
pub(super) async fn commands(cluster: &Cluster, picture: &mut Picture, deadline: Instant) {
    let mut problem = None;
    let (platform, mut asked) = (picture.platform.clone(), 0);
    for namespace in &platform {
        let is_there =
            picture.pods.iter().any(|pod| &*pod.namespace == namespace && is_postgres(&pod.labels));
        if !is_there {
            continue;
        }
        asked += 1;
        let until = deadline.min(Instant::now() + EACH);
        match timeout_at(until, cluster.postgres(namespace)).await {
            Ok(Ok(pool)) => picture.postgres.push((namespace.clone(), pool)),
            Ok(Err(error)) if error.is_not_found() => {}
            Ok(Err(error)) => problem = problem.or(Some(Problem::of(&error))),
            Err(_) => {
                problem =
                    problem.or(Some(Problem::new(Unavailable::Timeout, "PostgreSQL did not answer in time")))
            }
        }
    }
    picture.sections.add("postgres", asked, problem);

    let busy =
        picture.pods.iter().filter(|pod| pod.engine && pod.ready && !pod.gpus.is_empty()).take(COMMANDS);
    let busy: Vec<(String, String)> =
        busy.map(|pod| (pod.namespace.to_string(), pod.name.to_string())).collect();
    let asked = busy.len();
    let read = iter(busy).map(|(namespace, pod)| async move {
        let until = deadline.min(Instant::now() + EACH);
        let read = timeout_at(until, cluster.gpu_readings(&namespace, &format!("pod/{pod}"))).await;
        (namespace, pod, read)
    });
    let read: Vec<_> = read.buffered(AT_ONCE).collect().await;
    let mut problem = None;
    for (namespace, pod, readings) in read {
        match readings {
            Ok(Ok(readings)) => picture.readings.push((namespace, pod, readings)),
            Ok(Err(error)) if error.kind() == ErrorKind::Unsupported => {}
            Ok(Err(error)) => problem = problem.or(Some(Problem::of(&error))),
            Err(_) => {
                problem =
                    problem.or(Some(Problem::new(Unavailable::Timeout, "nvidia-smi did not answer in time")))
            }
        }
    }
    picture.readings.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    picture.sections.add("gpu_use", asked, problem);
}

/// Whether these are the labels of PostgreSQL.
fn is_postgres(labels: &BTreeMap<String, String>) -> bool {
    let is = |name: &str| labels.get(name).is_some_and(|value| value == "postgresql");
    is("app.kubernetes.io/name") || is("app")
}
