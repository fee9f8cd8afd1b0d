//! The client itself, and its session.

use serde_json::Value;

use super::{Client, entries, own};
use crate::bindings::args::When;
use crate::bindings::results::{CapabilityList, RawAnswer, SignedIn};
use crate::bud::{ModulePermission, User};
use crate::error::{Error, Result};
use crate::operation::Method;
use crate::types::Secret;

entries! {
    on Client;

    /// Which API the server speaks: `guide` or `runtime`. It is asked once.
    read client.flavor() -> String = |bud| {
        let bud = own(bud);
        async move { Ok(bud.flavor().await?.to_string()) }
    };
    /// What the server's API offers, operation by operation, and what to use instead of what it lacks.
    read client.capabilities() -> CapabilityList = |bud| {
        let bud = own(bud);
        async move { Ok(CapabilityList::from(bud.capabilities().await?)) }
    };
    /// Calls a route that has no typed call, with the session, deadlines, limits and errors of every call. Only a GET is
    /// repeated after a failure that may have reached the server, unless it is said to be idempotent.
    raw client.raw(
        /// GET, POST, PUT, PATCH or DELETE.
        method: String,
        /// The path, from `/`; its segments are sent as they are.
        path: String,
        /// Query parameters.
        query: Option<std::collections::BTreeMap<String, Value>>,
        /// A body, sent as JSON.
        body: Option<Value>,
        /// Sending it twice does what sending it once does.
        idempotent: Option<bool>,
    ) -> RawAnswer = |bud| {
        let mut call = bud.raw(method_of(&method)?, path);
        for (name, value) in query.unwrap_or_default() {
            call = match value {
                Value::String(text) => call.query(&name, text),
                Value::Bool(_) | Value::Number(_) => call.query(&name, value),
                _ => return Err(Error::invalid("query", "its values must be text, numbers or booleans")),
            };
        }
        let call = match body {
            Some(body) => call.json(&body)?,
            None => call,
        };
        call.when(idempotent.filter(|yes| *yes), |call, _| call.idempotent())
    };

    /// Logs in now instead of at the first call, or again after a logout.
    run auth.login() -> SignedIn = |bud| {
        let account = bud.auth();
        async move { Ok(SignedIn::from(account.login().await?)) }
    };
    /// Ends the session on the server and forgets its tokens, even if the server fails to answer.
    run auth.logout() -> () = |bud| {
        let account = bud.auth();
        async move { account.logout().await }
    };
    /// Has the server mail a link to set a new password. It needs no session, and succeeds for unknown addresses too.
    call auth.request_password_reset(
        /// Whose password.
        email: String,
    ) -> () = |bud| bud.auth().request_password_reset(email);
    /// The user whom the session belongs to.
    call auth.whoami() -> User = |bud| bud.auth().whoami();
    /// What the user of the session may do, module by module.
    call auth.permissions() -> Vec<ModulePermission> = |bud| bud.auth().permissions();
    /// Sets the password of the session's own user; a user whom an administrator created can do nothing else first. Later
    /// logins of this client use it.
    run auth.change_own_password(
        /// The new one: 8 to 100 characters with a digit, a lower and an upper case letter and a special character.
        password: Secret,
    ) -> User = |bud| {
        let account = bud.auth();
        async move { account.change_own_password(password).await }
    };
}

fn method_of(name: &str) -> Result<Method> {
    let all = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    let found = all.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(name));
    found.ok_or_else(|| Error::invalid("method", "it must be GET, POST, PUT, PATCH or DELETE"))
}
