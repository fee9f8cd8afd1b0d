//! Which API a server speaks, found by one question that changes nothing.

use super::Flavor;
use crate::error::{Error, ErrorKind, Result};
use crate::http::{Anonymous, BoxFuture, Channel, Deadline, Options, Request, send};
use crate::operation::{ApiFlavor, Parts, Route};

/// The platform as shipped checks the empty token and refuses it; the documented API has no such route.
const PROBE: Route = Route::post("/auth/refresh-token").reading().limited_first();

/// The place of the flavor among all of them.
pub(super) fn detect<'a>(
    channel: &'a Channel,
    options: &'a Options,
    deadline: Deadline,
) -> BoxFuture<'a, Result<usize>> {
    Box::pin(async move {
        let found = ask(channel, options, deadline).await?;
        Ok(Flavor::ALL.iter().position(|flavor| *flavor == found).unwrap_or_default())
    })
}

async fn ask(channel: &Channel, options: &Options, deadline: Deadline) -> Result<Flavor> {
    let parts = Parts::new().json(&serde_json::json!({ "refresh_token": "" }))?;
    let request = Request { operation: "client.flavor", route: &PROBE, parts: &parts };
    let unclear = |found: String| {
        Error::config(format!("the API flavor of this server is unclear: {found}")).with_hint(
            "is this the API's address? If it is, set the flavor (BUD_API_FLAVOR) to guide or runtime",
        )
    };
    match send(channel, &request, options, deadline, &Anonymous).await {
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
