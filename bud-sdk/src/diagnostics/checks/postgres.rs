//! PostgreSQL: whether its primary is up, and what its connections do.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Check, counted, critical, just_changed, warning};
use crate::diagnostics::snapshot::{Context, PodRecord, WorkloadRecord};
use crate::kubernetes::PostgresPool;
use crate::report::{Draft, EvidenceKind, Severity, Subject};

const PG_DOWN: Check = Check {
    code: "PG_DOWN",
    severity: &[critical("after a minute")],
    section: "pods",
    means: "PostgreSQL's primary is there, and none of its pods is ready: the platform has no database.",
    confirm: "`kubectl get pods -n NAMESPACE -l app.kubernetes.io/name=postgresql`, and `kubectl describe` of the pod.",
    remedy: "By what is found about its pod: mostly its volume, its memory or its node.",
};

const PG_CONNECTIONS: Check = Check {
    code: "PG_CONNECTIONS",
    severity: &[warning("above 80 %"), critical("above 95 %")],
    section: "postgres",
    means: "Most of PostgreSQL's connections are in use, without those kept for administrators: when none is left, services fail.",
    confirm: "`select state, application_name, count(*) from pg_stat_activity group by 1, 2 order by 3 desc`",
    remedy: "Find who holds them: many that are idle, or idle in a transaction, leak; let that service have a smaller pool, or raise max_connections.",
};

const PG_LONG_TX: Check = Check {
    code: "PG_LONG_TX",
    severity: &[warning("")],
    section: "postgres",
    means: "A transaction is open for more than 15 minutes, or waits within one for more than 5: it holds locks and keeps old rows from being cleaned up.",
    confirm: "`select pid, application_name, state, now() - xact_start from pg_stat_activity where xact_start is not null order by xact_start`",
    remedy: "See what the service does there; `select pg_terminate_backend(PID)` ends it. The setting idle_in_transaction_session_timeout ends them by itself.",
};

pub(super) const CHECKS: &[Check] = &[PG_DOWN, PG_CONNECTIONS, PG_LONG_TX];

const OLDEST: f64 = 15.0 * 60.0;

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    down(view, out);
    for (namespace, pool) in &view.snapshot.postgres {
        out.extend(connections(view, namespace, pool));
        out.extend(long(view, namespace, pool));
    }
}

type Labels = BTreeMap<String, String>;

/// The labels of the chart's primary.
fn of_chart(labels: &Labels) -> bool {
    let is = |name: &str, value: &str| labels.get(name).is_some_and(|label| label == value);
    is("app.kubernetes.io/name", "postgresql") && is("app.kubernetes.io/component", "primary")
}

/// What the guide has.
fn of_guide(labels: &Labels) -> bool {
    labels.get("app").is_some_and(|app| app == "postgresql")
}

/// One server: what makes its pods, and those.
#[derive(Default)]
struct Server<'a> {
    workload: Option<&'a WorkloadRecord>,
    pods: Vec<&'a PodRecord>,
}

fn down(view: &Context<'_>, out: &mut Vec<Draft>) {
    let snapshot = view.snapshot;
    let may_be = |namespace: &str| snapshot.is_platform(namespace) || namespace == "bud-data";
    let workloads = || {
        let here = |one: &&WorkloadRecord| may_be(&one.subject.namespace) && one.subject.kind != "DaemonSet";
        snapshot.workloads.iter().filter(here)
    };
    let pods = || snapshot.pods.iter().filter(|pod| may_be(&pod.namespace) && !pod.ended);
    // The labels of the chart tell the primary from its replicas; those of the guide count where there are none.
    let charted: BTreeSet<&str> = workloads()
        .filter(|one| of_chart(&one.labels))
        .map(|one| one.subject.namespace.as_str())
        .chain(pods().filter(|pod| of_chart(&pod.labels)).map(|pod| &*pod.namespace))
        .collect();
    let primary = |namespace: &str, labels: &Labels| {
        if charted.contains(namespace) { of_chart(labels) } else { of_guide(labels) }
    };
    let mut servers: BTreeMap<Subject, Server<'_>> = BTreeMap::new();
    for one in workloads().filter(|one| primary(&one.subject.namespace, &one.labels)) {
        servers.entry(one.subject.clone()).or_default().workload = Some(one);
    }
    for pod in pods().filter(|pod| primary(&pod.namespace, &pod.labels)) {
        let owner = pod.owner.as_deref().cloned().unwrap_or_else(|| pod.subject());
        servers.entry(owner).or_default().pods.push(pod);
    }
    for (subject, server) in servers {
        let told = server.workload.map_or(0, |workload| workload.ready);
        let up = if server.pods.is_empty() { told > 0 } else { server.pods.iter().any(|pod| pod.ready) };
        if !up && !just_changed(view, server.pods.iter().copied(), server.workload) {
            out.push(of_server(subject, &server));
        }
    }
}

fn of_server(subject: Subject, server: &Server<'_>) -> Draft {
    let wanted = server.workload.map(|workload| workload.rollout.replicas);
    let title = match (wanted, server.pods.len()) {
        (Some(0), 0) => "PostgreSQL is down: it is scaled to zero".to_owned(),
        (_, 0) => "PostgreSQL is down: it has no pod".to_owned(),
        (_, count) => format!("PostgreSQL is down: of {} none is ready", counted(count, "pod")),
    };
    let command = format!("kubectl get pods -n {} -o wide", subject.namespace);
    let mut draft = PG_DOWN.draft(subject, title);
    if let Some(wanted) = wanted {
        let text = format!("0 of {} ready", counted(wanted as usize, "pod"));
        draft = draft.evidence(EvidenceKind::Status, None, text);
    }
    for pod in &server.pods {
        let status = pod.trouble.as_ref().map_or("not ready", |trouble| trouble.status.as_str());
        let node = pod.node().unwrap_or("no node");
        let text = format!("{}: {status}, on {node}", pod.name);
        draft = draft.evidence(EvidenceKind::Status, None, text).because(pod.subject());
    }
    draft.command(command)
}

fn of_pool(
    view: &Context<'_>,
    case: impl Into<Case>,
    (namespace, pool): (&str, &PostgresPool),
    title: String,
) -> Draft {
    let is_it = |pod: &&PodRecord| *pod.namespace == *namespace && *pod.name == *pool.pod;
    let pod = view.snapshot.pods.iter().find(is_it);
    case.into()
        .draft(Subject::new("Pod", namespace, &pool.pod), title)
        .owner(pod.and_then(|pod| pod.owner.as_deref().cloned()))
}

fn connections(view: &Context<'_>, namespace: &str, pool: &PostgresPool) -> Option<Draft> {
    let severity = match pool.used_percent {
        used if used > 95.0 => Severity::Critical,
        used if used > 80.0 => Severity::Warning,
        _ => return None,
    };
    let PostgresPool { connections, most, used_percent, .. } = pool;
    let title = format!("{connections} of {most} connections are in use ({used_percent:.0} %)");
    let text = format!(
        "{} active, {} idle, {} idle in a transaction, {} waiting for a lock",
        pool.active, pool.idle, pool.idle_in_transaction, pool.waiting_for_lock
    );
    let draft = of_pool(view, PG_CONNECTIONS.at(severity), (namespace, pool), title);
    Some(draft.evidence(EvidenceKind::Metric, None, text))
}

fn long(view: &Context<'_>, namespace: &str, pool: &PostgresPool) -> Option<Draft> {
    let old = pool.oldest_transaction > OLDEST;
    let title = match (old, pool.idle_in_transaction_long) {
        (true, _) => format!("a transaction is open for {:.0} minutes", pool.oldest_transaction / 60.0),
        (false, 0) => return None,
        (false, 1) => "1 connection has waited within a transaction for more than 5 minutes".to_owned(),
        (false, count) => {
            format!("{count} connections have waited within a transaction for more than 5 minutes")
        }
    };
    let text = format!(
        "the oldest transaction is {:.0} seconds old; {} idle in a transaction, {} of them for more than 5 minutes; {} waiting for a lock",
        pool.oldest_transaction,
        pool.idle_in_transaction,
        pool.idle_in_transaction_long,
        pool.waiting_for_lock
    );
    let draft = of_pool(view, PG_LONG_TX, (namespace, pool), title);
    Some(draft.evidence(EvidenceKind::Metric, None, text))
}
