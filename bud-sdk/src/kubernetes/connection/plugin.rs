//! Credential plugins of a kubeconfig: programs that print a token or a certificate. They get no terminal to ask on, a limited
//! time, and none of this SDK's own secrets.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::kubernetes::connection::kubeconfig::{Authorization, Exec, Identity, identity, tree};
use crate::types::{Secret, Timestamp};

/// Tokens and certificate chains have a few KiB.
const MOST_OUTPUT: usize = 1 << 20;
/// What is kept of the end of a plugin's messages, and what of it is shown.
const MOST_MESSAGES: usize = 8 << 10;
const SHOWN: usize = 600;
/// How long the output of a plugin that has ended may still come: what it started may hold its pipes open.
const GRACE: Duration = Duration::from_millis(500);

/// What a plugin gives.
pub(crate) struct Credentials {
    pub(crate) authorization: Authorization,
    pub(crate) identity: Option<Identity>,
    pub(crate) expires: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: Option<String>,
    kind: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<Secret>,
    client_certificate_data: Option<String>,
    client_key_data: Option<Secret>,
    expiration_timestamp: Option<Timestamp>,
}

/// Runs a plugin and reads what it prints.
pub(crate) async fn run(exec: &Exec, cluster: Option<Value>, within: Duration) -> Result<Credentials> {
    let program = exec.command.as_deref().unwrap_or_default();
    let wrong = |why: String| {
        let hint = exec.install_hint.as_deref().map(|hint| crate::operation::clean(hint, 500));
        let hint = hint.unwrap_or_else(|| "run it in a terminal to see what it needs".to_owned());
        let shown = crate::operation::clean(program, 200);
        Error::config(format!("the kubeconfig's credential plugin `{shown}` {why}")).with_hint(hint)
    };
    let path = std::env::var_os("PATH");
    let found = find(program, path.as_deref()).ok_or_else(|| wrong("is not in PATH".to_owned()))?;
    let mut command = command(&found, exec, cluster);
    let mut running =
        Running::start(&mut command).map_err(|error| wrong(format!("cannot be run: {}", error.kind())))?;
    let mut printed = Printed::default();
    let ended = tokio::time::timeout(within, printed.follow(&mut running.child)).await;
    let why = match ended {
        Ok(Ok(Some(status))) if status.success() => {
            running.ended = true;
            return read(&printed.output, exec).map_err(wrong);
        }
        Ok(Ok(Some(status))) => format!("failed ({status})"),
        Ok(Ok(None)) => format!("printed more than {} KiB", MOST_OUTPUT >> 10),
        Ok(Err(error)) => format!("cannot be run: {}", error.kind()),
        Err(_) => format!("was not done within {within:?}"),
    };
    let messages = printed.messages();
    Err(wrong(if messages.is_empty() { why } else { format!("{why}: {messages}") }))
}

fn command(program: &Path, exec: &Exec, cluster: Option<Value>) -> Command {
    let mut spec = json!({ "interactive": false });
    if let (Some(cluster), Some(spec)) = (cluster, spec.as_object_mut()) {
        spec.insert("cluster".to_owned(), cluster);
    }
    let info = json!({ "apiVersion": exec.version, "kind": "ExecCredential", "spec": spec });
    let mut command = Command::new(program);
    // Passwords and tokens of the platform are not for the programs of a kubeconfig.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_own(name)) {
        command.env_remove(name);
    }
    command
        .args(&exec.args)
        .envs(exec.env.iter().map(|(name, value)| (name, value)))
        .env("KUBERNETES_EXEC_INFO", info.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Whether a variable is one of this SDK's.
fn is_own(name: &OsStr) -> bool {
    name.as_encoded_bytes().get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"BUD_"))
}

/// Finds a program in PATH; in absolute folders only, for the current folder may be anyone's.
fn find(program: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.is_empty() {
        return None;
    }
    if program.contains(std::path::is_separator) {
        return Some(PathBuf::from(program));
    }
    let folders = std::env::split_paths(path?).filter(|folder| folder.is_absolute());
    folders.flat_map(|folder| candidates(&folder, program)).find(|candidate| is_program(candidate))
}

#[cfg(unix)]
fn candidates(folder: &Path, program: &str) -> Vec<PathBuf> {
    vec![folder.join(program)]
}

#[cfg(not(unix))]
fn candidates(folder: &Path, program: &str) -> Vec<PathBuf> {
    let ends = ["", ".com", ".exe", ".bat", ".cmd"];
    ends.iter().map(|end| folder.join(format!("{program}{end}"))).collect()
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file() && path.extension().is_some()
}

/// A plugin and all that it starts. Unless it has ended well, all of it ends with this.
struct Running {
    child: Child,
    ended: bool,
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
}

impl Running {
    fn start(command: &mut Command) -> std::io::Result<Self> {
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        #[cfg(unix)]
        let group = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
        Ok(Self {
            child,
            ended: false,
            #[cfg(unix)]
            group,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        #[cfg(unix)]
        if let Some(group) = self.group {
            // It fails if all of it has ended.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// What a plugin has printed so far.
#[derive(Default)]
struct Printed {
    output: Vec<u8>,
    messages: Vec<u8>,
}

impl Printed {
    /// Reads until the plugin has ended; no status if it prints too much.
    async fn follow(&mut self, child: &mut Child) -> std::io::Result<Option<ExitStatus>> {
        let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
        let (mut out, mut err) = (vec![0; 8192], vec![0; 8192]);
        let (mut status, mut until) = (None, None);
        loop {
            if let (Some(status), None, None) = (status, &stdout, &stderr) {
                return Ok(Some(status));
            }
            tokio::select! {
                count = next(&mut stdout, &mut out), if stdout.is_some() => match count? {
                    0 => stdout = None,
                    count => {
                        self.output.extend_from_slice(out.get(..count).unwrap_or_default());
                        if self.output.len() > MOST_OUTPUT {
                            return Ok(None);
                        }
                    }
                },
                count = next(&mut stderr, &mut err), if stderr.is_some() => match count? {
                    0 => stderr = None,
                    count => {
                        self.messages.extend_from_slice(err.get(..count).unwrap_or_default());
                        let old = self.messages.len().saturating_sub(MOST_MESSAGES);
                        self.messages.drain(..old);
                    }
                },
                ended = child.wait(), if status.is_none() => {
                    status = Some(ended?);
                    until = Some(Instant::now() + GRACE);
                }
                () = tokio::time::sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                    return Ok(status);
                }
            }
        }
    }

    /// The end of its messages, without what looks like a secret.
    fn messages(&self) -> String {
        let text = crate::report::redact(&plain(&String::from_utf8_lossy(&self.messages)));
        let text = text.trim();
        let skipped = text.chars().count().saturating_sub(SHOWN);
        let end: String = text.chars().skip(skipped).collect();
        let end = crate::operation::clean(&end, SHOWN);
        if skipped > 0 { format!("…{end}") } else { end }
    }
}

async fn next(pipe: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> std::io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(buffer).await,
        None => Ok(0),
    }
}

/// A text without the sequences that color it on a terminal.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if chars.next_if_eq(&'[').is_some() {
            while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
        }
    }
    plain
}

/// Reads what a plugin printed. That is a secret, readable or not.
fn read(output: &[u8], exec: &Exec) -> Result<Credentials, String> {
    let printed = || "printed no ExecCredential (JSON or YAML)".to_owned();
    let answer = tree(output).map_err(|_| printed())?;
    let answer: Answer = serde_json::from_value(answer).map_err(|_| printed())?;
    if answer.kind.as_deref() != Some("ExecCredential") {
        return Err(printed());
    }
    if answer.api_version != exec.version {
        return Err("printed another apiVersion than the kubeconfig names".to_owned());
    }
    let status = answer.status.ok_or("printed no status")?;
    let token = status.token.filter(|token| !token.expose().is_empty());
    let certificate = status.client_certificate_data.filter(|pem| !pem.is_empty());
    let key = status.client_key_data.filter(|pem| !pem.expose().is_empty());
    let identity = match (&token, certificate, key) {
        (_, Some(certificate), Some(key)) => Some(
            identity(certificate.as_bytes(), key.expose().as_bytes())
                .map_err(|why| format!("printed credentials that cannot be used: {why}"))?,
        ),
        (Some(_), None, None) => None,
        (None, None, None) => return Err("printed neither a token nor a certificate".to_owned()),
        _ => return Err("printed only one of a certificate and its key".to_owned()),
    };
    let bearer = |token: &Secret| {
        Authorization::bearer(token, "")
            .map_err(|_| "printed a token that is not one line, or has control characters".to_owned())
    };
    let authorization = token.as_ref().map(bearer).transpose()?.unwrap_or_default();
    Ok(Credentials { authorization, identity, expires: status.expiration_timestamp })
}

#[cfg(all(test, unix))]
mod tests;
