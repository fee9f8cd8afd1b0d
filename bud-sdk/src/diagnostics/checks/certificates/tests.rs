use serde_json::{Value, json};

use super::super::testing::{ago, drafts, found, now};

const DAY: u64 = 86_400;

fn ahead(seconds: u64) -> String {
    (now() + std::time::Duration::from_secs(seconds)).to_string()
}

/// One that began so many seconds ago, ends in so many and is renewed at this time.
fn certificate(began: u64, end: String, renewal: Option<String>, more: Value) -> Value {
    let mut status = json!({
        "conditions": [{ "type": "Ready", "status": "True" }], "notBefore": ago(began), "notAfter": end, "renewalTime": renewal,
    });
    for (name, value) in more.as_object().unwrap() {
        status[name] = value.clone();
    }
    json!({
        "metadata": { "name": "web-tls", "namespace": "bud-system" },
        "spec": { "secretName": "web-tls", "dnsNames": ["bud.example"], "issuerRef": { "kind": "ClusterIssuer", "name": "letsencrypt" } },
        "status": status,
    })
}

fn of(certificate: Value) -> Vec<(String, String)> {
    let told = found(json!({ "certificates": [certificate] }));
    told.into_iter()
        .map(|(code, severity, name)| {
            assert_eq!(name, "web-tls");
            (code, severity)
        })
        .collect()
}

fn told(code: &str, severity: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), severity.to_owned())]
}

fn unready(message: &str) -> Value {
    json!({ "conditions": [{ "type": "Ready", "status": "False", "reason": "DoesNotExist", "message": message }] })
}

#[test]
fn each_certificate_has_its_worst() {
    let none = json!({});
    assert_eq!(of(certificate(90 * DAY, ago(3600), None, none.clone())), told("CERT_EXPIRED", "CRITICAL"));
    // Also where it is not ready besides.
    assert_eq!(
        of(certificate(90 * DAY, ago(3600), None, unready("expired"))),
        told("CERT_EXPIRED", "CRITICAL")
    );
    let renewal = Some(ago(24 * DAY));
    assert_eq!(
        of(certificate(84 * DAY, ahead(6 * DAY), renewal, none.clone())),
        told("CERT_EXPIRING", "CRITICAL")
    );
    assert_eq!(
        of(certificate(336 * DAY, ahead(29 * DAY), None, none.clone())),
        told("CERT_EXPIRING", "WARNING")
    );
    let renewal = Some(ago(2 * 3600));
    assert_eq!(
        of(certificate(60 * DAY, ahead(30 * DAY), renewal, none)),
        told("CERT_RENEWAL_FAILING", "WARNING")
    );
    let failed = json!({ "failedIssuanceAttempts": 3, "lastFailureTime": ago(600) });
    let renewal = Some(ago(600));
    assert_eq!(
        of(certificate(60 * DAY, ahead(30 * DAY), renewal, failed)),
        told("CERT_RENEWAL_FAILING", "WARNING")
    );
    let never = json!({
        "metadata": { "name": "web-tls", "namespace": "bud-system" },
        "status": unready("Issuing certificate as Secret does not exist"),
    });
    assert_eq!(of(never), told("CERT_NOT_READY", "ERROR"));
    let other = certificate(DAY, ahead(89 * DAY), Some(ahead(59 * DAY)), unready("the issuer is another"));
    assert_eq!(of(other), told("CERT_NOT_READY", "ERROR"));
}

#[test]
fn what_is_renewed_in_time_is_let_be() {
    let none = json!({});
    for (began, end, renewal) in [
        (DAY, ahead(89 * DAY), ahead(59 * DAY)),
        // Of 90 days, at the time of its renewal; a day's and a week's, at any time.
        (60 * DAY, ahead(30 * DAY - 60), ago(60)),
        (3600 * 12, ahead(3600 * 12), ahead(3600 * 4)),
        (DAY, ahead(6 * DAY), ahead(4 * DAY)),
        (100 * DAY, ahead(265 * DAY), ahead(235 * DAY)),
    ] {
        assert_eq!(of(certificate(began, end.clone(), Some(renewal), none.clone())), [], "{end}");
    }
    assert_eq!(found(json!({ "certificates": [] })), []);
}

#[test]
fn what_is_being_issued_has_ten_minutes() {
    let of = |seconds: u64| {
        of(json!({
            "metadata": { "name": "web-tls", "namespace": "bud-system", "creationTimestamp": ago(seconds) },
            "status": { "conditions": [
                { "type": "Ready", "status": "False", "reason": "DoesNotExist" },
                { "type": "Issuing", "status": "True", "lastTransitionTime": ago(seconds) },
            ] },
        }))
    };
    assert_eq!(of(600), []);
    assert_eq!(of(601), told("CERT_NOT_READY", "ERROR"));
}

#[test]
fn the_evidence_has_end_issuer_and_failures() {
    let failed = json!({ "failedIssuanceAttempts": 3, "lastFailureTime": ago(600) });
    let one = certificate(84 * DAY, ahead(6 * DAY), Some(ago(24 * DAY)), failed);
    let draft = drafts(json!({ "certificates": [one] })).remove(0);
    assert_eq!(draft.title, "it ends in 6d");
    let texts: Vec<&str> = draft.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
    let text = texts.join(" | ");
    for part in
        ["6.0 days", "3 failed tries", "ClusterIssuer/letsencrypt", "bud.example", "2026-06-07T12:00:00Z"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}
