//! The session: one token for all calls of a client, renewed by one request however many calls wait for it.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::exchange::TokenExchange;
use super::fixed::Fixed;
use super::outage::{LIKELY_DOWN, LoginOutcome, Logins, Meaning, Outcome, meaning, outage, pause};
use super::{AccessToken, SignIn, Store, TokenProvider, Tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::http::{AuthHeader, Authenticate, BoxFuture, Options, Patience, require_runtime};
use crate::types::Secret;

/// How long a failed renewal is answered from memory, so that a burst of calls is not a burst of logins.
const FAILURE_LASTS: Duration = Duration::from_secs(1);
/// The same for a wrong password: trying it on and on would lock the account.
const REFUSAL_LASTS: Duration = Duration::from_secs(60);

/// A token that was just given is used for a moment, even if it is said to be expired: else every look would renew it.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

/// What a session is made from.
pub(crate) enum Source {
    Password {
        email: String,
        password: Secret,
    },
    /// The tokens of a session that was opened elsewhere: they can be renewed, but no other session opened.
    Resumed,
    /// A bearer token that somebody else renews.
    Token,
    /// An API key.
    ApiKey,
    Custom(Box<dyn TokenProvider>),
}

/// Bound to the server of its exchange: no other host is ever sent its token.
#[derive(Clone)]
pub(crate) struct Session(Arc<Shared>);

struct Shared {
    exchange: Box<dyn TokenExchange>,
    options: Options,
    source: Source,
    store: Option<Store>,
    state: Mutex<State>,
    /// The server accepted a token of this session.
    worked: AtomicBool,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    refresh: Option<Secret>,
    failure: Option<Failed>,
    /// Renewals that failed since the last one that worked.
    failures: u32,
    logins: Logins,
    /// The renewal under way; its sender lives in the renewing task.
    flight: Option<watch::Receiver<()>>,
    /// The user has logged out.
    closed: bool,
    /// The password that has taken the place of the source's.
    password: Option<Secret>,
}

struct Current {
    token: Arc<AuthHeader>,
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

struct Failed {
    error: Error,
    until: Instant,
    /// It passes: a call that has the time waits for the next renewal.
    passes: bool,
}

/// A renewal that brought no token.
struct Trouble {
    error: Error,
    meaning: Meaning,
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self { error, meaning: Meaning::Failure }
    }
}

/// What a call that needs a token does next.
enum Next {
    Join(watch::Receiver<()>),
    Sleep(Instant),
}

impl Current {
    fn new(token: AuthHeader, life: Option<Duration>) -> Self {
        let now = Instant::now();
        // Renewed a little early: a minute, or a fifth of a short life.
        let early = life.map(|life| (life / 5).min(Duration::from_secs(60)));
        Self {
            token: Arc::new(token),
            renew_at: life.zip(early).and_then(|(life, early)| now.checked_add(life - early)),
            expires_at: life.and_then(|life| now.checked_add(life)),
        }
    }
}

fn is_past(time: Option<Instant>) -> bool {
    time.is_some_and(|time| time <= Instant::now())
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renewable(&self) -> bool {
        matches!(self.source, Source::Password { .. } | Source::Resumed | Source::Custom(_))
    }

    fn has_worked(&self) -> bool {
        self.worked.load(Ordering::Relaxed)
    }

    async fn token(self: &Arc<Self>, patience: Patience) -> Result<Arc<AuthHeader>> {
        loop {
            let next = {
                let mut state = self.lock();
                if state.closed {
                    return Err(logged_out());
                }
                let failure = state.failure.as_ref().filter(|failure| !is_past(Some(failure.until)));
                match (&state.current, failure) {
                    (Some(current), failure) if !is_past(current.expires_at) => {
                        let token = current.token.clone();
                        // It is renewed ahead of its end, and serves until then: nobody waits, and a failure hurts nobody.
                        if is_past(current.renew_at) && failure.is_none() {
                            self.join_flight(&mut state);
                        }
                        return Ok(token);
                    }
                    (_, Some(failure))
                        if failure.passes && patience.retries && failure.until < patience.until =>
                    {
                        Next::Sleep(failure.until)
                    }
                    (_, Some(failure)) => return Err(failure.error.clone().of_session()),
                    _ => Next::Join(self.join_flight(&mut state)),
                }
            };
            match next {
                Next::Sleep(until) => sleep_until(until).await,
                // Both outcomes lead to another look: the renewal is done, or its runtime is gone and another must lead.
                Next::Join(mut flight) => {
                    let joined = timeout_at(patience.until, flight.changed()).await;
                    joined.map(drop).map_err(|_| self.late())?;
                }
            }
        }
    }

    /// The deadline of a call that waited for a renewal: after a failure of it, that says more than the time.
    fn late(&self) -> Error {
        let state = self.lock();
        let passing = state.failure.as_ref().filter(|failure| failure.passes);
        passing.map_or_else(
            || Error::new(ErrorKind::Timeout, "no token before the deadline"),
            |failure| failure.error.clone().of_session(),
        )
    }

    /// Joins the renewal under way, or starts one. It runs as a task, so that no caller's cancellation loses the
    /// answer: with rotating refresh tokens that would lose the session.
    fn join_flight(self: &Arc<Self>, state: &mut State) -> watch::Receiver<()> {
        if let Some(flight) = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok()) {
            return flight.clone();
        }
        let shared = self.clone();
        self.fly(state, async move { shared.renew().await }, false);
        state.flight.clone().unwrap_or_else(|| watch::channel(()).1)
    }

    /// Starts a renewal as a task that no caller owns.
    fn fly(
        self: &Arc<Self>,
        state: &mut State,
        renewal: impl Future<Output = Result<Tokens, Trouble>> + Send + 'static,
        reopens: bool,
    ) -> JoinHandle<Result<SignIn>> {
        let (landed, flight) = watch::channel(());
        state.flight = Some(flight);
        let shared = self.clone();
        tokio::spawn(async move {
            let result = AssertUnwindSafe(renewal).catch_unwind().await;
            let panicked = || Error::credentials("the source of the credentials panicked");
            let signed = shared.land(result.unwrap_or_else(|_| Err(panicked().into())), reopens);
            // Dropping it wakes everyone who waits.
            drop(landed);
            signed
        })
    }

    async fn renew(&self) -> Result<Tokens, Trouble> {
        match &self.source {
            Source::Custom(credentials) => {
                let time = self.options.attempt_time();
                let late = || Error::new(ErrorKind::Timeout, "the credentials gave no token in time");
                let AccessToken { token, expires_in } =
                    tokio::time::timeout(time, credentials.token()).await.map_err(|_| late())??;
                Ok(Tokens { access: token, refresh: None, expires_in, must_change_password: None })
            }
            Source::Password { .. } | Source::Resumed => self.reopen().await,
            Source::Token | Source::ApiKey => Err(not_renewable().into()),
        }
    }

    /// Renews the session, or opens a new one.
    async fn reopen(&self) -> Result<Tokens, Trouble> {
        let held = self.lock().refresh.clone();
        // Another process may have renewed the session that it shares with this one, which spends the old token.
        let stored = self.stored().await.and_then(|tokens| tokens.refresh);
        let Some(refresh_token) = stored.or(held) else { return self.open(None).await };
        let spent = refresh_token.clone();
        let error = match self.exchange.refresh(refresh_token, &self.options).await {
            Ok(mut tokens) => {
                // A server that does not rotate sends no new one: the old one stays good.
                tokens.refresh.get_or_insert(spent);
                self.keep(&tokens).await;
                return Ok(tokens);
            }
            Err(error) => error,
        };
        let outcome = Outcome::of(&error);
        if outcome != Outcome::Refused {
            return Err(match meaning(self.has_worked(), Some(outcome), None) {
                Meaning::Outage => Trouble { error: outage(Some(&error), None), meaning: Meaning::Outage },
                meaning => Trouble { error, meaning },
            });
        }
        // Spent, revoked, or refused in an outage. If another process was faster just now, what it brought is fresh.
        let newer = |tokens: &Tokens| {
            tokens.refresh.as_ref().is_some_and(|refresh| refresh.expose() != spent.expose())
        };
        match self.stored().await.filter(newer) {
            Some(tokens) => Ok(tokens),
            None => self.open(Some(error)).await,
        }
    }

    /// Logs in for a call that needs a token, if that can be and leaves room below the server's limit of logins.
    async fn open(&self, refused: Option<Error>) -> Result<Tokens, Trouble> {
        let withheld = self.lock().logins.next(Instant::now()).is_some();
        let (login, error) = match &self.source {
            Source::Password { .. } if withheld => (LoginOutcome::Withheld, None),
            Source::Password { .. } => {
                // A login that is limited is not waited for while a renewal may work before.
                let attempts = if refused.is_some() { Some(1) } else { self.options.attempts };
                match self.log_in(Options { attempts, ..self.options.clone() }).await {
                    Ok(tokens) => return Ok(tokens),
                    Err(error) => (LoginOutcome::Answered(Outcome::of(&error)), Some(error)),
                }
            }
            _ => (LoginOutcome::Impossible, None),
        };
        let meaning = meaning(self.has_worked(), refused.as_ref().map(Outcome::of), Some(login));
        let error = match meaning {
            Meaning::Outage => outage(refused.as_ref(), error.as_ref()),
            Meaning::Suspected => {
                ended(refused).with_hint(self.exchange.hints().session_or_outage).with_outage()
            }
            // The failure that withholds it says why.
            _ if login == LoginOutcome::Withheld => self.last_failure(),
            _ => error.unwrap_or_else(|| ended(refused).with_hint(self.exchange.hints().log_in_again)),
        };
        Err(Trouble { error, meaning })
    }

    fn last_failure(&self) -> Error {
        let last = self.lock().failure.as_ref().map(|failure| failure.error.clone());
        last.unwrap_or_else(|| {
            Error::new(ErrorKind::Server, LIKELY_DOWN).with_hint("try again in some seconds")
        })
    }

    async fn log_in(&self, options: Options) -> Result<Tokens> {
        let Source::Password { email, password } = &self.source else {
            return Err(ended(None).with_hint(self.exchange.hints().log_in_again));
        };
        let password = self.lock().password.clone().unwrap_or_else(|| password.clone());
        match self.exchange.log_in(email.clone(), password, &options).await {
            Ok(tokens) => {
                self.lock().logins.succeeded();
                self.keep(&tokens).await;
                Ok(tokens)
            }
            Err(error) => {
                // One that was not sent does not count at the server.
                if !matches!(error.kind(), ErrorKind::Connect | ErrorKind::Tls | ErrorKind::InvalidArgument) {
                    self.lock().logins.failed(Instant::now(), error.retry_after());
                }
                Err(error)
            }
        }
    }

    async fn stored(&self) -> Option<Tokens> {
        match &self.store {
            Some(store) => store.read().await,
            None => None,
        }
    }

    /// Before anyone uses them, so that a process that ends right after its call has not lost the session.
    async fn keep(&self, tokens: &Tokens) {
        if let Some(store) = &self.store {
            store.keep(tokens).await;
        }
    }

    /// Takes over what a renewal brought.
    fn land(&self, result: Result<Tokens, Trouble>, reopens: bool) -> Result<SignIn> {
        let result = result.and_then(|tokens| Ok((AuthHeader::bearer(tokens.access.clone())?, tokens)));
        let mut state = self.lock();
        match result {
            Ok((token, tokens)) => {
                state.closed &= !reopens;
                (state.failure, state.failures) = (None, 0);
                state.refresh = tokens.refresh;
                let life = tokens.expires_in.map(|life| life.max(SHORTEST_LIFE));
                state.current = Some(Current::new(token, life));
                Ok(SignIn {
                    expires_in: tokens.expires_in,
                    must_change_password: tokens.must_change_password,
                })
            }
            Err(Trouble { error, meaning }) => {
                if reopens && meaning != Meaning::Refusal {
                    // Its caller hears of it; others lead a renewal of their own.
                    return Err(error);
                }
                state.failures = state.failures.saturating_add(1);
                let until = self.remembered_until(&state, &error, meaning);
                let passes = meaning == Meaning::Outage;
                state.failure = Some(Failed { error: error.clone(), until, passes });
                Err(error)
            }
        }
    }

    /// How long a failure is answered from memory.
    fn remembered_until(&self, state: &State, error: &Error, meaning: Meaning) -> Instant {
        let now = Instant::now();
        let lasts = match meaning {
            Meaning::Refusal if error.kind() != ErrorKind::SessionExpired => REFUSAL_LASTS,
            Meaning::Outage | Meaning::Suspected | Meaning::Refusal => {
                pause(state.failures, self.exchange.random())
            }
            Meaning::Failure => FAILURE_LASTS,
        };
        let until = now + lasts;
        // Without a refresh token only a login can help.
        match state.logins.next(now).filter(|_| state.refresh.is_none()) {
            Some(login) => until.max(login),
            None => until,
        }
    }

    /// Ends the session, once what was under way before has landed: it would bring tokens that outlive the logout.
    async fn end(&self, before: Option<watch::Receiver<()>>) -> Result<()> {
        if let Some(mut flight) = before {
            let _ = flight.changed().await;
        }
        let (current, held) = {
            let mut state = self.lock();
            state.closed = true;
            state.failure = None;
            (state.current.take(), state.refresh.take())
        };
        // Another process may have renewed the session; the token that it brought is the one that ends it.
        let stored = match &self.store {
            Some(store) => store.take().await,
            None => None,
        };
        let refresh = stored.and_then(|tokens| tokens.refresh).or(held);
        let Some(refresh_token) = refresh else {
            return match current {
                Some(_) => Err(Error::config(
                    "this client holds no refresh token, so it cannot end the session on the server",
                )
                .with_hint("its own copy of the token is forgotten; end the session where it was opened")),
                None => Ok(()),
            };
        };
        let bearer = Fixed::new(current.map(|current| current.token));
        self.exchange.log_out(refresh_token, &self.options, &bearer).await
    }
}

impl Session {
    /// Starts from tokens that are there already, if any, and keeps newer ones in the store, if there is one.
    pub(crate) fn new(
        exchange: Box<dyn TokenExchange>,
        options: Options,
        source: Source,
        store: Option<Store>,
        start: Option<Tokens>,
    ) -> Self {
        let mut state = State::default();
        if let Some(tokens) = start {
            // What cannot be a token is as good as an expired one.
            let token = AuthHeader::bearer(tokens.access).ok();
            state.current = token.map(|token| Current::new(token, tokens.expires_in));
            state.refresh = tokens.refresh;
        }
        let (state, worked) = (Mutex::new(state), AtomicBool::new(false));
        Self(Arc::new(Shared { exchange, options, source, store, state, worked }))
    }

    /// Logs in now instead of at the first call; also after a logout.
    pub(crate) async fn log_in(&self) -> Result<SignIn> {
        if !matches!(self.0.source, Source::Password { .. }) {
            return Err(
                Error::config("a login needs an e-mail and a password").with_hint("give them to the builder")
            );
        }
        require_runtime()?;
        // One at a time with renewals: of two sessions opened at once only one could be ended.
        let login = loop {
            let mut under_way = {
                let mut state = self.0.lock();
                match state.flight.clone().filter(|flight| flight.has_changed().is_ok()) {
                    Some(flight) => flight,
                    None => {
                        let shared = self.0.clone();
                        let options = self.0.options.clone();
                        let login = async move { shared.log_in(options).await.map_err(Trouble::of_login) };
                        break self.0.fly(&mut state, login, true);
                    }
                }
            };
            let _ = under_way.changed().await;
        };
        landed(login).await
    }

    /// Later logins use this password: the user has just set it.
    pub(crate) fn password_changed(&self, password: Secret) {
        let mut state = self.0.lock();
        state.password = Some(password);
        // What failed with the old one says nothing of it.
        state.logins.succeeded();
    }

    /// Ends the session on the server and forgets every token, even if the server fails to answer or nobody waits for it.
    pub(crate) async fn log_out(&self) -> Result<()> {
        require_runtime()?;
        let logout = {
            let mut state = self.0.lock();
            state.closed = true;
            let (ended, flight) = watch::channel(());
            // A login that comes after it waits for it.
            let before = state.flight.replace(flight);
            let shared = self.0.clone();
            tokio::spawn(async move {
                let result = shared.end(before).await;
                drop(ended);
                result
            })
        };
        landed(logout).await
    }
}

/// The result of a task; it is only lost with its runtime.
async fn landed<T>(task: JoinHandle<Result<T>>) -> Result<T> {
    task.await
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Cancelled, "the runtime was shut down meanwhile")))
}

impl Authenticate for Session {
    fn header(&self, patience: Patience) -> BoxFuture<'_, Result<Option<Arc<AuthHeader>>>> {
        Box::pin(async move { self.0.token(patience).await.map(Some) })
    }

    fn accepted(&self) {
        if !self.0.has_worked() {
            self.0.worked.store(true, Ordering::Relaxed);
        }
    }

    /// Forgets exactly the refused token: by now another call may have brought a new one.
    fn rejected(&self, token: Option<&AuthHeader>) -> bool {
        let Some(token) = token.filter(|_| self.0.renewable()) else { return false };
        let mut state = self.0.lock();
        let same = |current: &Current| current.token.secret.expose() == token.secret.expose();
        if state.current.as_ref().is_some_and(same) {
            state.current = None;
        }
        true
    }

    fn secrets(&self) -> Vec<Secret> {
        let state = self.0.lock();
        let token = state.current.as_ref().map(|current| current.token.secret.clone());
        let password = match &self.0.source {
            Source::Password { password, .. } => Some(password.clone()),
            Source::Resumed | Source::Token | Source::ApiKey | Source::Custom(_) => None,
        };
        [token, state.refresh.clone(), password, state.password.clone()].into_iter().flatten().collect()
    }

    fn refused(&self, error: Error) -> Error {
        let worked = self.0.has_worked();
        let error = if worked { error.with_outage() } else { error };
        let hints = self.0.exchange.hints();
        let hint = match (&self.0.source, worked) {
            (Source::ApiKey, _) => hints.api_key,
            (Source::Token, true) => hints.token_or_outage,
            (Source::Token, false) => "the token cannot be renewed: build a client with a fresh one",
            (Source::Resumed, true) => hints.session_or_outage,
            (Source::Resumed, false) => hints.log_in_again,
            (Source::Password { .. } | Source::Custom(_), true) => hints.outage,
            (Source::Password { .. } | Source::Custom(_), false) => return error,
        };
        error.with_hint(hint)
    }
}

impl Trouble {
    /// A login that the caller asked for.
    fn of_login(error: Error) -> Self {
        let refused = Outcome::of(&error) == Outcome::Refused && error.is_auth();
        Self { error, meaning: if refused { Meaning::Refusal } else { Meaning::Failure } }
    }
}

/// The session is over, as the refused renewal says.
fn ended(refused: Option<Error>) -> Error {
    match refused {
        Some(error) => error.with_kind(ErrorKind::SessionExpired),
        None => Error::new(ErrorKind::SessionExpired, "the session has ended"),
    }
}

fn not_renewable() -> Error {
    Error::new(ErrorKind::AuthRejected, "the token cannot be renewed")
}

fn logged_out() -> Error {
    Error::new(ErrorKind::SessionExpired, "this client has logged out")
        .with_hint("call auth().login() to open a new session")
}
