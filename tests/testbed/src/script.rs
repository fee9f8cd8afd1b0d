//! Scripts: what a connection does, byte by byte, without an HTTP library in between.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::log::{Log, SeenRequest};

/// One thing that a scripted connection does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Read one HTTP/1.1 request, head and body (by Content-Length), and log it.
    ReadRequest,
    /// Read that many bytes, whatever they are.
    Read(usize),
    /// Write these bytes.
    Send(Bytes),
    /// Write what belongs to the line (`GET /path?query`) of the request read last; nothing for other requests.
    SendByLine(Arc<BTreeMap<String, Bytes>>),
    /// Write these bytes one at a time, with a pause before each.
    Drip {
        /// What to write.
        bytes: Bytes,
        /// The pause.
        every: Duration,
    },
    /// Write this over and over until the peer closes.
    Endless {
        /// What to repeat.
        chunk: Bytes,
    },
    /// Wait.
    Sleep(Duration),
    /// Close in order (FIN). Also what happens at the end of a script.
    Close,
    /// Close with a reset (RST).
    Reset,
    /// Hold the connection open until the peer closes or the server is dropped.
    Stall,
}

/// The steps of one connection.
#[derive(Debug, Clone, Default)]
pub struct Script {
    steps: Vec<Step>,
}

impl Script {
    /// A script without steps: it closes at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// The commonest script: read one request, answer it with these bytes, close.
    pub fn answer(bytes: impl Into<Bytes>) -> Self {
        Self::new().read_request().send(bytes).close()
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds [`Step::ReadRequest`].
    #[must_use]
    pub fn read_request(self) -> Self {
        self.step(Step::ReadRequest)
    }

    /// Adds [`Step::Read`].
    #[must_use]
    pub fn read(self, bytes: usize) -> Self {
        self.step(Step::Read(bytes))
    }

    /// Adds [`Step::Send`].
    #[must_use]
    pub fn send(self, bytes: impl Into<Bytes>) -> Self {
        self.step(Step::Send(bytes.into()))
    }

    /// Adds [`Step::Drip`].
    #[must_use]
    pub fn drip(self, bytes: impl Into<Bytes>, every: Duration) -> Self {
        self.step(Step::Drip { bytes: bytes.into(), every })
    }

    /// Adds [`Step::Endless`].
    #[must_use]
    pub fn endless(self, chunk: impl Into<Bytes>) -> Self {
        self.step(Step::Endless { chunk: chunk.into() })
    }

    /// Adds [`Step::Sleep`].
    #[must_use]
    pub fn sleep(self, time: Duration) -> Self {
        self.step(Step::Sleep(time))
    }

    /// Adds [`Step::Close`].
    #[must_use]
    pub fn close(self) -> Self {
        self.step(Step::Close)
    }

    /// Adds [`Step::Reset`].
    #[must_use]
    pub fn reset(self) -> Self {
        self.step(Step::Reset)
    }

    /// Adds [`Step::Stall`].
    #[must_use]
    pub fn stall(self) -> Self {
        self.step(Step::Stall)
    }
}

impl From<Vec<Step>> for Script {
    fn from(steps: Vec<Step>) -> Self {
        Self { steps }
    }
}

impl<const N: usize> From<[Step; N]> for Script {
    fn from(steps: [Step; N]) -> Self {
        Self { steps: steps.into() }
    }
}

impl From<Step> for Script {
    fn from(step: Step) -> Self {
        Self { steps: vec![step] }
    }
}

/// A request head above this is not one: the script ends.
const HEAD_LIMIT: usize = 1024 * 1024;
/// After a FIN the rest of what the peer sends is read this long, since closing on unread bytes would be a reset.
const LINGER: Duration = Duration::from_secs(2);

/// Plays a script on a connection. Its end is the end of the connection; an error means that the peer went first.
pub(crate) async fn play(
    script: Script,
    stream: TcpStream,
    connection: usize,
    log: &Log,
    written: &AtomicU64,
) {
    let mut line = Line { stream, unread: Vec::new(), asked: String::new(), connection, log, written };
    for step in script.steps {
        match line.run(step).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return,
        }
    }
    let _ = line.close().await;
}

struct Line<'a> {
    stream: TcpStream,
    unread: Vec<u8>,
    /// The line of the request read last.
    asked: String,
    connection: usize,
    log: &'a Log,
    written: &'a AtomicU64,
}

impl Line<'_> {
    /// Whether the script goes on after this step.
    async fn run(&mut self, step: Step) -> io::Result<bool> {
        match step {
            Step::ReadRequest => self.read_request().await?,
            Step::Read(count) => {
                while self.unread.len() < count {
                    self.read_more().await?;
                }
                self.unread.drain(..count);
            }
            Step::Send(bytes) => self.write(&bytes).await?,
            Step::SendByLine(answers) => {
                if let Some(bytes) = answers.get(&self.asked) {
                    self.write(bytes).await?;
                }
            }
            Step::Drip { bytes, every } => {
                for index in 0..bytes.len() {
                    sleep(every).await;
                    self.write(&bytes[index..=index]).await?;
                }
            }
            Step::Endless { chunk } => {
                // An empty chunk would spin without ever noticing that the peer has gone.
                let chunk = if chunk.is_empty() { Bytes::from_static(b"\n") } else { chunk };
                loop {
                    self.write(&chunk).await?;
                }
            }
            Step::Sleep(time) => sleep(time).await,
            Step::Close => {
                self.close().await?;
                return Ok(false);
            }
            Step::Reset => {
                self.stream.set_zero_linger()?;
                return Ok(false);
            }
            Step::Stall => loop {
                self.read_more().await?;
                self.unread.clear();
            },
        }
        Ok(true)
    }

    async fn read_more(&mut self) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.unread.extend_from_slice(&chunk[..count]);
                Ok(())
            }
        }
    }

    async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = self.stream.write(bytes).await?;
            self.written.fetch_add(count as u64, Ordering::Relaxed);
            bytes = &bytes[count..];
        }
        Ok(())
    }

    async fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown().await?;
        let _ = timeout(LINGER, async { while self.read_more().await.is_ok() {} }).await;
        Ok(())
    }

    async fn read_request(&mut self) -> io::Result<()> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            if self.unread.len() > HEAD_LIMIT {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.read_more().await?;
        };
        let head = String::from_utf8_lossy(&self.unread[..end]).into_owned();
        self.unread.drain(..end + 4);
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        self.asked = format!("{method} {target}");
        let request = SeenRequest::new(method, target, headers, self.connection);
        let length =
            request.header("content-length").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
        // Logged before its body is complete: a request that breaks off was seen all the same.
        let ticket = self.log.arrived(request);
        while self.unread.len() < length {
            self.read_more().await?;
        }
        let body = self.unread.drain(..length).collect();
        self.log.update(ticket, |seen| seen.body = body);
        Ok(())
    }
}

/// The bytes of a whole HTTP/1.1 response. Content-Length is added unless the headers say how the body ends.
pub fn respond(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Bytes {
    let body = body.as_ref();
    let mut bytes = head(status, headers);
    let framed = headers.iter().any(|(name, _)| {
        name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
    });
    if !framed {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes.into()
}

/// The bytes of a JSON response.
pub fn respond_json(status: u16, body: &serde_json::Value) -> Bytes {
    respond(status, &[("content-type", "application/json")], body.to_string())
}

/// The bytes of a chunked response; without `complete` the last chunk is missing.
pub fn respond_chunked<B: AsRef<[u8]>>(
    status: u16,
    headers: &[(&str, &str)],
    chunks: impl IntoIterator<Item = B>,
    complete: bool,
) -> Bytes {
    let mut bytes = head(status, headers);
    bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
    for chunk in chunks {
        let chunk = chunk.as_ref();
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    if complete {
        bytes.extend_from_slice(b"0\r\n\r\n");
    }
    bytes.into()
}

/// The bytes of a response whose body ends with the connection: neither Content-Length nor chunks.
pub fn respond_until_close(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Bytes {
    let mut bytes = head(status, headers);
    bytes.extend_from_slice(b"connection: close\r\n\r\n");
    bytes.extend_from_slice(body.as_ref());
    bytes.into()
}

fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let reason =
        http::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()).unwrap_or("Status");
    let mut text = format!("HTTP/1.1 {status} {reason}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.into_bytes()
}

/// A gzip stream that is small and unpacks to `unpacked` bytes of `0`.
pub fn gzip_bomb(unpacked: usize) -> Bytes {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = [b'0'; 64 * 1024];
    let mut left = unpacked;
    while left > 0 {
        let count = left.min(block.len());
        // Writing into memory does not fail.
        let _ = packed.write_all(&block[..count]);
        left -= count;
    }
    packed.finish().unwrap_or_default().into()
}
