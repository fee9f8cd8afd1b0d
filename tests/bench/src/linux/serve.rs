//! The server, in a process of its own: as little work per answer as can be, and counts of what it was asked.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::measure::pin;
use super::{Outcome, TOKEN, USER_BYTES};

/// The full pages of the user list, and the users on each.
pub(super) const PAGES: usize = 100;
pub(super) const PER_PAGE: usize = 100;

const CHUNK: usize = 64 * 1024;
const MIB: u64 = 1024 * 1024;

/// Serves until its standard input ends, which it does with the process that started it.
pub(super) fn serve(cpu: Option<usize>) -> Outcome {
    if let Some(cpu) = cpu {
        pin(&[cpu])?;
    }
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(accept()).map_err(|error| format!("the server ended: {error}"))
}

async fn accept() -> std::io::Result<()> {
    let content = Arc::new(Content::new());
    let counters = Arc::new(Counters::default());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("http://{}", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream, content.clone(), counters.clone()));
    }
}

async fn connection(stream: TcpStream, content: Arc<Content>, counters: Arc<Counters>) {
    let fresh = AtomicU64::new(1);
    let service = service_fn(|request: http::Request<Incoming>| {
        let response = if request.uri().path() == "/stats" {
            json(counters.text().into(), None)
        } else {
            // A connection counts with its first request, so that one that looks at the counts does not.
            counters.connections.fetch_add(fresh.swap(0, Ordering::Relaxed), Ordering::Relaxed);
            counters.requests.fetch_add(1, Ordering::Relaxed);
            content.answer(&request, &counters)
        };
        std::future::ready(Ok::<_, Infallible>(response))
    });
    // A client that went away is its own affair: the counts show it.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    bytes: AtomicU64,
    connections: AtomicU64,
}

impl Counters {
    fn text(&self) -> String {
        let [requests, bytes, connections] =
            [&self.requests, &self.bytes, &self.connections].map(|count| count.load(Ordering::Relaxed));
        format!("{requests} {bytes} {connections}")
    }
}

/// What it answers with, made once.
struct Content {
    user: Bytes,
    /// The last one is empty: it is asked for, as the one before it is full.
    pages: Vec<Bytes>,
    /// Rows of CSV that fill a chunk.
    rows: Bytes,
    /// The same with a header in front.
    first: Bytes,
    authorization: HeaderValue,
}

impl Content {
    fn new() -> Self {
        Self {
            user: user(0).into(),
            pages: (1..=PAGES + 1).map(|number| page(number).into()).collect(),
            rows: chunk("").into(),
            first: chunk("timestamp,user_email,action,resource_type,resource_id,ip_address,details\n").into(),
            authorization: HeaderValue::try_from(format!("Bearer {TOKEN}")).expect("the token is plain text"),
        }
    }

    fn answer(&self, request: &http::Request<Incoming>, counters: &Arc<Counters>) -> Response<Answer> {
        if request.headers().get(AUTHORIZATION) != Some(&self.authorization) {
            return status(StatusCode::UNAUTHORIZED);
        }
        let path = request.uri().path();
        let counted = Some(counters.clone());
        if path == "/users" {
            let page = parameter(request.uri().query(), "page").and_then(|page| page.checked_sub(1));
            let limit = parameter(request.uri().query(), "limit");
            return match page.and_then(|page| self.pages.get(page)) {
                Some(page) if limit == Some(PER_PAGE) => json(page.clone(), counted),
                _ => status(StatusCode::BAD_REQUEST),
            };
        }
        if path.strip_prefix("/users/").is_some_and(|id| !id.is_empty()) {
            return json(self.user.clone(), counted);
        }
        // The size stands in the base path: the SDK's request has no place for it.
        let size = path.strip_prefix("/mib/").and_then(|rest| rest.strip_suffix("/audit/export"));
        match size.and_then(|size| size.parse::<u64>().ok()) {
            Some(mib @ 1..) => typed("text/csv", self.export(mib * MIB, counters.clone())),
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    fn export(&self, left: u64, counters: Arc<Counters>) -> Answer {
        Answer::Export { next: self.first.clone(), rows: self.rows.clone(), left, counters }
    }
}

fn parameter(query: Option<&str>, name: &str) -> Option<usize> {
    let mut pairs = query?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name)?.1.parse().ok()
}

/// A page of the user list, counted from one.
pub(super) fn page(number: usize) -> String {
    let (from, total) = ((number - 1) * PER_PAGE, PAGES * PER_PAGE);
    let users: Vec<String> = (from..total.min(from + PER_PAGE)).map(user).collect();
    let users = users.join(",");
    format!(
        r#"{{"users":[{users}],"page":{number},"limit":{PER_PAGE},"total_record":{total},"total_pages":{PAGES}}}"#
    )
}

/// A user of exactly [`USER_BYTES`], the purpose making up the length.
pub(super) fn user(number: usize) -> String {
    let id = format!("8f14e45f-ceea-467f-a0e6-{number:012x}");
    let head = format!(
        r#"{{"id":"{id}","email":"user{number}@example.com","first_name":"First","last_name":"Last","name":"First Last","role":"USER","status":"ACTIVE","company":"Example","created_at":"2026-01-02T03:04:05.678901Z","updated_at":"2026-02-03T04:05:06.789012Z","purpose":""#
    );
    let room = USER_BYTES.saturating_sub(head.len() + 2);
    format!("{head}{}\"}}", "x".repeat(room))
}

/// A chunk of whole rows after the header, the last one as long as it takes.
fn chunk(header: &str) -> String {
    let mut text = header.to_owned();
    let row = |details: &str| {
        let fixed = "user@example.com,update,project,6d1f3c2a-10b4-4b6d-a0e6-8f14e45fceea,192.0.2.17";
        format!("2026-01-02T03:04:05.678901Z,{fixed},{details}\n")
    };
    let plain = row(r#""changed the name, and the description""#);
    while text.len() + 2 * plain.len() <= CHUNK {
        text.push_str(&plain);
    }
    let room = CHUNK - text.len() - row("").len();
    text.push_str(&row(&"x".repeat(room)));
    text
}

fn json(body: Bytes, counters: Option<Arc<Counters>>) -> Response<Answer> {
    typed("application/json", Answer::Whole { body: Some(body), counters })
}

fn typed(kind: &'static str, answer: Answer) -> Response<Answer> {
    let mut response = Response::new(answer);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn status(status: StatusCode) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole { body: None, counters: None });
    *response.status_mut() = status;
    response
}

/// A body that counts what leaves.
enum Answer {
    Whole { body: Option<Bytes>, counters: Option<Arc<Counters>> },
    Export { next: Bytes, rows: Bytes, left: u64, counters: Arc<Counters> },
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let (chunk, counters) = match &mut *self {
            Self::Whole { body, counters } => (body.take(), counters.as_ref()),
            Self::Export { left: 0, counters, .. } => (None, Some(&*counters)),
            Self::Export { next, rows, left, counters } => {
                *left = left.saturating_sub(CHUNK as u64);
                (Some(std::mem::replace(next, rows.clone())), Some(&*counters))
            }
        };
        if let (Some(chunk), Some(counters)) = (&chunk, counters) {
            counters.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole { body: None, .. } | Self::Export { left: 0, .. })
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { body, .. } => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Self::Export { .. } => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_served_has_the_size_that_is_said() {
        assert_eq!([user(0).len(), user(9_999).len()], [USER_BYTES, USER_BYTES]);
        for header in ["", "a,b,c,d,e,f,g\n"] {
            let text = chunk(header);
            assert!(text.len() == CHUNK && text.ends_with('\n'));
        }
    }
}
