//! Sessions that outlive the process: one file per server and account, readable by its owner alone.
//!
//! A file is replaced by renaming a complete one over it. A reader, or whoever comes after a crash, finds the old one or
//! the new one and never a half; of two processes that write at once the last one wins, and both sessions stay good.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::json;
use tracing::warn;
use url::Url;

use super::Tokens;
use super::folder::Folder;
use crate::error::Result;
use crate::types::Secret;

/// More is no session: its tokens have at most 16 KiB each.
const MOST_BYTES: u64 = 256 * 1024;
/// No token lives longer; it keeps clock arithmetic in bounds.
const LONGEST_LIFE: f64 = 30.0 * 24.0 * 3600.0;

/// How long calls wait for a file system that does not answer, such as a lost network drive.
const PATIENCE: Duration = Duration::from_secs(5);

/// The place of one session.
#[derive(Debug, Clone)]
pub(crate) struct Store(Arc<Location>);

#[derive(Debug)]
struct Location {
    home: PathBuf,
    /// The file's name, and its path for messages.
    name: String,
    path: PathBuf,
    server: String,
    email: String,
}

#[derive(Deserialize)]
struct Stored {
    /// Origin and path.
    server: String,
    email: String,
    access_token: Secret,
    refresh_token: Option<Secret>,
    /// Seconds since 1970.
    expires_at: Option<f64>,
}

/// Tokens with an end on the wall clock, turned once into a life from now.
pub(crate) fn resumed(access: Secret, refresh: Option<Secret>, expires_at: Option<f64>) -> Tokens {
    let life = expires_at.map(|end| (end - unix_time(SystemTime::now())).clamp(0.0, LONGEST_LIFE));
    let expires_in = life.and_then(|life| Duration::try_from_secs_f64(life).ok());
    Tokens { access, refresh, expires_in, must_change_password: None }
}

fn unix_time(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

impl Store {
    pub(crate) fn new(home: &Path, base: &Url, email: &str) -> Self {
        let server = crate::config::server(base);
        let name = file_name(base, &server, email);
        let path = home.join(".bud").join("sessions").join(&name);
        Self(Arc::new(Location { home: home.to_owned(), name, path, server, email: email.to_owned() }))
    }

    /// The session that was kept. A torn file, or one of another server, counts as none and is replaced. So does a folder
    /// that this user may not enter: without the session there is a login.
    ///
    /// # Errors
    /// `Config` for a file that another user could have read or written.
    pub(crate) fn load(&self) -> Result<Option<Tokens>> {
        let Location { home, name, path, server, email } = &*self.0;
        let read = Folder::open(home, false).and_then(|folder| match folder {
            Some(folder) => folder.read(name, MOST_BYTES + 1),
            None => Ok(None),
        });
        let bytes = match read {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(error) if is_denied(&error) => {
                warn!(path = %path.display(), "the kept session cannot be read (permission denied) and is ignored");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // The parser's message could quote a token.
        let stored = serde_json::from_slice::<Stored>(&bytes).ok();
        let Some(stored) = stored.filter(|_| bytes.len() as u64 <= MOST_BYTES) else {
            warn!(path = %path.display(), "the kept session cannot be understood and is ignored");
            return Ok(None);
        };
        let same = stored.server == *server && stored.email == *email;
        Ok(same.then(|| resumed(stored.access_token, stored.refresh_token, stored.expires_at)))
    }

    /// Keeps a session in the place of the one before.
    pub(crate) fn save(&self, tokens: &Tokens) -> io::Result<()> {
        let Location { home, name, server, email, .. } = &*self.0;
        let expires_at =
            tokens.expires_in.and_then(|life| SystemTime::now().checked_add(life)).map(unix_time);
        let text = json!({
            "server": server,
            "email": email,
            "access_token": tokens.access.expose(),
            "refresh_token": tokens.refresh.as_ref().map(Secret::expose),
            "expires_at": expires_at,
        });
        match Folder::open(home, true).map_err(io::Error::other)? {
            Some(folder) => folder.write(name, text.to_string().as_bytes()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    pub(crate) fn remove(&self) -> io::Result<()> {
        let Location { home, name, .. } = &*self.0;
        match Folder::open(home, false).map_err(io::Error::other)? {
            Some(folder) => folder.remove(name),
            None => Ok(()),
        }
    }

    // For async code. A session that cannot be kept is no reason for a call to fail.

    pub(super) async fn read(&self) -> Option<Tokens> {
        self.aside("read", |store| store.load()).await.flatten()
    }

    pub(super) async fn keep(&self, tokens: &Tokens) {
        let tokens = tokens.clone();
        self.aside("written", move |store| {
            // What is there then is spent: it would be taken for another process's newer session.
            store.save(&tokens).inspect_err(|_| drop(store.remove()))
        })
        .await;
    }

    /// The session, whose file is gone.
    pub(super) async fn take(&self) -> Option<Tokens> {
        let work = |store: Self| {
            let found = store.load();
            store.remove().map(|()| found.ok().flatten())
        };
        self.aside("removed", work).await.flatten()
    }

    async fn aside<T, E>(
        &self,
        deed: &str,
        work: impl FnOnce(Self) -> Result<T, E> + Send + 'static,
    ) -> Option<T>
    where
        T: Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let store = self.clone();
        let task = tokio::task::spawn_blocking(move || work(store));
        let failure = match tokio::time::timeout(PATIENCE, task).await {
            Ok(Ok(Ok(done))) => return Some(done),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(late) => late.to_string(),
        };
        warn!(path = %self.0.path.display(), %failure, "the kept session cannot be {deed}");
        None
    }
}

fn is_denied(error: &crate::error::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.kind() == io::ErrorKind::PermissionDenied)
}

/// A name that holds no separator and is the same in every process. The hash keeps accounts and long names apart; what
/// stands in the file decides in the end.
fn file_name(base: &Url, server: &str, email: &str) -> String {
    let host = base.host_str().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' };
    let host: String = host.chars().map(plain).take(100).collect();
    let port = base.port_or_known_default().unwrap_or_default();
    // FNV-1a: the standard library's hashes may change with its version. The number separates these files from those of
    // versions that knew servers by their origin alone.
    let account = format!("2\n{server}\n{email}");
    let hash = account.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{}_{host}_{port}-{hash:016x}.json", base.scheme())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn folder(store: &Store) -> &Path {
        store.0.path.parent().unwrap()
    }

    /// A home folder of one test.
    struct Home(PathBuf);

    impl Home {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let home = std::env::temp_dir().join(format!("bud-sdk-store-{process}-{count}"));
            fs::create_dir_all(&home).unwrap();
            Self(home)
        }
        fn store(&self) -> Store {
            Store::new(&self.0, &Url::parse("https://bud.test/v1").unwrap(), "a@example.com")
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn tokens(access: &str, life: u64) -> Tokens {
        Tokens {
            access: access.into(),
            refresh: Some(format!("{access}-refresh").into()),
            expires_in: Some(Duration::from_secs(life)),
            must_change_password: None,
        }
    }

    #[test]
    fn what_was_saved_is_loaded_until_it_is_removed() {
        let home = Home::new();
        let store = home.store();
        assert!(store.load().unwrap().is_none());
        store.remove().unwrap();
        store.save(&tokens("first", 60)).unwrap();
        store.save(&tokens("second", 60)).unwrap();
        let found = store.load().unwrap().unwrap();
        assert_eq!(found.access.expose(), "second");
        assert_eq!(found.refresh.unwrap().expose(), "second-refresh");
        let life = found.expires_in.unwrap().as_secs_f64();
        assert!((50.0..=60.0).contains(&life), "{life}");
        assert_eq!(fs::read_dir(folder(&store)).unwrap().count(), 1, "no draft is left");
        store.remove().unwrap();
        assert!(store.load().unwrap().is_none());
    }

    #[test]
    fn lives_are_bounded_by_both_ends() {
        let now = unix_time(SystemTime::now());
        let life = |end| resumed("a".into(), None, end).expires_in.map(|life| life.as_secs());
        assert_eq!(life(None), None);
        for past in [now - 1.0, 0.0, -1e300, f64::MIN] {
            assert_eq!(life(Some(past)), Some(0));
        }
        for far in [now + 1e9, f64::MAX] {
            assert_eq!(life(Some(far)), Some(30 * 86_400));
        }
    }

    #[test]
    fn names_are_safe_and_differ_per_server_and_account() {
        let name = |url: &str, email: &str| {
            let url = Url::parse(url).unwrap();
            file_name(&url, &crate::config::server(&url), email)
        };
        let long = format!("https://{}test/", "a.".repeat(120));
        let cases = [
            ("https://bud.test", "a@example.com"),
            ("https://bud.test", "b@example.com"),
            ("https://bud.test", "../../etc/passwd"),
            ("https://bud.test:8443", "a@example.com"),
            ("https://bud.test/a", "a@example.com"),
            ("https://bud.test/b", "a@example.com"),
            ("http://127.0.0.1", "a@example.com"),
            ("http://[::1]:80", "a@example.com"),
            ("https://bücher.example", "a@example.com"),
            (long.as_str(), "a@example.com"),
        ];
        let names: std::collections::BTreeSet<_> = cases.map(|(url, email)| name(url, email)).into();
        assert_eq!(names.len(), cases.len());
        for name in names {
            assert!(name.len() < 150 && !name.contains(['/', '\\', ':', '@', '[']), "{name}");
        }
        assert_eq!(
            name("https://bud.test/v1", "a@example.com"),
            name("https://BUD.test:443/v1/", "a@example.com")
        );
        // Another name after an update would be another login for everyone.
        assert_eq!(name(cases[0].0, cases[0].1), "https_bud.test_443-5e2fda778f4c822d.json");
    }

    #[test]
    fn what_is_torn_or_of_others_counts_as_none() {
        let home = Home::new();
        let store = home.store();
        store.save(&tokens("a", 60)).unwrap();
        let whole = fs::read_to_string(&store.0.path).unwrap();
        let foreign = whole.replace("https://bud.test", "https://evil.test");
        let beside = whole.replace("https://bud.test/v1", "https://bud.test/v2");
        let before = whole.replace("\"server\"", "\"origin\"");
        let other = whole.replace("a@example.com", "b@example.com");
        let huge = format!("{whole}{}", " ".repeat(300 * 1024));
        for text in [
            "",
            "{}",
            "null",
            &whole[..whole.len() / 2],
            &foreign,
            &beside,
            &before,
            &other,
            &huge[..],
            "\u{0}",
        ] {
            fs::write(&store.0.path, text).unwrap();
            assert!(store.load().unwrap().is_none(), "{text:.40}");
        }
        store.save(&tokens("b", 60)).unwrap();
        assert_eq!(store.load().unwrap().unwrap().access.expose(), "b");
    }

    #[test]
    fn nobody_sees_a_half_however_many_write() {
        let home = Home::new();
        let store = home.store();
        store.save(&tokens("start", 60)).unwrap();
        let write = |writer: usize| {
            for turn in 0..50 {
                // Of different lengths, so that a mixture would not be JSON.
                let access = format!("{writer}-{turn}-{}", "x".repeat(writer * 700 + turn));
                store.save(&tokens(&access, 60)).unwrap();
                let found = store.load().unwrap().expect("a whole file");
                let whole = format!("{}-refresh", found.access.expose());
                assert_eq!(found.refresh.unwrap().expose(), whole);
            }
        };
        std::thread::scope(|scope| {
            for writer in 0..8 {
                scope.spawn(move || write(writer));
            }
        });
        assert_eq!(fs::read_dir(folder(&store)).unwrap().count(), 1, "no draft is left");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_and_what_others_could_touch_is_refused() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        let chmod = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        let home = Home::new();
        let store = home.store();
        let Location { path, .. } = &*store.0;
        let folder = folder(&store);
        let refused = || {
            let error = store.load().unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(
                text.contains("sessions") && error.hint().is_some() && !text.contains("canary"),
                "{text}"
            );
            text
        };
        store.save(&tokens("canary", 60)).unwrap();
        assert_eq!((mode(folder), mode(path)), (0o700, 0o600));

        for bits in [0o640, 0o604, 0o620, 0o601, 0o777] {
            chmod(path, bits);
            assert!(refused().contains("others"));
        }
        chmod(path, 0o600);
        for bits in [0o750, 0o705, 0o777] {
            chmod(folder, bits);
            assert!(refused().contains("chmod 700"));
            assert!(store.save(&tokens("b", 60)).is_err());
        }
        chmod(folder, 0o700);
        assert!(store.load().unwrap().is_some());

        // Only root can give files away.
        let own = fs::metadata(path).unwrap().uid();
        if own == 0 {
            chown(path, Some(1000), None).unwrap();
            assert!(refused().contains("another user"));
            chown(path, Some(own), None).unwrap();
        }

        let elsewhere = home.0.join("elsewhere.json");
        fs::rename(path, &elsewhere).unwrap();
        symlink(&elsewhere, path).unwrap();
        assert!(refused().contains("no link"));
        // A new session takes the link's place, and leaves alone what it led to.
        store.save(&tokens("b", 60)).unwrap();
        assert!(fs::symlink_metadata(path).unwrap().is_file());
        assert!(fs::read_to_string(&elsewhere).unwrap().contains("canary"));

        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
        assert!(refused().contains("regular file"));
        fs::remove_dir(path).unwrap();
        assert!(
            std::process::Command::new("mkfifo").args(["-m", "600"]).arg(path).status().unwrap().success()
        );
        assert!(refused().contains("regular file"));

        fs::remove_dir_all(folder).unwrap();
        let real = home.0.join("real");
        fs::create_dir(&real).unwrap();
        chmod(&real, 0o700);
        symlink(&real, folder).unwrap();
        assert!(store.save(&tokens("b", 60)).is_err(), "the folder is a link");
        assert!(refused().contains("no link"));
        fs::remove_file(folder).unwrap();

        // Who may write the folder above could put another in its place.
        let above = folder.parent().unwrap();
        store.save(&tokens("canary", 60)).unwrap();
        for bits in [0o770, 0o707, 0o777] {
            chmod(above, bits);
            let error = store.load().unwrap_err();
            assert!(error.to_string().contains(".bud: others"), "{error}");
            assert!(store.save(&tokens("b", 60)).is_err());
            assert!(store.remove().is_err());
        }
        chmod(above, 0o755);
        assert!(store.load().unwrap().is_some());
        if own == 0 {
            chown(above, Some(1000), None).unwrap();
            assert!(store.load().unwrap_err().to_string().contains("another user"));
            chown(above, Some(own), None).unwrap();
        }
    }
}
