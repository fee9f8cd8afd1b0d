//! Who may have written a file.

use std::fs::Metadata;

/// Why a file is not to be trusted: another user could have put it there, or changed it. Root may, as everywhere.
#[cfg(unix)]
pub(super) fn distrusted(found: &Metadata) -> Option<(&'static str, &'static str)> {
    use std::os::unix::fs::MetadataExt;
    if found.uid() != 0 && own_uid().is_some_and(|own| own != found.uid()) {
        return Some(("it belongs to another user", "make it your own (chown), or remove it"));
    }
    if found.mode() & 0o022 != 0 {
        return Some(("others than its owner may write it", "check what it says, then run chmod go-w on it"));
    }
    None
}

/// Elsewhere the user's folders are private as they are.
#[cfg(not(unix))]
pub(super) fn distrusted(_: &Metadata) -> Option<(&'static str, &'static str)> {
    None
}

/// Whether others than its owner may read it.
pub(super) fn readable_by_others(found: &Metadata) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::mode(found) & 0o044 != 0;
    #[cfg(not(unix))]
    return {
        let _ = found;
        false
    };
}

/// This process's user: the owner of its own entry in `/proc`, and of the home folder where there is no `/proc`.
#[cfg(unix)]
pub(crate) fn own_uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").ok();
    own.or_else(|| std::fs::metadata(super::home()?).ok()).map(|found| found.uid())
}
