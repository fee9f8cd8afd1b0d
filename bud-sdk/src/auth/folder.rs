//! The folder of kept sessions: opened once and held, so that no other user can put another in its place between a check
//! and a use.

use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;

/// `~/.bud/sessions`, opened and checked.
pub(super) struct Folder {
    path: PathBuf,
    #[cfg(unix)]
    own: std::os::fd::OwnedFd,
}

pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::config(format!("{} cannot be read: {}", path.display(), error.kind())).with_source(error)
}

pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(unix)]
mod unix {
    use std::fs::{File, Metadata};
    use std::io::{self, Read, Write};
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};

    use super::{Folder, is_absent, unreadable};
    use crate::config::own_uid;
    use crate::error::{Error, Result};

    /// Refuses what another user owns, or may use in a way that `forbidden` holds.
    fn check(path: &Path, found: &Metadata, kind: &str, forbidden: u32) -> Result<()> {
        let refused = |why: &str, remedy: String| {
            Err(Error::config(format!("{}: {why}", path.display())).with_hint(remedy))
        };
        let right = if kind == "a folder" { found.is_dir() } else { found.is_file() };
        if !right {
            return refused(&format!("it must be {kind}, and no link"), "remove it".to_owned());
        }
        if own_uid().is_some_and(|own| own != found.uid()) {
            return refused("it belongs to another user", "remove it".to_owned());
        }
        if found.mode() & forbidden != 0 {
            let mode = if kind == "a folder" { "700" } else { "600" };
            return refused(
                "others than its owner may use it",
                format!("remove it and change the password if anyone else has read it, else chmod {mode}"),
            );
        }
        Ok(())
    }

    /// A link in the place of what is asked for.
    fn no_link(path: &Path, error: io::Error, kind: &str) -> Error {
        let link = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        match link || error.kind() == io::ErrorKind::NotADirectory {
            true => Error::config(format!("{}: it must be {kind}, and no link", path.display()))
                .with_hint("remove it"),
            false => unreadable(path, error),
        }
    }

    impl Folder {
        /// Opens `~/.bud/sessions`; `None` if there is none. With `create`, makes what is missing.
        pub(in crate::auth) fn open(home: &Path, create: bool) -> Result<Option<Self>> {
            let parent = home.join(".bud");
            let path = parent.join("sessions");
            let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
            let private = Mode::from_raw_mode(0o700);
            if create {
                // Whether it is there already shows when it is opened.
                let _ = std::fs::create_dir_all(home);
                let _ = mkdirat(CWD, &parent, private);
            }
            let held = match openat(CWD, &parent, flags, Mode::empty()).map_err(io::Error::from) {
                Ok(held) => File::from(held),
                Err(error) if is_absent(&error) && !create => return Ok(None),
                Err(error) => return Err(unreadable(&parent, error)),
            };
            // Whoever may write it could put another folder in the place of `sessions`.
            check(&parent, &held.metadata().map_err(|error| unreadable(&parent, error))?, "a folder", 0o022)?;
            if create {
                let _ = mkdirat(&held, "sessions", private);
            }
            let own = match openat(&held, "sessions", flags | OFlags::NOFOLLOW, Mode::empty())
                .map_err(io::Error::from)
            {
                Ok(own) => File::from(own),
                Err(error) if error.kind() == io::ErrorKind::NotFound && !create => return Ok(None),
                Err(error) => return Err(no_link(&path, error, "a folder")),
            };
            check(&path, &own.metadata().map_err(|error| unreadable(&path, error))?, "a folder", 0o077)?;
            Ok(Some(Self { path, own: own.into() }))
        }

        /// The beginning of a file, up to `most` bytes; `None` if there is none.
        pub(in crate::auth) fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
            let path = self.path.join(name);
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match openat(&self.own, name, flags, Mode::empty()).map_err(io::Error::from) {
                Ok(file) => File::from(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(no_link(&path, error, "a regular file")),
            };
            let broken = |error| unreadable(&path, error);
            check(&path, &file.metadata().map_err(broken)?, "a regular file", 0o077)?;
            let mut bytes = Vec::new();
            file.take(most).read_to_end(&mut bytes).map_err(broken)?;
            Ok(Some(bytes))
        }

        /// Puts a complete file in the place of the one before.
        pub(in crate::auth) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
            let draft = format!("{name}.{:016x}.tmp", fastrand::u64(..));
            // Exclusive creation follows no link that another user has put there.
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(openat(&self.own, &draft, flags, Mode::from_raw_mode(0o600))?);
            let written = file.write_all(bytes).and_then(|()| file.sync_all());
            let put = written.and_then(|()| Ok(renameat(&self.own, &draft, &self.own, name)?));
            put.inspect_err(|_| {
                let _ = unlinkat(&self.own, &draft, AtFlags::empty());
            })
        }

        pub(in crate::auth) fn remove(&self, name: &str) -> io::Result<()> {
            match unlinkat(&self.own, name, AtFlags::empty()) {
                Err(error) if error != rustix::io::Errno::NOENT => Err(error.into()),
                _ => Ok(()),
            }
        }
    }
}

/// Elsewhere the user's folders are private as they are.
#[cfg(not(unix))]
mod elsewhere {
    use std::fs::{self, File, OpenOptions};
    use std::io::{self, Read, Write};
    use std::path::Path;

    use super::{Folder, is_absent, unreadable};
    use crate::error::{Error, Result};

    impl Folder {
        pub(in crate::auth) fn open(home: &Path, create: bool) -> Result<Option<Self>> {
            let path = home.join(".bud").join("sessions");
            if create {
                fs::create_dir_all(&path).map_err(|error| unreadable(&path, error))?;
            }
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => Ok(Some(Self { path })),
                Ok(_) => Err(Error::config(format!("{}: it must be a folder, and no link", path.display()))
                    .with_hint("remove it")),
                Err(error) if is_absent(&error) => Ok(None),
                Err(error) => Err(unreadable(&path, error)),
            }
        }

        pub(in crate::auth) fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
            let path = self.path.join(name);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_file() => {}
                Ok(_) => {
                    let message = format!("{}: it must be a regular file, and no link", path.display());
                    return Err(Error::config(message).with_hint("remove it"));
                }
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(unreadable(&path, error)),
            }
            let mut bytes = Vec::new();
            let read = File::open(&path).and_then(|file| file.take(most).read_to_end(&mut bytes));
            read.map_err(|error| unreadable(&path, error))?;
            Ok(Some(bytes))
        }

        pub(in crate::auth) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
            let draft = self.path.join(format!("{name}.{:016x}.tmp", fastrand::u64(..)));
            let mut file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
            let written = file.write_all(bytes).and_then(|()| file.sync_all());
            let put = written.and_then(|()| fs::rename(&draft, self.path.join(name)));
            put.inspect_err(|_| drop(fs::remove_file(&draft)))
        }

        pub(in crate::auth) fn remove(&self, name: &str) -> io::Result<()> {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        }
    }
}
