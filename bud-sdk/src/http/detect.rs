//! Which API a server speaks, found by one question that changes nothing.

use super::exchange::Request;
use super::run::run;
use super::{Anonymous, Channel, Deadline, Options};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Flavor, Parts, Route};

/// The platform as shipped checks the empty token and refuses it; the documented API has no such route.
const PROBE: Route = Route::post("/auth/refresh-token").reading().limited_first();

pub(super) async fn detect(channel: &Channel, options: &Options, deadline: Deadline) -> Result<Flavor> {
    let parts = Parts::new().json(&serde_json::json!({ "refresh_token": "" }))?;
    let request = Request { operation: "client.flavor", route: &PROBE, parts: &parts };
    let unclear = |found: String| {
        Error::config(format!("the API flavor of this server is unclear: {found}")).with_hint(
            "is this the API's address? If it is, set the flavor (BUD_API_FLAVOR) to guide or runtime",
        )
    };
    // Otherwise the call that happened to ask would be blamed for the answer.
    let result = run(channel, &request, options, deadline, &Anonymous).await;
    match result.map_err(|error| error.with_operation(request.operation)) {
        Ok((_, meta)) => Err(unclear(format!("the probe was answered {}", meta.status))),
        Err(error) => match error.status() {
            Some(422) => Ok(Flavor::Runtime),
            // Somebody else's 404 says nothing about this API.
            Some(404 | 405) if error.is_in_json() => Ok(Flavor::Guide),
            Some(status)
                if status != 408 && !matches!(error.kind(), ErrorKind::Server | ErrorKind::RateLimited) =>
            {
                Err(unclear(format!("the probe was answered {status}: {}", error.message()))
                    .with_status(status))
            }
            _ => Err(error),
        },
    }
}
