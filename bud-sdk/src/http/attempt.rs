//! One try: send, wait, read, within its own time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use tokio::time::{Instant, timeout_at};

use super::transport::{Body, Failure, Incoming, Outgoing, Transport};
use crate::error::ErrorKind;

/// What is read of an error's body; the rest is dropped with the connection.
const LARGEST_ERROR: usize = 64 * 1024;
/// How long a server may take to say why it refused.
const ERROR_BODY_TIME: Duration = Duration::from_millis(900);

/// What came back, as far as it was asked for.
pub(super) enum Answer {
    /// A success, read whole.
    Whole { status: u16, headers: http::HeaderMap, body: Bytes },
    /// A success, to be read by the caller.
    Open(Incoming),
    /// Anything else, with the beginning of what the server says.
    Refused { status: u16, headers: http::HeaderMap, body: Bytes },
}

/// Sends a request and reads its answer whole, up to `largest` bytes; without a limit, a success is left open.
pub(super) async fn attempt(
    transport: &dyn Transport,
    request: Outgoing,
    until: Instant,
    largest: Option<usize>,
) -> Result<Answer, Failure> {
    let time = until.saturating_duration_since(Instant::now());
    let timed_out = |what: &str| {
        let message = format!("{what} within {:.1} s", time.as_secs_f64());
        Failure::new(ErrorKind::Timeout, true, message)
    };
    let incoming = timeout_at(until, transport.send(request)).await.map_err(|_| timed_out("no answer"))??;
    let Incoming { status, headers, mut body, framed } = incoming;
    if !(200..300).contains(&status) {
        let until = until.min(Instant::now() + ERROR_BODY_TIME);
        let body = read_beginning(&mut body, until).await;
        return Ok(Answer::Refused { status, headers, body });
    }
    // None was asked for, so nothing here would decode it.
    if let Some(encoding) = headers.get(CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        let message = format!("the answer is compressed ({encoding:?}), which was not asked for");
        return Err(Failure::new(ErrorKind::Protocol, true, message));
    }
    let Some(largest) = largest else {
        return Ok(Answer::Open(Incoming { status, headers, body, framed }));
    };
    let body = timeout_at(until, read_whole(&mut body, &headers, largest))
        .await
        .map_err(|_| timed_out("the answer did not arrive"))??;
    Ok(Answer::Whole { status, headers, body })
}

async fn read_whole(body: &mut Body, headers: &http::HeaderMap, largest: usize) -> Result<Bytes, Failure> {
    let too_large = || {
        let limit = largest >> 20;
        Failure::new(ErrorKind::BodyTooLarge, true, format!("the answer is larger than {limit} MiB"))
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > largest as u64) {
        return Err(too_large());
    }
    // Most answers are one chunk, which needs no copy.
    let Some(first) = body.next().await.transpose()? else {
        return Ok(Bytes::new());
    };
    if first.len() > largest {
        return Err(too_large());
    }
    if length == Some(first.len() as u64) {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first);
    while let Some(chunk) = body.next().await.transpose()? {
        if whole.len() + chunk.len() > largest {
            return Err(too_large());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// As much of an error's body as is needed and comes in time; a broken body does not hide the status.
async fn read_beginning(body: &mut Body, until: Instant) -> Bytes {
    let mut beginning = BytesMut::new();
    while beginning.len() < LARGEST_ERROR {
        match timeout_at(until, body.next()).await {
            Ok(Some(Ok(chunk))) => beginning.extend_from_slice(&chunk),
            _ => break,
        }
    }
    beginning.truncate(LARGEST_ERROR);
    beginning.freeze()
}
