//! Clients made from the environment and from files. Both belong to the process, so each client lives in one of its own.

use std::fs;
use std::path::PathBuf;

use bud_sdk::{Client, Flavor};
use bud_testbed::Testbed;

use crate::common::{Folder, PASSWORD, TOKEN, test_path};

const CANARIES: [&str; 2] = [PASSWORD, TOKEN];

/// The other process: one client, one call, and what came of it on standard output.
#[tokio::test]
async fn probe() {
    let Ok(how) = std::env::var("BUD_TEST_PROBE") else { return };
    let client = match how.split_once(' ') {
        None => Client::from_env(),
        Some(("profile", name)) => Client::builder().profile(name).build(),
        Some(("base_url", url)) => Client::builder().base_url(url).flavor(Flavor::Guide).env().build(),
        Some(_) => Client::builder().build(),
    };
    let outcome = match client {
        Ok(bud) => bud.clusters().list().all().await.map(drop).map_err(|error| (bud, error).1),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => println!("outcome: worked"),
        Err(error) => println!("outcome: {} {error} {error:?}", error.code()),
    }
}

struct Probe {
    home: Folder,
    how: String,
    variables: Vec<(&'static str, String)>,
}

impl Probe {
    fn new(name: &str) -> Self {
        let home = Folder::new(&format!("probe-{name}"));
        fs::create_dir_all(home.path().join(".bud")).unwrap();
        Self { home, how: "env".to_owned(), variables: vec![("BUD_API_FLAVOR", "guide".to_owned())] }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(".bud").join(name)
    }
    fn file(self, name: &str, text: impl AsRef<[u8]>) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }
    fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }
    fn how(mut self, how: String) -> Self {
        self.how = how;
        self
    }
    async fn run(&self) -> String {
        let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", &test_path(module_path!(), "probe"), "--nocapture"]);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BUD_")) {
            child.env_remove(name);
        }
        child
            .env("HOME", self.home.path())
            .env("USERPROFILE", self.home.path())
            .env("BUD_TEST_PROBE", &self.how);
        child.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = child.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
        assert!(!CANARIES.iter().any(|canary| text.contains(canary)), "{text}");
        text.split_once("outcome: ").unwrap().1.lines().next().unwrap().to_owned()
    }
}

fn login(bed: &Testbed) -> String {
    format!("email = '{}'\npassword = '{}'\n", bed.admin_email(), bed.admin_password())
}

#[tokio::test]
async fn each_layer_can_open_a_session() {
    let bed = Testbed::builder().start().await.unwrap();
    let (url, good) = (bed.url(), login(&bed));
    let wrong = format!("api_url = '{url}'\nemail = 'nobody@example.com'\npassword = '{PASSWORD}'\n");
    let as_cli = format!("api_url = '{url}'\n[auth]\ntype = 'jwt'\n{good}");
    let with_profile = format!("{wrong}[profiles.good]\n{good}");
    let env =
        |probe: Probe| probe.set("BUD_EMAIL", bed.admin_email()).set("BUD_PASSWORD", bed.admin_password());
    for (name, probe) in [
        ("the file of the command line", Probe::new("flat").file("config.toml", as_cli)),
        ("the environment before the file", env(Probe::new("env").file("config.toml", &wrong))),
        (
            "a profile before the flat keys",
            Probe::new("profile").file("config.toml", &with_profile).set("BUD_PROFILE", "good"),
        ),
        (
            "the builder's profile, which implies the rest",
            Probe::new("builder").file("config.toml", &with_profile).how("profile good".to_owned()),
        ),
        ("the builder's address", env(Probe::new("base")).how(format!("base_url {url}"))),
    ] {
        assert_eq!(probe.run().await, "worked", "{name}");
    }
    let outcome = Probe::new("wrong").file("config.toml", wrong).run().await;
    assert!(outcome.starts_with("invalid_credentials"), "{outcome}");
}

#[tokio::test]
async fn a_program_that_does_not_ask_reads_neither_variables_nor_files() {
    let probe = Probe::new("nothing")
        .file("config.toml", "not TOML at all")
        .set("BUD_BASE_URL", "https://bud.test")
        .set("BUD_API_KEY", TOKEN)
        .how("plain builder".to_owned());
    assert!(probe.run().await.starts_with("config no base URL"));
}

#[tokio::test]
async fn what_a_file_holds_is_not_sent_elsewhere() {
    let bed = Testbed::builder().start().await.unwrap();
    let file = format!("api_url = 'https://bud.test'\nemail = 'a@example.com'\npassword = '{PASSWORD}'\n");
    let tokens = format!("{{\"access_token\": \"{TOKEN}\", \"refresh_token\": \"{TOKEN}\"}}");
    for file in [file.as_str(), "api_url = 'https://bud.test'"] {
        let probe = || Probe::new("elsewhere").file("config.toml", file).file("tokens.json", &tokens);
        for probe in [probe().set("BUD_BASE_URL", bed.url()), probe().how(format!("base_url {}", bed.url()))]
        {
            let outcome = probe.run().await;
            assert!(outcome.starts_with("config no credentials"), "{outcome}");
        }
    }
    assert_eq!(bed.requests(), []);
}

#[tokio::test]
async fn authorities_are_read_from_where_they_are_named() {
    let bundle = |probe: Probe| {
        let path = probe.path("bundle.pem").display().to_string();
        probe
            .set("BUD_BASE_URL", "https://127.0.0.1:1")
            .set("BUD_TOKEN", TOKEN)
            .set("BUD_CA_CERTIFICATE", path)
    };
    for text in ["", PASSWORD, "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n"] {
        let outcome = bundle(Probe::new("bundle").file("bundle.pem", text)).run().await;
        assert!(outcome.starts_with("config the environment variable BUD_CA_CERTIFICATE: "), "{outcome}");
    }
    let file = "api_url = 'https://127.0.0.1:1'\napi_key = 'k'\nca_certificate = 'bundle.pem'\n";
    let outcome = Probe::new("bundle").file("config.toml", file).file("bundle.pem", "").run().await;
    assert!(outcome.starts_with("config `ca_certificate` in "), "{outcome}");
}

/// A session that the command line has opened: the probe with its files, and the tokens.
async fn left_by_cli(name: &str, bed: &Testbed, expires_at: f64) -> Probe {
    let open = serde_json::json!({ "email": bed.admin_email(), "password": bed.admin_password() });
    let bud = crate::common::plain(bed.url()).build().unwrap();
    let answer =
        bud.raw(bud_sdk::operations::Method::Post, "/auth/login").json(&open).unwrap().await.unwrap();
    let answer: serde_json::Value = answer.json().unwrap();
    let tokens = serde_json::json!({
        "access_token": answer["access_token"], "refresh_token": answer["refresh_token"], "expires_at": expires_at,
    });
    bed.clear_requests();
    Probe::new(name)
        .file("config.toml", format!("api_url = '{}'\n[auth]\ntype = 'jwt'\nemail = 'a@b.test'\n", bed.url()))
        .file("tokens.json", tokens.to_string())
}

#[tokio::test]
async fn the_session_of_the_command_line_is_used_and_never_written() {
    let bed = Testbed::builder().start().await.unwrap();
    let count = |path: &str| bed.count("POST", path);
    let probe = left_by_cli("tokens", &bed, 4e9).await;
    let before = fs::read(probe.path("tokens.json")).unwrap();
    assert_eq!(probe.run().await, "worked");
    assert_eq!(bed.requests().len(), 1, "neither login nor refresh");

    // Refused: renewed with the refresh token, which is spent by that.
    bed.expire_tokens();
    assert_eq!(probe.run().await, "worked");
    assert_eq!((count("/auth/refresh"), count("/auth/login")), (1, 0));
    let outcome = probe.run().await;
    assert!(outcome.starts_with("session_expired") && outcome.contains("bud auth login"), "{outcome}");
    assert!(outcome.contains("BUD_PASSWORD"), "{outcome}");
    assert_eq!((count("/auth/refresh"), count("/auth/login")), (2, 0));
    assert_eq!(fs::read(probe.path("tokens.json")).unwrap(), before);

    // Expired by the clock: not even tried.
    let probe = left_by_cli("tokens-old", &bed, 1e9).await;
    assert_eq!(probe.run().await, "worked");
    assert_eq!((count("/auth/refresh"), bed.requests().len()), (1, 2));

    // Other credentials come first; after a logout there are none.
    let probe = probe.set("BUD_TOKEN", TOKEN);
    assert!(probe.run().await.starts_with("auth_rejected"));
    let probe = left_by_cli("tokens-out", &bed, 4e9).await.file("tokens.json", "{}");
    assert!(probe.run().await.starts_with("config no credentials"));
}
