//! The same report over several clusters at once.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::timeout;

use super::ClusterReport;
use crate::error::{Error, ErrorKind, Result};
use crate::http::BoxFuture;
use crate::kubernetes::Cluster;
use crate::report::{FleetMember, FleetReport, Report, redact};

/// Clusters that are read at the same time.
const AT_ONCE: usize = 8;

impl Cluster {
    /// Reads several clusters at once, each as [`report`](Self::report) does: those of these contexts, in the kubeconfig that this
    /// one came from. One that cannot be reached is told as such and delays none of the others.
    ///
    /// ```no_run
    /// # async fn demo(cluster: bud_sdk::kubernetes::Cluster) -> bud_sdk::Result<()> {
    /// let fleet = cluster.reports(["prod-eu", "prod-us"]).await?;
    /// for member in &fleet.clusters {
    ///     match &member.report {
    ///         Some(report) => println!("{}: {}", member.context, report.verdict),
    ///         None => println!("{}: {}", member.context, member.error.as_deref().unwrap_or_default()),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn reports<C: Into<String>>(&self, contexts: impl IntoIterator<Item = C>) -> ClusterReports {
        ClusterReports {
            cluster: self.clone(),
            contexts: contexts.into_iter().map(Into::into).collect(),
            timeout: Duration::from_secs(120),
            configure: None,
        }
    }
}

type Configure = std::sync::Arc<dyn Fn(ClusterReport) -> ClusterReport + Send + Sync>;

/// Reports of several clusters that are not made yet. Awaiting it reads them.
///
/// # Errors
/// `InvalidArgument` for no contexts, or one that is named twice. What is wrong with a cluster, or the way to it, is told of that one.
#[must_use = "reports are not made until they are awaited"]
#[derive(Clone)]
pub struct ClusterReports {
    cluster: Cluster,
    contexts: Vec<String>,
    timeout: Duration,
    configure: Option<Configure>,
}

impl ClusterReports {
    /// The longest time that connecting to a cluster may take, and the longest time that its report may take. Default: 120 s. Eight are
    /// read at a time.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }
    /// How each report is made: `.each(|report| report.without_logs())`.
    pub fn each(
        mut self,
        configure: impl Fn(ClusterReport) -> ClusterReport + Send + Sync + 'static,
    ) -> Self {
        self.configure = Some(std::sync::Arc::new(configure));
        self
    }

    async fn make(self) -> Result<FleetReport> {
        let mut names = self.contexts.clone();
        names.sort_unstable();
        names.dedup();
        if names.is_empty() || names.len() < self.contexts.len() {
            return Err(Error::invalid("contexts", "name each context once, and at least one"));
        }
        if self.timeout.is_zero() {
            return Err(Error::invalid("timeout", "it must be more than zero"));
        }
        let all = self.contexts.iter().cloned();
        let members = futures_util::stream::iter(all).map(|context| self.member(context)).buffered(AT_ONCE);
        Ok(FleetReport::new(members.collect().await))
    }

    async fn read(&self, context: &str) -> Result<Report> {
        let late = |_| Error::new(ErrorKind::Timeout, "the cluster did not answer in time");
        let cluster =
            timeout(self.timeout, self.cluster.sibling(context).connect()).await.map_err(late)??;
        let report = cluster.report().timeout(self.timeout);
        let report = match &self.configure {
            Some(configure) => configure(report),
            None => report,
        };
        // It is given up a little later than its own reading should be, which `each` may have given another time.
        let most = report.timeout.saturating_add(Duration::from_secs(5));
        timeout(most, report.into_future()).await.map_err(late)?
    }

    async fn member(&self, context: String) -> FleetMember {
        match self.read(&context).await {
            Ok(report) => FleetMember { context, report: Some(report), error: None },
            Err(error) => FleetMember { context, report: None, error: Some(redact(&error.to_string())) },
        }
    }
}

impl IntoFuture for ClusterReports {
    type Output = Result<FleetReport>;
    type IntoFuture = BoxFuture<'static, Result<FleetReport>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

impl fmt::Debug for ClusterReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterReports").field("contexts", &self.contexts).finish_non_exhaustive()
    }
}
