//! A file that appears under its name only when it is whole.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::task::JoinSet;

use super::Source;
use super::sink::BatchedFile;
use crate::error::{Error, ErrorKind, Result};

/// Where a download goes.
pub(crate) struct FileTarget<'a> {
    pub(crate) path: &'a Path,
    pub(crate) overwrite: bool,
}

impl FileTarget<'_> {
    /// Refuses a target before anything is asked of the server.
    pub(crate) fn check(&self) -> Result<()> {
        if self.path.file_name().is_none() {
            return Err(Error::invalid("path", "it names no file"));
        }
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

    /// Writes the download beside the target and renames it once it is whole and on disk.
    pub(crate) async fn save<S: Source>(&self, source: S) -> Result<S> {
        let (file, mut partial) = create_partial(self.path)?;
        // A task of its own runs where its connection does: the caller's may be on another thread, and each piece would
        // cost two switches between them. Dropping the set ends it.
        let mut task = JoinSet::new();
        task.spawn(receive(source, BatchedFile::new(file), self.path.to_owned()));
        let source = match task.join_next().await {
            Some(Ok(received)) => received?,
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            _ => return Err(Error::new(ErrorKind::Download, "the runtime ended before the download did")),
        };
        self.put_in_place(&partial.path).await?;
        partial.keep = true;
        Ok(source)
    }

    async fn put_in_place(&self, partial: &Path) -> Result<()> {
        let moved = async {
            if self.overwrite {
                return fs::rename(partial, self.path).await;
            }
            // A link fails if the name was taken meanwhile; a rename would replace it.
            match fs::hard_link(partial, self.path).await {
                // It is in its place; a second name that stays behind does not undo that.
                Ok(()) => {
                    let _ = fs::remove_file(partial).await;
                    Ok(())
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                // The file system knows no links.
                Err(_) if fs::try_exists(self.path).await? => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(partial, self.path).await,
            }
        };
        moved.await.map_err(|error| local(self.path, "cannot be put in its place", error))?;
        // The new name must survive a power cut too.
        #[cfg(unix)]
        {
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            if let Ok(folder) = fs::File::open(folder.unwrap_or(Path::new("."))).await {
                let _ = folder.sync_all().await;
            }
        }
        Ok(())
    }
}

async fn receive<S: Source>(mut source: S, mut file: BatchedFile, path: PathBuf) -> Result<S> {
    let unwritable = |error| local(&path, "cannot be written", error);
    while let Some(chunk) = source.next().await? {
        file.push(chunk).await.map_err(unwritable)?;
    }
    file.finish().await.map_err(unwritable)?;
    Ok(source)
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

fn create_partial(target: &Path) -> Result<(std::fs::File, Partial)> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    // A name of its own, so that two exports to one target do not write into each other's file.
    name.push(format!(".{:08x}.part", fastrand::u32(..)));
    let path = target.with_file_name(name);
    let mut options = std::fs::OpenOptions::new();
    // Exclusive creation follows no link that somebody else has put there.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(|error| local(&path, "cannot be created", error))?;
    Ok((file, Partial { path, keep: false }))
}

fn local(path: &Path, what: &str, error: io::Error) -> Error {
    let message = format!("the file {} {what}: {error}", path.display());
    Error::new(ErrorKind::Download, message).with_source(error)
}
