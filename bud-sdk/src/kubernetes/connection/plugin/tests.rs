use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::*;
use crate::error::ErrorKind;

const V1: &str = "client.authentication.k8s.io/v1";

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("bud-sdk-plugin-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn script(&self, text: &str) -> Exec {
        let path = self.0.join("plugin");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let command = Some(path.to_str().unwrap().to_owned());
        Exec { version: Some(V1.to_owned()), command, ..Exec::default() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn exec() -> Exec {
    Exec { version: Some(V1.to_owned()), ..Exec::default() }
}

async fn failure(exec: &Exec, within: u64) -> String {
    let error = run(exec, None, Duration::from_millis(within)).await.err().expect("it fails");
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[test]
fn output_is_json_or_yaml() {
    for output in [
        r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t\n"}}"#,
        "apiVersion: client.authentication.k8s.io/v1\nkind: ExecCredential\nstatus:\n  token: t\n  expirationTimestamp: 2040-01-01T00:00:00Z\n",
    ] {
        let credentials = read(output.as_bytes(), &exec()).ok().unwrap();
        let mut request = http::Request::new(());
        credentials.authorization.apply(&mut request);
        assert_eq!(request.headers()["authorization"], "Bearer t");
    }
}

#[test]
fn odd_output_is_refused_and_not_shown() {
    let of = |status: &str| format!(r#"{{"apiVersion":"{V1}","kind":"ExecCredential","status":{status}}}"#);
    for output in [
        String::new(),
        "canary".to_owned(),
        "{\"token\": \"canary".to_owned(),
        of("null"),
        of("{}"),
        of(r#"{"token":""}"#),
        of(r#"{"token":7}"#),
        of(r#"{"token":"canary\ncanary"}"#),
        of(r#"{"clientCertificateData":"canary"}"#),
        of(r#"{"token":"canary","clientKeyData":"canary"}"#),
        of(r#"{"clientCertificateData":"canary","clientKeyData":"canary"}"#),
        of(r#"{"token":"canary","expirationTimestamp":"canary"}"#),
        of(r#"{"token":"canary"}"#).replace("/v1", "/v1beta1"),
        of(r#"{"token":"canary"}"#).replace("ExecCredential", "Other"),
    ] {
        let error = read(output.as_bytes(), &exec()).err().unwrap_or_else(|| panic!("{output}"));
        assert!(error.starts_with("printed") && !error.contains("canary"), "{output}: {error}");
    }
}

#[tokio::test]
async fn messages_are_shown_cleaned_and_redacted() {
    let folder = Folder::new("messages");
    let secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ";
    let asks = "printf '\\033[1mopen https://login.example.com and enter the code BCDF-GHJK\\033[0m\\n' >&2";
    let error = failure(&folder.script(&format!("{asks}; echo 'token={secret}' >&2; sleep 60")), 600).await;
    assert!(error.contains("was not done within"), "{error}");
    assert!(error.contains("open https://login.example.com and enter the code BCDF-GHJK"), "{error}");
    assert!(!error.contains(secret) && !error.contains('\u{1b}') && !error.contains("[1m"), "{error}");
    let much = "i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done; exit 3";
    let error = failure(&folder.script(much), 20_000).await;
    assert!(error.contains("failed (exit status: 3)") && error.contains("line 2999"), "{error}");
    assert!(error.len() < 2 * SHOWN, "{error}");
}

#[tokio::test]
async fn much_output_is_stopped() {
    let folder = Folder::new("much");
    let error = failure(&folder.script("yes canary"), 20_000).await;
    assert!(error.contains("printed more than 1024 KiB") && !error.contains("canary"), "{error}");
}

#[tokio::test]
async fn what_a_plugin_starts_ends_with_it() {
    let folder = Folder::new("group");
    let pid = folder.0.join("pid");
    let script = format!("sleep 300 & echo $! > '{}'; wait", pid.display());
    let error = failure(&folder.script(&script), 700).await;
    assert!(error.contains("was not done within"), "{error}");
    let pid = fs::read_to_string(&pid).unwrap();
    let lives =
        || std::process::Command::new("kill").args(["-0", pid.trim()]).output().unwrap().status.success();
    for _ in 0..100 {
        if !lives() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the plugin's child still runs");
}

#[tokio::test]
async fn a_background_process_that_holds_the_pipes_does_not_hold_the_call() {
    let folder = Folder::new("daemon");
    let answer = format!(r#"{{"apiVersion":"{V1}","kind":"ExecCredential","status":{{"token":"t"}}}}"#);
    let exec = folder.script(&format!("sleep 5 & echo '{answer}'"));
    let started = std::time::Instant::now();
    assert!(run(&exec, None, Duration::from_secs(20)).await.is_ok());
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[test]
fn own_variables_are_taken_out() {
    for own in ["BUD_PASSWORD", "BUD_TOKEN", "bud_api_key"] {
        assert!(is_own(OsStr::new(own)), "{own}");
    }
    for other in ["PATH", "BUDGET", "MY_BUD_TOKEN", "BUD"] {
        assert!(!is_own(OsStr::new(other)), "{other}");
    }
    let mut exec = exec();
    exec.env = vec![("BUD_GIVEN".to_owned(), "by the kubeconfig".to_owned())];
    let command = command(Path::new("x"), &exec, Some(json!({ "server": "https://h" })));
    let envs: Vec<_> = command.as_std().get_envs().collect();
    assert!(envs.contains(&(OsStr::new("BUD_GIVEN"), Some(OsStr::new("by the kubeconfig")))));
    let info = envs.iter().find(|(name, _)| *name == "KUBERNETES_EXEC_INFO").unwrap().1.unwrap();
    assert!(info.to_str().unwrap().contains(r#""cluster":{"server":"https://h"}"#));
}

#[test]
fn programs_are_found_in_absolute_folders_only() {
    let folder = Folder::new("path");
    folder.script("true");
    fs::write(folder.0.join("no-program"), "").unwrap();
    let path = |folders: &[&Path]| std::env::join_paths(folders).unwrap();
    let here = Path::new(".");
    let both = path(&[here, Path::new(""), &folder.0]);
    assert_eq!(find("plugin", Some(&both)), Some(folder.0.join("plugin")));
    assert_eq!(find("no-program", Some(&both)), None);
    // The same folder, relative to the current one.
    let current = std::env::current_dir().unwrap();
    let up: PathBuf = current.components().skip(1).map(|_| "..").collect();
    let relative = up.join(folder.0.strip_prefix("/").unwrap());
    assert!(relative.join("plugin").exists());
    assert_eq!(find("plugin", Some(&path(&[&relative]))), None);
    assert_eq!(find("plugin", None), None);
    assert_eq!(find("", Some(&both)), None);
    assert_eq!(find("./plugin", None), Some(PathBuf::from("./plugin")));
}
