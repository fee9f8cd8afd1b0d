//! For tests of your own code: a client that follows a script instead of calling a server. No socket is opened.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> bud_sdk::Result<()> {
//! use std::time::Duration;
//!
//! use bud_sdk::testing::{Answer, Script};
//! use bud_sdk::{Client, Result};
//! use bud_sdk::operations::Method;
//! use bud_sdk::users::Role;
//! use serde_json::json;
//!
//! // Your code.
//! async fn promote(bud: &Client, id: &str) -> Result<()> {
//!     let user = bud.users().get(id).await?;
//!     if user.role.as_deref() != Some(&Role::Admin) {
//!         bud.users().set_role(&user, Role::Admin).await?;
//!     }
//!     Ok(())
//! }
//!
//! // Its test, under #[tokio::test(start_paused = true)].
//! let user = |role: &str| Answer::json(200, json!({ "id": "u-1", "role": role }));
//! let script = Script::new()
//!     .on(Method::Get, "/users/u-1", user("USER"))
//!     .on(Method::Put, "/users/u-1", Answer::status(503))
//!     .on(Method::Put, "/users/u-1", user("ADMIN"));
//!
//! promote(&script.client(), "u-1").await?;
//!
//! script.assert_done();
//! let requests = script.requests();
//! assert_eq!(requests[1].json()["role"], "ADMIN");
//! // After the 503 it waited for 0.2 s, which took the test no time.
//! assert_eq!(requests[2].at - requests[1].at, Duration::from_millis(200));
//! # Ok(())
//! # }
//! ```
//!
//! Everything above the wire is real: arguments are checked, failures retried, deadlines kept, answers read. What the script
//! does not know is answered with an error that says what was asked and what was scripted, and that is not retried.
//!
//! # Time
//! All waiting is by tokio's clock. With `start_paused` (tokio's `test-util`) it jumps ahead when everyone waits, so that a
//! test of a minute of retries takes no time. A scripted client waits between attempts for as long as it may, without
//! chance: 0.2 s, 0.4 s, 0.8 s, up to 8 s, or what `retry-after` says. The looks of a wait, such as
//! `endpoints().wait(..)`, keep their chance of a quarter more or less.

mod answer;
mod request;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, sleep};

pub use answer::{Answer, Failure};
pub use request::Request;

use crate::bud::Flavor;
use crate::bud::{Client, ClientBuilder};
use crate::error::ErrorKind;
use crate::http::{BoxFuture, Failure as NoAnswer, Incoming, Outgoing, Policy, Transport};
use crate::operation::Method;

/// What is to be answered, and what was asked. Clones are the same script.
#[must_use = "a script does nothing until a client follows it"]
#[derive(Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    requests: Vec<Request>,
    unexpected: Vec<String>,
    began: Option<Instant>,
}

/// One answer, where it is given, and how often it was.
struct Line {
    method: Method,
    path: String,
    answer: Answer,
    given: u32,
}

impl Script {
    /// A script that expects nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a request. The path is as sent; a segment in braces (`/users/{id}`) is any segment. A request gets the first
    /// answer in the script that fits and is not used up; its query is not looked at.
    pub fn on(self, method: Method, path: impl Into<String>, answer: Answer) -> Self {
        self.lock().lines.push(Line { method, path: path.into(), answer, given: 0 });
        self
    }

    /// A client that follows this script: the documented API, a token that is not renewed.
    pub fn client(&self) -> Client {
        // build() refuses nothing of what builder() sets; a test holds that.
        #[allow(clippy::expect_used)]
        self.builder().build().expect("a scripted client")
    }

    /// Configures a client that follows this script, from what [`client`](Self::client) has.
    pub fn builder(&self) -> ClientBuilder {
        Client::builder()
            .base_url("https://bud.test")
            .bearer_token("the-token-of-a-script")
            .flavor(Flavor::Guide)
            .script(self)
    }

    /// What was asked so far, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.lock().requests.clone()
    }

    /// Every answer was given as often as it was to be, and nothing else was asked.
    ///
    /// # Panics
    /// Otherwise, with what is left and what was not in the script.
    #[track_caller]
    pub fn assert_done(&self) {
        let (left, unexpected) = {
            let state = self.lock();
            let left: Vec<_> =
                state.lines.iter().filter(|line| line.is_left()).map(Line::to_string).collect();
            (left, state.unexpected.clone())
        };
        assert!(left.is_empty(), "the script is not done: {}", left.join(", "));
        assert!(unexpected.is_empty(), "asked, but not in the script: {}", unexpected.join(", "));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientBuilder {
    /// Makes the client follow a script instead of calling a server. For a configuration of your own; paths then include
    /// the base URL's, and without a flavor the server is asked for it. See [`testing`](crate::testing).
    pub fn script(self, script: &Script) -> Self {
        self.transport(Arc::new(script.clone()), policy())
    }
}

#[cfg(feature = "monitoring")]
impl<S> crate::monitoring::ServiceBuilder<S> {
    /// Makes the client follow a script instead of calling a server. Paths include the base URL's.
    ///
    /// ```
    /// # async fn demo() -> bud_sdk::Result<()> {
    /// use bud_sdk::monitoring::Prometheus;
    /// use bud_sdk::operations::Method;
    /// use bud_sdk::testing::{Answer, Script};
    ///
    /// let answer = r#"{"status": "success", "data": {"resultType": "scalar", "result": [0, "7"]}}"#;
    /// let script = Script::new().on(Method::Post, "/api/v1/query", Answer::status(200).body(answer));
    /// let prometheus = Prometheus::builder().base_url("https://prometheus.test").script(&script).build()?;
    /// assert_eq!(prometheus.query("7").await?.scalar.unwrap().value, 7.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn script(self, script: &Script) -> Self {
        self.transport(Arc::new(script.clone()), policy())
    }
}

/// Without chance a pause is as long as it may be.
fn policy() -> Policy {
    Policy { random: Arc::new(|| 1.0), ..Policy::default() }
}

impl Transport for Script {
    fn send(&self, outgoing: Outgoing) -> BoxFuture<'static, Result<Incoming, NoAnswer>> {
        let answer = self.lock().answer(outgoing);
        Box::pin(async move {
            let answer = answer?;
            if !answer.delay.is_zero() {
                sleep(answer.delay).await;
            }
            answer.give()
        })
    }
}

impl State {
    fn answer(&mut self, outgoing: Outgoing) -> Result<Answer, NoAnswer> {
        let now = Instant::now();
        let request = Request::new(outgoing, now - *self.began.get_or_insert(now));
        let line = self.lines.iter_mut().find(|line| line.fits(&request));
        let answer = match line {
            Some(line) => {
                line.given = line.given.saturating_add(1);
                Ok(line.answer.clone())
            }
            None => Err(self.unexpected(request.to_string())),
        };
        self.requests.push(request);
        answer
    }

    fn unexpected(&mut self, asked: String) -> NoAnswer {
        let lines: Vec<_> = self.lines.iter().map(Line::to_string).collect();
        let scripted = if lines.is_empty() { "nothing".to_owned() } else { lines.join(", ") };
        let message = format!("the script has no answer left for {asked}; scripted: {scripted}");
        self.unexpected.push(asked);
        NoAnswer::new(ErrorKind::Config, false, message)
    }
}

impl Line {
    fn fits(&self, request: &Request) -> bool {
        let free = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
        let mut asked = request.path.split('/');
        self.method == request.method
            && self.answer.times.is_none_or(|times| self.given < times)
            && self.path.split('/').all(|own| asked.next().is_some_and(|asked| asked == own || free(own)))
            && asked.next().is_none()
    }

    fn is_left(&self) -> bool {
        self.given < self.answer.times.unwrap_or(1)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (given {} of ", self.method, self.path, self.given)?;
        match self.answer.times {
            Some(times) => write!(f, "{times} times)"),
            None => f.write_str("any times)"),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Script").field("requests", &state.requests).finish_non_exhaustive()
    }
}
