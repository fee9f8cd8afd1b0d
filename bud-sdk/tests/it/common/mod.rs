//! What the tests share.

pub mod fault;
#[cfg(target_os = "linux")]
pub mod files;
pub mod shapes;
pub mod tls;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bud_sdk::{Client, ClientBuilder, Flavor, Timestamp};
use bud_testbed::Testbed;

/// A password that must never be seen again.
pub const PASSWORD: &str = "Canary-Passw0rd!";
/// Likewise a token.
pub const TOKEN: &str = "canary-token-0123456789";
/// Somebody.
pub const USER: &str = "8f14e45f-ceea-467f-a0e6-4b6d1f3c2a10";
/// The header of an export's answer.
pub const CSV: [(&str, &str); 1] = [("Content-Type", "text/csv")];
/// No file.
pub const NOTHING: [String; 0] = [];

/// A client with a fixed token and a known flavor: one call is one request.
pub fn plain(url: &str) -> ClientBuilder {
    Client::builder().base_url(url).bearer_token(TOKEN).flavor(Flavor::Guide)
}

/// A client that logs in with a password, of a known flavor.
pub fn with_password(url: &str, email: &str, password: &str) -> ClientBuilder {
    Client::builder().base_url(url).password(email, password).flavor(Flavor::Guide)
}

/// The test server's administrator.
pub fn admin(bed: &Testbed) -> Client {
    with_password(bed.url(), bed.admin_email(), bed.admin_password()).build().unwrap()
}

/// The platform as shipped, with its administrator.
pub async fn shipped() -> (Testbed, Client) {
    runtime(Testbed::builder()).await
}

/// A test server that speaks as the platform as shipped does, and its superuser.
pub async fn runtime(builder: bud_testbed::Builder) -> (Testbed, Client) {
    let bed = builder.flavor(bud_testbed::Flavor::Runtime).start().await.unwrap();
    let bud = runtime_user(&bed, bed.admin_email(), bed.admin_password());
    (bed, bud)
}

/// Somebody else there.
pub fn runtime_user(bed: &Testbed, email: &str, password: &str) -> Client {
    with_password(bed.url(), email, password).flavor(Flavor::Runtime).build().unwrap()
}

pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[cfg(feature = "testing")]
pub fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// The month in which the test server's made-up rows lie.
pub fn january() -> Range<Timestamp> {
    "2026-01-01T00:00:00Z".parse().unwrap().."2026-02-01T00:00:00Z".parse().unwrap()
}

/// The name by which this program runs one test and no other. The module is `module_path!()`, which begins with the
/// program's name.
pub fn test_path(module: &str, test: &str) -> String {
    let (_, module) = module.split_once("::").unwrap();
    format!("{module}::{test}")
}

/// Whether this process runs that test and no other. If not, such a one is run, and must pass.
pub fn alone(module: &str, test: &str) -> bool {
    const ALONE: &str = "BUD_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &test_path(module, test), "--nocapture"]).env(ALONE, "1");
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    false
}

/// A folder of this test's own, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bud-sdk-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// The names of what is in it.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
