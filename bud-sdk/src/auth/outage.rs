//! What refused tokens, refused renewals and failed logins mean together. Pure: outcomes go in, a decision comes out.
//!
//! While Keycloak or its database is down, the runtime API answers 401 to a valid token, 401 to its renewal and 500 to a
//! login. Each answer alone looks like bad credentials; only together do they show the outage.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind};

/// What an error says of the service behind the sessions.
pub(super) const LIKELY_DOWN: &str = "the identity service (Keycloak or its database) is likely unavailable";

/// How the server answered a renewal or a login that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// 400, 401, 403 or 422.
    Refused,
    /// 429.
    Limited,
    /// 5xx.
    Failing,
    /// No usable answer: connection, time, shape, another status.
    Lost,
}

impl Outcome {
    pub(super) fn of(error: &Error) -> Self {
        match error.status() {
            Some(400 | 401 | 403 | 422) => Self::Refused,
            Some(429) => Self::Limited,
            Some(500..=599) => Self::Failing,
            _ => Self::Lost,
        }
    }
}

/// What came of the login that follows a refused renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LoginOutcome {
    /// The client has no password.
    Impossible,
    /// It would count towards the server's limit: an earlier one failed moments ago.
    Withheld,
    Answered(Outcome),
}

/// What a failed renewal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The refusal counts: the session has ended, or the credentials are wrong.
    Refusal,
    /// It looks like a refusal, but an outage would look the same. Calls report it; waits go on.
    Suspected,
    /// The identity service is likely unavailable, and the session may be valid: calls retry within their deadline.
    Outage,
    /// Anything else, reported as it is.
    Failure,
}

/// Decides what a renewal that brought no token means. `worked`: the server accepted a token of this session before.
/// `refresh` is `None` when there is no refresh token; `login` when the renewal was not refused.
pub(super) fn meaning(worked: bool, refresh: Option<Outcome>, login: Option<LoginOutcome>) -> Meaning {
    use LoginOutcome::{Answered, Impossible, Withheld};
    use Outcome::{Failing, Limited, Lost, Refused};
    match (refresh, login) {
        (Some(Failing), None) if worked => Meaning::Outage,
        (_, None) => Meaning::Failure,
        (_, Some(Answered(Refused))) => Meaning::Refusal,
        (_, Some(Answered(Lost))) => Meaning::Failure,
        // A renewal that is refused while logins fail is no verdict on the session.
        (Some(_), Some(Answered(Failing) | Withheld)) => Meaning::Outage,
        (Some(_), Some(Answered(Limited))) if worked => Meaning::Outage,
        (None, Some(Answered(Failing) | Withheld)) if worked => Meaning::Outage,
        (_, Some(Answered(_) | Withheld)) => Meaning::Failure,
        (_, Some(Impossible)) if worked => Meaning::Suspected,
        (_, Some(Impossible)) => Meaning::Refusal,
    }
}

/// The pause before the next renewal in an outage. The server takes 20 renewals a minute; these are at most 17 in the first
/// minute and 14 in each later one.
pub(super) fn pause(failures: u32, random: f64) -> Duration {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(5);
    let pause = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(8)).min(LONGEST);
    let random = if random.is_nan() { 0.5 } else { random.clamp(0.0, 1.0) };
    pause.mul_f64(0.9 + 0.2 * random)
}

/// Seconds between a failed login and the next one. The server takes 10 logins a minute from one address: 6 in the first
/// minute and 3 in each later one leave room for other programs.
const LOGIN_PAUSES: [u64; 5] = [1, 4, 8, 16, 20];

/// When the client may log in by itself.
#[derive(Debug, Default)]
pub(super) struct Logins {
    failed: usize,
    next: Option<Instant>,
}

impl Logins {
    /// When the next login may be sent; `None`: now.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        self.next.filter(|next| *next > now)
    }
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }
    pub(super) fn failed(&mut self, now: Instant, retry_after: Option<Duration>) {
        let pause = LOGIN_PAUSES.get(self.failed).or(LOGIN_PAUSES.last()).copied().unwrap_or_default();
        let pause = Duration::from_secs(pause).max(retry_after.unwrap_or_default());
        self.failed += 1;
        self.next = now.checked_add(pause);
    }
}

/// The error of an outage. It names no request: the caller's own is added on the way up.
pub(super) fn outage(refresh: Option<&Error>, login: Option<&Error>) -> Error {
    let answered = |error: &Error| format!("{} ({})", error.status().unwrap_or_default(), error.message());
    let facts = match (refresh.map(answered), login.map(answered)) {
        (Some(refresh), Some(login)) => {
            format!("the renewal of the session was answered {refresh} and the login {login}")
        }
        (Some(refresh), None) => format!("the renewal of the session was answered {refresh}"),
        (None, Some(login)) => format!("the login was answered {login}"),
        (None, None) => "the last login failed moments ago".to_owned(),
    };
    Error::new(ErrorKind::Server, format!("{LIKELY_DOWN}: {facts}"))
        .with_hint("the session is kept: try again when the service is up")
        .with_outage()
}

#[cfg(test)]
mod tests {
    use super::*;
    use LoginOutcome::{Answered, Impossible, Withheld};
    use Outcome::{Failing, Limited, Lost, Refused};

    #[test]
    fn every_combination_of_outcomes_has_one_meaning() {
        use Meaning::*;
        // refresh, login, meaning if a token worked before, meaning if none did.
        let table = [
            (Some(Refused), Some(Answered(Refused)), Refusal, Refusal),
            (Some(Refused), Some(Answered(Failing)), Outage, Outage),
            (Some(Refused), Some(Answered(Limited)), Outage, Failure),
            (Some(Refused), Some(Answered(Lost)), Failure, Failure),
            (Some(Refused), Some(Withheld), Outage, Outage),
            (Some(Refused), Some(Impossible), Suspected, Refusal),
            (Some(Failing), None, Outage, Failure),
            (Some(Limited), None, Failure, Failure),
            (Some(Lost), None, Failure, Failure),
            (None, Some(Answered(Refused)), Refusal, Refusal),
            (None, Some(Answered(Failing)), Outage, Failure),
            (None, Some(Answered(Limited)), Failure, Failure),
            (None, Some(Answered(Lost)), Failure, Failure),
            (None, Some(Withheld), Outage, Failure),
            (None, Some(Impossible), Suspected, Refusal),
        ];
        for (refresh, login, worked, unknown) in table {
            assert_eq!(meaning(true, refresh, login), worked, "{refresh:?} {login:?}, a token worked");
            assert_eq!(meaning(false, refresh, login), unknown, "{refresh:?} {login:?}, none worked");
        }
    }

    #[test]
    fn statuses_are_outcomes() {
        for (status, outcome) in [
            (400, Refused),
            (401, Refused),
            (403, Refused),
            (422, Refused),
            (429, Limited),
            (500, Failing),
            (503, Failing),
            (404, Lost),
            (302, Lost),
        ] {
            let error = Error::new(ErrorKind::Api, "x").with_status(status);
            assert_eq!(Outcome::of(&error), outcome, "{status}");
        }
        assert_eq!(Outcome::of(&Error::new(ErrorKind::Timeout, "x")), Lost);
    }

    #[tokio::test(start_paused = true)]
    async fn failed_logins_leave_room_below_the_servers_limit() {
        let (began, mut logins) = (Instant::now(), Logins::default());
        let mut at = Vec::new();
        while began.elapsed() < Duration::from_secs(600) {
            match logins.next(Instant::now()) {
                Some(next) => tokio::time::sleep_until(next).await,
                None => {
                    at.push(began.elapsed());
                    logins.failed(Instant::now(), None);
                }
            }
        }
        let minute = Duration::from_secs(60);
        for first in &at {
            let within = at.iter().filter(|time| **time >= *first && **time < *first + minute).count();
            assert!(within <= 6, "{within} logins in the minute after {first:?}");
        }
        assert!(at.len() > 25, "it goes on");
        logins.failed(Instant::now(), Some(Duration::from_secs(46)));
        let asked = logins.next(Instant::now()).unwrap() - Instant::now();
        assert_eq!(asked, Duration::from_secs(46), "the server's own word counts");
        logins.succeeded();
        assert!(logins.next(Instant::now()).is_none());
    }

    #[test]
    fn renewals_in_an_outage_stay_below_the_servers_limit() {
        for random in [0.0, 0.5, 1.0] {
            let (mut at, mut count, mut failures) = (Duration::ZERO, 0, 0);
            while at < Duration::from_secs(60) {
                (count, failures) = (count + 1, failures + 1);
                at += pause(failures, random);
            }
            assert!((13..=17).contains(&count), "{count} renewals in a minute");
        }
        assert!(pause(u32::MAX, f64::NAN) <= Duration::from_secs(6));
        assert!(pause(0, 0.0) > Duration::ZERO);
    }
}
