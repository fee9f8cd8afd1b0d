//! A call as a value: await it to send it.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::http::{BoxFuture, Connection, Meta, Options};
use crate::operation::Operation;
use crate::types::Warning;

use super::options::call_options;

/// One call, not sent yet. Awaiting it sends it.
///
/// ```no_run
/// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
/// use std::time::Duration;
/// let user = bud.users().get("8f14e45f-ceea-467f-a0e6-4b6d1f3c2a10").timeout(Duration::from_secs(5)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug, Clone)]
pub struct Call<O> {
    connection: Arc<Connection>,
    operation: O,
    options: Options,
}

impl<O: Operation> Call<O> {
    pub(crate) fn new(connection: &Arc<Connection>, operation: O) -> Self {
        Self { connection: connection.clone(), operation, options: Options::default() }
    }

    /// For what needs no session.
    pub(crate) fn anonymous(mut self) -> Self {
        self.connection = Arc::new(self.connection.anonymous());
        self
    }

    async fn run(self) -> Result<(O::Output, Meta)> {
        self.connection.execute(&self.operation, self.options).await
    }

    call_options!("the call");

    /// Also returns what is known of the answer: status, request id, attempts, elapsed time, and
    /// [`warnings`](Response::warnings).
    pub fn with_response(self) -> CallWithResponse<O> {
        CallWithResponse(self)
    }
}

impl<O> Call<O> {
    /// For the setters of single operations.
    pub(crate) fn operation_mut(&mut self) -> &mut O {
        &mut self.operation
    }
}

#[cfg(test)]
impl<O: Operation> Call<O> {
    /// The operation, for tests that look at what it would send.
    pub(crate) fn operation(&self) -> &O {
        &self.operation
    }
}

impl<O: Operation> IntoFuture for Call<O> {
    type Output = Result<O::Output>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { Ok(self.run().await?.0) })
    }
}

/// A call that also returns what is known of its answer.
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug, Clone)]
pub struct CallWithResponse<O>(Call<O>);

impl<O: Operation> IntoFuture for CallWithResponse<O> {
    type Output = Result<Response<O::Output>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (value, meta) = self.0.run().await?;
            Ok(Response::new(value, meta))
        })
    }
}

/// A result, and what is known of the answer that it came in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Response<T> {
    /// The result.
    pub value: T,
    /// The HTTP status of the last answer.
    pub status: u16,
    /// The server's id of the request, for its operators.
    pub request_id: Option<String>,
    /// How many requests were sent.
    pub attempts: u32,
    /// How long it took, waiting between attempts included.
    pub elapsed: Duration,
    warnings: Vec<Warning>,
}

impl<T> Response<T> {
    /// What is worth knowing of the result and is no error. Every warning is also logged.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn new(value: T, meta: Meta) -> Self {
        Self {
            value,
            status: meta.status,
            request_id: meta.request_id,
            attempts: meta.attempts,
            elapsed: meta.elapsed,
            warnings: meta.warnings,
        }
    }
}
