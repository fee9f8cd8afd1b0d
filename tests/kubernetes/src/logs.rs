//! A container's log, as a kubelet keeps and serves it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The log of one container, which may be written while it is followed.
#[derive(Debug, Clone)]
pub struct ContainerLog {
    state: Arc<watch::Sender<State>>,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<(Timestamp, Bytes)>,
    ended: bool,
    /// Grows with each cut.
    cuts: u64,
}

impl ContainerLog {
    pub(crate) fn new() -> Self {
        Self { state: Arc::new(watch::Sender::new(State::default())) }
    }

    /// The container writes these bytes now. A line ends in a newline, which is to be among them.
    pub fn write(&self, line: impl Into<Bytes>) {
        self.write_at(Timestamp::now(), line);
    }

    /// The container wrote these bytes then.
    pub fn write_at(&self, when: Timestamp, line: impl Into<Bytes>) {
        self.state.send_modify(|state| state.lines.push((when, line.into())));
    }

    /// The container has ended: whoever follows comes to the end.
    pub fn end(&self) {
        self.state.send_modify(|state| state.ended = true);
    }

    /// Whoever follows now comes to the end, as after a rotation, although the container runs on.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }
}

/// What of a log is asked for.
#[derive(Debug, Default)]
struct Wanted {
    follow: bool,
    timestamps: bool,
    since: Option<Timestamp>,
    tail: Option<usize>,
    limit: Option<usize>,
}

impl Wanted {
    fn read(query: &HashMap<String, String>) -> Result<Self, String> {
        fn value<T: std::str::FromStr>(
            query: &HashMap<String, String>,
            name: &str,
        ) -> Result<Option<T>, String> {
            let text = query.get(name).filter(|text| !text.is_empty());
            text.map(|text| text.parse().map_err(|_| format!("{name}: {text}"))).transpose()
        }
        let seconds: Option<i64> = value(query, "sinceSeconds")?;
        Ok(Self {
            follow: value(query, "follow")?.unwrap_or_default(),
            timestamps: value(query, "timestamps")?.unwrap_or_default(),
            since: match seconds {
                Some(seconds) => Some(Timestamp::now() - SignedDuration::from_secs(seconds)),
                None => value(query, "sinceTime")?,
            },
            tail: value(query, "tailLines")?,
            limit: value(query, "limitBytes")?,
        })
    }
}

/// The answer to a request for it.
pub(crate) fn answer(log: &ContainerLog, query: &HashMap<String, String>) -> Response<Body> {
    match Wanted::read(query) {
        Ok(wanted) => Response::new(Body::from_stream(stream(log, wanted))),
        Err(reason) => refusal(StatusCode::BAD_REQUEST, reason),
    }
}

/// A kubelet refuses in plain text.
pub(crate) fn refusal(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

fn stream(log: &ContainerLog, wanted: Wanted) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
    let updates = log.state.subscribe();
    let (cuts, from) = {
        let state = updates.borrow();
        // As a kubelet does: the tail is taken first, and what is too old is left out of it.
        let skipped = wanted.tail.map_or(0, |tail| state.lines.len().saturating_sub(tail));
        (state.cuts, skipped)
    };
    let left = wanted.limit.unwrap_or(usize::MAX);
    futures_util::stream::unfold((updates, from, left), move |(mut updates, mut next, left)| {
        let (follow, timestamps, since) = (wanted.follow, wanted.timestamps, wanted.since);
        async move {
            if left == 0 {
                return None;
            }
            loop {
                let (found, over) = {
                    let state = updates.borrow_and_update();
                    let found = state.lines.get(next).cloned();
                    (found, !follow || state.ended || state.cuts != cuts)
                };
                match found {
                    Some((when, line)) => {
                        next += 1;
                        if since.is_some_and(|since| when < since) {
                            continue;
                        }
                        let mut bytes = if timestamps { stamped(when, &line) } else { line };
                        bytes.truncate(left);
                        let left = left - bytes.len();
                        return Some((Ok(bytes), (updates, next, left)));
                    }
                    None if over => return None,
                    None => updates.changed().await.ok()?,
                }
            }
        }
    })
}

fn stamped(when: Timestamp, line: &[u8]) -> Bytes {
    let mut bytes = format!("{when:.9} ").into_bytes();
    bytes.extend_from_slice(line);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use futures_util::{FutureExt, StreamExt};

    use super::{ContainerLog, Wanted, stream};

    fn wanted(pairs: &[(&str, &str)]) -> Wanted {
        let query: HashMap<String, String> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Wanted::read(&query).unwrap()
    }

    fn three() -> ContainerLog {
        let log = ContainerLog::new();
        for (second, line) in [(1, "one\n"), (2, "two\n"), (3, "three\n")] {
            log.write_at(jiff::Timestamp::from_second(second).unwrap(), line);
        }
        log
    }

    async fn read(log: &ContainerLog, pairs: &[(&str, &str)]) -> String {
        let chunks: Vec<_> = stream(log, wanted(pairs)).collect().await;
        let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap()).collect();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn what_is_asked_for() {
        let log = three();
        assert_eq!(read(&log, &[]).await, "one\ntwo\nthree\n");
        assert_eq!(read(&log, &[("tailLines", "2")]).await, "two\nthree\n");
        assert_eq!(read(&log, &[("tailLines", "0")]).await, "");
        assert_eq!(read(&log, &[("limitBytes", "6")]).await, "one\ntw");
        assert_eq!(read(&log, &[("sinceTime", "1970-01-01T00:00:03Z")]).await, "three\n");
        let stamped = read(&log, &[("timestamps", "true"), ("tailLines", "1")]).await;
        assert_eq!(stamped, "1970-01-01T00:00:03.000000000Z three\n");
        assert!(Wanted::read(&HashMap::from([("tailLines".to_owned(), "x".to_owned())])).is_err());
    }

    #[tokio::test]
    async fn followed_until_the_end_or_a_cut() {
        let log = three();
        let follow = [("follow", "true"), ("tailLines", "0")];
        let mut first = Box::pin(stream(&log, wanted(&follow)));
        assert!(first.next().now_or_never().is_none());
        log.write("four\n");
        assert_eq!(first.next().await.unwrap().unwrap(), "four\n");
        log.cut();
        assert!(first.next().await.is_none());

        let mut second = Box::pin(stream(&log, wanted(&follow)));
        assert!(second.next().now_or_never().is_none());
        log.end();
        assert!(second.next().await.is_none());
    }
}
