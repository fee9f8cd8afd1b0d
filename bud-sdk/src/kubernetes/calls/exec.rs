//! Running a command in a container, with its exit code and both its outputs.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::StreamExt;
use http::{HeaderMap, Request};
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, ErrorKind, Result};
use crate::http::{AuthHeader, BoxFuture, Refusal, mask};
use crate::kubernetes::Cluster;
use crate::kubernetes::calls::find::container;
use crate::kubernetes::connection::backend::SPEC;
use crate::kubernetes::connection::credentials::REFUSED;
use crate::kubernetes::connection::request::Ask;
use crate::kubernetes::connection::transport::{Connection, told};
use crate::kubernetes::objects::{self, Status};
use crate::schema::records;
use crate::types::Secret;

impl Cluster {
    /// Runs a command in a service's pod, without a terminal: `kubectl exec deployment/x -- command`. The name is a service's,
    /// found as [`find`](Self::find) does, `deployment/NAME`, `statefulset/NAME` or `daemonset/NAME` for that very one, or
    /// `pod/NAME`. What the command does to the container is the caller's affair.
    ///
    /// ```no_run
    /// # async fn demo(cluster: bud_sdk::kubernetes::Cluster) -> bud_sdk::Result<()> {
    /// let done = cluster.exec("bud-system", "budapp", ["python", "-c", "print('OK')"]).await?;
    /// assert_eq!((done.exit_code, done.stdout.trim()), (0, "OK"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn exec<C: Into<String>>(
        &self,
        namespace: impl Into<String>,
        name: impl Into<String>,
        command: impl IntoIterator<Item = C>,
    ) -> Exec {
        Exec {
            cluster: self.clone(),
            namespace: namespace.into(),
            name: name.into(),
            command: command.into_iter().map(Into::into).collect(),
            container: None,
            timeout: Duration::from_secs(60),
        }
    }
}

/// A command that is not run yet. Awaiting it runs it.
///
/// # Errors
/// `InvalidArgument` for no command; `NotFound` without a pod that runs; `PermissionDenied` naming the missing permission
/// (`get` and `create` on `pods/exec`); `Timeout` after the longest time, when the command may go on in the container;
/// `Interrupted` when the connection ended without saying how the command did. A command that fails is no error: its exit code
/// says so.
#[must_use = "a command is not run until it is awaited"]
#[derive(Clone)]
pub struct Exec {
    cluster: Cluster,
    namespace: String,
    name: String,
    command: Vec<String>,
    container: Option<String>,
    timeout: Duration,
}

records! {

    /// What a command did.
    CommandOutput {
        /// The pod that it ran in.
        pod: String,
        /// The container.
        container: String,
        /// Its exit code; 0 is success.
        exit_code: i32,
        /// What it wrote. What is no UTF-8 in it is replaced.
        stdout: String,
        /// What it wrote as errors.
        stderr: String,
        /// One of them was longer than 8 MiB, and the rest of it is left out.
        cut: bool,
    }
}

const MOST_OUTPUT: usize = 8 << 20;

impl Exec {
    /// The container; the pod's default one unless said otherwise.
    pub fn container(mut self, name: impl Into<String>) -> Self {
        self.container = Some(name.into());
        self
    }
    /// The longest time that it may take, finding the pod included. Default: 60 s.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    async fn run(self) -> Result<CommandOutput> {
        if self.command.is_empty() {
            return Err(Error::invalid("command", "it is empty"));
        }
        let deadline = Instant::now() + self.timeout;
        let pods = timeout_at(deadline, self.cluster.pods_of(&self.namespace, &self.name)).await.map_err(
            |_| {
                let message =
                    format!("the pod was not found within {:?}; the command was not run", self.timeout);
                Error::new(ErrorKind::Timeout, message)
            },
        )??;
        let pod = pods.iter().find(|pod| runs(pod)).ok_or_else(|| {
            let message = format!("no pod of {} runs: {} in all", self.name, pods.len());
            Error::new(ErrorKind::NotFound, message)
        })?;
        let container = container(pod, self.container.as_deref())?;
        let (outputs, status) = self.attach(&pod.metadata.name, &container, deadline).await?;
        let exit_code = exit_code(&status)?;
        let [out, err] = outputs;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(CommandOutput {
            pod: pod.metadata.name.clone(),
            container,
            exit_code,
            stdout: text(&out.bytes),
            stderr: text(&err.bytes),
            cut: out.cut || err.cut,
        })
    }

    async fn attach(&self, pod: &str, container: &str, deadline: Instant) -> Result<([Output; 2], Status)> {
        let path = format!("/api/v1/namespaces/{}/pods/{pod}/exec", self.namespace);
        let mut ask = Ask::get(path, "pods/exec", Some(&self.namespace)).verb("create");
        ask = ask.query("container", container).query("stdout", true).query("stderr", true);
        for word in &self.command {
            ask = ask.query("command", word);
        }
        let late = || {
            let message =
                format!("the command was not done within {:?}; it may go on in the container", self.timeout);
            Error::new(ErrorKind::Timeout, message).with_maybe_applied(true)
        };
        let mut connection = self.cluster.connection().await?;
        let mut renewed = false;
        let attached = loop {
            let mut request = Request::get(ask.uri()?)
                .body(Vec::new())
                .map_err(|error| Error::invalid("command", error))?;
            connection.authorization.apply(&mut request);
            match timeout_at(deadline, connection.client.connect(request)).await.map_err(|_| late())? {
                Ok(attached) => break attached,
                Err(kube::Error::Api(status)) if status.code == 401 && !renewed => {
                    renewed = true;
                    connection = self.cluster.reconnect(connection.generation).await?;
                }
                Err(error) => return Err(refused(error, &connection, &ask)),
            }
        };
        let mut messages = attached.into_stream();
        let mut outputs = [Output::default(), Output::default()];
        let mut ended = None;
        // Both outputs are read as they come: a command that fills one while the other is waited for would never end.
        while let Some(message) = timeout_at(deadline, messages.next()).await.map_err(|_| late())? {
            let message = match message {
                Ok(message) if message.is_close() => break,
                Ok(message) => message.into_data(),
                Err(_) if ended.is_some() => break,
                Err(error) => return Err(unfinished(&told(&error))),
            };
            match message.split_first() {
                Some((1, bytes)) => outputs[0].push(bytes),
                Some((2, bytes)) => outputs[1].push(bytes),
                Some((3, status)) => {
                    ended = Some(serde_json::from_slice::<Status>(status).unwrap_or_default())
                }
                _ => {}
            }
        }
        let status = ended.ok_or_else(|| unfinished("it ended without a status"))?;
        Ok((outputs, status))
    }
}

fn runs(pod: &objects::Pod) -> bool {
    pod.status.phase == "Running" && pod.metadata.deletion_timestamp.is_none()
}

/// Why the command was not run: the pipeline's own judgment of an answer, or of a failure.
fn refused(error: kube::Error, connection: &Connection, ask: &Ask) -> Error {
    let header = connection.authorization.header();
    let secrets: Vec<Secret> = header.iter().flat_map(|header| AuthHeader::secrets(header)).collect();
    let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
    let mask = |text: &str| mask(text, &secrets).into_owned();
    let error = match error {
        kube::Error::Api(told) => {
            let body = serde_json::to_vec(&*told).unwrap_or_default();
            let refusal = Refusal { spec: &SPEC, status: told.code, headers: &HeaderMap::new(), body: &body };
            let error = ask.explain(refusal.error(ask.resource, &mask));
            if told.code == 401 { error.with_hint(REFUSED) } else { error }
        }
        error => {
            let failure = connection.explain(&error);
            let sent = failure.sent;
            failure.into_error(&connection.server, &mask).with_maybe_applied(sent)
        }
    };
    error.with_request(ask.method.as_str(), ask.path.clone())
}

fn unfinished(why: &str) -> Error {
    let message = format!("the connection to the command broke: {why}");
    Error::new(ErrorKind::Interrupted, message).with_maybe_applied(true)
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    cut: bool,
}

impl Output {
    fn push(&mut self, bytes: &[u8]) {
        let room = MOST_OUTPUT.saturating_sub(self.bytes.len());
        self.cut |= bytes.len() > room;
        self.bytes.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
    }
}

/// How the command ended. What is neither success nor an exit code is no end of a command.
fn exit_code(status: &Status) -> Result<i32> {
    if status.status == "Success" {
        return Ok(0);
    }
    let code = status.details.causes.iter().find(|cause| cause.reason == "ExitCode");
    if let Some(code) =
        code.and_then(|code| code.message.parse().ok()).filter(|_| status.reason == "NonZeroExitCode")
    {
        return Ok(code);
    }
    let message = format!("the command could not be run: {}", crate::operation::clean(&status.message, 500));
    Err(Error::new(ErrorKind::OperationFailed, message))
}

impl IntoFuture for Exec {
    type Output = Result<CommandOutput>;
    type IntoFuture = BoxFuture<'static, Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The command may hold a secret.
        f.debug_struct("Exec")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_success_and_exit_codes_are_ends() {
        let code = |status: serde_json::Value| exit_code(&serde_json::from_value(status).unwrap());
        assert_eq!(code(json!({ "status": "Success" })).unwrap(), 0);
        let failed = |code: &str| json!({ "status": "Failure", "reason": "NonZeroExitCode", "details": { "causes": [{ "reason": "ExitCode", "message": code }] } });
        assert_eq!(code(failed("3")).unwrap(), 3);
        assert_eq!(code(failed("255")).unwrap(), 255);
        for odd in [failed("many"), json!({}), json!({ "status": "Failure", "message": "no such container" })]
        {
            assert_eq!(code(odd).unwrap_err().kind(), ErrorKind::OperationFailed);
        }
    }
}
