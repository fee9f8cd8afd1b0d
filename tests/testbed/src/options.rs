//! How a server is set up before it starts.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use crate::bed::Testbed;

/// Which dialect of the API is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Flavor {
    /// The documented API.
    #[default]
    Guide,
    /// The API of the platform as shipped.
    Runtime,
}

impl Flavor {
    /// Its name on the command line and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guide => "guide",
            Self::Runtime => "runtime",
        }
    }
}

/// A service behind the platform that is down. The platform then refuses valid tokens as if they were invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outage {
    /// Keycloak: tokens and renewals are answered 401, logins 500, logouts 400.
    Keycloak,
    /// The database: the same, but logouts and billing plans are answered 500.
    Postgres,
}

/// Why a name is not a flavor that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFlavor(String);

impl fmt::Display for UnknownFlavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown flavor `{}`; offered: guide, runtime", self.0)
    }
}

impl std::error::Error for UnknownFlavor {}

impl FromStr for Flavor {
    type Err = UnknownFlavor;

    fn from_str(name: &str) -> Result<Self, UnknownFlavor> {
        match name {
            "guide" => Ok(Self::Guide),
            "runtime" => Ok(Self::Runtime),
            other => Err(UnknownFlavor(other.to_owned())),
        }
    }
}

/// The shape of lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListShape {
    /// `{<plural>: [...], page, limit, total_record, total_pages}`.
    Envelope,
    /// A bare array of everything.
    Bare,
    /// The envelope with this key instead of the plural.
    Key(&'static str),
}

/// The shape of single objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectShape {
    /// The object itself.
    Plain,
    /// `{<key>: {...}}`.
    Wrapped(&'static str),
    /// `{user: {...}}`, `{project: {...}}`: the resource's own name.
    Named,
    /// Updates answer 204 without a body; everything else is plain.
    NoContentOnUpdate,
}

/// A limit on one route: so many requests per window.
#[derive(Debug, Clone)]
pub(crate) struct RateLimit {
    pub(crate) method: String,
    pub(crate) template: String,
    pub(crate) requests: u32,
    pub(crate) window: Duration,
}

/// Options of a [`Testbed`].
#[derive(Debug, Clone)]
pub struct Builder {
    pub(crate) flavor: Flavor,
    pub(crate) access_ttl: Duration,
    pub(crate) refresh_ttl: Duration,
    pub(crate) nested_token: bool,
    pub(crate) wrong_password_status: u16,
    pub(crate) list_shape: Option<ListShape>,
    pub(crate) object_shape: ObjectShape,
    pub(crate) deploy_polls: u32,
    pub(crate) undeploy_polls: Option<u32>,
    pub(crate) step_time: Option<Duration>,
    pub(crate) failures: Vec<(u32, String)>,
    pub(crate) rate_limits: Vec<RateLimit>,
    pub(crate) export_content_length: bool,
    pub(crate) port: u16,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            flavor: Flavor::Guide,
            access_ttl: Duration::from_secs(30 * 60),
            refresh_ttl: Duration::from_secs(24 * 60 * 60),
            nested_token: false,
            wrong_password_status: 401,
            list_shape: None,
            object_shape: ObjectShape::Plain,
            deploy_polls: 3,
            undeploy_polls: None,
            step_time: None,
            failures: Vec::new(),
            rate_limits: Vec::new(),
            export_content_length: false,
            port: 0,
        }
    }
}

impl Builder {
    /// The dialect.
    pub fn flavor(mut self, flavor: Flavor) -> Self {
        self.flavor = flavor;
        self
    }

    /// How long access tokens are good for; 30 minutes unless said otherwise. `expires_in` tells it in whole seconds.
    pub fn access_ttl(mut self, ttl: Duration) -> Self {
        self.access_ttl = ttl;
        self
    }

    /// How long refresh tokens are good for; a day unless said otherwise.
    pub fn refresh_ttl(mut self, ttl: Duration) -> Self {
        self.refresh_ttl = ttl;
        self
    }

    /// Answers tokens under `token` instead of at the top.
    pub fn nested_token(mut self, nested: bool) -> Self {
        self.nested_token = nested;
        self
    }

    /// The status of a wrong password: 401 (a `detail`), or 400 (an error object), as the platform has it.
    pub fn wrong_password_status(mut self, status: u16) -> Self {
        self.wrong_password_status = status;
        self
    }

    /// The shape of every list. Without it: envelopes, and a bare array for a project's endpoints, as the guide shows.
    pub fn list_shape(mut self, shape: ListShape) -> Self {
        self.list_shape = Some(shape);
        self
    }

    /// The shape of single objects.
    pub fn object_shape(mut self, shape: ObjectShape) -> Self {
        self.object_shape = shape;
        self
    }

    /// At which status poll (`GET /endpoints/{id}`) after a deploy the endpoint is RUNNING, and after a scale it has its
    /// new replicas; 3 unless said otherwise. 0: at once.
    pub fn deploy_polls(mut self, polls: u32) -> Self {
        self.deploy_polls = polls;
        self
    }

    /// At which status poll after an undeploy the endpoint is STOPPED; as `deploy_polls` unless said otherwise.
    pub fn undeploy_polls(mut self, polls: u32) -> Self {
        self.undeploy_polls = Some(polls);
        self
    }

    /// Lets deployments advance one step per elapsed time instead of per poll.
    pub fn deploy_step_time(mut self, time: Duration) -> Self {
        self.step_time = Some(time);
        self
    }

    /// Lets the next deployment fail at that step (the poll that says FAILED, from 1) with that reason. Given again, it
    /// is about the deployment after that.
    pub fn fail_deployment_at(mut self, step: u32, reason: &str) -> Self {
        self.failures.push((step, reason.to_owned()));
        self
    }

    /// Limits a route, written `POST /auth/login`, to so many requests per window; above it answers 429.
    pub fn rate_limit(mut self, route: &str, requests: u32, window: Duration) -> Self {
        let (method, template) = route.split_once(' ').unwrap_or(("*", route));
        self.rate_limits.push(RateLimit {
            method: method.to_owned(),
            template: template.to_owned(),
            requests,
            window,
        });
        self
    }

    /// Sends audit exports with a Content-Length instead of chunks.
    pub fn export_content_length(mut self, on: bool) -> Self {
        self.export_content_length = on;
        self
    }

    /// The port on 127.0.0.1; 0 takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Starts the server on the current tokio runtime.
    ///
    /// # Errors
    /// When the port cannot be bound or the journal cannot be opened.
    pub async fn start(self) -> io::Result<Testbed> {
        Testbed::start(self).await
    }
}
