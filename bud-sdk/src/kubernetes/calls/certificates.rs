//! Certificates of cert-manager, judged by their own lifetime.

use crate::error::Result;
use crate::kubernetes::calls::pods::given;
use crate::kubernetes::connection::not_installed;
use crate::kubernetes::objects::{self, condition};
use crate::kubernetes::{Cluster, Namespaces};
use crate::schema::{open_enum, records};
use crate::types::{Timestamp, Wire};

impl Cluster {
    /// Lists certificates with when they end, those that end first first: guide section 8.2, where `kubectl get certificates`
    /// does not show it.
    ///
    /// # Errors
    /// `Unsupported` where cert-manager is not installed; `PermissionDenied` naming the missing permission.
    pub async fn certificates(&self, scope: impl Into<Namespaces>) -> Result<Vec<Certificate>> {
        let keep = |certificate: objects::Certificate, now| Certificate::of(&certificate, now);
        let listed = self.list("/apis/cert-manager.io/v1", "certificates", &scope.into(), keep).await;
        let mut certificates = listed.map_err(|error| match error.status() {
            Some(404) => not_installed("cert-manager"),
            _ => error,
        })?;
        certificates.sort_by(|one, other| {
            let key = |certificate: &Certificate| {
                // What has no end yet has no certificate yet.
                (certificate.not_after.is_none(), certificate.not_after)
            };
            (key(one), &one.namespace, &one.name).cmp(&(key(other), &other.namespace, &other.name))
        });
        Ok(certificates)
    }
}

open_enum! {
    /// How urgent a certificate is.
    CertificateState {
        /// It is good, and will be renewed in time.
        Good = "GOOD",
        /// It ends within 30 days and nothing will renew it, or its renewal is overdue.
        Ending = "ENDING",
        /// It ends within a tenth of its life, or within 7 days.
        EndsSoon = "ENDS_SOON",
        /// It has ended.
        Expired = "EXPIRED",
        /// It is not ready, and is being issued since less than ten minutes.
        Issuing = "ISSUING",
        /// It was not issued, or does not fit what was asked for.
        NotReady = "NOT_READY",
    }
}

records! {

    /// A certificate of cert-manager.
    Certificate {
        /// The name.
        name: String,
        /// The namespace.
        namespace: String,
        /// How urgent it is.
        state: Wire<CertificateState>,
        /// Whether cert-manager calls it ready.
        ready: bool,
        /// What cert-manager says of it, if it is not ready.
        message: Option<String>,
        /// From when it is good.
        not_before: Option<Timestamp>,
        /// Until when.
        not_after: Option<Timestamp>,
        /// When it is renewed.
        renewal_at: Option<Timestamp>,
        /// How many days it is still good; negative behind its end.
        days_left: Option<f64>,
        /// The secret that it is kept in.
        secret: Option<String>,
        /// The names that it is for.
        dns_names: Vec<String>,
        /// Who issues it: `ClusterIssuer/letsencrypt`.
        issuer: String,
        /// When it last could not be issued.
        last_failure_at: Option<Timestamp>,
        /// How often in a row it could not be.
        failed_attempts: u32,
    }
}

const DAY: f64 = 86_400.0;
const MICROS: f64 = 1e6;
const ISSUING: f64 = 600.0;
const UNSEEN: f64 = 60.0;

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_micros() - from.as_micros()) as f64 / MICROS
}

impl Certificate {
    pub(crate) fn of(certificate: &objects::Certificate, now: Timestamp) -> Self {
        let (spec, status) = (&certificate.spec, &certificate.status);
        let ready_condition = condition(&status.conditions, "Ready");
        let ready = ready_condition.is_some_and(|condition| condition.status == "True");
        let kind = if spec.issuer_ref.kind.is_empty() { "Issuer" } else { &spec.issuer_ref.kind };
        Self {
            name: certificate.metadata.name.clone(),
            namespace: certificate.metadata.namespace.clone(),
            state: state(certificate, ready, now).into(),
            ready,
            message: ready_condition.filter(|_| !ready).and_then(|condition| given(&condition.message)),
            not_before: status.not_before,
            not_after: status.not_after,
            renewal_at: status.renewal_time,
            days_left: status.not_after.map(|end| seconds(now, end) / DAY),
            secret: given(&spec.secret_name),
            dns_names: spec.dns_names.clone(),
            issuer: format!("{kind}/{}", spec.issuer_ref.name),
            last_failure_at: status.last_failure_time,
            failed_attempts: status.failed_issuance_attempts.unwrap_or_default(),
        }
    }
}

/// Whether it is being issued and nothing has failed yet. To answer challenges takes some minutes.
fn issues(certificate: &objects::Certificate, now: Timestamp) -> bool {
    let status = &certificate.status;
    let (since, most) = match condition(&status.conditions, "Issuing") {
        Some(issuing) if issuing.status == "True" => (issuing.last_transition_time, ISSUING),
        Some(_) => return false,
        // Nobody has looked at it yet.
        None => (certificate.metadata.creation_timestamp, UNSEEN),
    };
    status.failed_issuance_attempts.unwrap_or_default() == 0
        && since.is_some_and(|since| seconds(since, now) <= most)
}

/// A fixed number of days would call a certificate of a week late all its life, and one of 90 days when it is renewed on time.
fn state(certificate: &objects::Certificate, ready: bool, now: Timestamp) -> CertificateState {
    let status = &certificate.status;
    let unready = || {
        if issues(certificate, now) { CertificateState::Issuing } else { CertificateState::NotReady }
    };
    let Some(end) = status.not_after else {
        return if ready { CertificateState::Good } else { unready() };
    };
    let left = seconds(now, end);
    let life = status.not_before.map_or(f64::INFINITY, |begin| seconds(begin, end));
    let overdue = status.renewal_time.is_some_and(|renewal| seconds(renewal, now) > 3600.0);
    let unattended = left < 30.0 * DAY && (status.renewal_time.is_none() || life > 120.0 * DAY);
    if left <= 0.0 {
        CertificateState::Expired
    } else if left < (7.0 * DAY).min(life / 10.0) {
        CertificateState::EndsSoon
    } else if !ready {
        unready()
    } else if overdue || unattended {
        CertificateState::Ending
    } else {
        CertificateState::Good
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    const HOURS: u64 = 3600;

    /// A certificate that began so many hours ago and ends in so many.
    fn judged(since: u64, left: i64, renewal: Option<i64>, ready: bool) -> String {
        let now = Timestamp::now();
        let at = |hours: i64| match u64::try_from(hours) {
            Ok(hours) => now + Duration::from_secs(hours * HOURS),
            Err(_) => now - Duration::from_secs(hours.unsigned_abs() * HOURS),
        };
        let certificate: objects::Certificate = serde_json::from_value(json!({
            "metadata": { "name": "c" },
            "status": {
                "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" }, "message": "why" }],
                "notBefore": now - Duration::from_secs(since * HOURS),
                "notAfter": at(left),
                "renewalTime": renewal.map(at),
            },
        }))
        .unwrap();
        Certificate::of(&certificate, now).state.to_string()
    }

    #[test]
    fn each_is_judged_by_its_own_lifetime() {
        // 90 days, renewed 30 days before its end.
        assert_eq!(judged(59 * 24, 31 * 24, Some(24), true), "GOOD");
        assert_eq!(judged(60 * 24 + 2, 30 * 24 - 2, Some(-2), true), "ENDING");
        // A day and a week are short lives, not late ones.
        assert_eq!(judged(12, 12, Some(4), true), "GOOD");
        assert_eq!(judged(22, 2, Some(-1), true), "ENDS_SOON");
        assert_eq!(judged(24, 6 * 24, Some(24), true), "GOOD");
        // A year without anybody to renew it.
        assert_eq!(judged(336 * 24, 29 * 24, None, true), "ENDING");
        assert_eq!(judged(359 * 24, 6 * 24, Some(24), true), "ENDS_SOON");
        assert_eq!(judged(400 * 24, -1, None, true), "EXPIRED");
        assert_eq!(judged(24, 89 * 24, Some(59 * 24), false), "NOT_READY");
    }

    #[test]
    fn what_is_being_issued_has_ten_minutes_unless_that_fails() {
        let now = Timestamp::now();
        let ago = |seconds: u64| now - Duration::from_secs(seconds);
        let state = |made: u64, conditions: serde_json::Value, failed: u32| {
            let certificate: objects::Certificate = serde_json::from_value(json!({
                "metadata": { "name": "c", "creationTimestamp": ago(made) },
                "status": { "conditions": conditions, "failedIssuanceAttempts": failed },
            }))
            .unwrap();
            Certificate::of(&certificate, now).state.to_string()
        };
        let issuing = |status: &str, since: u64| {
            json!([
                { "type": "Ready", "status": "False", "reason": "DoesNotExist" },
                { "type": "Issuing", "status": status, "lastTransitionTime": ago(since) },
            ])
        };
        assert_eq!(state(9000, issuing("True", 590), 0), "ISSUING");
        assert_eq!(state(9000, issuing("True", 610), 0), "NOT_READY");
        assert_eq!(state(9000, issuing("False", 5), 0), "NOT_READY", "it gave up");
        assert_eq!(state(9000, issuing("True", 5), 1), "NOT_READY", "it is tried again");
        assert_eq!(state(50, json!([]), 0), "ISSUING", "nobody has looked at it yet");
        assert_eq!(state(70, json!([]), 0), "NOT_READY");
    }
}
