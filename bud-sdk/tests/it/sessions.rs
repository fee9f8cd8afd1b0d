//! Sessions that outlive the process. They stand in the home folder, which belongs to the process, so each of these
//! tests runs in one of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use bud_sdk::{Client, ErrorKind};
use bud_testbed::{Fault, Testbed};

use crate::common::{Folder, PASSWORD, millis, test_path, with_password};

const LOGIN: &str = "/auth/login";
const REFRESH: &str = "/auth/refresh";

/// This test again, with that folder as its home.
fn again(test: &str, home: &Path) -> Command {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", &test_path(module_path!(), test), "--nocapture"]).env("BUD_TEST_HOME", home);
    child.env("HOME", home).env("USERPROFILE", home);
    child.stdout(Stdio::piped()).stderr(Stdio::piped());
    child
}

/// In a process with a home of its own: that home. Otherwise runs the test there.
fn at_home(test: &str) -> Option<PathBuf> {
    if let Some(home) = std::env::var_os("BUD_TEST_HOME") {
        return Some(home.into());
    }
    let home = Folder::new(test);
    passed(&again(test, home.path()).output().unwrap());
    None
}

fn passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// A client as a new process would make it.
fn remembering(bed: &Testbed) -> Client {
    with_password(bed.url(), bed.admin_email(), bed.admin_password()).remember_session().build().unwrap()
}

async fn works(bud: &Client) {
    bud.clusters().list().all().await.unwrap();
}

fn kept(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join(".bud/sessions")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn field(home: &Path, name: &str) -> String {
    let text = fs::read_to_string(&kept(home)[0]).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json[name].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_next_process_needs_no_login() {
    let Some(home) = at_home("the_next_process_needs_no_login") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    works(&remembering(&bed)).await;
    assert_eq!(bed.count("POST", LOGIN), 1);
    bed.clear_requests();

    works(&remembering(&bed)).await;
    assert_eq!(bed.requests().len(), 1, "one request per call");

    let files = kept(&home);
    assert_eq!(files.len(), 1, "one file and no draft");
    let name = files[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("http_127.0.0.1_") && !name.contains('@'), "{name}");
    let text = fs::read_to_string(&files[0]).unwrap();
    assert!(!text.contains(bed.admin_password()));
    assert_eq!((field(&home, "server"), field(&home, "email")), (bed.url().into(), bed.admin_email().into()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&files[0]), mode(files[0].parent().unwrap())), (0o600, 0o700));
    }

    // Another account, and another server, have sessions of their own.
    let user = bed.seed_user("USER");
    let other = with_password(bed.url(), &user.email, &user.password).remember_session().build().unwrap();
    other.users().get(user.id.as_str()).await.unwrap();
    let second = Testbed::builder().start().await.unwrap();
    works(&remembering(&second)).await;
    assert_eq!((bed.count("POST", LOGIN), second.count("POST", LOGIN), kept(&home).len()), (1, 1, 3));
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_asked_for() {
    let Some(home) = at_home("nothing_is_kept_unless_it_is_asked_for") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    works(&crate::common::admin(&bed)).await;
    assert!(!home.join(".bud").exists());
    let token = crate::common::plain(bed.url()).remember_session().build().unwrap();
    let _ = token.clusters().list().all().await.unwrap_err();
    assert!(!home.join(".bud").exists());
}

#[tokio::test]
async fn an_expired_session_is_renewed_and_kept_again() {
    let Some(home) = at_home("an_expired_session_is_renewed_and_kept_again") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    works(&remembering(&bed)).await;
    let first = field(&home, "refresh_token");
    // By the clock; the server would still take it.
    let path = &kept(&home)[0];
    let mut json: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    json["expires_at"] = 1e9.into();
    fs::write(path, json.to_string()).unwrap();
    bed.clear_requests();

    works(&remembering(&bed)).await;
    assert_eq!((bed.count("POST", REFRESH), bed.count("POST", LOGIN), bed.requests().len()), (1, 0, 2));
    assert_ne!(field(&home, "refresh_token"), first);

    // Revoked: the password opens a new one, which is kept.
    bed.expire_tokens();
    bed.revoke_refresh_tokens();
    works(&remembering(&bed)).await;
    assert_eq!((bed.count("POST", REFRESH), bed.count("POST", LOGIN)), (2, 1));
    bed.clear_requests();
    works(&remembering(&bed)).await;
    assert_eq!(bed.requests().len(), 1);
}

#[tokio::test]
async fn two_clients_share_a_session_whose_refresh_tokens_are_used_once() {
    let Some(_) = at_home("two_clients_share_a_session_whose_refresh_tokens_are_used_once") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    let one = remembering(&bed);
    works(&one).await;
    let two = remembering(&bed);
    works(&two).await;

    for turn in 1..=5 {
        bed.expire_tokens();
        works(&one).await;
        bed.expire_tokens();
        works(&two).await;
        assert_eq!((bed.count("POST", REFRESH), bed.count("POST", LOGIN)), (2 * turn, 1));
    }

    // Both at once: one of them is too late, and takes over what the other has brought.
    bed.clear_requests();
    bed.expire_tokens();
    bed.refresh_delay(millis(100));
    let (first, second) = tokio::join!(one.clusters().list().all(), two.clusters().list().all());
    first.unwrap();
    second.unwrap();
    assert_eq!(bed.count("POST", REFRESH), 2);
    assert!(bed.count("POST", LOGIN) <= 1);
    works(&one).await;
    works(&two).await;
}

#[tokio::test]
async fn a_refresh_token_that_was_spent_meanwhile_is_looked_up_again() {
    let Some(home) = at_home("a_refresh_token_that_was_spent_meanwhile_is_looked_up_again") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    let (slow, quick) = (remembering(&bed), remembering(&bed));
    works(&slow).await;
    works(&quick).await;
    bed.expire_tokens();
    bed.revoke_refresh_tokens();
    bed.clear_requests();
    // The slow one is on its way with a token that is good for nothing when the quick one logs in.
    bed.fault(Fault::on("POST", "/auth/refresh").status(401).delay(millis(500)));
    let late = tokio::spawn({
        let slow = slow.clone();
        async move { slow.clusters().list().all().await }
    });
    while bed.count("POST", REFRESH) == 0 {
        tokio::time::sleep(millis(5)).await;
    }
    works(&quick).await;
    let kept = field(&home, "refresh_token");

    late.await.unwrap().unwrap();

    assert_eq!((bed.count("POST", REFRESH), bed.count("POST", LOGIN)), (2, 1), "no second login");
    assert_eq!(field(&home, "refresh_token"), kept, "what was taken over is not written back");
}

#[tokio::test]
async fn many_processes_renew_one_session() {
    const TEST: &str = "many_processes_renew_one_session";
    if let Ok(given) = std::env::var("BUD_TEST_MEMBER") {
        let [url, email, password] = given.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let bud = with_password(url, email, password).remember_session().build().unwrap();
        for _ in 0..5 {
            works(&bud).await;
        }
        return;
    }
    let bed = Testbed::builder().start().await.unwrap();
    let home = Folder::new(TEST);
    let given = format!("{} {} {}", bed.url(), bed.admin_email(), bed.admin_password());
    let member = || {
        let mut child = tokio::process::Command::from(again(TEST, home.path()));
        child.env("BUD_TEST_MEMBER", &given);
        child
    };
    passed(&member().output().await.unwrap());
    for _ in 0..3 {
        bed.expire_tokens();
        bed.clear_requests();
        let members: Vec<_> = (0..8).map(|_| member().spawn().unwrap()).collect();
        for member in members {
            passed(&member.wait_with_output().await.unwrap());
        }
        let (refreshed, logins) = (bed.count("POST", REFRESH), bed.count("POST", LOGIN));
        assert!((1..=8).contains(&refreshed) && logins < 8, "{refreshed} {logins}");
        assert_eq!(kept(home.path()).len(), 1, "one file and no draft");
    }
}

#[tokio::test]
async fn a_logout_ends_the_session_and_removes_its_file() {
    let Some(home) = at_home("a_logout_ends_the_session_and_removes_its_file") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    let one = remembering(&bed);
    works(&one).await;
    // A second process renews it; the first does not know the newer refresh token.
    let two = remembering(&bed);
    bed.expire_tokens();
    works(&two).await;
    one.auth().logout().await.unwrap();
    assert!(kept(&home).is_empty());
    assert_eq!(one.users().get(bed.admin_id()).await.unwrap_err().kind(), ErrorKind::SessionExpired);
    bed.clear_requests();
    works(&two).await;
    let counts = (bed.count("POST", REFRESH), bed.count("POST", LOGIN));
    assert_eq!(counts, (1, 1), "the session has ended for it too");

    // A new process can end a session that it did not open; a login keeps a new one, even if the server fails later.
    remembering(&bed).auth().logout().await.unwrap();
    assert!(kept(&home).is_empty());
    one.auth().login().await.unwrap();
    assert_eq!(kept(&home).len(), 1);
    bed.fault(Fault::on("POST", "/auth/logout").status(500).always());
    assert_eq!(one.auth().logout().await.unwrap_err().kind(), ErrorKind::Server);
    assert!(kept(&home).is_empty());
}

#[tokio::test]
async fn a_torn_file_is_ignored_and_written_anew() {
    let Some(home) = at_home("a_torn_file_is_ignored_and_written_anew") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    works(&remembering(&bed)).await;
    let path = &kept(&home)[0];
    let whole = fs::read_to_string(path).unwrap();
    let odd = whole.replace(&field(&home, "access_token"), "two\\r\\nlines");
    for (text, logins) in [(&whole[..whole.len() / 2], 1), ("", 1), (odd.as_str(), 0)] {
        fs::write(path, text).unwrap();
        bed.clear_requests();
        works(&remembering(&bed)).await;
        assert_eq!(bed.count("POST", LOGIN), logins);
        works(&remembering(&bed)).await;
        assert_eq!(bed.count("POST", LOGIN), logins);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_could_touch_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let Some(home) = at_home("a_file_that_others_could_touch_is_refused") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    let bud = remembering(&bed);
    works(&bud).await;
    let path = &kept(&home)[0];
    let secret = field(&home, "refresh_token");
    fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();

    let build = with_password(bed.url(), bed.admin_email(), PASSWORD).remember_session().build();
    let error = build.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let text = format!("{error} {error:?}");
    assert!(text.contains(path.to_str().unwrap()) && error.hint().is_some(), "{text}");
    assert!(!text.contains(&secret) && !text.contains(PASSWORD), "{text}");

    // A client that runs already goes on with what it holds.
    bed.expire_tokens();
    works(&bud).await;
    assert_eq!(bed.count("POST", LOGIN), 1);
    works(&remembering(&bed)).await;
}

#[tokio::test]
async fn a_session_that_cannot_be_kept_is_no_failure() {
    let Some(home) = at_home("a_session_that_cannot_be_kept_is_no_failure") else { return };
    let bed = Testbed::builder().start().await.unwrap();
    fs::write(home.join(".bud"), "no folder").unwrap();
    let bud = remembering(&bed);
    works(&bud).await;
    bed.expire_tokens();
    works(&bud).await;
    assert_eq!((bed.count("POST", REFRESH), bed.count("POST", LOGIN)), (1, 1));
    bud.auth().logout().await.unwrap();
}

#[tokio::test]
async fn an_outage_of_the_identity_service_leaves_the_kept_session_as_it_is() {
    let Some(home) = at_home("an_outage_of_the_identity_service_leaves_the_kept_session_as_it_is") else {
        return;
    };
    let bed = Testbed::builder().flavor(bud_testbed::Flavor::Runtime).start().await.unwrap();
    let build = || {
        let builder = with_password(bed.url(), bed.admin_email(), bed.admin_password()).remember_session();
        builder.flavor(bud_sdk::Flavor::Runtime).build().unwrap()
    };
    let bud = build();
    works(&bud).await;
    let file = fs::read(&kept(&home)[0]).unwrap();
    bed.outage(Some(bud_testbed::Outage::Keycloak));
    // The client that runs, and a process that starts in the outage.
    for bud in [bud.clone(), build()] {
        let error = bud.clusters().list().timeout(millis(700)).all().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server, "{error}");
        assert_eq!(fs::read(&kept(&home)[0]).unwrap(), file, "the stored session is kept");
    }
    bed.outage(None);
    bed.clear_requests();
    works(&build()).await;
    assert_eq!(bed.count("POST", LOGIN), 0, "the kept session serves again");
}

/// A server with a deployment below each first segment of its paths: it answers logins with a token that names it, and
/// notes who asks for what with which token.
async fn deployments() -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let log = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = log.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = log.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(['?', ' ']).nth(1).unwrap().to_owned();
                let token = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
                log.lock().unwrap().push(format!("{path} {}", token.unwrap_or("-")));
                let name = path.split('/').nth(1).unwrap();
                let body = match path.ends_with("/auth/login") {
                    true => format!(
                        r#"{{"access_token":"token-of-{name}","refresh_token":"r","expires_in":900}}"#
                    ),
                    false => r#"{"clusters":[]}"#.to_owned(),
                };
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length:";
                let _ = stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).await;
                let _ = stream.shutdown().await;
                let _ = stream.read_to_end(&mut Vec::new()).await;
            });
        }
    });
    (url, seen)
}

/// Two deployments on one host, under paths of their own: each has its own session, and sees nothing of the other's.
#[tokio::test]
async fn two_deployments_on_one_host_share_no_session() {
    let Some(home) = at_home("two_deployments_on_one_host_share_no_session") else { return };
    let (url, seen) = deployments().await;
    for path in ["/a", "/b", "/a/", "/b"] {
        let bud = with_password(&format!("{url}{path}"), "a@example.com", PASSWORD).remember_session();
        works(&bud.build().unwrap()).await;
    }
    let expected = [
        "/a/auth/login -",
        "/a/clusters token-of-a",
        "/b/auth/login -",
        "/b/clusters token-of-b",
        "/a/clusters token-of-a",
        "/b/clusters token-of-b",
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    assert_eq!(kept(&home).len(), 2);
}

/// A home folder that may not be entered, as in a container that runs as a user of its own: calls work, and nothing is
/// kept.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_home_that_may_not_be_entered_hinders_nothing() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    if let Ok(url) = std::env::var("BUD_TEST_LOCKED") {
        let home = std::env::var("HOME").unwrap();
        assert!(fs::read_dir(&home).is_err(), "it may not be entered");
        let bud = Client::builder().base_url(url).env().remember_session().build().unwrap();
        works(&bud).await;
        return;
    }
    let (bed, home) = (Testbed::builder().start().await.unwrap(), Folder::new("locked-home"));
    fs::create_dir(home.path().join(".bud")).unwrap();
    fs::write(home.path().join(".bud/config.toml"), "api_url = 'https://other.test'").unwrap();
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    fs::set_permissions(home.path(), fs::Permissions::from_mode(if root { 0o700 } else { 0 })).unwrap();
    let own = std::env::current_exe().unwrap();
    // Root may enter every folder: the call is made by another user.
    let mut child = match root {
        true => tokio::process::Command::new("setpriv"),
        false => tokio::process::Command::new(&own),
    };
    if root {
        child.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&own);
    }
    let test = test_path(module_path!(), "a_home_that_may_not_be_entered_hinders_nothing");
    child.args(["--exact", &test, "--nocapture"]);
    child.env("HOME", home.path()).env("BUD_TEST_LOCKED", bed.url());
    child.env("BUD_EMAIL", bed.admin_email()).env("BUD_PASSWORD", bed.admin_password());
    let output = child.output().await.unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
    passed(&output);
    assert_eq!(bed.count("POST", LOGIN), 1);
}
