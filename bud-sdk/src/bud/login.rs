//! The operations that open, renew and end a session.

use std::time::Duration;

use serde_json::json;

use crate::auth::Tokens;
use crate::bud::Flavor;
use crate::error::{Error, ErrorKind, Result};
use crate::http::AuthHeader;
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::schema::model;
use crate::types::Secret;

model! {
    /// A token answer. The platform puts it under `token`, the guide shows it bare.
    TokenAnswer {
        /// The access token.
        pub(crate) access_token: Option<Secret>,
        /// The token that renews the session; a new one replaces it.
        pub(crate) refresh_token: Option<Secret>,
        /// Another token that nothing here uses.
        pub(crate) id_token: Option<Secret>,
        /// Seconds; servers have sent numbers, text and nonsense.
        pub(crate) expires_in: Option<serde_json::Value>,
    }
}

model! {
    /// What stands beside the token.
    SignInFlags {
        /// The first login of an account made by an administrator.
        pub(crate) first_login: Option<bool>,
        /// The password was reset by an administrator.
        pub(crate) is_reset_password: Option<bool>,
        /// A bare answer has the token here; it must not end up among the unknown fields.
        pub(crate) access_token: Option<Secret>,
        /// Likewise.
        pub(crate) refresh_token: Option<Secret>,
    }
}

/// No token lives longer, whatever the server says; it keeps clock arithmetic in bounds.
const LONGEST_LIFE: f64 = 30.0 * 24.0 * 3600.0;

/// Reads a token answer.
fn read_tokens(raw: &Raw) -> Result<Tokens> {
    let answer: TokenAnswer = raw.object_exact("token")?;
    let access = answer.access_token.filter(|token| !token.expose().is_empty());
    let access = access.ok_or_else(|| {
        Error::decode(".access_token", "the answer has no access token").with_status(raw.status)
    })?;
    // Before anyone keeps it.
    AuthHeader::bearer(access.clone())?;
    let flags: SignInFlags = crate::operation::from_slice(&raw.body)?;
    // Both are true for users that an administrator created. The seeded super user has only the first, and may do everything.
    let must_change_password = flags.is_reset_password.or(flags.first_login);
    let seconds =
        answer.expires_in.and_then(|life| life.as_f64().or_else(|| life.as_str()?.trim().parse().ok()));
    // A life of nothing says nothing: the token is then used until the server refuses it.
    let life = seconds.filter(|life| *life > 0.0).map(|life| life.min(LONGEST_LIFE));
    Ok(Tokens {
        access,
        refresh: answer.refresh_token.filter(|token| !token.expose().is_empty()),
        expires_in: life.and_then(|life| Duration::try_from_secs_f64(life).ok()),
        must_change_password,
    })
}

/// E-mail and password for tokens.
#[derive(Debug, Clone)]
pub struct Login {
    pub(crate) email: String,
    pub(crate) password: Secret,
}

impl Describe for Login {
    type Flavor = Flavor;
    const ID: &'static str = "auth.login";
    const SECTIONS: &'static [&'static str] = &["3.1"];
    // Repeating it counts towards a lock-out, so only what was never processed is repeated.
    const ROUTES: Routes<Flavor> =
        Routes::both(Route::post("/auth/login").limited_first(), Route::post("/auth/login").limited_first());
    fn encode(&self, _: Flavor) -> Result<Parts> {
        check_email(&self.email)?;
        if self.password.expose().is_empty() {
            return Err(Error::invalid("password", "it is empty"));
        }
        let body = json!({ "email": self.email, "password": self.password.expose() });
        Parts::new().secret(&self.password).json(&body)
    }
    /// A login changes nothing that one would look for.
    fn explain(&self, error: Error) -> Error {
        error.with_maybe_applied(false)
    }
}

impl Operation for Login {
    type Output = Tokens;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Tokens>> {
        read_tokens(&raw).map(Reply::Done)
    }
}

/// A refresh token for new tokens.
#[derive(Debug, Clone)]
pub struct Refresh {
    pub(crate) refresh_token: Secret,
}

impl Describe for Refresh {
    type Flavor = Flavor;
    const ID: &'static str = "auth.refresh";
    const SECTIONS: &'static [&'static str] = &["3.1"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::post("/auth/refresh").limited_first(),
        Route::post("/auth/refresh-token").limited_first(),
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let body = json!({ "refresh_token": self.refresh_token.expose() });
        Parts::new().secret(&self.refresh_token).json(&body)
    }
    /// It changes nothing that one would look for.
    fn explain(&self, error: Error) -> Error {
        error.with_maybe_applied(false)
    }
}

impl Operation for Refresh {
    type Output = Tokens;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Tokens>> {
        read_tokens(&raw).map(Reply::Done)
    }
}

/// Ends a session on the server.
#[derive(Debug, Clone)]
pub struct Logout {
    pub(crate) refresh_token: Secret,
}

impl Describe for Logout {
    type Flavor = Flavor;
    const ID: &'static str = "auth.logout";
    const SECTIONS: &'static [&'static str] = &["3.1"];
    const ROUTES: Routes<Flavor> =
        Routes::both(Route::post("/auth/logout").accepted(), Route::post("/auth/logout").accepted());
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let body = json!({ "refresh_token": self.refresh_token.expose() });
        Parts::new().secret(&self.refresh_token).json(&body)
    }
}

impl Operation for Logout {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        raw.acknowledged(flavor).map(Reply::Done)
    }
}

/// Has the server mail a link to set a new password.
#[derive(Debug, Clone)]
pub struct RequestPasswordReset {
    pub(crate) email: String,
}

impl Describe for RequestPasswordReset {
    type Flavor = Flavor;
    const ID: &'static str = "auth.request_password_reset";
    const SECTIONS: &'static [&'static str] = &["3.4"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::post("/auth/password/reset").accepted(),
        Route::post("/users/reset-password").accepted(),
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        check_email(&self.email)?;
        Parts::new().json(&json!({ "email": self.email }))
    }
}

impl Operation for RequestPasswordReset {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        // The documented API says nothing about the body, but one that breaks off is none.
        if flavor == Flavor::Runtime {
            raw.acknowledged(flavor)?;
        } else if raw.body.trim_ascii_start().starts_with(b"{") {
            raw.whole::<serde::de::IgnoredAny>()?;
        }
        let answer = serde_json::from_slice::<serde_json::Value>(&raw.body).unwrap_or_default();
        if answer.get("acknowledged") == Some(&serde_json::Value::Bool(false)) {
            let message = "the server did not acknowledge the password reset";
            return Err(Error::new(ErrorKind::Unconfirmed, message).with_status(raw.status));
        }
        Ok(Reply::Done(()))
    }
}

/// Refuses what no mail system would take, and what could smuggle in a second recipient or header.
pub(crate) fn check_email(email: &str) -> Result<()> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>');
    let parts = email.split_once('@');
    let whole = parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if !whole || email.len() > 254 || email.contains(odd) {
        return Err(Error::invalid("email", "not one e-mail address"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use fastrand::Rng;
    use serde_json::{Map, Value};

    use super::*;

    /// It stands wherever a value may stand.
    const PLANTED: &str = "planted-secret-4711";
    const NAMES: [&str; 12] = [
        "token",
        "access_token",
        "refresh_token",
        "id_token",
        "expires_in",
        "first_login",
        "is_reset_password",
        "object",
        "message",
        "detail",
        "data",
        "\u{0}\u{202e}",
    ];

    fn value(random: &mut Rng, depth: u8) -> Value {
        match random.u8(..if depth == 0 { 9 } else { 12 }) {
            0 => Value::Null,
            1 => random.bool().into(),
            2 => random.i64(..).into(),
            3 => (random.f64() * 10f64.powi(random.i32(-300..300))).into(),
            4 => format!("{PLANTED}\r\n{}", random.char(..)).into(),
            5 => String::from(PLANTED).repeat(random.usize(1..2000)).into(),
            6 => random.u64(..).to_string().into(),
            7 => "".into(),
            8 => PLANTED.into(),
            9 => (0..random.u8(..4)).map(|_| value(random, depth - 1)).collect(),
            _ => object(random, depth - 1),
        }
    }

    fn object(random: &mut Rng, depth: u8) -> Value {
        let mut object = Map::new();
        for _ in 0..random.u8(..6) {
            let name = NAMES[random.usize(..NAMES.len())];
            object.insert(name.to_owned(), value(random, depth));
        }
        object.into()
    }

    fn read(body: impl Into<Bytes>) -> Result<Tokens> {
        read_tokens(&Raw { status: 200, headers: http::HeaderMap::new(), body: body.into() })
    }

    #[test]
    fn any_token_answer_is_read_or_refused_and_no_error_shows_a_secret_of_it() {
        let mut random = Rng::with_seed(20_261_130);
        let (mut good, mut bad) = (0, 0);
        for turn in 0..8_000 {
            let mut whole = object(&mut random, 3);
            if random.bool() {
                whole["access_token"] = format!("{PLANTED}.{turn}").into();
            }
            let whole = whole.to_string();
            let mut body = whole.into_bytes();
            match turn % 4 {
                // Cut off, spoiled, and with a byte order mark.
                1 => body.truncate(random.usize(..=body.len())),
                2 if !body.is_empty() => {
                    let at = random.usize(..body.len());
                    body[at] = random.u8(..);
                }
                3 => drop(body.splice(..0, *b"\xef\xbb\xbf")),
                _ => {}
            }
            let shown = match read(body) {
                Ok(tokens) => {
                    good += 1;
                    assert!(AuthHeader::bearer(tokens.access.clone()).is_ok());
                    assert!(tokens.expires_in.is_none_or(|life| life.as_secs_f64() <= LONGEST_LIFE));
                    format!("{tokens:?} {tokens:#?}")
                }
                Err(error) => {
                    bad += 1;
                    format!("{error} {error:?} {:?} {:?}", error.path(), error.fields())
                }
            };
            assert!(!shown.contains("planted-secret"), "{shown:.300}");
        }
        assert!(good > 500 && bad > 2_000, "{good} read, {bad} refused");
    }

    #[test]
    fn the_seeded_super_user_need_not_change_the_password() {
        let must =
            |flags: &str| read(format!("{{\"access_token\": \"a\"{flags}}}")).unwrap().must_change_password;
        for (flags, expected) in [
            ("", None),
            (r#", "first_login": true"#, Some(true)),
            (r#", "first_login": true, "is_reset_password": false"#, Some(false)),
            (r#", "first_login": true, "is_reset_password": true"#, Some(true)),
            (r#", "first_login": false, "is_reset_password": true"#, Some(true)),
            (r#", "first_login": null, "is_reset_password": null"#, None),
        ] {
            assert_eq!(must(flags), expected, "{flags}");
        }
    }
}
