//! The retry loop on a scripted transport and a clock that only moves when everyone sleeps: exact counts and times.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::transport::{Body, Failure, Incoming, Outgoing, Transport};
use super::{
    Anonymous, AuthHeader, Authenticate, BackendSpec, BoxFuture, Channel, Options, Patience, Policy, Request,
    send,
};
use crate::config::service_keys;
use crate::error::{Error, ErrorKind};
use crate::operation::{Method, Parts, Route};

const SPEC_OF_TEST: BackendSpec = BackendSpec::new("test", &service_keys!("TEST", "test"), &[]);
static SPEC: BackendSpec = SPEC_OF_TEST;
const SAID: &[u8] = b"{\"detail\":\"the server's reason\"}";

type Answer = Result<(u16, Vec<(&'static str, &'static str)>), Failure>;

/// Answers from a list; when it is empty, like its last.
struct Scripted {
    answers: Mutex<VecDeque<Answer>>,
    seen: Mutex<Vec<Instant>>,
    /// How long each answer takes.
    takes: Duration,
}

impl Transport for Scripted {
    fn send(&self, _: Outgoing) -> BoxFuture<'static, Result<Incoming, Failure>> {
        self.seen.lock().unwrap().push(Instant::now());
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().map(copy) };
        let takes = self.takes;
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            let (status, pairs) = answer.unwrap()?;
            let headers: HeaderMap = pairs
                .into_iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            let said = futures_util::stream::iter([Ok(Bytes::from_static(SAID))]);
            Ok(Incoming { status, headers, framed: true, body: Body::new(said) })
        })
    }
}

fn copy(answer: &Answer) -> Answer {
    match answer {
        Ok(answer) => Ok(answer.clone()),
        Err(failure) => Err(Failure::new(failure.kind, failure.sent, failure.message.clone())),
    }
}

/// What one call did.
struct Run {
    result: Result<u16, Error>,
    /// When the attempts began, counted from the first.
    starts: Vec<Duration>,
    took: Duration,
}

impl Run {
    fn error(&self) -> &Error {
        self.result.as_ref().unwrap_err()
    }
}

fn channel(answers: impl IntoIterator<Item = Answer>, takes: Duration) -> (Channel, Arc<Scripted>) {
    let answers = Mutex::new(answers.into_iter().collect());
    let transport = Arc::new(Scripted { answers, seen: Mutex::default(), takes });
    // Without chance the backoff is its own upper bound: 0.2 s, 0.4 s, 0.8 s.
    let policy = Policy { random: Arc::new(|| 1.0), ..Policy::default() };
    let base = "http://127.0.0.1".parse().unwrap();
    (Channel::new(&SPEC, base, transport.clone(), policy, Channel::CONNECTIONS), transport)
}

async fn call(route: Route, answers: impl IntoIterator<Item = Answer>, options: Options) -> Run {
    let (channel, transport) = channel(answers, Duration::ZERO);
    run(&channel, &transport, route, options).await
}

async fn run(channel: &Channel, transport: &Scripted, route: Route, options: Options) -> Run {
    let began = Instant::now();
    let request = Request { operation: "test", route: &route, parts: &Parts::new() };
    let result = send(channel, &request, &options, options.deadline(), &Anonymous).await;
    let seen = transport.seen.lock().unwrap();
    Run {
        result: result.map(|(raw, _)| raw.status),
        starts: seen.iter().map(|at| at.duration_since(began)).collect(),
        took: began.elapsed(),
    }
}

const GET: Route = Route::get("/x");
const POST: Route = Route::post("/x");
const LOGIN: Route = Route::post("/x").limited_first();

fn status(status: u16) -> Answer {
    Ok((status, Vec::new()))
}

fn after(answer: u16, header: &'static str, value: &'static str) -> Answer {
    Ok((answer, vec![(header, value)]))
}

fn lost(kind: ErrorKind, sent: bool) -> Answer {
    Err(Failure::new(kind, sent, "lost"))
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn a_read_is_tried_three_times_with_growing_pauses() {
    for bad in [408, 429, 500, 502, 503, 504] {
        let run = call(GET, [status(bad)], Options::default()).await;
        assert_eq!(run.starts, [millis(0), millis(200), millis(600)], "{bad}");
        assert_eq!((run.error().status(), run.error().attempts()), (Some(bad), 3));
        assert_eq!(run.error().message(), "the server's reason");
    }
    let run = call(GET, [status(503), status(200)], Options::default()).await;
    assert_eq!((run.result.unwrap(), run.starts.len()), (200, 2));
}

#[tokio::test(start_paused = true)]
async fn refusals_are_final() {
    for bad in [400, 401, 403, 404, 405, 409, 410, 418, 422, 501] {
        let run = call(GET, [status(bad)], Options::default()).await;
        assert_eq!((run.starts.len(), run.error().status()), (1, Some(bad)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_is_sent_once_unless_it_surely_did_not_arrive() {
    for bad in [408, 429, 500, 502, 503, 504] {
        let run = call(POST, [status(bad)], Options::default()).await;
        assert_eq!((run.starts.len(), run.error().maybe_applied()), (1, bad != 429), "{bad}");
    }
    for kind in [ErrorKind::Interrupted, ErrorKind::Timeout] {
        let run = call(POST, [lost(kind, true)], Options::default()).await;
        assert_eq!((run.starts.len(), run.error().maybe_applied()), (1, true));
        let run = call(POST, [lost(kind, false)], Options::default()).await;
        assert_eq!((run.starts.len(), run.error().maybe_applied()), (3, false));
    }
    let run = call(POST, [lost(ErrorKind::Connect, false)], Options::default()).await;
    assert_eq!((run.starts.len(), run.error().kind()), (3, ErrorKind::Connect));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_not_repeated() {
    for kind in [ErrorKind::Tls, ErrorKind::Protocol, ErrorKind::BodyTooLarge] {
        assert_eq!(call(GET, [lost(kind, true)], Options::default()).await.starts.len(), 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_before_the_handler_may_be_repeated() {
    let run = call(LOGIN, [after(429, "retry-after", "2"), status(200)], Options::default()).await;
    assert_eq!((run.result.unwrap(), run.starts), (200, vec![millis(0), millis(2000)]));
    assert_eq!(call(LOGIN, [status(503)], Options::default()).await.starts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_servers_wish_lengthens_the_pause_and_never_shortens_it() {
    for (header, value, pause) in [
        ("retry-after", "3", 3000),
        ("retry-after", "0", 200),
        ("retry-after", "-1", 200),
        ("retry-after", "abc", 200),
        ("retry-after-ms", "700", 700),
        ("retry-after", "1.5", 1500),
    ] {
        let run = call(GET, [after(503, header, value), status(200)], Options::default()).await;
        assert_eq!(run.starts, [millis(0), millis(pause)], "{header}: {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_long_is_handed_to_the_caller_at_once() {
    for value in ["3600", "61", "99999999999999999999"] {
        let run = call(GET, [after(429, "retry-after", value)], Options::default()).await;
        assert_eq!((run.starts.len(), run.took), (1, Duration::ZERO), "{value}");
        assert!(run.error().retry_after() > Some(Duration::from_secs(60)));
    }
    // Less than the cap, but more than the call has left.
    let options = Options { total: Some(Duration::from_secs(5)), ..Options::default() };
    let run = call(GET, [after(503, "retry-after", "6")], options).await;
    assert_eq!((run.starts.len(), run.took), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_servers_word_on_retries_counts() {
    assert_eq!(call(GET, [after(503, "x-should-retry", "false")], Options::default()).await.starts.len(), 1);
    assert_eq!(call(GET, [after(409, "x-should-retry", "true")], Options::default()).await.starts.len(), 3);
    assert_eq!(call(POST, [after(409, "x-should-retry", "true")], Options::default()).await.starts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_total_deadline_bounds_attempts_and_pauses_together() {
    let (channel, transport) = channel([lost(ErrorKind::Interrupted, true)], Duration::from_secs(2));
    let options = Options { total: Some(Duration::from_secs(5)), attempts: Some(20), ..Options::default() };
    let run = run(&channel, &transport, GET, options).await;
    // 2 s, pause 0.2 s, 2 s, pause 0.4 s, and 0.4 s of the third attempt.
    assert_eq!(run.starts, [millis(0), millis(2200), millis(4600)]);
    assert_eq!((run.took, run.error().kind()), (Duration::from_secs(5), ErrorKind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_a_time_of_its_own() {
    let (channel, transport) = channel([status(200)], Duration::from_secs(100));
    let run = run(&channel, &transport, GET, Options::default()).await;
    // Attempts of 30 s under a total of 60 s.
    assert_eq!(run.starts, [millis(0), millis(30_200)]);
    assert_eq!((run.took, run.error().kind()), (Duration::from_secs(60), ErrorKind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn a_repeated_delete_that_finds_nothing_has_worked() {
    let delete = Route::delete("/x");
    let run = call(delete, [lost(ErrorKind::Interrupted, true), status(404)], Options::default()).await;
    assert_eq!(run.result.unwrap(), 404);
    // But not when the first attempt never arrived.
    let run = call(delete, [lost(ErrorKind::Connect, false), status(404)], Options::default()).await;
    assert!(run.error().is_not_found());
    assert!(call(delete, [status(404)], Options::default()).await.error().is_not_found());
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_retries_is_bounded_by_the_shared_budget() {
    let (channel, transport) = channel([status(503)], Duration::ZERO);
    let mut calls = 0;
    for _ in 0..1000 {
        run(&channel, &transport, GET, Options::default()).await;
        calls += 1;
    }
    // 500 units at 5 a retry.
    assert_eq!(transport.seen.lock().unwrap().len(), calls + 100);
}

#[tokio::test(start_paused = true)]
async fn a_budget_is_spent_by_timeouts_twice_as_fast_and_refilled_by_success() {
    let (channel, transport) = channel([lost(ErrorKind::Timeout, true)], Duration::ZERO);
    for _ in 0..100 {
        run(&channel, &transport, GET, Options::default()).await;
    }
    assert_eq!(transport.seen.lock().unwrap().len(), 100 + 50);
    // Ten successes pay for one more.
    transport.answers.lock().unwrap().clear();
    transport.answers.lock().unwrap().push_back(status(200));
    for _ in 0..10 {
        run(&channel, &transport, GET, Options::default()).await.result.unwrap();
    }
    transport.answers.lock().unwrap().push_front(lost(ErrorKind::Timeout, true));
    assert_eq!(run(&channel, &transport, GET, Options::default()).await.result.unwrap(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_is_past_makes_no_request() {
    let (channel, transport) = channel([status(200)], Duration::ZERO);
    for (total, attempt, attempts, param) in [
        (Some(Duration::ZERO), None, None, "timeout"),
        (Some(Duration::MAX), None, None, "timeout"),
        (None, Some(Duration::ZERO), None, "attempt_timeout"),
        (None, None, Some(0), "attempts"),
        (None, None, Some(21), "attempts"),
    ] {
        let options = Options { total, attempt, attempts, ..Options::default() };
        let run = run(&channel, &transport, GET, options).await;
        assert_eq!(run.error().param(), Some(param));
        assert!(run.starts.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_raw_post_is_repeated_only_when_it_is_said_to_be_idempotent() {
    for (idempotent, expected) in [(false, 1), (true, 3)] {
        let run = call(Route::any(Method::Post, idempotent), [status(503)], Options::default()).await;
        assert_eq!(run.starts.len(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_as_large_as_its_service_says() {
    static LONGER: BackendSpec = BackendSpec { largest_answer: SAID.len(), ..SPEC_OF_TEST };
    static SHORTER: BackendSpec = BackendSpec { largest_answer: SAID.len() - 1, ..SPEC_OF_TEST };
    let (mut channel, transport) = channel([status(200)], Duration::ZERO);
    channel.spec = &LONGER;
    assert_eq!(run(&channel, &transport, GET, Options::default()).await.result.unwrap(), 200);
    channel.spec = &SHORTER;
    let run = run(&channel, &transport, GET, Options::default()).await;
    // The same answer would come again.
    assert_eq!((run.error().kind(), run.error().attempts()), (ErrorKind::BodyTooLarge, 1), "{}", run.error());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_time_is_final_where_the_service_says_when() {
    static SPEAKING: BackendSpec = BackendSpec { says_when: true, ..SPEC_OF_TEST };
    for (answer, requests) in [(status(503), 1), (status(429), 1), (after(503, "retry-after", "1"), 3)] {
        let (mut channel, transport) = channel([answer], Duration::ZERO);
        channel.spec = &SPEAKING;
        assert_eq!(run(&channel, &transport, GET, Options::default()).await.starts.len(), requests);
    }
    // What was not answered says nothing.
    let (mut channel, transport) = channel([lost(ErrorKind::Interrupted, true)], Duration::ZERO);
    channel.spec = &SPEAKING;
    assert_eq!(run(&channel, &transport, GET, Options::default()).await.starts.len(), 3);
}

/// Credentials that are no header, such as a certificate, and may be renewed.
#[derive(Default)]
struct Unheaded {
    refused: Mutex<u32>,
}

impl Authenticate for Unheaded {
    fn header(&self, _: Patience) -> BoxFuture<'_, Result<Option<Arc<AuthHeader>>, Error>> {
        Box::pin(async { Ok(None) })
    }
    fn rejected(&self, header: Option<&AuthHeader>) -> bool {
        assert!(header.is_none());
        *self.refused.lock().unwrap() += 1;
        true
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_are_no_header_are_renewed_once_as_well() {
    for (answers, requests, good) in
        [(vec![status(401), status(200)], 2, true), (vec![status(401)], 2, false)]
    {
        let (channel, transport) = channel(answers, Duration::ZERO);
        let (request, options) =
            (Request { operation: "test", route: &POST, parts: &Parts::new() }, Options::default());
        let credentials = Unheaded::default();
        let result = send(&channel, &request, &options, options.deadline(), &credentials).await;
        assert_eq!((result.is_ok(), transport.seen.lock().unwrap().len()), (good, requests));
        assert_eq!(*credentials.refused.lock().unwrap(), 1);
    }
}
