//! The client of Alertmanager against a real one behind a login and under a path, with amtool beside it.

use std::process::Command;
use std::time::Duration;

use bud_monitoring_testbed::{Alertmanager as Server, PASSWORD, USERNAME, available};
use bud_sdk::monitoring::{Alertmanager, NewSilence, SilenceState};
use bud_sdk::{ErrorKind, Timestamp};

fn client(server: &Server) -> Alertmanager {
    Alertmanager::builder().base_url(&server.url).basic_auth(USERNAME, PASSWORD).build().unwrap()
}

fn silence() -> NewSilence {
    NewSilence::new("tests@example.com", "maintenance of \"node-1\"", Duration::from_secs(7200))
        .matcher("alertname=HighLatency".parse().unwrap())
        .matcher(r#"instance=~"node-1\\..*""#.parse().unwrap())
        .matcher("env!=prod".parse().unwrap())
}

/// The silences that amtool lists.
fn by_amtool(server: &Server, arguments: &[&str]) -> Vec<serde_json::Value> {
    let url = server.url.replace("http://", &format!("http://{USERNAME}:{PASSWORD}@"));
    let output = Command::new("amtool")
        .args(["silence", "query", "-o", "json", "--alertmanager.url", &url])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_silence_is_created_read_and_expired() {
    if !available() {
        return;
    }
    let server = Server::start().await.unwrap();
    let alertmanager = client(&server);

    let before = Timestamp::now();
    let answer = alertmanager.create_silence(silence()).with_response().await.unwrap();
    assert_eq!(answer.attempts, 2, "it was created and read");
    let created = answer.value;
    assert_eq!(created.state, SilenceState::Active);
    assert_eq!(
        (created.created_by.as_str(), created.comment.as_str()),
        ("tests@example.com", "maintenance of \"node-1\"")
    );
    // The server starts it when it comes, which is a moment later.
    let lasts = created.ends_at.as_seconds() - created.starts_at.as_seconds();
    assert!((7100..=7200).contains(&lasts), "{lasts} s");
    assert!(created.starts_at.as_seconds() - before.as_seconds() < 60);
    let mut matchers: Vec<String> = created.matchers.iter().map(ToString::to_string).collect();
    matchers.sort();
    assert_eq!(matchers, [r#"alertname="HighLatency""#, r#"env!="prod""#, r#"instance=~"node-1\\..*""#]);

    let theirs = by_amtool(&server, &[]);
    assert_eq!(theirs.len(), 1);
    assert_eq!(theirs[0]["id"], created.id.as_str());
    assert_eq!(theirs[0]["comment"], created.comment);
    for matcher in &created.matchers {
        let found =
            theirs[0]["matchers"].as_array().unwrap().iter().find(|row| row["name"] == matcher.name.as_str());
        let found = found.unwrap();
        assert_eq!(found["value"], matcher.value.as_str());
        assert_eq!(
            (&found["isRegex"], &found["isEqual"]),
            (&matcher.is_regex.into(), &matcher.is_equal.into())
        );
    }
    assert_eq!(alertmanager.silence(&created.id).await.unwrap(), created);

    let expired = alertmanager.expire_silence(&created.id).await.unwrap();
    assert_eq!((&expired.id, expired.state.into_inner()), (&created.id, SilenceState::Expired));
    assert!(by_amtool(&server, &[]).is_empty());
    assert_eq!(by_amtool(&server, &["--expired"]).len(), 1);

    let later = Timestamp::now() + Duration::from_secs(3600);
    let pending = alertmanager.create_silence(silence().starts_at(later)).await.unwrap();
    assert_eq!(pending.state, SilenceState::Pending);
    assert_eq!(pending.starts_at.as_seconds(), later.as_seconds());
}

#[tokio::test]
async fn refusals_name_their_reason_and_show_no_password() {
    if !available() {
        return;
    }
    let server = Server::start().await.unwrap();
    let alertmanager = client(&server);

    let wrong = Alertmanager::builder()
        .base_url(&server.url)
        .basic_auth(USERNAME, "canary-password")
        .build()
        .unwrap();
    let refused = wrong.create_silence(silence()).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.status(), refused.attempts()),
        (ErrorKind::AuthRejected, Some(401), 1)
    );
    assert!(!refused.maybe_applied());
    assert!(refused.to_string().contains("check the credentials"), "{refused}");
    assert!(!format!("{refused} {refused:#?} {wrong:?}").contains("canary"), "{refused:#?}");

    let anonymous = Alertmanager::builder().base_url(&server.url).build().unwrap();
    let refused = anonymous.create_silence(silence()).await.unwrap_err();
    assert_eq!(refused.status(), Some(401));
    assert!(refused.to_string().contains("basic_auth"), "{refused}");

    let unknown = alertmanager.silence("6f2b7a1e-4a35-4a4e-8f52-0c5b6f3a1d11").await.unwrap_err();
    assert_eq!((unknown.kind(), unknown.status()), (ErrorKind::NotFound, Some(404)));

    // The server's errors are JSON strings.
    let silence = NewSilence::new("tests", "why", Duration::from_secs(60)).matcher("a=~(".parse().unwrap());
    let bad = alertmanager.create_silence(silence).await.unwrap_err();
    assert_eq!((bad.kind(), bad.status()), (ErrorKind::BadRequest, Some(400)));
    assert!(bad.message().contains("error parsing regexp"), "{bad}");
    assert!(!bad.message().starts_with('"'), "{bad}");

    let none = NewSilence::new("tests", "why", Duration::from_secs(60));
    let none = alertmanager.create_silence(none).await.unwrap_err();
    assert_eq!((none.param(), none.attempts()), (Some("matchers"), 0));
}
