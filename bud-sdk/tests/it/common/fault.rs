//! What every entry of the fault catalogue has in common: it ends in time, shows no secret, sends what it should, and
//! leaves a client that works.

use std::error::Error as _;
use std::fmt::Debug;
use std::future::IntoFuture;
use std::time::{Duration, Instant};

use bud_sdk::users::{NewUser, Role};
use bud_sdk::{Client, ClientBuilder, Error, ErrorKind, Result};
use bud_testbed::{Script, Wire, respond_json};
use bytes::Bytes;
use serde_json::json;

use crate::common::{PASSWORD, TOKEN, USER, plain};

/// What no call takes that waits for nothing but the pauses between three attempts.
pub const SOON: Duration = Duration::from_millis(1000);
/// No body may grow the process beyond this.
pub const MOST_BYTES: u64 = 32 * 1024 * 1024;

/// The healthy answer.
pub fn user() -> Bytes {
    respond_json(200, &json!({ "id": USER, "email": "user@example.com" }))
}

pub fn new_user() -> NewUser {
    NewUser::new("new@example.com", "New", "User", Role::User)
}

/// A script for each of three attempts.
pub fn thrice(script: Script) -> [Script; 3] {
    [script.clone(), script.clone(), script]
}

/// A server that plays these faults, one per connection, and is healthy from then on; and its client.
pub struct Home {
    pub wire: Wire,
    pub bud: Client,
}

impl Home {
    pub async fn new(faults: impl IntoIterator<Item = Script>) -> Self {
        Self::with(faults, |builder| builder).await
    }

    pub async fn with(
        faults: impl IntoIterator<Item = Script>,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder,
    ) -> Self {
        let scripts: Vec<Script> = faults.into_iter().chain([Script::answer(user())]).collect();
        let wire = Wire::builder().repeat_last().start(scripts).await.unwrap();
        let bud = configure(plain(wire.url())).build().unwrap();
        Self { wire, bud }
    }

    /// The call fails in this way after so many requests, and the next one works.
    pub async fn fails<T: Debug>(
        &self,
        call: impl IntoFuture<Output = Result<T>>,
        kind: ErrorKind,
        requests: usize,
        within: Duration,
    ) -> Error {
        let before = self.wire.requests().len();
        let error = fails(call, kind, within).await;
        assert_eq!(self.wire.requests().len() - before, requests, "requests: {error}");
        self.works().await;
        error
    }

    /// The call works after so many requests, and so does the next one.
    pub async fn succeeds<T: Debug>(&self, call: impl IntoFuture<Output = Result<T>>, requests: usize) -> T {
        let before = self.wire.requests().len();
        let result = in_time(call, SOON).await;
        let value = result.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(self.wire.requests().len() - before, requests, "requests");
        self.works().await;
        value
    }

    pub async fn works(&self) {
        works(&self.bud).await;
    }
}

/// The client is as good as new.
pub async fn works(bud: &Client) {
    let user = in_time(bud.users().get(USER).timeout(Duration::from_secs(20)), SOON).await;
    assert_eq!(user.unwrap().id.as_str(), USER, "the next call gets its own answer");
}

/// The call fails in this way and in time, and its error shows no secret.
pub async fn fails<T: Debug>(
    call: impl IntoFuture<Output = Result<T>>,
    kind: ErrorKind,
    within: Duration,
) -> Error {
    let error = in_time(call, within).await.expect_err("a failure");
    assert_eq!(error.kind(), kind, "{error}");
    shows_no_secret(&error);
    error
}

/// Ends; ten times what is expected is allowed, since machines may be busy.
pub async fn in_time<C: IntoFuture>(call: C, within: Duration) -> C::Output {
    let started = Instant::now();
    let guard = within.mul_f64(1.1).max(Duration::from_millis(200)) * 10;
    let result = tokio::time::timeout(guard, call.into_future()).await;
    result.unwrap_or_else(|_| panic!("not done after {:?}", started.elapsed()))
}

/// In no rendering of it.
pub fn shows_no_secret(error: &Error) {
    let mut all = format!("{error} {error:#} {error:?} {error:#?} {:?}", error.fields());
    let mut source = error.source();
    while let Some(cause) = source {
        all += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    for secret in [TOKEN, PASSWORD, "canary"] {
        assert!(!all.contains(secret), "{secret} is in {all}");
    }
    assert!(!all.replace('\n', "").contains(char::is_control), "{all:?}");
    assert!(all.len() < 50_000, "{} bytes", all.len());
}
