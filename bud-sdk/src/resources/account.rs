//! The caller's own session, and what anyone may ask for.

use crate::auth::{RequestPasswordReset, SignIn};
use crate::client::{Call, Client};
use crate::error::Result;

impl Client {
    /// The session of this client: guide section 3.1 and 3.4.
    pub fn auth(&self) -> Account {
        Account(self.clone())
    }
}

/// The session of a client. Logging in and renewing happen by themselves; this is for when the moment matters.
#[derive(Debug, Clone)]
pub struct Account(Client);

impl Account {
    /// Logs in now instead of at the first call, or again after a logout. Guide section 3.1: `POST /auth/login` on both
    /// flavors.
    ///
    /// # Errors
    /// `InvalidCredentials` for a wrong e-mail or password, after one request: trying again would lock the account.
    /// `Config` when the client has no password to log in with.
    pub async fn login(&self) -> Result<SignIn> {
        self.0.session().log_in().await
    }

    /// Ends the session on the server and forgets its tokens, even if the server fails to answer. Later calls of this
    /// client and its clones fail with `SessionExpired` until [`login`](Self::login).
    /// `POST /auth/logout` on both flavors.
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
}
