//! Rotates an API key without downtime: creates the new key first. Guide section 9.3.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example rotate_key -- PROJECT_ID OLD_CREDENTIAL_ID FILE_FOR_THE_NEW_KEY
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, and needs no arguments. The platform as shipped sends keys
//! encrypted: with `--features decrypt`, `BUD_DEPLOYMENT_KEY` names the file of the deployment's private key.

mod support;

use std::fs::OpenOptions;
use std::io::Write;

use bud_sdk::credentials::{ApiKeyValue, EncryptedKey};
use bud_sdk::{Secret, Timestamp};
use support::Failure;

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let project = platform.argument(1, "the project's id", |demo| demo.project.clone())?;
    let old = platform.argument(2, "the old credential's id", |demo| demo.old_key.clone())?;
    let path = platform.argument(3, "a file for the new key", |demo| demo.key_file.display().to_string())?;

    // The file comes first: the server shows a key only once, so there must be a place for it.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path).map_err(|error| Failure::new(format!("{path}: {error}")))?;

    let name = format!("API Key of {}", Timestamp::now());
    let made = platform.bud.credentials().create(name, project).await?;
    let opened;
    let key = match &made.key {
        ApiKeyValue::Plain(key) => key,
        ApiKeyValue::Encrypted(key) => {
            opened = open(key)?;
            &opened
        }
        _ => return Err(Failure::new("this version cannot read such a key")),
    };
    file.write_all(key.expose().as_bytes())?;
    file.sync_all()?;
    println!("A new key of {} characters is in {path}", key.expose().len());

    // Only now that the new key is safe; in production, only once its users have it.
    platform.bud.credentials().delete(old).await?;
    println!("The old key is deleted");
    Ok(())
}

#[cfg(feature = "decrypt")]
fn open(key: &EncryptedKey) -> support::Result<Secret> {
    let path = std::env::var("BUD_DEPLOYMENT_KEY")
        .map_err(|_| Failure::new("the key came encrypted: set BUD_DEPLOYMENT_KEY"))?;
    let pem = std::fs::read_to_string(&path).map_err(|error| Failure::new(format!("{path}: {error}")))?;
    Ok(key.decrypt(&bud_sdk::credentials::DeploymentKey::from_pem(&pem)?)?)
}

#[cfg(not(feature = "decrypt"))]
fn open(_: &EncryptedKey) -> support::Result<Secret> {
    Err(Failure::new("the key came encrypted: run this with --features decrypt"))
}
