//! Logs: of one pod or of all of a service, with a bounded tail, or followed across restarts and broken connections.

use std::collections::VecDeque;
use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;

use crate::error::{Error, ErrorKind, Result};
use crate::http::BoxFuture;
use crate::kubernetes::Cluster;
use crate::kubernetes::calls::find::container;
use crate::kubernetes::connection::request::Ask;
use crate::kubernetes::objects;
use crate::schema::records;

impl Cluster {
    /// The logs of a service's pod: guide sections 9.4 and 10.1, `kubectl logs deployment/x --tail=100`. The name is a
    /// service's, found as [`find`](Self::find) does, `deployment/NAME`, `statefulset/NAME` or `daemonset/NAME` for that very
    /// one, or `pod/NAME`. Of several pods the most useful one is read, and each line says which that is.
    ///
    /// ```no_run
    /// # async fn demo(cluster: bud_sdk::kubernetes::Cluster) -> bud_sdk::Result<()> {
    /// for line in cluster.logs("bud-system", "budapp").container("daprd").tail(100).await? {
    ///     println!("{}: {}", line.pod, line.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn logs(&self, namespace: impl Into<String>, name: impl Into<String>) -> Logs {
        Logs {
            cluster: self.clone(),
            namespace: namespace.into(),
            name: name.into(),
            container: None,
            tail: 100,
            since: None,
            previous: false,
            all_pods: false,
            timeout: Duration::from_secs(3600),
        }
    }
}

/// Logs that are not asked for yet. Await them for the last lines, or [`follow`](Self::follow) them.
#[must_use = "logs are not asked for until they are awaited or followed"]
#[derive(Clone)]
pub struct Logs {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) container: Option<String>,
    pub(crate) tail: u32,
    since: Option<Duration>,
    previous: bool,
    pub(crate) all_pods: bool,
    pub(crate) timeout: Duration,
}

records! {

    /// A line of a log.
    LogLine {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// When it was written, by the node's clock, with nanoseconds.
        at: Option<String>,
        /// The line. What is no UTF-8 in it is replaced.
        text: String,
        /// What should stand behind it is left out: the rest of a line of more than 256 KiB, or, where it is the last one, of a log
        /// of more than a MiB.
        cut: bool,
    }
}

/// The most of a log that is read at once.
const MOST_BYTES: u32 = 1 << 20;
const LONGEST_LINE: usize = 256 << 10;
/// The time before a line, and the space behind it.
const STAMP: usize = 36;
/// How many pods are read at the same time.
const AT_ONCE: usize = 5;

impl Logs {
    /// The container; the pod's default one unless said otherwise. `daprd` is Dapr's sidecar.
    pub fn container(mut self, name: impl Into<String>) -> Self {
        self.container = Some(name.into());
        self
    }
    /// How many of the last lines of each pod. 100; of more than a MiB, the first MiB of them, whose last line is then `cut`.
    pub fn tail(mut self, lines: u32) -> Self {
        self.tail = lines;
        self
    }
    /// Only what was written in this time.
    pub fn since(mut self, time: Duration) -> Self {
        self.since = Some(time);
        self
    }
    /// What the container wrote before it was last started again; nothing if it never was.
    pub fn previous(mut self) -> Self {
        self.previous = true;
        self
    }
    /// All pods of the service, not only the most useful one.
    pub fn all_pods(mut self) -> Self {
        self.all_pods = true;
        self
    }
    /// The longest time to follow; without effect on logs that are awaited. Default: 1 h.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    pub(crate) async fn pods(&self) -> Result<Vec<objects::Pod>> {
        let mut pods = self.cluster.pods_of(&self.namespace, &self.name).await?;
        if !self.all_pods {
            pods.truncate(1);
        }
        if pods.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, format!("{} has no pods", self.name)));
        }
        Ok(pods)
    }

    pub(crate) fn ask(&self, pod: &str, container: &str) -> Ask {
        let path = format!("/api/v1/namespaces/{}/pods/{pod}/log", self.namespace);
        let ask = Ask::get(path, "pods/log", Some(&self.namespace));
        let ask = ask.query("container", container).query("timestamps", true);
        let ask = if self.previous { ask.query("previous", true) } else { ask };
        match self.since {
            Some(since) => ask.query("sinceSeconds", since.as_secs().max(1)),
            None => ask,
        }
    }

    async fn read(&self) -> Result<Vec<LogLine>> {
        let logs = self.pods().await?.into_iter().map(|pod| self.clone().of_pod(pod));
        let mut logs = futures_util::stream::iter(logs).buffered(AT_ONCE);
        let mut lines = Vec::new();
        while let Some(log) = logs.next().await {
            lines.extend(log?);
        }
        Ok(lines)
    }

    async fn of_pod(self, pod: objects::Pod) -> Result<Vec<LogLine>> {
        let (name, container) = (&pod.metadata.name, container(&pod, self.container.as_deref())?);
        let ask = self.ask(name, &container).query("tailLines", self.tail).query("limitBytes", MOST_BYTES);
        match self.cluster.ask(&ask, self.cluster.deadline()).await {
            Ok((bytes, _)) => {
                let mut lines = Lines::new(name, &container);
                lines.feed(&bytes);
                lines.end();
                // A kubelet stops there without a word, before the newest lines.
                let full = bytes.len() >= MOST_BYTES as usize;
                if let Some(last) = lines.ready.back_mut().filter(|_| full) {
                    last.cut = true;
                }
                Ok(lines.ready.into())
            }
            Err(error) if self.previous && error.message().contains("previous terminated container") => {
                Ok(Vec::new())
            }
            Err(error) => Err(explained(error)),
        }
    }
}

/// What a kubelet says in words only.
pub(crate) fn explained(error: Error) -> Error {
    let said = error.message();
    if said.contains("is waiting to start") {
        return error.with_hint("the container has not been started yet: the pod's status says why");
    }
    if said.contains("dial tcp") && said.contains(":10250") {
        return error.with_hint("the API server does not reach the node's kubelet");
    }
    error
}

impl IntoFuture for Logs {
    type Output = Result<Vec<LogLine>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.read().await })
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Bytes cut into lines. The end of a line that is too long is dropped, and that is said of it.
pub(crate) struct Lines {
    pod: String,
    container: String,
    rest: BytesMut,
    dropping: bool,
    pub(crate) ready: VecDeque<LogLine>,
}

impl Lines {
    pub(crate) fn new(pod: &str, container: &str) -> Self {
        let (pod, container) = (pod.to_owned(), container.to_owned());
        Self { pod, container, rest: BytesMut::new(), dropping: false, ready: VecDeque::new() }
    }

    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            let (line, behind) = bytes.split_at(end);
            self.keep(line);
            self.finish();
            bytes = behind.get(1..).unwrap_or_default();
        }
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = (LONGEST_LINE + STAMP).saturating_sub(self.rest.len());
        self.dropping |= bytes.len() > room;
        self.rest.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }

    fn finish(&mut self) {
        let line = self.rest.split();
        let text = String::from_utf8_lossy(&line);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let (at, text) = match text.split_once(' ') {
            Some((at, text)) if is_time(at) => (Some(at.to_owned()), text),
            _ if is_time(text) => (Some(text.to_owned()), ""),
            _ => (None, text),
        };
        let end = (0..=LONGEST_LINE.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        let kept = text.get(..end.unwrap_or_default()).unwrap_or_default();
        let cut = std::mem::take(&mut self.dropping) || kept.len() < text.len();
        let (pod, container, text) = (self.pod.clone(), self.container.clone(), kept.to_owned());
        self.ready.push_back(LogLine { pod, container, at, text, cut });
    }

    /// What stands behind the last line end is a line as well.
    pub(crate) fn end(&mut self) {
        if !self.rest.is_empty() || self.dropping {
            self.finish();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.rest.clear();
        self.dropping = false;
    }
}

fn is_time(text: &str) -> bool {
    text.len() >= 20
        && text.as_bytes().get(10) == Some(&b'T')
        && text.ends_with(['Z', '0', '5'])
        && text.parse::<crate::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<LogLine> {
        let mut lines = Lines::new("p", "c");
        pieces.iter().for_each(|piece| lines.feed(piece));
        lines.end();
        lines.ready.into()
    }

    #[test]
    fn lines_are_put_together_across_pieces_and_lose_their_times() {
        let read = lines(&[
            b"2026-01-02T03:04:05.678901234Z one",
            b" and more\r\n2026-01-02T03:04:06Z two\nno time",
            b"\n\nlast",
        ]);
        let texts: Vec<&str> = read.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one and more", "two", "no time", "", "last"]);
        assert_eq!(read[0].at.as_deref(), Some("2026-01-02T03:04:05.678901234Z"));
        assert!(
            read[2].at.is_none()
                && read.iter().all(|line| !line.cut && line.pod == "p" && line.container == "c")
        );
    }

    #[test]
    fn one_bad_byte_does_not_lose_the_log_and_one_long_line_does_not_fill_the_memory() {
        let read = lines(&[b"good\nb\xffd\ngood\n"]);
        assert_eq!(read[1].text, "b\u{fffd}d");
        assert_eq!(read.len(), 3);
        let long = vec![b'x'; 3 << 20];
        let read = lines(&[&long, &long, b"\nshort\n"]);
        assert_eq!((read[0].text.len(), read[0].cut), (LONGEST_LINE, true));
        assert_eq!((read[1].text.as_str(), read[1].cut), ("short", false));
    }
}
