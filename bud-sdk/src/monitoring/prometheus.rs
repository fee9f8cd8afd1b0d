//! Prometheus, and what speaks its API: queries and what the server says of itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ServiceBuilder;
use crate::call::Call;
use crate::config::service_keys;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{BackendSpec, Connection, Mask};
use crate::operation::{
    Describe, Operation, OperationInfo, Parts, Raw, Reply, Route, Routes, ServerMessage, clean,
};
use crate::schema::{model, open_enum, records};
use crate::types::{Float, Timestamp, Warning, Wire};

pub(super) static SPEC: BackendSpec = BackendSpec {
    read_error,
    ..BackendSpec::new("prometheus", &service_keys!("PROMETHEUS", "prometheus"), OPERATIONS)
};

const OPERATIONS: &[OperationInfo] =
    &[OperationInfo::of::<PrometheusQuery>(), OperationInfo::of::<GetBuildInfo>()];

/// A client of one Prometheus server, or of another server that speaks its API. Cloning it is cheap, and clones share connections
/// and retry budget.
///
/// ```no_run
/// # async fn demo() -> bud_sdk::Result<()> {
/// use bud_sdk::monitoring::Prometheus;
///
/// let prometheus = Prometheus::builder().base_url("https://prometheus.example.com").build()?;
/// for series in prometheus.query("up == 0").await?.series {
///     println!("{:?} is down", series.labels.get("instance"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Prometheus(Arc<Connection>);

impl Prometheus {
    /// Starts to configure a client.
    pub fn builder() -> ServiceBuilder<Self> {
        ServiceBuilder::new(&SPEC, Self)
    }

    /// A client from the environment and `~/.bud/config.toml`; see [`ServiceBuilder::env`] for what is read.
    ///
    /// # Errors
    /// `Config`, naming the variable, or the file and key, that is missing or wrong.
    pub fn from_env() -> Result<Self> {
        Self::builder().env().build()
    }

    /// The address that it calls.
    pub fn base_url(&self) -> &str {
        self.0.channel.base.as_str()
    }

    /// Evaluates a PromQL expression at one moment. Default: now, by the server's clock. `POST /api/v1/query`.
    ///
    /// Awaiting it returns a [`QueryResult`]. What the server warns of is in
    /// [`warnings`](crate::Response::warnings): an empty result with a warning is not "no data".
    ///
    /// # Errors
    /// `InvalidArgument` for an empty expression, before any request. `BadRequest` for one that the server cannot parse, `Validation` for
    /// one that it cannot evaluate. Those of a request.
    ///
    /// ```no_run
    /// # async fn demo(prometheus: bud_sdk::monitoring::Prometheus) -> bud_sdk::Result<()> {
    /// let result = prometheus.query("sum by (job) (rate(http_requests_total[5m]))").await?;
    /// for series in result.series {
    ///     println!("{:?}: {:?}", series.labels, series.samples.last().map(|sample| sample.value));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(&self, query: impl Into<String>) -> Call<PrometheusQuery> {
        Call::new(&self.0, PrometheusQuery { query: query.into(), time: None })
    }

    /// Reads the server's version and build. It is for display: other servers with the same API give their own, or nothing.
    /// `GET /api/v1/status/buildinfo`.
    ///
    /// Awaiting it returns a [`BuildInfo`].
    ///
    /// # Errors
    /// Those of a request.
    pub fn build_info(&self) -> Call<GetBuildInfo> {
        Call::new(&self.0, GetBuildInfo)
    }
}

open_enum! {
    /// What a PromQL expression evaluates to.
    ResultType {
        /// Series with one sample each.
        Vector = "vector",
        /// Series with the samples of a range.
        Matrix = "matrix",
        /// One number without labels.
        Scalar = "scalar",
        /// A text.
        Text = "string",
    }
}

records! {
    /// What a PromQL expression evaluates to.
    QueryResult {
        /// What it is.
        result_type: Wire<ResultType>,
        /// The series, of a vector or matrix.
        series: Vec<Series>,
        /// The number, of a scalar.
        scalar: Option<Sample>,
        /// The text, of a string.
        text: Option<String>,
    }

    /// A time series of a result.
    Series {
        /// The labels; the metric's name is `__name__`.
        labels: BTreeMap<String, String>,
        /// The samples in order: one in a vector.
        samples: Vec<Sample>,
        /// Native histograms as the server sent them: pairs of time and `{count, sum, buckets}`.
        histograms: Vec<serde_json::Value>,
    }

    /// A value at a moment.
    Sample {
        /// When it was taken or evaluated.
        time: Timestamp,
        /// The value, which may be NaN or infinite.
        value: Float,
    }
}

model! {
    /// What a server says of its own build.
    BuildInfo {
        /// The version; absent or empty for some builds.
        pub version: Option<String>,
        /// The commit that it was built from.
        pub revision: Option<String>,
        /// The branch that it was built from.
        pub branch: Option<String>,
        /// Who built it.
        pub build_user: Option<String> = "buildUser",
        /// When it was built, as the server writes it.
        pub build_date: Option<String> = "buildDate",
        /// The version of Go that it was built with.
        pub go_version: Option<String> = "goVersion",
    }
}

/// `prometheus.query`
#[derive(Debug, Clone)]
pub struct PrometheusQuery {
    query: String,
    time: Option<Timestamp>,
}

impl Call<PrometheusQuery> {
    /// Evaluates at this moment instead of now.
    pub fn time(mut self, time: Timestamp) -> Self {
        self.operation_mut().time = Some(time);
        self
    }
}

impl Describe for PrometheusQuery {
    type Flavor = ();
    const ID: &'static str = "prometheus.query";
    const SECTIONS: &'static [&'static str] = &[];
    // Proxies cut long URLs, so that the expression goes in the body.
    const ROUTES: Routes<()> = Routes::only(Route::post("/api/v1/query").reading());
    fn encode(&self, (): ()) -> Result<Parts> {
        if self.query.trim().is_empty() {
            return Err(Error::invalid("query", "must be a PromQL expression"));
        }
        let time = self.time.map(|time| ("time", time.to_string()));
        Ok(Parts::new().form([("query", self.query.clone())].into_iter().chain(time)))
    }
}

impl Operation for PrometheusQuery {
    type Output = QueryResult;
    fn decode(&self, (): (), raw: Raw) -> Result<Reply<QueryResult>> {
        let (data, warnings) = read::<Data>(&raw)?;
        let result = data.result().map_err(|error| error.with_status(raw.status))?;
        Ok(Reply::Warned(result, warnings))
    }
}

/// `prometheus.build_info`
#[derive(Debug, Clone)]
pub struct GetBuildInfo;

impl Describe for GetBuildInfo {
    type Flavor = ();
    const ID: &'static str = "prometheus.build_info";
    const SECTIONS: &'static [&'static str] = &[];
    const ROUTES: Routes<()> = Routes::only(Route::get("/api/v1/status/buildinfo"));
    fn encode(&self, (): ()) -> Result<Parts> {
        Ok(Parts::new())
    }
}

impl Operation for GetBuildInfo {
    type Output = BuildInfo;
    fn decode(&self, (): (), raw: Raw) -> Result<Reply<BuildInfo>> {
        read(&raw).map(|(info, warnings)| Reply::Warned(info, warnings))
    }
}

/// The envelope of every answer.
#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    data: Option<T>,
    error: Option<String>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    #[serde(default)]
    infos: Vec<String>,
}

impl<T> Envelope<T> {
    /// The server's error, if it says that it is one.
    fn failure(&self, raw: &Raw) -> Option<Error> {
        if self.status == "success" {
            return None;
        }
        let message = self.error.as_deref().unwrap_or("the server gave no reason").to_owned();
        let error = Error::new(ErrorKind::Api, message).with_status(raw.status);
        Some(error.with_server_code(self.error_type.clone()))
    }
}

/// What an answer holds. The pipeline reads `warnings`; `infos` may be as serious.
fn read<T: DeserializeOwned>(raw: &Raw) -> Result<(T, Vec<Warning>)> {
    let envelope = raw.whole::<Envelope<T>>().map_err(|error| {
        // Beside an error the data may be anything.
        let bare = raw.whole::<Envelope<serde::de::IgnoredAny>>().ok();
        bare.and_then(|bare| bare.failure(raw)).unwrap_or(error)
    })?;
    if let Some(failure) = envelope.failure(raw) {
        return Err(failure);
    }
    let data =
        envelope.data.ok_or_else(|| Error::decode(".data", "it is missing").with_status(raw.status))?;
    let info = |text: &String| Warning::new(Warning::SERVER, clean(text, 300));
    Ok((data, envelope.infos.iter().map(info).collect()))
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Vector(Vec<Point>),
    Matrix(Vec<Point>),
    Scalar(Pair<Float>),
    String(Pair<String>),
}

/// A moment in seconds, and what was then.
#[derive(Deserialize)]
struct Pair<T>(f64, T);

/// A series as the server writes it: one value or many, and the same of native histograms.
#[derive(Deserialize)]
struct Point {
    metric: BTreeMap<String, String>,
    value: Option<Pair<Float>>,
    #[serde(default)]
    values: Vec<Pair<Float>>,
    histogram: Option<serde_json::Value>,
    #[serde(default)]
    histograms: Vec<serde_json::Value>,
}

impl Data {
    fn result(self) -> Result<QueryResult> {
        let (result_type, series, scalar, text) = match self {
            Self::Vector(points) => (ResultType::Vector, points, None, None),
            Self::Matrix(points) => (ResultType::Matrix, points, None, None),
            Self::Scalar(pair) => (ResultType::Scalar, Vec::new(), Some(pair.sample()?), None),
            Self::String(Pair(_, text)) => (ResultType::Text, Vec::new(), None, Some(text)),
        };
        let series = series.into_iter().map(Point::series).collect::<Result<_>>()?;
        Ok(QueryResult { result_type: result_type.into(), series, scalar, text })
    }
}

impl Point {
    fn series(self) -> Result<Series> {
        let samples = self.value.into_iter().chain(self.values).map(Pair::sample).collect::<Result<_>>()?;
        let histograms = self.histogram.into_iter().chain(self.histograms).collect();
        Ok(Series { labels: self.metric, samples, histograms })
    }
}

impl Pair<Float> {
    fn sample(self) -> Result<Sample> {
        // Prometheus keeps milliseconds; their fraction of a second is not exact in floating point.
        let millis = (self.0 * 1000.0).round();
        // Beyond 2^53 ms no year is one that a calendar has.
        if !millis.is_finite() || millis.abs() > 9.0e15 {
            return Err(Error::decode(".data.result", "expected seconds since 1970"));
        }
        Ok(Sample { time: Timestamp::from_micros(millis as i64 * 1000), value: self.1 })
    }
}

/// `{"status": "error", "errorType": "bad_data", "error": "..."}`: the type is the server's code.
fn read_error(body: &[u8], content_type: Option<&str>, mask: Mask<'_>) -> ServerMessage {
    #[derive(Deserialize)]
    struct Typed {
        #[serde(rename = "errorType")]
        error_type: String,
    }
    let mut message = ServerMessage::read(body, content_type, mask);
    let typed = serde_json::from_slice::<Typed>(body).ok();
    message.code = message.code.or(typed.map(|typed| clean(&mask(&typed.error_type), 200)));
    message
}
