//! The server as seen from the measuring process.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::ops::{AddAssign, Sub};
use std::process::{Child, Command, Stdio};

use super::Outcome;

/// The server's process, which ends with this value.
pub(super) struct Server {
    child: Child,
    url: String,
}

impl Server {
    pub(super) fn start(cpu: Option<usize>) -> Outcome<Self> {
        let mut command = own()?;
        command.arg("serve").args(cpu.map(|cpu| cpu.to_string()));
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the server does not start: {error}"))?;
        let mut url = String::new();
        if let Some(stdout) = child.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut url);
        }
        let url = url.trim().to_owned();
        let server = Self { child, url };
        if server.url.is_empty() { Err("the server did not start".into()) } else { Ok(server) }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What it was asked so far. Asking for this does not count.
    pub(super) fn counts(&self) -> Outcome<Counts> {
        let failed = |error: std::io::Error| format!("the server's counts: {error}");
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).map_err(failed)?;
        let request = format!("GET /stats HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(failed)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(failed)?;
        Counts::read(&answer).ok_or_else(|| format!("the server's counts: {answer}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This program once more.
pub(super) fn own() -> Outcome<Command> {
    std::env::current_exe().map(Command::new).map_err(|error| format!("where is this program? {error}"))
}

/// What the server counted: requests, bytes of bodies, connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) requests: u64,
    pub(super) bytes: u64,
    pub(super) connections: u64,
}

impl Counts {
    fn read(answer: &str) -> Option<Self> {
        let mut numbers = answer.rsplit_once("\r\n\r\n")?.1.split(' ').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self { requests: next()?, bytes: next()?, connections: next()? })
    }
}

impl Sub for Counts {
    type Output = Self;
    fn sub(self, before: Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            bytes: self.bytes - before.bytes,
            connections: self.connections - before.connections,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.bytes += more.bytes;
        self.connections += more.connections;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, bytes, connections } = self;
        write!(f, "{requests} requests, {bytes} bytes, {connections} connections")
    }
}
