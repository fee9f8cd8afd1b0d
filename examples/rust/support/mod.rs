//! What the examples share: a client, and a server of our own for those who have no platform at hand.

// Every example uses a part of it.
#![allow(dead_code)]

mod demo;

use std::env;
use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use bud_sdk::endpoints::{EndpointId, EndpointWait};
use bud_sdk::{Client, Secret};
use bud_testbed::Flavor;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

pub use demo::Demo;

/// Any error as `main` should show it: the SDK's errors say in one line what to do.
pub struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// A client, and the embedded server that it talks to, if it does. That server stops when this is dropped.
pub struct Platform {
    pub bud: Client,
    pub demo: Option<Demo>,
}

/// Connects to the platform that `BUD_BASE_URL` (or `BUD_API_URL`) names, or else to an embedded test server. That one speaks
/// the API that the guide documents, or with `BUD_DEMO_API=runtime` that of the platform as shipped; the client finds out
/// which, as it does of any server.
pub async fn connect() -> Result<Platform> {
    let api = env::var("BUD_DEMO_API").map_or(Ok(Flavor::Guide), |name| name.parse())?;
    connect_or(api).await
}

/// The same for what only one of the two APIs has.
pub async fn connect_or(api: Flavor) -> Result<Platform> {
    if let Ok(url) = env::var("BUD_BASE_URL").or_else(|_| env::var("BUD_API_URL")) {
        let bud = demo::roles(Client::builder().env()).build()?;
        println!("Using {url}");
        return Ok(Platform { bud, demo: None });
    }
    let platform = Platform::demo(api).await?;
    println!("Using an embedded test server. For yours, set BUD_BASE_URL, BUD_EMAIL and BUD_PASSWORD.");
    Ok(platform)
}

impl Platform {
    /// An embedded test server.
    pub async fn demo(api: Flavor) -> Result<Self> {
        let (bud, demo) = Demo::start(api).await?;
        Ok(Self { bud, demo: Some(demo) })
    }

    /// The same platform for another person.
    pub fn log_in_as(&self, email: &str, password: impl Into<Secret>) -> Result<Client> {
        let builder = match &self.demo {
            Some(_) => Client::builder().base_url(self.bud.base_url()),
            None => Client::builder().env(),
        };
        Ok(demo::roles(builder.password(email, password)).build()?)
    }

    /// The n-th argument of the program. On the embedded server it may be left out: `demo` then stands in.
    pub fn argument(&self, n: usize, what: &str, demo: impl FnOnce(&Demo) -> String) -> Result<String> {
        let standing_in = || self.demo.as_ref().map(demo);
        env::args().nth(n).or_else(standing_in).ok_or_else(|| Failure(format!("argument {n} must be {what}")))
    }

    /// Waits for an endpoint; the embedded server is quick, so it is asked more often.
    pub fn wait(&self, endpoint: &EndpointId) -> EndpointWait {
        let wait = self.bud.endpoints().wait(endpoint);
        if self.demo.is_some() { wait.poll_interval(Duration::from_millis(100)) } else { wait }
    }
}

/// Shows a spinner while something takes its time. Without a terminal it shows nothing.
pub async fn spin<W: IntoFuture>(what: &str, work: W) -> W::Output {
    // The bar is cleared when it is dropped, so also when the work is broken off.
    let bar = ProgressBar::new_spinner().with_message(what.to_owned()).with_finish(ProgressFinish::AndClear);
    bar.set_style(style("{spinner} {msg} ({elapsed})"));
    bar.enable_steady_tick(Duration::from_millis(100));
    work.await
}

/// A look for a progress bar.
pub fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
