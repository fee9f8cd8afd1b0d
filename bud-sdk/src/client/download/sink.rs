//! Where the pieces of a download go.

use std::fs::File;
use std::io::{self, Write};

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::task::{JoinHandle, spawn_blocking};

use super::Transfer;
use crate::error::{Error, ErrorKind, Result};

/// Writes a download into any writer, and flushes it.
pub(crate) async fn write_into(
    transfer: &mut Transfer,
    writer: &mut (impl AsyncWrite + Unpin),
) -> Result<()> {
    let broken = |error: io::Error| {
        Error::new(ErrorKind::Download, format!("the writer failed: {error}")).with_source(error)
    };
    while let Some(chunk) = transfer.next().await? {
        writer.write_all(&chunk).await.map_err(broken)?;
    }
    writer.flush().await.map_err(broken)
}

/// Pieces are written in batches of this size, one batch while the next one arrives.
const BATCH: usize = 1024 * 1024;

/// A file written off the async threads, in batches: a piece at a time would cost a thread switch each.
pub(super) struct BatchedFile {
    batch: Vec<Bytes>,
    size: usize,
    /// The file, or the writer that has it.
    file: Slot,
}

enum Slot {
    Idle(File),
    Writing(JoinHandle<io::Result<File>>),
    Broken,
}

impl BatchedFile {
    pub(super) fn new(file: File) -> Self {
        Self { batch: Vec::new(), size: 0, file: Slot::Idle(file) }
    }

    pub(super) async fn push(&mut self, chunk: Bytes) -> io::Result<()> {
        self.size += chunk.len();
        self.batch.push(chunk);
        if self.size < BATCH {
            return Ok(());
        }
        let mut file = self.take().await?;
        let batch = std::mem::take(&mut self.batch);
        self.size = 0;
        self.file = Slot::Writing(spawn_blocking(move || {
            for chunk in batch {
                file.write_all(&chunk)?;
            }
            Ok(file)
        }));
        Ok(())
    }

    /// Writes the rest and waits until the disk has it.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        let mut file = self.take().await?;
        let batch = std::mem::take(&mut self.batch);
        let synced = spawn_blocking(move || {
            for chunk in batch {
                file.write_all(&chunk)?;
            }
            file.sync_all()
        });
        synced.await.map_err(io::Error::other)?
    }

    async fn take(&mut self) -> io::Result<File> {
        match std::mem::replace(&mut self.file, Slot::Broken) {
            Slot::Idle(file) => Ok(file),
            Slot::Writing(writer) => writer.await.map_err(io::Error::other)?,
            Slot::Broken => Err(io::Error::other("an earlier write failed")),
        }
    }
}
