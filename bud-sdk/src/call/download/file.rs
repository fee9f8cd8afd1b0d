//! A file that appears under its name only when it is whole.

use std::io;
use std::path::{Path, PathBuf};

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
        let text = self.path.to_string_lossy();
        let folder_like = |c: char| std::path::is_separator(c);
        if self.path.file_name().is_none() || text.strip_suffix('.').unwrap_or(&text).ends_with(folder_like) {
            return Err(Error::invalid("path", "it must be the path of a file, and names a folder"));
        }
        match std::fs::symlink_metadata(self.path) {
            Ok(found) if !found.is_file() => {
                Err(Error::invalid("path", "it is there and not a regular file"))
            }
            Ok(_) if !self.overwrite => {
                Err(Error::invalid("path", "it is there already").with_hint("allow it with overwrite(true)"))
            }
            Ok(_) => Ok(()),
            Err(_) if !folder(self.path).is_dir() => {
                Err(Error::invalid("path", "the folder of the file does not exist, or cannot be entered"))
            }
            Err(_) => Ok(()),
        }
    }

    /// Writes the download into a file without a name, or beside the target where the system has no such files, and puts
    /// it in its place once it is whole and on disk.
    pub(crate) async fn save<S: Source>(&self, source: S) -> Result<S> {
        let (file, draft) = create_draft(self.path)?;
        // A task of its own runs where its connection does: the caller's may be on another thread, and each piece would
        // cost two switches between them. Dropping the set ends it.
        let mut task = JoinSet::new();
        task.spawn(receive(source, BatchedFile::new(file), self.path.to_owned()));
        let source = match task.join_next().await {
            Some(Ok(received)) => received?,
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            _ => return Err(Error::new(ErrorKind::Download, "the runtime ended before the download did")),
        };
        let (path, overwrite) = (self.path.to_owned(), self.overwrite);
        let placed = tokio::task::spawn_blocking(move || draft.put_in_place(&path, overwrite)).await;
        placed
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| local(self.path, "cannot be put in its place", error))?;
        Ok(source)
    }
}

/// The folder of a file.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

async fn receive<S: Source>(mut source: S, mut file: BatchedFile, path: PathBuf) -> Result<S> {
    let unwritable = |error| local(&path, "cannot be written", error);
    while let Some(chunk) = source.next().await? {
        file.push(chunk).await.map_err(unwritable)?;
    }
    file.finish().await.map_err(unwritable)?;
    Ok(source)
}

/// A file that is not in its place yet.
enum Draft {
    #[cfg(target_os = "linux")]
    Unnamed(unnamed::Draft),
    Named(Partial),
}

impl Draft {
    fn put_in_place(self, target: &Path, overwrite: bool) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(draft) => draft.put_in_place(target, overwrite)?,
            Self::Named(partial) if overwrite => partial.replace(target)?,
            Self::Named(partial) => partial.become_new(target)?,
        }
        // The new name must survive a power cut, too.
        #[cfg(unix)]
        if let Ok(folder) = std::fs::File::open(folder(target)) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// Files without a name: a process that is killed leaves nothing behind.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open, openat, renameat, unlinkat};

    pub(super) struct Draft {
        file: File,
        /// Held, so that the file gets its name in this folder, whatever takes the folder's place meanwhile.
        folder: File,
    }

    /// `None` where the file system has no such files, or there is no `/proc` to name one by.
    pub(super) fn create(target: &Path) -> Option<(File, Draft)> {
        if !Path::new("/proc/self/fd").is_dir() {
            return None;
        }
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = File::from(open(super::folder(target), flags, Mode::empty()).ok()?);
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let file = File::from(openat(&folder, ".", flags, Mode::from_raw_mode(0o600)).ok()?);
        let draft = Draft { file: file.try_clone().ok()?, folder };
        Some((file, draft))
    }

    impl Draft {
        pub(super) fn put_in_place(&self, target: &Path, overwrite: bool) -> io::Result<()> {
            let (now, then) = (std::fs::metadata(super::folder(target))?, self.folder.metadata()?);
            if (now.dev(), now.ino()) != (then.dev(), then.ino()) {
                return Err(io::Error::other("another folder has taken the place of its folder"));
            }
            let name = Path::new(target.file_name().unwrap_or_default());
            if !overwrite {
                // It fails if the name was taken meanwhile.
                return self.link(name);
            }
            let beside = super::name_beside(name);
            self.link(&beside)?;
            renameat(&self.folder, &beside, &self.folder, name).map_err(|error| {
                let _ = unlinkat(&self.folder, &beside, AtFlags::empty());
                error.into()
            })
        }

        fn link(&self, name: &Path) -> io::Result<()> {
            // Naming the descriptor itself would take a privilege.
            let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            Ok(linkat(CWD, own, &self.folder, name, AtFlags::SYMLINK_FOLLOW)?)
        }
    }
}

/// A file under a name of its own, which is removed unless it took the target's.
struct Partial {
    path: PathBuf,
    keep: bool,
}

/// A name of its own, so that two exports to one target do not write into each other's file.
fn name_beside(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{:08x}.part", fastrand::u32(..)));
    target.with_file_name(name)
}

impl Partial {
    fn replace(mut self, target: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, target)?;
        self.keep = true;
        Ok(())
    }

    /// A link fails if the name was taken meanwhile; a rename would replace it.
    fn become_new(self, target: &Path) -> io::Result<()> {
        match std::fs::hard_link(&self.path, target) {
            // It is in its place; a second name that stays behind does not undo that.
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // The file system knows no links.
            Err(_) if std::fs::exists(target)? => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => self.replace(target),
        }
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.keep {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn create_draft(target: &Path) -> Result<(std::fs::File, Draft)> {
    #[cfg(target_os = "linux")]
    if let Some((file, draft)) = unnamed::create(target) {
        return Ok((file, Draft::Unnamed(draft)));
    }
    let path = name_beside(target);
    let mut options = std::fs::OpenOptions::new();
    // Exclusive creation follows no link that another user has put there.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path).map_err(|error| local(&path, "cannot be created", error))?;
    Ok((file, Draft::Named(Partial { path, keep: false })))
}

fn local(path: &Path, what: &str, error: io::Error) -> Error {
    let message = format!("the file {} {what}: {error}", path.display());
    Error::new(ErrorKind::Download, message).with_source(error)
}
