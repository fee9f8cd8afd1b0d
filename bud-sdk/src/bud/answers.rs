//! What an answer to a change proves.

use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Parts, Raw, Reply, Route};
use crate::types::Warning;

use super::Flavor;

impl Raw {
    /// Whether the server says that it accepted a change. Each acknowledgment of the runtime API has one of these fields.
    pub(crate) fn acknowledged(&self, flavor: Flavor) -> Result<()> {
        match flavor {
            Flavor::Guide => self.acknowledges(true, &[]),
            Flavor::Runtime => self.acknowledges(false, &["message", "success", "object"]),
        }
    }
}

/// The thing that a change answers with, if it shows the change. Otherwise (a 204, a mere "accepted", the old state) a read
/// follows, which must not show the old state. `shows` is `None` for a thing that does not tell.
pub(crate) fn changed<T>(
    raw: Raw,
    name: &'static str,
    look: Route,
    parts: Parts,
    shows: impl Fn(&T) -> Option<bool> + Send + 'static,
) -> Result<Reply<T>>
where
    T: serde::de::DeserializeOwned + 'static,
{
    if let Some(answered) = raw.object_if_any::<T>(name)? {
        // With a blame beside it, it must show the change.
        match shows(&answered) {
            Some(true) => return Ok(Reply::Done(answered)),
            None if !raw.is_blaming() => return Ok(Reply::Done(answered)),
            _ => {}
        }
    }
    let status = raw.status;
    Ok(Reply::then(look, parts, move |raw| {
        let found = raw.object::<T>(name)?;
        match shows(&found) {
            Some(true) => Ok(Reply::Done(found)),
            // It was accepted, and the thing does not tell.
            None if status == 204 => Ok(not_shown(found)),
            shown => {
                let state = if shown.is_some() {
                    "the state is still the old one"
                } else {
                    "nothing shows the change"
                };
                let message = format!("the server answered {status}, and {state}");
                Err(Error::new(ErrorKind::Unconfirmed, message).with_status(status))
            }
        }
    }))
}

fn not_shown<T>(found: T) -> Reply<T> {
    let message = "the server accepted it, and the state that was read afterwards does not show it yet";
    Reply::Warned(found, vec![Warning::new(Warning::NOT_SHOWN, message)])
}

/// The thing that the start of work answers with. An answer without it is followed by a read, which shows the work or not: it is
/// done in its own time.
pub(crate) fn accepted<T>(
    raw: Raw,
    name: &'static str,
    look: Route,
    parts: Parts,
    shows: impl Fn(&T) -> Option<bool> + Send + 'static,
) -> Result<Reply<T>>
where
    T: serde::de::DeserializeOwned + 'static,
{
    match raw.object_if_any::<T>(name)? {
        Some(answered) if shows(&answered) == Some(true) || !raw.is_blaming() => {
            return Ok(Reply::Done(answered));
        }
        // The error may be the thing's own.
        Some(_) => {}
        None => raw.acknowledged(Flavor::Guide)?,
    }
    Ok(Reply::then(look, parts, move |raw| {
        let found = raw.object::<T>(name)?;
        Ok(if shows(&found) == Some(true) { Reply::Done(found) } else { not_shown(found) })
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::operation::READS;

    #[test]
    fn takes_each_object_of_an_answer_to_a_change_apart_once() {
        for (body, shown, reads) in [
            (json!({ "id": "u-1" }), Some(true), 1),
            (json!({ "user": { "id": "u-1" } }), Some(true), 2),
            (json!({ "result": { "user": { "id": "u-1" } } }), Some(true), 3),
            (json!({ "message": "done" }), Some(true), 1),
            // It does not show the change: whether it blames something is looked up.
            (json!({ "id": "u-1" }), None, 2),
        ] {
            READS.set(0);
            let raw = Raw { status: 200, headers: http::HeaderMap::new(), body: body.to_string().into() };
            let reply = changed(raw, "user", Route::get("/users/{id}"), Parts::new(), move |_: &Value| shown);
            assert_eq!(matches!(reply, Ok(Reply::Then(_))), body.get("message").is_some(), "{body}");
            assert_eq!(READS.get(), reads, "{body}");
        }
    }
}
