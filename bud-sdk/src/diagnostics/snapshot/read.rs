//! Taking the snapshot: every kind is listed once, page by page, a few at a time, until a common end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::{PodRecord, Snapshot};
use crate::error::{Error, ErrorKind, Result};
use crate::http::BoxFuture;
use crate::kubernetes::connection::list::Skipped;
use crate::kubernetes::connection::request::Ask;
use crate::kubernetes::objects;
use crate::kubernetes::{Cluster, Namespaces};
use crate::report::Unavailable;
use crate::types::Timestamp;

/// Lists that are under way at a time.
const AT_ONCE: usize = 4;

/// How the reading of each section went, by its name.
#[derive(Debug, Default)]
pub(in crate::diagnostics) struct Sections(pub(in crate::diagnostics) BTreeMap<&'static str, Section>);

#[derive(Debug, Default)]
pub(in crate::diagnostics) struct Section {
    pub(in crate::diagnostics) objects: u64,
    pub(in crate::diagnostics) problem: Option<Problem>,
}

/// Why something was not read, or not all of it.
#[derive(Debug, Clone)]
pub(in crate::diagnostics) struct Problem {
    pub(in crate::diagnostics) reason: Unavailable,
    pub(in crate::diagnostics) detail: String,
    pub(in crate::diagnostics) missing_permission: Option<String>,
    /// What the server sent has objects that cannot be read.
    pub(in crate::diagnostics) unreadable: bool,
}

impl Problem {
    pub(in crate::diagnostics) fn new(reason: Unavailable, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), missing_permission: None, unreadable: false }
    }

    fn unreadable(skipped: &Skipped, plural: &str) -> Option<Self> {
        let detail = skipped.detail(plural)?;
        Some(Self { unreadable: true, ..Self::new(Unavailable::Error, detail) })
    }

    pub(in crate::diagnostics) fn of(error: &Error) -> Self {
        let reason = match error.kind() {
            ErrorKind::PermissionDenied => Unavailable::Forbidden,
            ErrorKind::NotFound | ErrorKind::Unsupported => Unavailable::NotInstalled,
            ErrorKind::Timeout => Unavailable::Timeout,
            _ => Unavailable::Error,
        };
        let detail = crate::report::redact(&crate::operation::clean(&error.to_string(), 500));
        let missing_permission = error.required_permission().map(str::to_owned);
        Self { reason, detail, missing_permission, unreadable: false }
    }

    /// The same, with the namespaces that were read all the same.
    fn but_read(self, namespaces: &[&str]) -> Self {
        match namespaces {
            [] => self,
            some => Self { detail: format!("read was only {}: {}", some.join(", "), self.detail), ..self },
        }
    }
}

impl Sections {
    /// A section of several lists has the objects of all, and the first problem.
    pub(in crate::diagnostics) fn add(
        &mut self,
        name: &'static str,
        objects: usize,
        problem: Option<Problem>,
    ) {
        let section = self.0.entry(name).or_default();
        section.objects += objects as u64;
        section.problem = section.problem.take().or(problem);
    }
    /// Whether all of it was read.
    pub(in crate::diagnostics) fn whole(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|section| section.problem.is_none())
    }
}

/// Told of a section when it has been read, and of pods in trouble while others are still to come.
pub(in crate::diagnostics) trait Watch: Sync {
    fn read(&self, section: &'static str, objects: usize);
    fn pod(&self, pod: &PodRecord, now: Timestamp);
}

/// Reads a snapshot.
pub(in crate::diagnostics) struct Reader<'a> {
    pub(in crate::diagnostics) cluster: &'a Cluster,
    /// The only namespaces to look at, if not all.
    pub(in crate::diagnostics) only: &'a [String],
    pub(in crate::diagnostics) platform: &'a [String],
    /// When the whole must be done, and how long one section may take.
    pub(in crate::diagnostics) deadline: Instant,
    pub(in crate::diagnostics) section: Duration,
    pub(in crate::diagnostics) watch: &'a dyn Watch,
    /// The server's time at its latest answer.
    pub(in crate::diagnostics) latest: &'a Mutex<Option<Timestamp>>,
}

/// A kind of objects, and what is kept of them.
pub(in crate::diagnostics) struct Source {
    /// The section of the report that it belongs to.
    pub(super) section: &'static str,
    /// The path of its API group and version.
    pub(super) root: &'static str,
    /// `pods`.
    pub(super) plural: &'static str,
    pub(super) scope: Scope,
    /// How many objects a page has.
    pub(super) page: usize,
    /// Whether a cluster may do without the API group. All others are on every server, so that one without them is none.
    pub(super) optional: bool,
    pub(super) read: for<'a> fn(Reading<'a>) -> BoxFuture<'a, Part>,
}

/// Where objects of a kind are.
pub(super) enum Scope {
    /// In all namespaces, or those that the report looks at.
    Namespaced,
    /// In no namespace.
    Cluster,
    /// All in this namespace.
    Namespace(&'static str),
}

/// What was kept of a list, and why it is not all.
pub(super) type Listed<R> = (Vec<R>, Option<Problem>);

impl Reader<'_> {
    /// Reads these sources, a few at a time.
    ///
    /// # Errors
    /// What keeps everything from being read: no connection, refused credentials. All else is told by section.
    pub(in crate::diagnostics) async fn snapshot(&self, sources: &'static [Source]) -> Result<Snapshot> {
        let (version, now) = self.version().await?;
        let mut snapshot = Snapshot::empty(now, self.platform.to_vec());
        snapshot.version = version;
        let permits = Semaphore::new(AT_ONCE);
        let read =
            |source: &'static Source| (source.read)(Reading { reader: self, permits: &permits, source });
        let parts = join_all(sources.iter().map(read)).await;
        for (source, part) in sources.iter().zip(parts) {
            snapshot.sections.add(source.section, part.objects, part.problem);
            (part.fill)(&mut snapshot);
        }
        let pods = snapshot.sections.0.get("pods").and_then(|section| section.problem.as_ref());
        let elsewhere = pods.is_some_and(|problem| problem.reason == Unavailable::Forbidden);
        snapshot.everywhere = self.only.is_empty() && !elsewhere;
        Ok(snapshot)
    }

    /// The server's version, if it says one, and its time.
    async fn version(&self) -> Result<(Option<String>, Timestamp)> {
        let ask = Ask::get("/version", "version", None);
        match timeout_at(self.deadline, self.cluster.read::<objects::Version>(&ask)).await {
            Ok(Ok((version, now))) => {
                Ok((Some(version.git_version).filter(|version| !version.is_empty()), now))
            }
            Ok(Err(error)) if fatal(&error) => Err(error),
            Ok(Err(_)) => Ok((None, Timestamp::now())),
            Err(_) => {
                let message = "the API server did not answer in the time that the report may take";
                Err(Error::new(ErrorKind::Timeout, message).with_request("GET", ask.path))
            }
        }
    }
}

/// What came of a source. It goes into the snapshot once all were read, in the order of their table.
pub(super) struct Part {
    objects: usize,
    problem: Option<Problem>,
    fill: Box<dyn FnOnce(&mut Snapshot) + Send>,
}

impl Part {
    pub(super) fn new(
        objects: usize,
        problem: Option<Problem>,
        fill: impl FnOnce(&mut Snapshot) + Send + 'static,
    ) -> Self {
        Self { objects, problem, fill: Box::new(fill) }
    }

    pub(super) fn unread(problem: Problem) -> Self {
        Self::new(0, Some(problem), |_| ())
    }
}

/// A source that is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) reader: &'a Reader<'a>,
    permits: &'a Semaphore,
    source: &'static Source,
}

impl<'a> Reading<'a> {
    /// Lists the source, and puts what is kept of its objects into the snapshot.
    pub(super) fn list<T: DeserializeOwned, R: Send + 'static>(
        self,
        keep: impl FnMut(T, Timestamp) -> R + Send + 'a,
        put: fn(&mut Snapshot, Vec<R>),
    ) -> BoxFuture<'a, Part> {
        Box::pin(async move {
            let (kept, problem) = self.listed(keep).await;
            Part::new(kept.len(), problem, move |snapshot| put(snapshot, kept))
        })
    }

    /// Lists the source where it is. Who may not look everywhere may perhaps look in the platform's namespaces.
    pub(super) async fn listed<T: DeserializeOwned, R>(
        self,
        mut keep: impl FnMut(T, Timestamp) -> R,
    ) -> Listed<R> {
        let Reader { only, platform, .. } = *self.reader;
        let root = self.source.root;
        match self.source.scope {
            Scope::Cluster => return self.within(root, None, keep).await,
            Scope::Namespace(namespace) => {
                return self.within(root, Some(&[namespace.to_owned()]), keep).await;
            }
            Scope::Namespaced if !only.is_empty() => return self.within(root, Some(only), keep).await,
            Scope::Namespaced => {}
        }
        let (listed, problem) = self.within(root, None, &mut keep).await;
        let forbidden = problem.as_ref().is_some_and(|problem| problem.reason == Unavailable::Forbidden);
        if !forbidden || platform.is_empty() {
            return (listed, problem);
        }
        let (listed, still) = self.within(root, Some(platform), keep).await;
        let all: Vec<&str> = platform.iter().map(String::as_str).collect();
        (listed, still.or_else(|| problem.map(|problem| problem.but_read(&all))))
    }

    /// Lists everywhere or in these namespaces, and keeps what came before the time was over. One that may not be read does not
    /// keep the others from it.
    pub(super) async fn within<T: DeserializeOwned, R>(
        self,
        root: &str,
        namespaces: Option<&[String]>,
        mut keep: impl FnMut(T, Timestamp) -> R,
    ) -> Listed<R> {
        let Self { reader, source: &Source { plural, page, optional, .. }, .. } = self;
        let mut listed = Vec::new();
        let late = |count: usize| {
            Problem::new(Unavailable::Timeout, format!("not read in time: {count} {plural} came"))
        };
        let permit = timeout_at(reader.deadline, self.permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else { return (listed, Some(late(0))) };
        let until = reader.deadline.min(Instant::now() + reader.section);
        let places: Vec<Option<&String>> = match namespaces {
            Some(namespaces) => namespaces.iter().map(Some).collect(),
            None => vec![None],
        };
        let (mut read, mut problem, mut skipped) = (Vec::new(), None, Skipped::default());
        for place in places {
            let scope = place.map_or_else(Namespaces::all, Namespaces::from);
            let into = (&mut listed, &mut skipped);
            let list = reader.cluster.list_into(root, plural, &scope, (page, until), into, &mut keep);
            let next = match timeout_at(until, list).await {
                Err(_) => late(listed.len()),
                Ok(Err(error)) if error.kind() == ErrorKind::Timeout => late(listed.len()),
                Ok(Err(error)) if error.status() == Some(404) && !optional => {
                    Problem { reason: Unavailable::Error, ..Problem::of(&error) }
                }
                Ok(Err(error)) => Problem::of(&error),
                Ok(Ok(now)) => {
                    let mut latest = reader.latest.lock().unwrap_or_else(PoisonError::into_inner);
                    *latest = (*latest).max(now);
                    read.extend(place.map(String::as_str));
                    continue;
                }
            };
            let forbidden = next.reason == Unavailable::Forbidden;
            problem = problem.or(Some(next));
            if !forbidden {
                break;
            }
        }
        reader.watch.read(plural, listed.len());
        let problem = problem.map(|problem: Problem| problem.but_read(&read));
        (listed, problem.or_else(|| Problem::unreadable(&skipped, plural)))
    }
}

/// Whether nothing else will be answered, either.
fn fatal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AuthRejected
            | ErrorKind::Connect
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Config
    )
}
