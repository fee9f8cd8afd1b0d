//! What a report asks for beyond lists: the last lines of what fails, and commands where they are wanted. Each has a cap.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::iter;
use tokio::time::{Instant, timeout_at};

use super::checks::{dapr, engines};
use super::snapshot::{Problem, Sections, Snapshot};
use crate::error::{ErrorKind, Result};
use crate::kubernetes::Cluster;
use crate::kubernetes::connection::request::Ask;
use crate::operation::clean;
use crate::report::{Draft, EvidenceKind, LogWanted, Unavailable, redact};

/// Of how many pods logs are read, how many at a time, and how much of each.
const LOGS: usize = 20;
const AT_ONCE: usize = 8;
const LINES: u32 = 20;
const MOST: usize = 8 << 10;
/// How much of a line is kept, and of all of them, in characters.
const LINE: usize = 300;
const WORDS: usize = 1000;
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
    let (logs, drafts): (Vec<LogWanted>, Vec<Vec<&mut Draft>>) = wanted(drafts).into_iter().unzip();
    let count = logs.len();
    let read = iter(logs).map(|log| async move {
        let until = deadline.min(Instant::now() + EACH);
        timeout_at(until, lines(cluster, &log)).await
    });
    let read: Vec<_> = read.buffered(AT_ONCE).collect().await;
    let mut problem = None;
    for (drafts, lines) in drafts.into_iter().zip(read) {
        match lines {
            Ok(Ok(lines)) => drafts.into_iter().for_each(|draft| add(draft, &lines)),
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

/// Which logs are read, and what each is evidence of.
fn wanted(drafts: &mut [Draft]) -> Vec<(LogWanted, Vec<&mut Draft>)> {
    let mut wanted: Vec<(LogWanted, &mut Draft)> =
        drafts.iter_mut().filter_map(|draft| Some((draft.log.clone()?, draft))).collect();
    wanted.sort_by_key(|(_, draft)| draft.severity.rank());
    // One log is enough for replicas that fail alike, and one reading for all that a log is evidence of.
    let mut seen = BTreeSet::new();
    let mut logs: Vec<(LogWanted, Vec<&mut Draft>)> = Vec::new();
    for (log, draft) in wanted {
        let whole = draft.owner.clone().unwrap_or_else(|| draft.subject.clone());
        if !seen.insert((draft.code, whole, draft.container.clone())) {
            continue;
        }
        let room = logs.len() < LOGS;
        match logs.iter_mut().find(|(known, _)| *known == log) {
            Some((_, drafts)) => drafts.push(draft),
            None if room => logs.push((log, vec![draft])),
            None => {}
        }
    }
    logs
}

async fn lines(cluster: &Cluster, log: &LogWanted) -> Result<Vec<String>> {
    let path = format!("/api/v1/namespaces/{}/pods/{}/log", log.namespace, log.pod);
    let ask = Ask::get(path, "pods/log", Some(&log.namespace)).query("container", &log.container);
    let ask = ask.query("tailLines", LINES).query("limitBytes", 4 * MOST);
    let ask = if log.previous { ask.query("previous", true) } else { ask };
    let (bytes, _) = cluster.ask(&ask, Instant::now() + EACH).await?;
    Ok(last_lines(&String::from_utf8_lossy(&bytes)))
}

/// The lines of the last part of a log, without secrets: of one that is cut, or without its other lines, not all can be known.
fn last_lines(log: &str) -> Vec<String> {
    let log = redact(log);
    let from = (log.len().saturating_sub(MOST)..=log.len()).find(|at| log.is_char_boundary(*at));
    let end = log.get(from.unwrap_or_default()..).unwrap_or_default();
    end.lines().map(str::trim_end).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn add(draft: &mut Draft, lines: &[String]) {
    let told = if draft.code == dapr::DAPR_SIDECAR_NOT_READY.code {
        dapr::by_log(lines)
    } else {
        engines::by_log(lines).map(|(what, remedy)| (what.to_owned(), remedy))
    };
    if let Some((what, remedy)) = told {
        draft.title = format!("{}: {what}", draft.title);
        draft.remedy = remedy.to_owned();
    }
    let with = draft.clone().evidence(EvidenceKind::Log, None, last_words(lines));
    draft.evidence = with.evidence;
}

/// As many of the last lines as there is room for: the last ones say most. Long ones lose their middle.
fn last_words(lines: &[String]) -> String {
    let mut words = String::new();
    for line in lines.iter().rev().take(5) {
        let count = line.chars().count();
        let line = if count > LINE {
            let (start, end) = (line.chars().take(LINE / 2), line.chars().skip(count - LINE / 2));
            start.chain(['…']).chain(end).collect()
        } else {
            line.clone()
        };
        let line = clean(&line, usize::MAX);
        if words.is_empty() {
            words = line;
        } else if words.chars().count() + line.chars().count() + 3 <= WORDS {
            words = format!("{line} ⏎ {words}");
        } else {
            break;
        }
    }
    words
}

/// Asks PostgreSQL for its connections, and engines for what their GPUs do.
pub(super) async fn commands(cluster: &Cluster, snapshot: &mut Snapshot, deadline: Instant) {
    let mut problem = None;
    let (platform, mut asked) = (snapshot.platform.clone(), 0);
    for namespace in &platform {
        let is_there =
            snapshot.pods.iter().any(|pod| &*pod.namespace == namespace && is_postgres(&pod.labels));
        if !is_there {
            continue;
        }
        asked += 1;
        let until = deadline.min(Instant::now() + EACH);
        match timeout_at(until, cluster.postgres(namespace)).await {
            Ok(Ok(pool)) => snapshot.postgres.push((namespace.clone(), pool)),
            Ok(Err(error)) if error.is_not_found() => {}
            Ok(Err(error)) => problem = problem.or(Some(Problem::of(&error))),
            Err(_) => {
                problem =
                    problem.or(Some(Problem::new(Unavailable::Timeout, "PostgreSQL did not answer in time")))
            }
        }
    }
    snapshot.sections.add("postgres", asked, problem);

    let busy =
        snapshot.pods.iter().filter(|pod| pod.engine && pod.ready && !pod.gpus.is_empty()).take(COMMANDS);
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
            Ok(Ok(readings)) => snapshot.readings.push((namespace, pod, readings)),
            Ok(Err(error)) if error.kind() == ErrorKind::Unsupported => {}
            Ok(Err(error)) => problem = problem.or(Some(Problem::of(&error))),
            Err(_) => {
                problem =
                    problem.or(Some(Problem::new(Unavailable::Timeout, "nvidia-smi did not answer in time")))
            }
        }
    }
    snapshot.readings.sort_by(|one, other| (&one.0, &one.1).cmp(&(&other.0, &other.1)));
    snapshot.sections.add("gpu_use", asked, problem);
}

/// Whether these are the labels of PostgreSQL.
fn is_postgres(labels: &BTreeMap<String, String>) -> bool {
    let is = |name: &str| labels.get(name).is_some_and(|value| value == "postgresql");
    is("app.kubernetes.io/name") || is("app")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Severity, Subject};

    fn draft(code: &'static str, pod: &str, severity: Severity) -> Draft {
        let log = LogWanted {
            namespace: "here".to_owned(),
            pod: pod.to_owned(),
            container: "main".to_owned(),
            previous: false,
        };
        let owner = Subject::new("Deployment", "here", "a");
        let draft = Draft::new(code, severity, Subject::new("Pod", "here", pod), "it fails");
        draft.owner(Some(owner)).container("main").log(log)
    }

    #[test]
    fn a_log_is_read_once_for_all_that_it_shows() {
        let mut drafts = [
            draft("POD_RESTARTS", "a-0", Severity::Warning),
            draft("POD_OOMKILLED", "a-0", Severity::Error),
            draft("POD_OOMKILLED", "a-1", Severity::Error),
        ];
        let logs = wanted(&mut drafts);
        assert_eq!(logs.len(), 1, "replicas fail alike");
        let codes: Vec<&str> = logs[0].1.iter().map(|draft| draft.code).collect();
        assert_eq!(codes, ["POD_OOMKILLED", "POD_RESTARTS"]);
        let names: Vec<String> = (0..30).map(|number| format!("p{number}")).collect();
        let mut drafts: Vec<Draft> =
            names.iter().map(|name| draft("A", name, Severity::Info).owner(None)).collect();
        drafts.push(draft("B", "last", Severity::Critical));
        let logs = wanted(&mut drafts);
        assert_eq!((logs.len(), logs[0].0.pod.as_str()), (LOGS, "last"), "the most urgent first");
    }

    #[test]
    fn the_last_words_of_a_log_are_kept() {
        let mut lines: Vec<String> = (0..5).map(|number| format!("{number}{}", "x".repeat(290))).collect();
        lines.push(format!("ERROR {} no room is left", "y".repeat(4000)));
        let mut failed = draft("A", "a-0", Severity::Info);
        add(&mut failed, &lines);
        let text = &failed.evidence[0].text;
        assert!(text.ends_with("no room is left") && text.contains("ERROR yyy"), "{text}");
        assert!(text.starts_with("3x") && text.chars().count() <= WORDS, "{text}");
        assert_eq!(last_words(&["a".to_owned(), "b".to_owned()]), "a ⏎ b");
        assert_eq!(last_words(&[]), "");
    }

    #[test]
    fn a_secret_that_the_cut_goes_through_is_gone() {
        let log = format!("password=hunter2{}\nlast {}", "z".repeat(3000), "é".repeat(3000));
        assert!(!last_lines(&log).join("\n").contains('z'));
        let key = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\nfailed\n",
            "MIIE\n".repeat(3000)
        );
        assert_eq!(last_lines(&key), ["[redacted]", "failed"]);
    }
}
