//! The native part of the Node package: the core's bindings, with JSON text for everything but bytes.
//!
//! It is called by the TypeScript sources of this package alone. What it throws and rejects with has a mark and the core's
//! error as JSON for its message.

mod stream;
mod work;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bud_sdk::bindings::{self, Answer, Target, Task};
use futures_util::future::{AbortHandle, AbortRegistration};
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;
use serde_json::json;

use stream::Stream;
use work::{object, refused, unless_aborted};

/// Makes a client of a backend from options by their names in snake case. The variables are those of the caller's thread or
/// context.
///
/// # Errors
/// Those of the core's bindings.
#[napi]
pub fn connect(backend: String, options: String, variables: HashMap<String, String>) -> napi::Result<Client> {
    let variables = variables.into_iter().map(|(name, value)| (name, value.into())).collect();
    let target = bindings::connect(&backend, object(&options, "options")?, Some(variables));
    Ok(Client { target: target.map_err(refused)? })
}

/// A report in another form.
///
/// # Errors
/// Those of the core's bindings.
#[napi]
pub fn render(form: String, report: String, earlier: Option<String>) -> napi::Result<String> {
    bindings::render(&form, &report, earlier.as_deref()).map_err(refused)
}

/// A client of a backend.
#[napi]
pub struct Client {
    target: Target,
}

#[napi]
impl Client {
    /// Sends one call; the answer is `{value, status, request_id, attempts, elapsed, warnings}`.
    ///
    /// # Errors
    /// Those of the core's bindings, for arguments before anything is sent.
    #[napi]
    pub fn call<'env>(
        &self,
        env: &'env Env,
        id: String,
        args: String,
        options: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let begun = self.target.begin(&id, object(&args, "arguments")?, object(&options, "options")?);
        let Task::Call(call) = begun.map_err(refused)? else {
            return Err(napi::Error::from_reason(format!("{id} is a stream")));
        };
        let registration = cancel.and_then(Cancel::take);
        env.spawn_future(async move {
            let answer = unless_aborted(call, registration).await?.map_err(refused)?;
            text(&answer)
        })
    }

    /// Begins a stream; nothing is sent before its first piece is asked for. Without `updates` a job tells only its result.
    ///
    /// # Errors
    /// Those of the core's bindings, for arguments.
    #[napi]
    pub fn stream(&self, id: String, args: String, options: String, updates: bool) -> napi::Result<Stream> {
        let begun = self.target.begin(&id, object(&args, "arguments")?, object(&options, "options")?);
        match begun.map_err(refused)? {
            Task::Stream(stream) => Ok(Stream::new(stream, updates)),
            Task::Call(_) => Err(napi::Error::from_reason(format!("{id} is no stream"))),
        }
    }
}

/// The means to end one call.
#[napi]
pub struct Cancel {
    handle: AbortHandle,
    registration: Mutex<Option<AbortRegistration>>,
}

impl Default for Cancel {
    fn default() -> Self {
        let (handle, registration) = AbortHandle::new_pair();
        Self { handle, registration: Mutex::new(Some(registration)) }
    }
}

#[napi]
impl Cancel {
    /// Has not ended anything yet.
    #[napi(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the call that it was given to: its request is broken off.
    #[napi]
    pub fn cancel(&self) {
        self.handle.abort();
    }

    fn take(&self) -> Option<AbortRegistration> {
        self.registration.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn text(answer: &Answer) -> napi::Result<String> {
    let about = json!({
        "status": answer.status,
        "request_id": answer.request_id,
        "attempts": answer.attempts,
        "elapsed": answer.elapsed.as_secs_f64(),
        "warnings": answer.warnings,
    });
    let (about, value) = (about.to_string(), answer.value.to_json().map_err(refused)?);
    // The value is JSON already; it goes in front of the others.
    Ok(format!("{{\"value\":{value},{}", about.trim_start_matches('{')))
}
