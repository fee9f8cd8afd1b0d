//! A command in a container, played from a script over the websocket that the API server passes through.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// A kubelet sends what a command prints in pieces of this size.
const PIECE: usize = 32 * 1024;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;

/// What was to be run, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecRequest {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// The program and its arguments.
    pub command: Vec<String>,
}

/// One thing that a command does.
#[derive(Debug, Clone)]
pub enum ExecStep {
    /// It prints.
    Stdout(Bytes),
    /// It prints to standard error.
    Stderr(Bytes),
    /// It takes its time.
    Wait(Duration),
}

/// What a command does, and how it ends.
#[derive(Debug, Clone)]
pub struct ExecScript {
    steps: Vec<ExecStep>,
    end: End,
}

#[derive(Debug, Clone)]
enum End {
    Status(Value),
    Silence,
    Never,
}

impl ExecScript {
    /// It exits with this code.
    pub fn exit(code: i32) -> Self {
        Self::ending(End::Status(match code {
            0 => json!({"metadata": {}, "status": "Success"}),
            code => json!({
                "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
                "message": format!("command terminated with exit code {code}"),
                "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
            }),
        }))
    }

    /// It could not be run, as when there is no such program.
    pub fn fail(message: &str) -> Self {
        Self::ending(End::Status(json!({
            "metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
            "message": format!("Internal error occurred: error executing command in container: {message}"),
            "details": {"causes": [{"message": format!("error executing command in container: {message}")}]},
        })))
    }

    /// The connection breaks, and nobody learns how it ended.
    pub fn silence() -> Self {
        Self::ending(End::Silence)
    }

    /// It does not end before its caller does.
    pub fn never() -> Self {
        Self::ending(End::Never)
    }

    fn ending(end: End) -> Self {
        Self { steps: Vec::new(), end }
    }

    /// Before its end it does this.
    #[must_use]
    pub fn step(mut self, step: ExecStep) -> Self {
        self.steps.push(step);
        self
    }

    /// Before its end it prints this.
    #[must_use]
    pub fn stdout(self, bytes: impl Into<Bytes>) -> Self {
        self.step(ExecStep::Stdout(bytes.into()))
    }

    /// Before its end it prints this to standard error.
    #[must_use]
    pub fn stderr(self, bytes: impl Into<Bytes>) -> Self {
        self.step(ExecStep::Stderr(bytes.into()))
    }
}

/// Plays it to the end, or until the caller is gone.
pub(crate) async fn play<S>(script: ExecScript, socket: WebSocketStream<S>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sink, mut stream) = socket.split();
    let speak = async {
        for step in script.steps {
            match step {
                ExecStep::Stdout(bytes) => print(&mut sink, STDOUT, &bytes).await?,
                ExecStep::Stderr(bytes) => print(&mut sink, STDERR, &bytes).await?,
                ExecStep::Wait(time) => tokio::time::sleep(time).await,
            }
        }
        match script.end {
            End::Status(status) => print(&mut sink, STATUS, status.to_string().as_bytes()).await?,
            End::Silence => return Ok(false),
            End::Never => std::future::pending().await,
        }
        let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        sink.send(Message::Close(Some(normal))).await.map(|()| true)
    };
    // Reading answers pings and the closing handshake, and shows when the caller is gone.
    let listen = async { while let Some(Ok(_)) = stream.next().await {} };
    tokio::pin!(listen);
    tokio::select! {
        // Its last words are to arrive, so the other side closes first.
        spoken = speak => if matches!(spoken, Ok(true)) { listen.await },
        () = &mut listen => {}
    }
}

async fn print<S>(sink: &mut S, channel: u8, bytes: &[u8]) -> Result<(), S::Error>
where
    S: futures_util::Sink<Message> + Unpin,
{
    for piece in bytes.chunks(PIECE) {
        let mut message = BytesMut::with_capacity(piece.len() + 1);
        message.extend_from_slice(&[channel]);
        message.extend_from_slice(piece);
        sink.send(Message::Binary(message.freeze())).await?;
    }
    Ok(())
}
