//! Where the pieces of a download go.

use std::fs::File;
use std::io::{self, Write};

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::{JoinHandle, spawn_blocking};

use super::Source;
use crate::error::{Error, ErrorKind, Result};

/// Writes a download into any writer, and flushes it.
pub(crate) async fn write_into(
    source: &mut impl Source,
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<()> {
    let broken = |error: io::Error| {
        Error::new(ErrorKind::Download, format!("the writer failed: {error}")).with_source(error)
    };
    while let Some(chunk) = source.next().await? {
        writer.write_all(&chunk).await.map_err(broken)?;
    }
    writer.flush().await.map_err(broken)
}

/// Pieces are written in batches of this size, one batch while the next one arrives.
const BATCH: usize = 1024 * 1024;

/// A file written off the async threads, in batches: a piece at a time would cost a thread switch each. The pieces are
/// copied into two buffers that are used again and again, so that the transport can use its own again, too.
pub(super) struct BatchedFile {
    batch: Vec<u8>,
    /// The file, or the writer that has it.
    file: Slot,
}

enum Slot {
    Idle(File, Vec<u8>),
    Writing(JoinHandle<io::Result<(File, Vec<u8>)>>),
    Broken,
}

impl BatchedFile {
    pub(super) fn new(file: File) -> Self {
        Self { batch: Vec::with_capacity(BATCH), file: Slot::Idle(file, Vec::with_capacity(BATCH)) }
    }

    pub(super) async fn push(&mut self, chunk: Bytes) -> io::Result<()> {
        if self.batch.len() + chunk.len() > BATCH && !self.batch.is_empty() {
            let (file, empty) = self.take().await?;
            let batch = std::mem::replace(&mut self.batch, empty);
            self.file = Slot::Writing(spawn_blocking(move || write(file, batch)));
        }
        self.batch.extend_from_slice(&chunk);
        Ok(())
    }

    /// Writes the rest and waits until the disk has it.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        let (file, _) = self.take().await?;
        let batch = std::mem::take(&mut self.batch);
        let synced = spawn_blocking(move || write(file, batch)?.0.sync_all());
        synced.await.map_err(io::Error::other)?
    }

    async fn take(&mut self) -> io::Result<(File, Vec<u8>)> {
        match std::mem::replace(&mut self.file, Slot::Broken) {
            Slot::Idle(file, empty) => Ok((file, empty)),
            Slot::Writing(writer) => writer.await.map_err(io::Error::other)?,
            Slot::Broken => Err(io::Error::other("an earlier write failed")),
        }
    }
}

fn write(mut file: File, mut batch: Vec<u8>) -> io::Result<(File, Vec<u8>)> {
    file.write_all(&batch)?;
    batch.clear();
    Ok((file, batch))
}
