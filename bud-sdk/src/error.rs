//! The one error type of this crate.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The result of everything fallible in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in enough detail to decide what to do next.
///
/// An unknown kind may be added in any release, so match with a wildcard arm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument was refused before any request was made; [`Error::param`] names it.
    InvalidArgument,
    /// The configuration is wrong or incomplete; the message names the value and its source, never a secret.
    Config,
    /// The API flavor of this server does not offer the operation. No request was made; the message names what to use instead.
    Unsupported,
    /// No connection: name resolution, refused, unreachable. Nothing was sent.
    Connect,
    /// TLS failed: certificate, host name, protocol. Nothing was sent, and it is not retried.
    Tls,
    /// A deadline passed; [`Error::maybe_applied`] tells whether the request may have run.
    Timeout,
    /// The connection broke after the request was (or may have been) sent; see [`Error::maybe_applied`].
    Interrupted,
    /// The peer does not speak HTTP, or breaks its rules.
    Protocol,
    /// The server answered with a redirect. None is followed, so that no token or body leaves the origin.
    UnexpectedRedirect,
    /// The server refused the e-mail and password. Sent once, never retried.
    InvalidCredentials,
    /// The session ended and cannot be renewed: log in again.
    SessionExpired,
    /// The server refused the token (401) even after a renewal, or it cannot be renewed; or it refused the login of an
    /// account that is deactivated or not set up.
    AuthRejected,
    /// 403: the caller lacks a permission.
    PermissionDenied,
    /// 400: the request was refused.
    BadRequest,
    /// 404, or what the server says in its place.
    NotFound,
    /// 409: in conflict with the present state.
    Conflict,
    /// 422: a field was refused; see [`Error::fields`].
    Validation,
    /// 429; see [`Error::retry_after`].
    RateLimited,
    /// 5xx. For a call that changes something, see [`Error::maybe_applied`].
    Server,
    /// Another status outside 2xx, or a failure that the server reports with a status of success.
    Api,
    /// The answer has another shape than documented; [`Error::path`] is the place in it.
    Decode,
    /// The answer is larger than the limit for buffered bodies.
    BodyTooLarge,
    /// A download broke, cannot be proven whole, or could not be written.
    Download,
    /// A wait reached its deadline; the remote work goes on.
    PollTimeout,
    /// The awaited work ended in failure; the message carries the server's reason.
    OperationFailed,
    /// Nothing confirms a change: the server did not refuse it, and the state that it shows is the old one, or none.
    Unconfirmed,
    /// The result is known to be incomplete.
    Incomplete,
    /// Cancelled by the caller.
    Cancelled,
}

impl ErrorKind {
    /// What a status outside 2xx means.
    pub(crate) fn of_status(status: u16) -> Option<Self> {
        Some(match status {
            400 => Self::BadRequest,
            401 => Self::AuthRejected,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            409 => Self::Conflict,
            422 => Self::Validation,
            429 => Self::RateLimited,
            500..=599 => Self::Server,
            300..=499 => Self::Api,
            _ => return None,
        })
    }

    /// A stable name, the same in all languages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::Config => "config",
            Self::Unsupported => "unsupported",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::Protocol => "protocol",
            Self::UnexpectedRedirect => "unexpected_redirect",
            Self::InvalidCredentials => "invalid_credentials",
            Self::SessionExpired => "session_expired",
            Self::AuthRejected => "auth_rejected",
            Self::PermissionDenied => "permission_denied",
            Self::BadRequest => "bad_request",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Validation => "validation",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Api => "api",
            Self::Decode => "decode",
            Self::BodyTooLarge => "body_too_large",
            Self::Download => "download",
            Self::PollTimeout => "poll_timeout",
            Self::OperationFailed => "operation_failed",
            Self::Unconfirmed => "unconfirmed",
            Self::Incomplete => "incomplete",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One field that the server refused. The refused value itself is never kept: it may be a password.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError {
    /// Where, as the server says it: `body.email`.
    pub location: String,
    /// Why.
    pub message: String,
    /// The server's name of the rule, if it gives one.
    pub rule: Option<String>,
}

impl FieldError {
    pub(crate) fn new(location: String, message: String, rule: Option<String>) -> Self {
        Self { location, message, rule }
    }
}

/// Why a call failed: one line that lets a person act, and accessors that let a program decide.
///
/// ```
/// # fn demo(error: bud_sdk::Error) {
/// if error.is_not_found() {
///     println!("nothing there");
/// } else if error.maybe_applied() {
///     println!("look before you repeat it: {error}");
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    operation: Option<&'static str>,
    request: Option<(&'static str, Cow<'static, str>)>,
    status: Option<u16>,
    server_code: Option<String>,
    param: Option<Cow<'static, str>>,
    fields: Vec<FieldError>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    elapsed: Option<Duration>,
    maybe_applied: bool,
    /// The request changes nothing if the server processes it twice.
    idempotent: bool,
    required_permission: Option<String>,
    path: Option<String>,
    cursor: Option<String>,
    in_json: bool,
    /// The identity service may be unavailable: the request was refused, not processed, and may succeed later.
    outage: bool,
    /// The token for the request is missing: the error is not an answer to the operation's own request.
    of_session: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            hint: None,
            operation: None,
            request: None,
            status: None,
            server_code: None,
            param: None,
            fields: Vec::new(),
            request_id: None,
            retry_after: None,
            attempts: 0,
            elapsed: None,
            maybe_applied: false,
            idempotent: false,
            required_permission: None,
            path: None,
            cursor: None,
            in_json: false,
            outage: false,
            of_session: false,
            source: None,
        }))
    }

    pub(crate) fn invalid(param: &'static str, why: impl fmt::Display) -> Self {
        let mut error = Self::new(ErrorKind::InvalidArgument, why.to_string());
        error.0.param = Some(param.into());
        error
    }

    pub(crate) fn config(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub(crate) fn decode(path: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::new(ErrorKind::Decode, message);
        error.0.path = Some(path.into());
        error
    }

    /// An error for your own [`TokenProvider`](crate::TokenProvider): the token could not be had.
    pub fn credentials(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::AuthRejected, message.into())
    }

    // What the layers above add on the way up.

    pub(crate) fn with_operation(mut self, operation: &'static str) -> Self {
        self.0.operation.get_or_insert(operation);
        self
    }
    /// Names the caller's operation in place of the one that served it.
    pub(crate) fn for_operation(mut self, operation: &'static str) -> Self {
        self.0.operation = Some(operation);
        self
    }
    /// Of the request for a token: the operation that needed it is named later.
    pub(crate) fn of_session(mut self) -> Self {
        (self.0.operation, self.0.of_session) = (None, true);
        self
    }
    pub(crate) fn is_of_session(&self) -> bool {
        self.0.of_session
    }
    pub(crate) fn with_outage(mut self) -> Self {
        self.0.outage = true;
        self
    }
    pub(crate) fn may_be_outage(&self) -> bool {
        self.0.outage
    }
    pub(crate) fn with_request(mut self, method: &'static str, path: impl Into<Cow<'static, str>>) -> Self {
        if self.0.request.is_none() {
            self.0.request = Some((method, path.into()));
        }
        self
    }
    pub(crate) fn names_a_request(&self) -> bool {
        self.0.request.is_some()
    }
    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }
    pub(crate) fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }
    pub(crate) fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }
    pub(crate) fn with_server_code(mut self, code: Option<String>) -> Self {
        self.0.server_code = code;
        self
    }
    pub(crate) fn with_param(mut self, param: Option<String>) -> Self {
        self.0.param = param.map(Cow::Owned);
        self
    }
    pub(crate) fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.0.fields = fields;
        self
    }
    pub(crate) fn with_request_id(mut self, id: Option<String>) -> Self {
        self.0.request_id = id;
        self
    }
    pub(crate) fn with_retry_after(mut self, delay: Option<Duration>) -> Self {
        self.0.retry_after = delay;
        self
    }
    pub(crate) fn with_effort(mut self, attempts: u32, elapsed: Duration) -> Self {
        self.0.attempts = attempts;
        self.0.elapsed = Some(elapsed);
        self
    }
    pub(crate) fn with_maybe_applied(mut self, maybe: bool) -> Self {
        self.0.maybe_applied = maybe;
        self
    }
    pub(crate) fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.0.idempotent = idempotent;
        self
    }
    #[cfg(feature = "kubernetes")]
    pub(crate) fn with_required_permission(mut self, permission: String) -> Self {
        self.0.required_permission = Some(permission);
        self
    }
    pub(crate) fn with_cursor(mut self, cursor: String) -> Self {
        self.0.cursor = Some(cursor);
        self
    }
    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }
    pub(crate) fn with_json(mut self, in_json: bool) -> Self {
        self.0.in_json = in_json;
        self
    }
    /// The server's refusal was a JSON object, as this API's are.
    pub(crate) fn is_in_json(&self) -> bool {
        self.0.in_json
    }
    /// Takes secrets out of what a server's answer brought into the message and the path.
    pub(crate) fn masked(mut self, mask: impl Fn(&str) -> String) -> Self {
        let message = mask(&self.0.message);
        if message != self.0.message {
            self.0.message = message.into();
        }
        self.0.path = self.0.path.map(|path| mask(&path));
        self.0.server_code = self.0.server_code.map(|code| mask(&code));
        self
    }
    /// Places a decoding error below `prefix`, for values that stand inside an envelope.
    pub(crate) fn within(mut self, prefix: &str) -> Self {
        if let Some(path) = self.0.path.as_mut().filter(|_| prefix != ".") {
            let rest = std::mem::take(path);
            *path = if rest == "." { prefix.to_owned() } else { format!("{prefix}{rest}") };
        }
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
    /// The stable name of the kind, the same in all languages: `not_found`, `rate_limited`.
    pub fn code(&self) -> &'static str {
        self.0.kind.as_str()
    }
    /// The HTTP status that decided the outcome, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }
    /// What the server said, or what this SDK found. Never contains a secret.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
    /// The server's own code or type of the error, as it spells it.
    pub fn server_code(&self) -> Option<&str> {
        self.0.server_code.as_deref()
    }
    /// The argument or field that is to blame, if it is known.
    pub fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }
    /// The fields that the server refused (422).
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }
    /// The server's id of the request, for its operators.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
    /// How many times the request was sent or tried; 0 when it was refused before.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
    /// The time from the call to this error, waiting between attempts included.
    pub fn elapsed(&self) -> Option<Duration> {
        self.0.elapsed
    }
    /// The operation, such as `users.set_role`.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation
    }
    /// Whether the request may have changed something on the server although the call failed.
    pub fn maybe_applied(&self) -> bool {
        self.0.maybe_applied
    }
    /// The missing permission, as the access rules of Kubernetes name it: `list pods in namespace bud-system`. `None` for any other
    /// error; the Bud API does not name permissions.
    pub fn required_permission(&self) -> Option<&str> {
        self.0.required_permission.as_deref()
    }
    /// Where in the answer a [`Decode`](ErrorKind::Decode) error stands: `.users[3].id`.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }
    /// Where a list broke off: hand it to `cursor` to go on from there. Of a deployment, the workflow to `resume`.
    pub fn cursor(&self) -> Option<&str> {
        self.0.cursor.as_deref()
    }

    /// The thing asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }
    /// The caller lacks a permission; see [`required_permission`](Self::required_permission).
    pub fn is_permission_denied(&self) -> bool {
        self.0.kind == ErrorKind::PermissionDenied
    }
    /// In conflict with the present state.
    pub fn is_conflict(&self) -> bool {
        self.0.kind == ErrorKind::Conflict
    }
    /// A value was refused, by this SDK or by the server.
    pub fn is_validation(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Validation | ErrorKind::InvalidArgument)
    }
    /// Too many requests.
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == ErrorKind::RateLimited
    }
    /// A deadline passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout | ErrorKind::PollTimeout)
    }
    /// Whether the same call may succeed later, and repeating it is safe: the cause is temporary (no connection, a deadline, a
    /// broken connection, a rate limit, a failing server, an outage of the identity service), and the request was not applied
    /// or changes nothing if it is repeated. The call itself has been retried already where that was safe.
    pub fn is_retryable(&self) -> bool {
        self.is_transient() && (!self.0.maybe_applied || self.0.idempotent)
    }
    /// Whether the cause may pass, whatever became of the request: a wait goes on looking.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Connect
                | ErrorKind::Timeout
                | ErrorKind::Interrupted
                | ErrorKind::RateLimited
                | ErrorKind::Server
        ) || self.0.outage
    }
    /// Credentials, session or token were refused.
    pub fn is_auth(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::InvalidCredentials | ErrorKind::SessionExpired | ErrorKind::AuthRejected
        )
    }
}

impl Error {
    /// The line without the facts about the attempt, to stand inside another error.
    pub(crate) fn brief(&self) -> Brief<'_> {
        Brief(self)
    }

    fn write_line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let e = &*self.0;
        if let Some(operation) = e.operation {
            write!(f, "{operation} failed: ")?;
        }
        match (&e.request, e.status) {
            (Some((method, path)), Some(status)) => write!(f, "{method} {path} answered {status}: ")?,
            (Some((method, path)), None) => write!(f, "{method} {path}: ")?,
            (None, Some(status)) => write!(f, "answered {status}: ")?,
            (None, None) => {}
        }
        match (e.kind, &e.param) {
            (ErrorKind::InvalidArgument, Some(param)) => write!(f, "invalid argument `{param}`: ")?,
            // The server's text often begins with the field already.
            (_, Some(param)) if !e.message.starts_with(&**param) => write!(f, "`{param}`: ")?,
            _ => {}
        }
        f.write_str(&e.message)?;
        if let Some(path) = e.path.as_deref().filter(|path| *path != ".") {
            write!(f, " at {path}")?;
        }
        if e.maybe_applied {
            f.write_str("; it may have been applied")?;
        }
        if let Some(hint) = &e.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// See [`Error::brief`].
pub(crate) struct Brief<'a>(&'a Error);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_line(f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_line(f)?;
        let e = &*self.0;
        let mut facts = Vec::new();
        if let Some(code) = &e.server_code {
            facts.push(code.clone());
        }
        if let Some(delay) = e.retry_after {
            facts.push(format!("retry after {}", seconds(delay)));
        }
        if let Some(id) = &e.request_id {
            facts.push(format!("request id {id}"));
        }
        if e.attempts > 0 {
            facts.push(format!("{} attempt{}", e.attempts, if e.attempts == 1 { "" } else { "s" }));
        }
        if let Some(elapsed) = e.elapsed {
            facts.push(seconds(elapsed));
        }
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        Ok(())
    }
}

/// A time as errors show it: `60 s`, `0.3 s`.
pub(crate) fn seconds(time: Duration) -> String {
    match time.subsec_millis() {
        0 if time.as_secs() > 0 => format!("{} s", time.as_secs()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// The same line: it is what `fn main() -> Result<(), Error>` prints. `{:#?}` adds a line for each cause.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut next = self.source().filter(|_| f.alternate());
        while let Some(cause) = next {
            // A cause of another library may have several lines.
            let line = cause.to_string().replace(char::is_control, " ");
            write!(f, "\ncaused by: {line}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}
