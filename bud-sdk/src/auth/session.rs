//! The session: one token for all calls of a client, renewed by one request however many calls wait for it.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::operations::{Login, Logout, Refresh, Tokens};
use super::{AccessToken, Credentials, SignIn, Store};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{Anonymous, Authorize, BoxFuture, Options, Platform, Token, execute};
use crate::types::Secret;

/// How long a failed renewal is answered from memory, so that a burst of calls is not a burst of logins.
const FAILURE_LASTS: Duration = Duration::from_secs(1);
/// The same for a wrong password: trying it on and on would lock the account.
const REFUSAL_LASTS: Duration = Duration::from_secs(60);

/// A token that was just given is used for a moment, even if it is said to be expired: else every look would renew it.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

const LOG_IN_AGAIN: &str = "log in again with `bud auth login`, or set BUD_EMAIL and BUD_PASSWORD";

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
    Custom(Box<dyn Credentials>),
}

/// Bound to the origin of its platform: no other host is ever sent its token.
pub(crate) struct Session(Arc<Shared>);

struct Shared {
    platform: Arc<Platform>,
    options: Options,
    source: Source,
    store: Option<Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    refresh: Option<Secret>,
    failure: Option<Failed>,
    /// The renewal under way; its sender lives in the renewing task.
    flight: Option<watch::Receiver<()>>,
    /// The user has logged out.
    closed: bool,
    /// The password that has taken the place of the source's.
    password: Option<Secret>,
}

struct Current {
    token: Arc<Token>,
    renew_at: Option<Instant>,
    expires_at: Option<Instant>,
}

struct Failed {
    error: Error,
    until: Instant,
}

impl Current {
    fn new(token: Token, life: Option<Duration>) -> Self {
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

    async fn token(self: &Arc<Self>) -> Result<Arc<Token>> {
        loop {
            let mut flight = {
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
                    (_, Some(failure)) => return Err(failure.error.clone()),
                    _ => self.join_flight(&mut state),
                }
            };
            // Both outcomes lead to another look: the renewal is done, or its runtime is gone and another must lead.
            let _ = flight.changed().await;
        }
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
        renewal: impl Future<Output = Result<Tokens>> + Send + 'static,
        reopens: bool,
    ) -> JoinHandle<Result<SignIn>> {
        let (landed, flight) = watch::channel(());
        state.flight = Some(flight);
        let shared = self.clone();
        tokio::spawn(async move {
            let result = AssertUnwindSafe(renewal).catch_unwind().await;
            let panicked = || Error::credentials("the source of the credentials panicked");
            let signed = shared.land(result.unwrap_or_else(|_| Err(panicked())), reopens);
            // Dropping it wakes everyone who waits.
            drop(landed);
            signed
        })
    }

    async fn renew(&self) -> Result<Tokens> {
        match &self.source {
            Source::Custom(credentials) => {
                let time = self.options.attempt_time();
                let late = || Error::new(ErrorKind::Timeout, "the credentials gave no token in time");
                let AccessToken { token, expires_in } =
                    tokio::time::timeout(time, credentials.token()).await.map_err(|_| late())??;
                Ok(Tokens { access: token, refresh: None, expires_in, must_change_password: None })
            }
            Source::Password { .. } | Source::Resumed => self.reopen().await,
            Source::Token | Source::ApiKey => Err(not_renewable()),
        }
    }

    /// Renews the session, or opens a new one.
    async fn reopen(&self) -> Result<Tokens> {
        let held = self.lock().refresh.clone();
        // Another process may have renewed the session that it shares with this one, which spends the old token.
        let stored = self.stored().await.and_then(|tokens| tokens.refresh);
        let Some(refresh_token) = stored.or(held) else { return self.log_in().await };
        let spent = refresh_token.clone();
        let operation = Refresh { refresh_token };
        let error = match execute(&self.platform, &operation, &self.options, &Anonymous).await {
            Ok((mut tokens, _)) => {
                // A server that does not rotate sends no new one: the old one stays good.
                tokens.refresh.get_or_insert(spent);
                self.keep(&tokens).await;
                return Ok(tokens);
            }
            Err(error) if !matches!(error.status(), Some(400 | 401 | 403 | 422)) => return Err(error),
            Err(error) => error,
        };
        // Spent or revoked. If another process was faster just now, what it brought is fresh.
        let newer = |tokens: &Tokens| {
            tokens.refresh.as_ref().is_some_and(|refresh| refresh.expose() != spent.expose())
        };
        match (self.stored().await.filter(newer), &self.source) {
            (Some(tokens), _) => Ok(tokens),
            (None, Source::Password { .. }) => self.log_in().await,
            (None, _) => Err(error.with_kind(ErrorKind::SessionExpired).with_hint(LOG_IN_AGAIN)),
        }
    }

    async fn log_in(&self) -> Result<Tokens> {
        let Source::Password { email, password } = &self.source else {
            return Err(
                Error::new(ErrorKind::SessionExpired, "the session has ended").with_hint(LOG_IN_AGAIN)
            );
        };
        let password = self.lock().password.clone().unwrap_or_else(|| password.clone());
        let operation = Login { email: email.clone(), password };
        let (tokens, _) = execute(&self.platform, &operation, &self.options, &Anonymous).await?;
        self.keep(&tokens).await;
        Ok(tokens)
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
    fn land(&self, result: Result<Tokens>, reopens: bool) -> Result<SignIn> {
        let result = result.and_then(|tokens| Ok((Token::bearer(tokens.access.clone())?, tokens)));
        let mut state = self.lock();
        match result {
            Ok((token, tokens)) => {
                state.closed &= !reopens;
                state.failure = None;
                state.refresh = tokens.refresh;
                let life = tokens.expires_in.map(|life| life.max(SHORTEST_LIFE));
                state.current = Some(Current::new(token, life));
                Ok(SignIn {
                    expires_in: tokens.expires_in,
                    must_change_password: tokens.must_change_password,
                })
            }
            Err(error) => {
                if reopens && error.kind() != ErrorKind::InvalidCredentials {
                    // Its caller hears of it; others lead a renewal of their own.
                    return Err(error);
                }
                let lasts = match error.kind() {
                    ErrorKind::InvalidCredentials => REFUSAL_LASTS,
                    _ => FAILURE_LASTS,
                };
                state.failure = Some(Failed { error: error.clone(), until: Instant::now() + lasts });
                Err(error)
            }
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
        let bearer = Fixed(current.map(|current| current.token));
        let logout = Logout { refresh_token };
        execute(&self.platform, &logout, &self.options, &bearer).await.map(|((), _)| ())
    }
}

impl Session {
    /// Starts from tokens that are there already, if any, and keeps newer ones in the store, if there is one.
    pub(crate) fn new(
        platform: Arc<Platform>,
        options: Options,
        source: Source,
        store: Option<Store>,
        start: Option<Tokens>,
    ) -> Self {
        let mut state = State::default();
        if let Some(tokens) = start {
            // What cannot be a token is as good as an expired one.
            let token = Token::bearer(tokens.access).ok();
            state.current = token.map(|token| Current::new(token, tokens.expires_in));
            state.refresh = tokens.refresh;
        }
        Self(Arc::new(Shared { platform, options, source, store, state: Mutex::new(state) }))
    }

    /// Logs in now instead of at the first call; also after a logout.
    pub(crate) async fn log_in(&self) -> Result<SignIn> {
        if !matches!(self.0.source, Source::Password { .. }) {
            return Err(
                Error::config("a login needs an e-mail and a password").with_hint("give them to the builder")
            );
        }
        // One at a time with renewals: of two sessions opened at once only one could be ended.
        let login = loop {
            let mut under_way = {
                let mut state = self.0.lock();
                match state.flight.clone().filter(|flight| flight.has_changed().is_ok()) {
                    Some(flight) => flight,
                    None => {
                        let shared = self.0.clone();
                        break self.0.fly(&mut state, async move { shared.log_in().await }, true);
                    }
                }
            };
            let _ = under_way.changed().await;
        };
        landed(login).await
    }

    /// Later logins use this password: the user has just set it.
    pub(crate) fn password_changed(&self, password: Secret) {
        self.0.lock().password = Some(password);
    }

    /// Ends the session on the server and forgets every token, even if the server fails to answer or nobody waits for it.
    pub(crate) async fn log_out(&self) -> Result<()> {
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

impl Authorize for Session {
    fn token(&self) -> BoxFuture<'_, Result<Option<Arc<Token>>>> {
        Box::pin(async { self.0.token().await.map(Some) })
    }

    /// Forgets exactly the refused token: by now another call may have brought a new one.
    fn rejected(&self, token: &Token) -> bool {
        if !self.0.renewable() {
            return false;
        }
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

    fn refusal_hint(&self) -> Option<&'static str> {
        match self.0.source {
            Source::ApiKey => {
                Some("an API key opens inference routes; administration needs a person's login")
            }
            Source::Token => Some("the token cannot be renewed: build a client with a fresh one"),
            Source::Resumed => Some(LOG_IN_AGAIN),
            Source::Password { .. } | Source::Custom(_) => None,
        }
    }
}

/// The token that a session had, for the request that ends it.
struct Fixed(Option<Arc<Token>>);

impl Authorize for Fixed {
    fn token(&self) -> BoxFuture<'_, Result<Option<Arc<Token>>>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
    fn rejected(&self, _: &Token) -> bool {
        false
    }
}

fn not_renewable() -> Error {
    Error::new(ErrorKind::AuthRejected, "the token cannot be renewed")
}

fn logged_out() -> Error {
    Error::new(ErrorKind::SessionExpired, "this client has logged out")
        .with_hint("call auth().login() to open a new session")
}
