//! The caller's own session, and what anyone may ask for.

use serde_json::json;

use super::User;
use crate::auth::SignIn;
use crate::bud::Client;
use crate::bud::Flavor;
use crate::bud::login::RequestPasswordReset;
use crate::bud::users::check_new_password;
use crate::call::Call;
use crate::error::Result;
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::schema::model;
use crate::types::{Secret, UserId};

impl Client {
    /// The session of this client: guide section 3.1 and 3.4.
    pub fn auth(&self) -> Account {
        Account(self.clone())
    }
}

/// The session of a client. Logging in and renewing happen by themselves; this is for when the moment matters.
///
/// While Keycloak or its database is down, the server answers 401 to valid tokens. Calls of a client with a password then
/// keep the session and retry within their deadline, with the renewal first and few logins; waits and jobs outlive it within
/// theirs. A client with a token alone cannot tell that from an expired token: its calls report that an outage is possible,
/// its waits and jobs go on.
#[derive(Debug, Clone)]
pub struct Account(Client);

impl Account {
    /// Logs in now instead of at the first call, or again after a logout. Guide section 3.1: `POST /auth/login` on both
    /// flavors.
    ///
    /// # Errors
    /// `InvalidCredentials` for a wrong email or password, after one request: trying again would lock the account.
    /// `AuthRejected` with the server's reason for an account that is deactivated or not set up. `Server` while the identity
    /// service is down. `Config` when the client has no password to log in with.
    pub async fn login(&self) -> Result<SignIn> {
        self.0.session().log_in().await
    }

    /// Ends the session on the server and forgets its tokens, even if the server fails to answer. On runtime, access tokens that
    /// were issued before the last renewal of the session go on until they expire; so they do after a change of the password.
    /// Later calls of this client and its clones fail with `SessionExpired` until [`login`](Self::login).
    /// `POST /auth/logout` on both flavors.
    ///
    /// On runtime the server ends the session and the access token of this request. Access tokens of the session that a
    /// renewal replaced before remain valid until they expire, after 30 minutes by default.
    ///
    /// # Errors
    /// Those of a request: the tokens are then forgotten here, but may still be good on the server. `Config` when the
    /// client was given a token by somebody else, who alone can end that session.
    pub async fn logout(&self) -> Result<()> {
        self.0.session().log_out().await
    }

    /// Has the server mail a link to set a new password. It needs no session, and succeeds for unknown addresses too.
    /// Guide section 3.4: `POST /auth/password/reset` (guide), `POST /users/reset-password` (runtime).
    ///
    /// # Errors
    /// `InvalidArgument` for what is not one e-mail address; those of a request. On the platform as shipped a 429 is
    /// lasting: the account has used up its resets until the password is changed.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// bud.auth().request_password_reset("user@example.com").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request_password_reset(&self, email: impl Into<String>) -> Call<RequestPasswordReset> {
        self.0.call(RequestPasswordReset { email: email.into() }).anonymous()
    }
    /// The user whom the session belongs to. `GET /users/me`, runtime only.
    ///
    /// Awaiting it returns a [`User`](crate::users::User).
    ///
    /// # Errors
    /// Those of a request.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// let me = bud.auth().whoami().await?;
    /// println!("{:?} is {:?}", me.email, me.role);
    /// # Ok(())
    /// # }
    /// ```
    pub fn whoami(&self) -> Call<GetAccount> {
        self.0.call(GetAccount)
    }

    /// What the user of the session may do, module by module. `GET /users/me/permissions`, runtime only.
    ///
    /// Awaiting it returns a list of [`ModulePermission`](crate::account::ModulePermission).
    ///
    /// # Errors
    /// Those of a request.
    pub fn permissions(&self) -> Call<GetOwnPermissions> {
        self.0.call(GetOwnPermissions)
    }

    /// Sets the password of the session's own user; a user whom an administrator created can do nothing else first. Later
    /// logins of this client use it. `PATCH /users/{id}` with the id from `GET /users/me`, runtime only: that server sets the
    /// caller's password whatever id it is given, so that no call of this SDK can name another user. Access tokens from before
    /// remain valid until they expire.
    ///
    /// # Errors
    /// `InvalidArgument` for a password that the platform would refuse, before any request.
    pub async fn change_own_password(&self, password: impl Into<Secret>) -> Result<User> {
        let password = password.into();
        let user = self.0.call(ChangeOwnPassword { password: password.clone() }).await?;
        self.0.session().password_changed(password);
        Ok(user)
    }
}

model! {
    /// What a user may do with one kind of thing.
    ModulePermission {
        /// The id of the module.
        pub rsid: Option<String>,
        /// The module: `module_cluster`, `module_model`, `module_project`...
        pub rsname: Option<String>,
        /// What he may: `view`, `manage`.
        pub scopes: Vec<String>,
    }
}

const NO_SELF: &str = "that API does not tell who the caller is; users.list finds him by his e-mail address";
const ME: Route = Route::get("/users/me");

/// `auth.whoami`
#[derive(Debug, Clone)]
pub struct GetAccount;

impl Describe for GetAccount {
    type Flavor = Flavor;
    const ID: &'static str = "auth.whoami";
    const SECTIONS: &'static [&'static str] = &["3.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(ME, NO_SELF);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Ok(Parts::new())
    }
}

impl Operation for GetAccount {
    type Output = User;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<User>> {
        raw.object("user").map(Reply::Done)
    }
}

/// `auth.permissions`
#[derive(Debug, Clone)]
pub struct GetOwnPermissions;

impl Describe for GetOwnPermissions {
    type Flavor = Flavor;
    const ID: &'static str = "auth.permissions";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes<Flavor> =
        Routes::runtime_only(Route::get("/users/me/permissions"), "use permissions.list().user(id)");
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Ok(Parts::new())
    }
}

impl Operation for GetOwnPermissions {
    type Output = Vec<ModulePermission>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Vec<ModulePermission>>> {
        Ok(Reply::Done(raw.page("permissions")?.items))
    }
}

/// `auth.change_own_password`
#[derive(Debug, Clone)]
pub struct ChangeOwnPassword {
    pub(crate) password: Secret,
}

impl Describe for ChangeOwnPassword {
    type Flavor = Flavor;
    const ID: &'static str = "auth.change_own_password";
    const SECTIONS: &'static [&'static str] = &["3.4"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(ME.accepted(), "use auth.request_password_reset");
    fn encode(&self, _: Flavor) -> Result<Parts> {
        check_new_password("password", &self.password)?;
        Ok(Parts::new())
    }
}

impl Operation for ChangeOwnPassword {
    type Output = User;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<User>> {
        let me: User = raw.object("user")?;
        let id: UserId = me.id;
        let body = json!({ "password": self.password.expose() });
        let parts = Parts::new().segment("id", id.as_str())?.secret(&self.password).json(&body)?;
        // No answer shows a password; one without the user is followed by a read of the user.
        Ok(Reply::then(Route::patch("/users/{id}"), parts, |raw| match raw.object_if_any("user")? {
            Some(user) => Ok(Reply::Done(user)),
            None => {
                raw.acknowledged(Flavor::Runtime)?;
                Ok(Reply::then(ME, Parts::new(), |raw| raw.object("user").map(Reply::Done)))
            }
        }))
    }
}
