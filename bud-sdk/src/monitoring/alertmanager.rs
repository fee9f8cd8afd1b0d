//! Alertmanager: silences.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use super::ServiceBuilder;
use crate::call::Call;
use crate::config::service_keys;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{BackendSpec, Connection};
use crate::operation::{Describe, Operation, OperationInfo, Parts, Raw, Reply, Route, Routes};
use crate::schema::{open_enum, records};
use crate::types::{SilenceId, Timestamp, Wire};

pub(super) static SPEC: BackendSpec =
    BackendSpec::new("alertmanager", &service_keys!("ALERTMANAGER", "alertmanager"), OPERATIONS);

const OPERATIONS: &[OperationInfo] = &[
    OperationInfo::of::<CreateSilence>(),
    OperationInfo::of::<GetSilence>(),
    OperationInfo::of::<ExpireSilence>(),
];

/// A client of one Alertmanager. Cloning it is cheap, and clones share connections and retry budget.
///
/// ```no_run
/// # async fn demo() -> bud_sdk::Result<()> {
/// use std::time::Duration;
/// use bud_sdk::monitoring::{Alertmanager, NewSilence};
///
/// let alertmanager = Alertmanager::builder()
///     .base_url("https://alerts.example.com/alertmanager")
///     .basic_auth("sre", std::env::var("ALERTS_PASSWORD").unwrap_or_default())
///     .build()?;
/// let silence = NewSilence::new("sre@example.com", "node maintenance", Duration::from_secs(7200))
///     .matcher("instance=~node-1.*".parse()?);
/// let silence = alertmanager.create_silence(silence).await?;
/// alertmanager.expire_silence(&silence.id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Alertmanager(Arc<Connection>);

impl Alertmanager {
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

    /// Creates a silence: alerts that match all of its matchers cause no notifications while it is active. The silence is read
    /// after it was created. `POST /api/v2/silences`, then `GET /api/v2/silence/{id}`.
    ///
    /// Awaiting it returns a [`Silence`].
    ///
    /// # Errors
    /// `InvalidArgument` for a silence without matchers, comment or creator, before any request. Those of a request. It is sent
    /// once: after a failure with `maybe_applied` there may be a silence; if the server named its ID, the hint has it.
    pub fn create_silence(&self, silence: NewSilence) -> Call<CreateSilence> {
        Call::new(&self.0, CreateSilence { silence, created: OnceLock::new() })
    }

    /// Reads one silence. `GET /api/v2/silence/{id}`.
    ///
    /// Awaiting it returns a [`Silence`].
    ///
    /// # Errors
    /// `NotFound` for an unknown ID. Those of a request.
    pub fn silence(&self, id: impl Into<SilenceId>) -> Call<GetSilence> {
        Call::new(&self.0, GetSilence(id.into()))
    }

    /// Ends a silence now. It remains listed as expired; the state is read afterwards. `DELETE /api/v2/silence/{id}`, then
    /// `GET /api/v2/silence/{id}`.
    ///
    /// Awaiting it returns a [`Silence`].
    ///
    /// # Errors
    /// `NotFound` for an unknown ID. `Unconfirmed` if the silence is still active afterwards. Those of a request.
    pub fn expire_silence(&self, id: impl Into<SilenceId>) -> Call<ExpireSilence> {
        Call::new(&self.0, ExpireSilence(id.into()))
    }
}

/// A silence to be created.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSilence {
    matchers: Vec<Matcher>,
    starts_at: Option<Timestamp>,
    duration: Duration,
    created_by: String,
    comment: String,
}

impl NewSilence {
    /// A silence without matchers yet that starts now.
    pub fn new(created_by: impl Into<String>, comment: impl Into<String>, duration: Duration) -> Self {
        Self {
            matchers: Vec::new(),
            starts_at: None,
            duration,
            created_by: created_by.into(),
            comment: comment.into(),
        }
    }

    /// Adds a matcher; an alert must match all of them.
    pub fn matcher(mut self, matcher: Matcher) -> Self {
        self.matchers.push(matcher);
        self
    }

    /// Starts at this moment. Default: now.
    pub fn starts_at(mut self, time: Timestamp) -> Self {
        self.starts_at = Some(time);
        self
    }

    fn check(&self) -> Result<()> {
        let blank = |param, text: &str| match text.trim().is_empty() {
            true => Err(Error::invalid(param, "must not be empty")),
            false => Ok(()),
        };
        blank("created_by", &self.created_by)?;
        blank("comment", &self.comment)?;
        if self.matchers.is_empty() {
            return Err(Error::invalid("matchers", "at least one matcher is required"));
        }
        // The server refuses a silence that matches alerts without any label.
        if self.matchers.iter().all(Matcher::matches_empty) {
            let why = "at least one matcher must not match an empty value";
            return Err(Error::invalid("matchers", why));
        }
        if !(Duration::from_secs(1)..=LONGEST).contains(&self.duration) {
            return Err(Error::invalid("duration", "must be from 1 s to 366 days"));
        }
        Ok(())
    }
}

/// A longer silence is a mistake more often than a wish.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

records! {
    /// A condition on a label, written as amtool writes it: `severity="warning"`, `instance=~"node-1.*"`, `env!="prod"`. The
    /// quotes may be left out.
    Matcher {
        /// The label.
        name: String,
        /// The value, or the regular expression that the whole value must match.
        value: String,
        /// The value is a regular expression (`=~`, `!~`).
        is_regex: bool,
        /// The label must match (`=`, `=~`), or must not (`!=`, `!~`).
        is_equal: bool,
    }
}

impl Matcher {
    /// Whether it matches every alert, as far as is plain to see; the server knows the rest.
    fn matches_empty(&self) -> bool {
        let every = self.is_regex && matches!(self.value.as_str(), ".*" | "^.*$");
        self.is_equal && (self.value.is_empty() || every)
    }
}

impl FromStr for Matcher {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("matchers", "must be a label, =, !=, =~ or !~, and a value");
        let at = text.find(['=', '!']).ok_or_else(wrong)?;
        let (name, rest) = text.split_at_checked(at).ok_or_else(wrong)?;
        // The longer operators first.
        let operators = [("=~", true, true), ("!~", true, false), ("!=", false, false), ("=", false, true)];
        let found = operators
            .into_iter()
            .find_map(|(sign, is_regex, is_equal)| Some((rest.strip_prefix(sign)?, is_regex, is_equal)));
        let (value, is_regex, is_equal) = found.ok_or_else(wrong)?;
        let name = name.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(wrong());
        }
        let value = unquoted(value.trim()).ok_or_else(wrong)?;
        Ok(Self { name: name.to_owned(), value, is_regex, is_equal })
    }
}

/// The value without its quotes, in which `\"` and `\\` stand for themselves.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else {
        return (!value.contains('"')).then(|| value.to_owned());
    };
    let (mut text, mut chars) = (String::new(), inner.chars());
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(text),
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                escaped @ ('"' | '\\') => text.push(escaped),
                // In a regular expression it escapes what follows.
                other => text.extend(['\\', other]),
            },
            plain => text.push(plain),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match (self.is_regex, self.is_equal) {
            (false, true) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (true, false) => "!~",
        };
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(f, "{}{sign}\"{value}\"", self.name)
    }
}

open_enum! {
    /// The state of a silence.
    SilenceState {
        /// It starts later.
        Pending = "pending",
        /// It suppresses notifications.
        Active = "active",
        /// It has ended.
        Expired = "expired",
    }
}

records! {
    /// A silence.
    Silence {
        /// The ID.
        id: SilenceId,
        /// The state.
        state: Wire<SilenceState>,
        /// What an alert must match; all of them.
        matchers: Vec<Matcher>,
        /// When it starts.
        starts_at: Timestamp,
        /// When it ends.
        ends_at: Timestamp,
        /// When it was last changed.
        updated_at: Timestamp,
        /// Who created it.
        created_by: String,
        /// Why.
        comment: String,
    }
}

/// A silence as the server writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSilence {
    id: SilenceId,
    status: Status,
    matchers: Vec<WireMatcher>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    updated_at: Timestamp,
    created_by: String,
    comment: String,
}

#[derive(Deserialize)]
struct Status {
    state: Wire<SilenceState>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMatcher {
    name: String,
    value: String,
    is_regex: bool,
    /// Servers before 0.22 know no negative matchers.
    is_equal: Option<bool>,
}

fn read(raw: &Raw) -> Result<Silence> {
    let silence: WireSilence = raw.whole()?;
    let matcher = |WireMatcher { name, value, is_regex, is_equal }| {
        let is_equal = is_equal.unwrap_or(true);
        Matcher { name, value, is_regex, is_equal }
    };
    Ok(Silence {
        id: silence.id,
        state: silence.status.state,
        matchers: silence.matchers.into_iter().map(matcher).collect(),
        starts_at: silence.starts_at,
        ends_at: silence.ends_at,
        updated_at: silence.updated_at,
        created_by: silence.created_by,
        comment: silence.comment,
    })
}

const ONE: Route = Route::get("/api/v2/silence/{id}");

fn one(id: &SilenceId) -> Result<Parts> {
    Parts::new().segment("id", id.as_str())
}

/// `alertmanager.create_silence`
#[derive(Debug, Clone)]
pub struct CreateSilence {
    silence: NewSilence,
    /// The ID that the server gave it, for an error of the read that follows.
    created: OnceLock<SilenceId>,
}

impl Describe for CreateSilence {
    type Flavor = ();
    const ID: &'static str = "alertmanager.create_silence";
    const SECTIONS: &'static [&'static str] = &[];
    const ROUTES: Routes<()> = Routes::only(Route::post("/api/v2/silences").shown_by_a_read());
    fn encode(&self, (): ()) -> Result<Parts> {
        let NewSilence { matchers, starts_at, duration, created_by, comment } = &self.silence;
        self.silence.check()?;
        let start = starts_at.unwrap_or_else(Timestamp::now);
        let matcher = |Matcher { name, value, is_regex, is_equal }: &Matcher| json!({ "name": name, "value": value, "isRegex": is_regex, "isEqual": is_equal });
        Parts::new().json(&json!({
            "matchers": matchers.iter().map(matcher).collect::<Vec<_>>(),
            "startsAt": start,
            "endsAt": start + *duration,
            "createdBy": created_by,
            "comment": comment,
        }))
    }
    fn explain(&self, error: Error) -> Error {
        match self.created.get() {
            Some(id) => {
                error.with_hint(format!("the silence was created with the ID {id}: read it, or expire it"))
            }
            None => error,
        }
    }
}

impl Operation for CreateSilence {
    type Output = Silence;
    fn decode(&self, (): (), raw: Raw) -> Result<Reply<Silence>> {
        #[derive(Deserialize)]
        struct Created {
            #[serde(rename = "silenceID")]
            id: SilenceId,
        }
        let Created { id } = raw.whole()?;
        let _ = self.created.set(id.clone());
        Ok(Reply::then(ONE, one(&id)?, |raw| read(&raw).map(Reply::Done)))
    }
}

/// `alertmanager.silence`
#[derive(Debug, Clone)]
pub struct GetSilence(SilenceId);

impl Describe for GetSilence {
    type Flavor = ();
    const ID: &'static str = "alertmanager.silence";
    const SECTIONS: &'static [&'static str] = &[];
    const ROUTES: Routes<()> = Routes::only(ONE);
    fn encode(&self, (): ()) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for GetSilence {
    type Output = Silence;
    fn decode(&self, (): (), raw: Raw) -> Result<Reply<Silence>> {
        read(&raw).map(Reply::Done)
    }
}

/// `alertmanager.expire_silence`
#[derive(Debug, Clone)]
pub struct ExpireSilence(SilenceId);

impl Describe for ExpireSilence {
    type Flavor = ();
    const ID: &'static str = "alertmanager.expire_silence";
    const SECTIONS: &'static [&'static str] = &[];
    // An expired silence stays: a 404 never means that an earlier attempt has worked.
    const ROUTES: Routes<()> =
        Routes::only(Route::delete("/api/v2/silence/{id}").done_on_repeat(&[]).shown_by_a_read());
    fn encode(&self, (): ()) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for ExpireSilence {
    type Output = Silence;
    fn decode(&self, (): (), _: Raw) -> Result<Reply<Silence>> {
        Ok(Reply::then(ONE, one(&self.0)?, |raw| {
            let silence = read(&raw)?;
            if silence.state == SilenceState::Expired {
                return Ok(Reply::Done(silence));
            }
            let message = format!("the silence is still {}", silence.state);
            Err(Error::new(ErrorKind::Unconfirmed, message).with_status(raw.status))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_matchers_as_amtool_writes_them() {
        for (text, name, value, is_regex, is_equal) in [
            ("alertname=HighLatency", "alertname", "HighLatency", false, true),
            (r#"instance=~"node-1.*""#, "instance", "node-1.*", true, true),
            (r#" env != "prod" "#, "env", "prod", false, false),
            (r#"path!~"a\\.b""#, "path", r"a\\.b".replace(r"\\", r"\").as_str(), true, false),
            (r#"message="say \"hi\"""#, "message", r#"say "hi""#, false, true),
            ("empty=", "empty", "", false, true),
            ("a=b=c", "a", "b=c", false, true),
        ] {
            let matcher: Matcher = text.parse().unwrap();
            let expected = Matcher { name: name.to_owned(), value: value.to_owned(), is_regex, is_equal };
            assert_eq!(matcher, expected, "{text}");
            assert_eq!(matcher.to_string().parse::<Matcher>().unwrap(), matcher, "{text}");
        }
        for wrong in
            ["", "alertname", "=x", "1a=x", "a b=c", r#"a="b"#, r#"a="b"c"#, r#"a=b"c"#, "a!x", r#"a="\"#]
        {
            let error = wrong.parse::<Matcher>().unwrap_err();
            assert_eq!(error.param(), Some("matchers"), "{wrong}");
        }
    }

    #[test]
    fn refuses_silences_that_would_silence_everything() {
        let silence = |matcher: &str| {
            let silence = NewSilence::new("me", "why", Duration::from_secs(60));
            CreateSilence { silence: silence.matcher(matcher.parse().unwrap()), created: OnceLock::new() }
                .encode(())
                .map(drop)
        };
        for all in ["a=~.*", "a=", "a=~"] {
            assert_eq!(silence(all).unwrap_err().param(), Some("matchers"), "{all}");
        }
        for some in ["a=b", "a=~b.*", "a!=", "a!=b", "a!~b.*"] {
            assert!(silence(some).is_ok(), "{some}");
        }
    }
}
