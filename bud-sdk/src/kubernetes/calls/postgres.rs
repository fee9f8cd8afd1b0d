//! The connections of PostgreSQL, asked of its primary.

use crate::error::{Error, ErrorKind, Result};
use crate::kubernetes::calls::pods::Pod;
use crate::kubernetes::objects::{self, holds};
use crate::kubernetes::{Cluster, Namespaces};
use crate::schema::records;

impl Cluster {
    /// The connection pool of the platform's PostgreSQL: guide sections 7.2 and 10.2. The primary is found by the labels of its chart
    /// (`app.kubernetes.io/name=postgresql`, `app.kubernetes.io/component=primary`), else by `app=postgresql`. It runs `psql` in
    /// the container with the container's own password, which never leaves it.
    ///
    /// # Errors
    /// `NotFound` without a pod that is ready; `OperationFailed` with what psql said; those of [`exec`](Self::exec).
    pub async fn postgres(&self, namespace: &str) -> Result<PostgresPool> {
        let pod = self.postgres_primary(namespace).await?;
        let output = self.exec(namespace, format!("pod/{}", pod.name), ["sh", "-c", SCRIPT]).await?;
        if output.exit_code != 0 {
            let said = crate::operation::clean(output.stderr.trim(), 400);
            return Err(Error::new(
                ErrorKind::OperationFailed,
                format!("psql ended with {}: {said}", output.exit_code),
            ));
        }
        PostgresPool::read(&pod.name, &output.stdout)
    }

    /// The pod of PostgreSQL's primary.
    ///
    /// # Errors
    /// As [`postgres`](Self::postgres).
    pub async fn postgres_primary(&self, namespace: &str) -> Result<Pod> {
        for labels in
            ["app.kubernetes.io/name=postgresql,app.kubernetes.io/component=primary", "app=postgresql"]
        {
            let scope = Namespaces::one(namespace).labels(labels);
            let keep = |pod: objects::Pod, now| (holds(&pod.status.conditions, "Ready"), Pod::of(&pod, now));
            let pods = self.list("/api/v1", "pods", &scope, keep).await?;
            if pods.is_empty() {
                continue;
            }
            let down = || Error::new(ErrorKind::NotFound, "PostgreSQL has no pod that is ready");
            let ready = pods.into_iter().find(|(ready, _)| *ready);
            return ready.map(|(_, pod)| pod).ok_or_else(down);
        }
        let message = format!("there is no pod of PostgreSQL's primary in {namespace}");
        Err(Error::new(ErrorKind::NotFound, message)
            .with_hint("the guide has it in bud-data, its chart in the release's namespace"))
    }
}

/// The password comes from the container's own environment, and the query's answer is one line.
const SCRIPT: &str = r#"
PGPASSWORD="${POSTGRES_PASSWORD:-$(cat "${POSTGRES_PASSWORD_FILE:-/dev/null}" 2>/dev/null)}"
export PGPASSWORD
psql -XAtq -F '|' -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d "${POSTGRES_DATABASE:-postgres}" -c "
select count(*),
       count(*) filter (where state = 'active'),
       count(*) filter (where state = 'idle'),
       count(*) filter (where state like 'idle in transaction%'),
       count(*) filter (where state like 'idle in transaction%' and now() - state_change > interval '5 minutes'),
       count(*) filter (where wait_event_type = 'Lock'),
       coalesce(extract(epoch from max(now() - xact_start)), 0),
       current_setting('max_connections'),
       current_setting('superuser_reserved_connections'),
       pg_is_in_recovery()
from pg_stat_activity where backend_type = 'client backend'"
"#;

records! {

    /// The connections of a PostgreSQL server.
    PostgresPool {
        /// The pod that was asked.
        pod: String,
        /// Connections of clients.
        connections: u32,
        /// How many there may be, without those that are kept for administrators.
        most: u32,
        /// The part that is in use, in percent. The guide warns above 80 and calls it critical above 95.
        used_percent: f64,
        /// Connections that run a query.
        active: u32,
        /// Connections that wait for one.
        idle: u32,
        /// Connections that wait within a transaction.
        idle_in_transaction: u32,
        /// Those of them that have done so for more than 5 minutes.
        idle_in_transaction_long: u32,
        /// Connections that wait for a lock.
        waiting_for_lock: u32,
        /// The age of the oldest transaction, in seconds.
        oldest_transaction: f64,
        /// Whether this server is a replica after all.
        is_replica: bool,
    }
}

impl PostgresPool {
    fn read(pod: &str, line: &str) -> Result<Self> {
        let cells: Vec<&str> = line.trim().split('|').collect();
        let wrong = || Error::new(ErrorKind::Decode, "psql answered something else than was asked for");
        let number = |at: usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok()).ok_or_else(wrong);
        let count = |at: usize| cells.get(at).and_then(|cell| cell.parse::<u32>().ok()).ok_or_else(wrong);
        let connections = count(0)?;
        let most = count(7)?.saturating_sub(count(8)?);
        let is_replica = match cells.get(9) {
            Some(&"t") => true,
            Some(&"f") => false,
            _ => return Err(wrong()),
        };
        Ok(Self {
            pod: pod.to_owned(),
            connections,
            most,
            used_percent: f64::from(connections) * 100.0 / f64::from(most.max(1)),
            active: count(1)?,
            idle: count(2)?,
            idle_in_transaction: count(3)?,
            idle_in_transaction_long: count(4)?,
            waiting_for_lock: count(5)?,
            oldest_transaction: number(6)?,
            is_replica,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_psql_is_read_or_refused() {
        let pool = PostgresPool::read("pg-0", "78|3|70|5|1|2|812.5|100|3|f\n").unwrap();
        assert_eq!((pool.connections, pool.most, pool.active, pool.waiting_for_lock), (78, 97, 3, 2));
        assert!((pool.used_percent - 80.41).abs() < 0.01 && !pool.is_replica);
        for odd in ["", "psql: error", "1|2|3", "78|3|70|5|1|2|812.5|100|3|maybe"] {
            assert_eq!(PostgresPool::read("pg-0", odd).unwrap_err().kind(), ErrorKind::Decode, "{odd}");
        }
    }
}
