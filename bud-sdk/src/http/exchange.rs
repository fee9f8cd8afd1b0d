//! One request over all its attempts: what each comes to, and the error that says it all.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{AUTHORIZATION, LOCATION};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, warn};
use url::Url;

use super::attempt::{Answer, attempt};
use super::redact::mask;
use super::refusal::{Refusal, is_page};
use super::retry::Outcome;
use super::transport::{Failure, Incoming, Outgoing};
use super::{AuthHeader, Authenticate, Channel, Deadline, Options, Patience};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Parts, Route, clean};
use crate::types::{Secret, Warning};

/// What is asked.
pub(crate) struct Request<'a> {
    pub(crate) operation: &'static str,
    pub(crate) route: &'a Route,
    pub(crate) parts: &'a Parts,
}

/// What is known of a call beside its result.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meta {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) warnings: Vec<Warning>,
    /// An attempt before the one that was answered may have changed something.
    pub(crate) maybe_applied: bool,
}

impl Meta {
    pub(super) fn of(refusal: &Error) -> Self {
        Self {
            status: refusal.status().unwrap_or_default(),
            request_id: refusal.request_id().map(str::to_owned),
            attempts: refusal.attempts(),
            elapsed: refusal.elapsed().unwrap_or_default(),
            warnings: Vec::new(),
            maybe_applied: refusal.maybe_applied(),
        }
    }

    /// Adds warnings, each of which is also logged.
    pub(super) fn warn(&mut self, operation: &'static str, warnings: Vec<Warning>) {
        for warning in &warnings {
            warn!(target: "bud_sdk::warnings", operation, code = warning.code(), "{warning}");
        }
        self.warnings.extend(warnings);
    }
}

/// One request on its way, over all its attempts.
pub(super) struct Exchange<'a> {
    pub(super) channel: &'a Channel,
    pub(super) request: &'a Request<'a>,
    pub(super) authenticate: &'a dyn Authenticate,
    pub(super) deadline: Deadline,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) attempts: u32,
    /// Some attempt may have reached the server without a clear refusal.
    pub(super) maybe_applied: bool,
}

/// What one attempt comes to.
enum Step {
    /// It was answered.
    Done(Answer, Meta),
    /// The token was refused, and another one may be had.
    Renew(Error),
    /// It failed for good.
    Fail(Error),
    /// It failed, and may be tried again.
    Retry(Error, Outcome),
}

impl Exchange<'_> {
    pub(super) async fn run(&mut self, options: &Options, whole: bool) -> Result<(Answer, Meta)> {
        // A 401 is resent once beside the count: the request was not processed.
        let mut counted = 0;
        let mut refused: Option<Error> = None;
        let patience = Patience { until: self.deadline.at, retries: options.attempt_count() > 1 };
        loop {
            let token = timeout_at(self.deadline.at, self.authenticate.header(patience))
                .await
                .map_err(|_| Error::new(ErrorKind::Timeout, "no token before the deadline"))?
                .map_err(|error| after_refusal(error, refused.as_ref()))?;
            let token = token.as_deref();
            let result = self.attempt(token, options, whole).await?;
            counted += 1;
            let (error, outcome) = match self.judge(result, token, refused.is_some()) {
                Step::Done(answer, meta) => return Ok((answer, meta)),
                Step::Fail(error) => return Err(error),
                Step::Renew(error) => {
                    counted -= 1;
                    refused = Some(error);
                    continue;
                }
                Step::Retry(error, outcome) => (error, outcome),
            };
            let (policy, budget) = (&self.channel.policy, &self.channel.budget);
            let (left, attempts) = (self.deadline.left(), options.attempt_count());
            let delay = outcome.next_delay(self.request.route, policy, budget, counted, attempts, left);
            let Some(delay) = delay else { return Err(error) };
            warn!(
                code = error.code(),
                status = error.status(),
                delay_ms = delay.as_millis() as u64,
                "trying again"
            );
            sleep(delay).await;
        }
    }

    /// Sends the request once. An error is one of before it was sent.
    async fn attempt(
        &mut self,
        token: Option<&AuthHeader>,
        options: &Options,
        whole: bool,
    ) -> Result<Result<Answer, Failure>> {
        let slot = self.channel.slot(self.deadline).await?;
        if self.deadline.left().is_zero() {
            return Err(Error::new(ErrorKind::Timeout, "the deadline was past before it was sent"));
        }
        let until = self.deadline.at.min(Instant::now() + options.attempt_time());
        let outgoing = self.outgoing(token);
        self.attempts += 1;
        let started = Instant::now();
        let largest = whole.then_some(self.channel.spec.largest_answer);
        let mut result = attempt(&*self.channel.transport, outgoing, until, largest).await;
        match &mut result {
            Ok(Answer::Open(incoming)) => incoming.body.hold(slot),
            _ => drop(slot),
        }
        self.observe(&result, started);
        if token.is_some() && self.accepts_token(&result) {
            self.authenticate.accepted();
        }
        Ok(result)
    }

    fn judge(&mut self, result: Result<Answer, Failure>, token: Option<&AuthHeader>, renewed: bool) -> Step {
        match result {
            Ok(answer @ (Answer::Whole { .. } | Answer::Open(_))) => {
                self.channel.budget.refill();
                let meta = self.meta(&answer, token);
                Step::Done(answer, meta)
            }
            Ok(Answer::Refused { status, headers, body })
                if self.maybe_applied
                    && self.request.route.done_on_repeat.contains(&status)
                    && !self.answered(status, &headers, &body).is_foreign() =>
            {
                let answer = Answer::Whole { status, headers, body: Bytes::new() };
                let mut meta = self.meta(&answer, token);
                let message = format!(
                    "an earlier attempt was lost on the way, and the repeated one was answered {status}: it was not seen to exist"
                );
                meta.warnings.push(Warning::new(Warning::NOT_SEEN, message));
                Step::Done(answer, meta)
            }
            Ok(Answer::Refused { status: 401, headers, body }) => {
                // A second refusal is not the token's fault: it is fresh, and others use it.
                let error = self.refusal(&self.answered(401, &headers, &body), token);
                if !renewed && self.authenticate.rejected(token) {
                    return Step::Renew(error);
                }
                Step::Fail(self.authenticate.refused(error))
            }
            Ok(Answer::Refused { status, headers, body }) => {
                // A server or proxy in trouble may have done the work before it failed.
                self.maybe_applied |= status >= 500 || status == 408;
                let refusal = self.answered(status, &headers, &body);
                let outcome = Outcome {
                    status: Some(status),
                    sent: true,
                    transient: true,
                    timed_out: status == 408,
                    should_retry: refusal.should_retry(),
                    retry_after: refusal.retry_after(),
                };
                Step::Retry(self.refusal(&refusal, token), outcome)
            }
            Err(failure) => {
                self.maybe_applied |= failure.sent;
                let outcome = Outcome {
                    status: None,
                    sent: failure.sent,
                    transient: failure.transient,
                    timed_out: failure.kind == ErrorKind::Timeout,
                    should_retry: None,
                    retry_after: None,
                };
                Step::Retry(failure.into_error(&self.url, &|text| self.mask(text, token)), outcome)
            }
        }
    }

    fn outgoing(&self, token: Option<&AuthHeader>) -> Outgoing {
        let mut headers = self.headers.clone();
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.value.clone());
        }
        Outgoing {
            method: self.request.route.method,
            url: self.url.clone(),
            headers,
            body: self.request.parts.body.clone(),
        }
    }

    fn observe(&self, result: &Result<Answer, Failure>, started: Instant) {
        let elapsed_ms = started.elapsed().as_millis() as u64;
        match result {
            Ok(
                Answer::Whole { status, .. }
                | Answer::Refused { status, .. }
                | Answer::Open(Incoming { status, .. }),
            ) => {
                debug!(attempt = self.attempts, status, elapsed_ms, "answered");
            }
            Err(failure) => {
                debug!(attempt = self.attempts, code = failure.kind.as_str(), elapsed_ms, "failed")
            }
        }
    }

    fn meta(&self, answer: &Answer, token: Option<&AuthHeader>) -> Meta {
        let (Answer::Whole { status, headers, .. }
        | Answer::Refused { status, headers, .. }
        | Answer::Open(Incoming { status, headers, .. })) = answer;
        Meta {
            status: *status,
            request_id: self.request_id(headers, token),
            attempts: self.attempts,
            elapsed: self.deadline.elapsed(),
            warnings: Vec::new(),
            maybe_applied: self.maybe_applied && !self.request.route.is_read(),
        }
    }

    fn answered<'a>(&self, status: u16, headers: &'a HeaderMap, body: &'a [u8]) -> Refusal<'a> {
        Refusal { spec: self.channel.spec, status, headers, body }
    }

    /// The server's answer as an error.
    fn refusal(&self, refusal: &Refusal<'_>, token: Option<&AuthHeader>) -> Error {
        let Refusal { status, headers, .. } = *refusal;
        let error = match status {
            300..400 => self.redirect(status, headers, token),
            _ => refusal.error(self.request.operation, &|text| self.mask(text, token)),
        };
        error.with_request_id(self.request_id(headers, token))
    }

    fn redirect(&self, status: u16, headers: &HeaderMap, token: Option<&AuthHeader>) -> Error {
        let target =
            headers.get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| self.url.join(to).ok());
        let target = match target {
            Some(to) if to.origin() == self.url.origin() => {
                format!("to {}", clean(&self.mask(to.path(), token), 200))
            }
            Some(to) => {
                let origin = to.origin().ascii_serialization();
                format!("to {}", clean(&self.mask(&origin, token), 200))
            }
            None => "without a usable target".to_owned(),
        };
        Error::new(
            ErrorKind::UnexpectedRedirect,
            format!("the server redirects {target}, and no redirect is followed"),
        )
        .with_hint("set the base URL to the API's own address")
        .with_status(status)
    }

    /// A gateway may make the id from what it was sent.
    fn request_id(&self, headers: &HeaderMap, token: Option<&AuthHeader>) -> Option<String> {
        let id = headers.get("x-request-id").or_else(|| headers.get("x-correlation-id"))?;
        let id = id.to_str().ok()?;
        // The usual UUID can hold a secret in no other form than its own, which is cheap to look for.
        let plain = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let held = || self.authenticate.secrets().iter().any(|secret| id.contains(secret.expose()));
        if plain && !held() && !token.is_some_and(|token| id.contains(token.secret.expose())) {
            return Some(id.to_owned());
        }
        Some(clean(&self.mask(id, token), 100))
    }

    /// Whether the answer shows that the server knows the token: any of the API's own that comes after the check of it.
    fn accepts_token(&self, result: &Result<Answer, Failure>) -> bool {
        match result {
            Ok(Answer::Whole { headers, body, .. }) => !is_page(headers, body),
            Ok(Answer::Open(incoming)) => !is_page(&incoming.headers, &[]),
            Ok(Answer::Refused { status, headers, body }) => {
                matches!(status, 403 | 404 | 409 | 422)
                    && !self.answered(*status, headers, body).is_foreign()
                    && !is_page(headers, body)
            }
            Err(_) => false,
        }
    }

    fn mask(&self, text: &str, token: Option<&AuthHeader>) -> String {
        let mut held = self.authenticate.secrets();
        held.extend(token.into_iter().flat_map(AuthHeader::secrets));
        masked(text, &self.request.parts.secrets, &held)
    }
}

/// The text without the secrets that were sent, and those that the session holds.
pub(super) fn masked(text: &str, sent: &[Secret], held: &[Secret]) -> String {
    let secrets: Vec<&str> = sent.iter().chain(held).map(Secret::expose).collect();
    mask(text, &secrets).into_owned()
}

/// A token that is missing in an outage is reported with the answer to the caller's own request.
fn after_refusal(error: Error, refused: Option<&Error>) -> Error {
    match refused.filter(|_| error.may_be_outage() && !error.names_a_request()) {
        Some(refused) => {
            let id = refused.request_id().map(str::to_owned);
            error.with_status(refused.status().unwrap_or(401)).with_request_id(id)
        }
        None => error,
    }
}
