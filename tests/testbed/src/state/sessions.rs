//! Sessions and their tokens: signed access tokens, single-use refresh tokens.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::ids;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    sid: String,
    jti: String,
    iat: i64,
    exp: i64,
    /// The exact end: `exp` has whole seconds, tests have shorter lives.
    exp_ms: i64,
    /// Tokens of an earlier generation were expired by hand.
    generation: u64,
}

struct Session {
    user_id: String,
    revoked: bool,
    /// It is not renewed any more; its access tokens live on until they expire.
    ended: bool,
}

struct Refresh {
    session: String,
    expires_ms: i64,
}

pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) expires_in: u64,
}

/// Who a bearer token speaks for.
pub(crate) struct Identity {
    pub(crate) user_id: String,
}

pub(crate) struct Sessions {
    key: [u8; 32],
    access_ttl: Duration,
    refresh_ttl: Duration,
    generation: u64,
    live: HashMap<String, Session>,
    refresh: HashMap<String, Refresh>,
    /// Every refresh token so far.
    issued: HashSet<String>,
    /// Access tokens that were taken back one by one.
    shut_out: HashSet<String>,
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

impl Sessions {
    pub(crate) fn new(access_ttl: Duration, refresh_ttl: Duration) -> Self {
        Self {
            key: ids::random_bytes(),
            access_ttl,
            refresh_ttl,
            generation: 0,
            live: HashMap::new(),
            refresh: HashMap::new(),
            issued: HashSet::new(),
            shut_out: HashSet::new(),
        }
    }

    pub(crate) fn open(&mut self, user_id: &str) -> Tokens {
        let session = ids::uuid();
        self.live
            .insert(session.clone(), Session { user_id: user_id.to_owned(), revoked: false, ended: false });
        self.issue(&session, user_id)
    }

    fn issue(&mut self, session: &str, user_id: &str) -> Tokens {
        let now = Timestamp::now().as_millisecond();
        let exp_ms = now.saturating_add(millis(self.access_ttl));
        let claims = Claims {
            iss: "bud-testbed".to_owned(),
            sub: user_id.to_owned(),
            sid: session.to_owned(),
            jti: ids::uuid(),
            iat: now / 1000,
            exp: exp_ms.saturating_add(999) / 1000,
            exp_ms,
            generation: self.generation,
        };
        let key = EncodingKey::from_secret(&self.key);
        // Signing with a key of ours cannot fail; an empty token would be refused everywhere, and so be noticed.
        let access = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap_or_default();
        let refresh = ids::secret("bud_rt_");
        self.issued.insert(refresh.clone());
        self.refresh.insert(
            refresh.clone(),
            Refresh { session: session.to_owned(), expires_ms: now.saturating_add(millis(self.refresh_ttl)) },
        );
        let ttl = self.access_ttl;
        Tokens { access, refresh, expires_in: ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0) }
    }

    /// Whose refresh token this is, if it would be accepted now.
    pub(crate) fn refresh_owner(&self, token: &str) -> Option<String> {
        let refresh = self.refresh.get(token)?;
        let session = self.live.get(&refresh.session)?;
        let good =
            !session.revoked && !session.ended && refresh.expires_ms > Timestamp::now().as_millisecond();
        good.then(|| session.user_id.clone())
    }

    /// Whether this is a refresh token of this server, valid or not.
    pub(crate) fn was_issued(&self, token: &str) -> bool {
        self.issued.contains(token)
    }

    /// New tokens for a refresh token, which stays good.
    pub(crate) fn renew(&mut self, token: &str) -> Option<Tokens> {
        let user_id = self.refresh_owner(token)?;
        let session = self.refresh.get(token)?.session.clone();
        Some(self.issue(&session, &user_id))
    }

    /// An access token that is good is no longer so.
    pub(crate) fn shut_out(&mut self, token: &str) {
        if let Some(claims) = self.claims(token) {
            self.shut_out.insert(claims.jti);
        }
    }

    /// Trades a refresh token for new tokens. It is spent by this.
    pub(crate) fn rotate(&mut self, token: &str) -> Option<Tokens> {
        let user_id = self.refresh_owner(token)?;
        let spent = self.refresh.remove(token)?;
        Some(self.issue(&spent.session, &user_id))
    }

    pub(crate) fn authenticate(&self, token: &str) -> Result<Identity, &'static str> {
        if token.starts_with("bud_sk_") {
            return Err("An API key is not accepted here: log in as a person");
        }
        let claims = self.claims(token).ok_or("Invalid authentication credentials")?;
        if claims.exp_ms <= Timestamp::now().as_millisecond() || claims.generation < self.generation {
            return Err("The access token has expired");
        }
        match self.live.get(&claims.sid) {
            Some(session) if !session.revoked && !self.shut_out.contains(&claims.jti) => {
                Ok(Identity { user_id: claims.sub })
            }
            _ => Err("The session has ended"),
        }
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        // Judged above, to the millisecond.
        validation.validate_exp = false;
        let key = DecodingKey::from_secret(&self.key);
        let data = jsonwebtoken::decode::<Claims>(token, &key, &validation).ok()?;
        Some(data.claims)
    }

    /// Ends the session of a refresh token that is still good; whose it was.
    pub(crate) fn close(&mut self, refresh: &str) -> Option<String> {
        let owner = self.refresh_owner(refresh)?;
        let ended = self.refresh.remove(refresh)?.session;
        if let Some(session) = self.live.get_mut(&ended) {
            session.revoked = true;
        }
        Some(owner)
    }

    /// Ends the session of a refresh token for renewals alone, as Keycloak does. Whether it was good.
    pub(crate) fn end(&mut self, refresh: &str) -> bool {
        let Some(session) = self.refresh.get(refresh).map(|refresh| refresh.session.clone()) else {
            return false;
        };
        self.live.get_mut(&session).is_some_and(|session| !std::mem::replace(&mut session.ended, true))
    }

    /// Ends every session of a user.
    pub(crate) fn close_all_of(&mut self, user_id: &str) {
        for session in self.live.values_mut().filter(|session| session.user_id == user_id) {
            session.revoked = true;
        }
    }

    pub(crate) fn expire_access(&mut self) {
        self.generation += 1;
    }

    pub(crate) fn revoke_refresh(&mut self) {
        self.refresh.clear();
    }
}
