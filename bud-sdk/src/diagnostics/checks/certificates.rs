//! Certificates: the worst of each is told.

#[cfg(test)]
mod tests;

use super::{Case, Check, HOUR, critical, error, warning};
use crate::diagnostics::snapshot::Context;
use crate::kubernetes::{Certificate, CertificateState};
use crate::report::{Draft, EvidenceKind, Severity, Subject};
use crate::types::Timestamp;
use crate::types::age;

const CERT_EXPIRED: Check = Check {
    code: "CERT_EXPIRED",
    severity: &[critical("")],
    section: "certificates",
    means: "The certificate has ended: clients refuse it.",
    confirm: "`kubectl describe certificate NAME -n NAMESPACE` has `Not After`.",
    remedy: "See why it is not renewed (its requests, orders and challenges); then renew it: `cmctl renew NAME -n NAMESPACE`.",
};

const CERT_EXPIRING: Check = Check {
    code: "CERT_EXPIRING",
    severity: &[critical("within a tenth of its life or 7 days"), warning("otherwise")],
    section: "certificates",
    means: "The certificate ends soon: within a tenth of its life or 7 days, whichever is less; or within 30 days and nothing is to renew it before. One that is renewed on time is let be, however short its life is.",
    confirm: "`kubectl describe certificate NAME -n NAMESPACE` has `Not After` and `Renewal Time`.",
    remedy: "See why it is not renewed (its requests, orders and challenges), or renew it by hand: `cmctl renew NAME -n NAMESPACE`.",
};

const CERT_NOT_READY: Check = Check {
    code: "CERT_NOT_READY",
    severity: &[error("after ten minutes while it is being issued and nothing has failed, else at once")],
    section: "certificates",
    means: "The certificate was not issued, or does not fit what was asked for.",
    confirm: "`kubectl describe certificate NAME -n NAMESPACE`, and its requests, orders and challenges.",
    remedy: "By the message: mostly the issuer does not exist or is not ready, or its challenge cannot be reached from outside.",
};

const CERT_RENEWAL_FAILING: Check = Check {
    code: "CERT_RENEWAL_FAILING",
    severity: &[warning("")],
    section: "certificates",
    means: "The certificate is good, but should have been renewed more than an hour ago, or the last tries to issue it failed.",
    confirm: "`kubectl describe certificate NAME -n NAMESPACE`, and its requests, orders and challenges.",
    remedy: "Mend what its newest request names; it is tried again, each time after twice as long, up to 32 hours. `cmctl renew NAME -n NAMESPACE` tries at once.",
};

pub(super) const CHECKS: &[Check] = &[CERT_EXPIRED, CERT_EXPIRING, CERT_NOT_READY, CERT_RENEWAL_FAILING];

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    out.extend(view.snapshot.certificates.iter().filter_map(|one| of(one, view.snapshot.now)));
}

fn of(certificate: &Certificate, now: Timestamp) -> Option<Draft> {
    let Certificate { name, namespace, not_after, renewal_at, last_failure_at, .. } = certificate;
    let is = |known: CertificateState| certificate.state == known;
    let overdue = renewal_at.filter(|at| now.since(*at) > HOUR);
    let left = not_after.map_or_else(String::new, |end| age(now, end));
    let (case, title, since): (Case, _, _) = if is(CertificateState::Expired) {
        (CERT_EXPIRED.into(), "it has ended".to_owned(), *not_after)
    } else if is(CertificateState::EndsSoon) {
        (CERT_EXPIRING.at(Severity::Critical), format!("it ends in {left}"), None)
    } else if is(CertificateState::NotReady) {
        let why = certificate.message.as_deref().unwrap_or("it was not issued");
        (
            CERT_NOT_READY.into(),
            format!("it is not ready: {}", crate::operation::clean(why, 160)),
            *last_failure_at,
        )
    } else if let Some(at) = overdue {
        let title = format!("it should have been renewed {} ago", age(at, now));
        (CERT_RENEWAL_FAILING.into(), title, Some(at))
    } else if is(CertificateState::Ending) {
        let who = if renewal_at.is_some() { "" } else { " and nothing renews it" };
        (CERT_EXPIRING.at(Severity::Warning), format!("it ends in {left}{who}"), None)
    } else if certificate.failed_attempts > 0 {
        let title = format!("it could not be issued, {} times in a row", certificate.failed_attempts);
        (CERT_RENEWAL_FAILING.into(), title, *last_failure_at)
    } else {
        return None;
    };
    let mut draft = case
        .draft(Subject::new("Certificate", namespace, name), title)
        .since(since)
        .command(format!("kubectl describe certificate {name} -n {namespace}"))
        .command(format!("kubectl get certificaterequests,orders,challenges -n {namespace}"))
        .evidence(EvidenceKind::Condition, None, certificate.message.as_deref().unwrap_or_default());
    if let (Some(end), Some(days)) = (not_after, certificate.days_left) {
        draft =
            draft.evidence(EvidenceKind::Status, None, format!("it ends at {end}, {days:.1} days from now"));
    }
    if let Some(at) = renewal_at {
        draft = draft.evidence(EvidenceKind::Status, None, format!("it is to be renewed at {at}"));
    }
    if certificate.failed_attempts > 0 || last_failure_at.is_some() {
        let text = format!("{} failed tries in a row", certificate.failed_attempts);
        draft = draft.evidence(EvidenceKind::Status, *last_failure_at, text);
    }
    let names = match certificate.dns_names.as_slice() {
        [] => String::new(),
        names => format!(" for {}", names.join(", ")),
    };
    Some(draft.evidence(EvidenceKind::Spec, None, format!("{} issues it{names}", certificate.issuer)))
}
