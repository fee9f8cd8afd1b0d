//! A body into a file that appears under its name only when it is whole.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Incoming;

/// How far a download is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes received.
    pub bytes: u64,
    /// Bytes in all, if the server said so.
    pub total: Option<u64>,
}

/// Where a download goes, and what is accepted.
pub(crate) struct Target<'a> {
    pub(crate) path: &'a Path,
    pub(crate) overwrite: bool,
    /// The longest silence of the server.
    pub(crate) idle: Duration,
    /// Decides by the first bytes whether this is what was asked for.
    pub(crate) check: &'a (dyn Fn(&[u8]) -> Result<()> + Send + Sync),
    pub(crate) progress: Option<&'a mut (dyn FnMut(Progress) + Send)>,
}

/// Removes the partial file, unless the download was finished.
struct Partial {
    path: PathBuf,
    keep: bool,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Target<'_> {
    /// Refuses a target before anything is asked of the server.
    pub(crate) fn refuse_existing(&self) -> Result<()> {
        match std::fs::symlink_metadata(self.path) {
            Ok(found) if !found.is_file() => {
                Err(Error::invalid("path", "it is there and not a regular file"))
            }
            Ok(_) if !self.overwrite => {
                Err(Error::invalid("path", "it is there already").with_hint("allow it with overwrite(true)"))
            }
            _ => Ok(()),
        }
    }
}

/// Writes the body beside the target and renames it once it is whole and on disk. Returns the bytes written.
pub(crate) async fn save(mut incoming: Incoming, mut target: Target<'_>) -> Result<u64> {
    if !incoming.framed {
        // Such a body ends with the connection, so a broken connection looks like its end.
        return Err(Error::new(
            ErrorKind::Download,
            "the server does not mark the end of the file, so it cannot be proven whole",
        )
        .with_hint("a proxy that speaks HTTP/1.0 is a likely cause"));
    }
    let total = incoming
        .headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let (mut file, mut partial) = create_partial(target.path).await?;
    let mut bytes = 0;
    let mut head = Vec::new();
    let mut judged = false;
    loop {
        let chunk = timeout(target.idle, incoming.body.next()).await.map_err(|_| {
            let message = format!("the server was silent for {:?} after {bytes} bytes", target.idle);
            Error::new(ErrorKind::Download, message)
        })?;
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|failure| {
            Error::new(ErrorKind::Download, format!("it broke off after {bytes} bytes: {failure}"))
        })?;
        if !judged {
            head.extend_from_slice(chunk.get(..chunk.len().min(512)).unwrap_or_default());
            if head.iter().any(|b| !b.is_ascii_whitespace()) {
                (target.check)(&head)?;
                judged = true;
            }
        }
        file.write_all(&chunk).await.map_err(|error| local(target.path, "cannot be written", error))?;
        bytes += chunk.len() as u64;
        if let Some(progress) = &mut target.progress {
            progress(Progress { bytes, total });
        }
    }
    if total.is_some_and(|total| total != bytes) {
        return Err(Error::new(
            ErrorKind::Download,
            format!("{bytes} of {} bytes arrived", total.unwrap_or_default()),
        ));
    }
    if !judged {
        (target.check)(&head)?;
    }
    let flushed = async {
        file.flush().await?;
        file.sync_all().await
    };
    flushed.await.map_err(|error| local(target.path, "cannot be written", error))?;
    drop(file);
    finish(&partial.path, target.path, target.overwrite).await?;
    partial.keep = true;
    Ok(bytes)
}

async fn create_partial(target: &Path) -> Result<(fs::File, Partial)> {
    let Some(name) = target.file_name() else {
        return Err(Error::invalid("path", "it names no file"));
    };
    // A name of its own, so that two exports to one target do not write into each other's file.
    let mut name = name.to_owned();
    name.push(format!(".{:08x}.part", fastrand::u32(..)));
    let path = target.with_file_name(name);
    let mut options = OpenOptions::new();
    // Exclusive creation follows no link that somebody else has put there.
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(&path).await.map_err(|error| local(&path, "cannot be created", error))?;
    Ok((file, Partial { path, keep: false }))
}

async fn finish(partial: &Path, target: &Path, overwrite: bool) -> Result<()> {
    let moved = async {
        if overwrite {
            return fs::rename(partial, target).await;
        }
        // A link fails if the name was taken meanwhile; a rename would replace it.
        match fs::hard_link(partial, target).await {
            Ok(()) => fs::remove_file(partial).await,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // The file system knows no links.
            Err(_) if fs::try_exists(target).await? => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(partial, target).await,
        }
    };
    moved.await.map_err(|error| local(target, "cannot be put in its place", error))?;
    // The new name must survive a power cut too.
    #[cfg(unix)]
    {
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if let Ok(folder) = fs::File::open(folder).await {
            let _ = folder.sync_all().await;
        }
    }
    Ok(())
}

fn local(path: &Path, what: &str, error: io::Error) -> Error {
    let message = format!("the file {} {what}: {error}", path.display());
    Error::new(ErrorKind::Download, message).with_source(error)
}
