//! What a process writes, seen from outside.

use std::fs;
use std::path::Path;

/// Whether the file system of these tests has files without a name (`O_TMPFILE`).
pub fn unnamed_files() -> bool {
    use rustix::fs::{Mode, OFlags, open};
    open(std::env::temp_dir(), OFlags::TMPFILE | OFlags::WRONLY, Mode::from_raw_mode(0o600)).is_ok()
}

/// Mode and number of names of what a process writes in that folder, once it does.
pub fn written_by(process: u32, folder: &Path) -> Option<(u32, u64)> {
    let open = fs::read_dir(format!("/proc/{process}/fd")).ok()?.flatten();
    open.filter(|entry| {
        let path = fs::read_link(entry.path()).unwrap_or_default();
        path.parent() == Some(folder)
    })
    .find_map(|entry| {
        use std::os::unix::fs::MetadataExt;
        let found = fs::metadata(entry.path()).ok().filter(fs::Metadata::is_file)?;
        Some((found.mode() & 0o777, found.nlink()))
    })
}
