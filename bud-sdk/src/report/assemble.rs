//! From drafts to findings: each linked to its cause, replicas with the same folded into one, in an order that is always the same.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Subject};
use super::{Finding, Severity};

/// How many objects of a fold are named.
const SAMPLES: usize = 3;
const MOST_EVIDENCE: usize = 6;

/// Makes findings of drafts. The order of the drafts does not matter.
pub(crate) fn assemble(mut drafts: Vec<Draft>) -> Vec<Finding> {
    drafts.sort_by(|one, other| key(one).cmp(&key(other)));
    drafts.dedup_by(|one, other| key(one) == key(other));
    let causes = Causes::of(&drafts);
    let mut folds: BTreeMap<Same<'_>, Vec<&Draft>> = BTreeMap::new();
    for draft in &drafts {
        folds.entry(causes.same(draft)).or_default().push(draft);
    }
    let caused: BTreeMap<Same<'_>, Same<'_>> = folds
        .iter()
        .filter_map(|(same, members)| {
            Some((*same, causes.same(members.iter().find_map(|draft| causes.cause(draft))?)))
        })
        .collect();
    let severities = severities(&folds, &caused);
    let prints = fingerprints(folds.keys());
    let finding = |(same, members): (&Same<'_>, &Vec<&Draft>)| {
        let severity = severities.get(same).cloned().unwrap_or(Severity::Info);
        let caused_by = caused.get(same).and_then(|cause| prints.get(cause)).cloned();
        folded(members, severity, prints.get(same)?.clone(), caused_by)
    };
    let mut findings: Vec<Finding> = folds.iter().filter_map(finding).collect();
    findings.sort_by(|one, other| order(one).cmp(&order(other)));
    findings
}

type Key<'a> = (&'a str, &'a Subject, Option<&'a str>);

fn key(draft: &Draft) -> Key<'_> {
    (draft.code, &draft.subject, draft.container.as_deref())
}

fn order(finding: &Finding) -> (u8, Option<&str>, &str, &str, &str, &str) {
    let object = &finding.subject;
    (
        finding.severity.rank(),
        object.namespace.as_deref(),
        &object.kind,
        &object.name,
        &finding.code,
        &finding.fingerprint,
    )
}

/// What makes drafts one finding: their code, what they are of, the container and what keeps them apart, and the code and whole of
/// their cause.
type Same<'a> = (&'a str, &'a Subject, Part<'a>, Option<(&'a str, &'a Subject)>);
type Part<'a> = (Option<&'a str>, Option<&'a str>);

/// What a draft is of: what made its object, if anything did.
fn whole(draft: &Draft) -> &Subject {
    draft.owner.as_ref().unwrap_or(&draft.subject)
}

/// The draft that explains each.
struct Causes<'a>(BTreeMap<Key<'a>, &'a Draft>);

impl<'a> Causes<'a> {
    /// The first of a draft's causes that something is found about, and there the most urgent.
    fn of(drafts: &'a [Draft]) -> Self {
        let mut about: BTreeMap<&Subject, Vec<&Draft>> = BTreeMap::new();
        for draft in drafts.iter().filter(|draft| draft.severity != Severity::Info) {
            about.entry(&draft.subject).or_default().push(draft);
            if let Some(owner) = &draft.owner {
                about.entry(owner).or_default().push(draft);
            }
        }
        for candidates in about.values_mut() {
            candidates.sort_by_key(|draft| (draft.severity.rank(), key(draft)));
        }
        let mut causes = Self(BTreeMap::new());
        for draft in drafts {
            let mut candidates = draft.causes.iter().flat_map(|cause| about.get(cause)).flatten().copied();
            // Two that explain each other explain nothing, and a thing is no cause of itself.
            let itself = |other: &Draft| other.subject == draft.subject && other.code == draft.code;
            if let Some(cause) = candidates.find(|cause| !itself(cause) && !causes.lead(cause, draft)) {
                causes.0.insert(key(draft), cause);
            }
        }
        causes
    }

    fn cause(&self, draft: &Draft) -> Option<&'a Draft> {
        self.0.get(&key(draft)).copied()
    }

    fn lead(&self, from: &Draft, to: &Draft) -> bool {
        let mut at = Some(from);
        while let Some(now) = at {
            if key(now) == key(to) {
                return true;
            }
            at = self.cause(now);
        }
        false
    }

    fn same<'d: 'a>(&self, draft: &'d Draft) -> Same<'a> {
        let cause = self.cause(draft).map(|cause| (cause.code, whole(cause)));
        (draft.code, whole(draft), (draft.container.as_deref(), draft.fold_key.as_deref()), cause)
    }
}

/// What explains others is as urgent as they are.
fn severities<'a>(
    folds: &BTreeMap<Same<'a>, Vec<&Draft>>,
    caused: &BTreeMap<Same<'a>, Same<'a>>,
) -> BTreeMap<Same<'a>, Severity> {
    let own = |members: &[&Draft]| {
        members.iter().map(|draft| &draft.severity).min_by_key(|severity| severity.rank()).cloned()
    };
    let mut severities: BTreeMap<Same<'a>, Severity> =
        folds.iter().filter_map(|(same, members)| Some((*same, own(members)?))).collect();
    for (same, members) in folds {
        let Some(severity) = own(members) else { continue };
        let (mut at, mut steps) = (caused.get(same), 0);
        // Folds may make a ring of causes that are none among drafts.
        while let Some(cause) = at.filter(|_| steps < folds.len()) {
            if let Some(known) = severities.get_mut(cause).filter(|known| severity.rank() < known.rank()) {
                *known = severity.clone();
            }
            (at, steps) = (caused.get(cause), steps + 1);
        }
    }
    severities
}

/// One finding of drafts that say the same.
fn folded(
    members: &[&Draft],
    severity: Severity,
    fingerprint: String,
    caused_by: Option<String>,
) -> Option<Finding> {
    let first = members.iter().min_by_key(|draft| draft.severity.rank())?;
    let several = members.len() > 1;
    let mut evidence = first.evidence.clone();
    evidence.truncate(MOST_EVIDENCE);
    Some(Finding {
        code: first.code.to_owned(),
        severity: severity.into(),
        title: super::redact(&first.title),
        section: first.section.clone(),
        subject: if several { whole(first).object() } else { first.subject.object() },
        owner: first.owner.as_ref().filter(|_| !several).map(Subject::object),
        container: first.container.clone(),
        since: members.iter().filter_map(|draft| draft.since).min(),
        count: u32::try_from(members.len()).unwrap_or(u32::MAX),
        samples: members.iter().take(SAMPLES).map(|draft| draft.subject.name.clone()).collect(),
        evidence,
        remedy: first.remedy.clone(),
        commands: first.commands.clone(),
        caused_by,
        fingerprint,
    })
}

/// The fingerprint of each fold. It stays while pods come and go, for it is that of what made them, and while the cause changes.
/// Only where replicas have several causes, the first fold, that without a cause if there is one, is without it.
fn fingerprints<'f, 'd: 'f>(folds: impl Iterator<Item = &'f Same<'d>>) -> BTreeMap<Same<'d>, String> {
    let mut seen = BTreeSet::new();
    let print = |same: &Same<'d>| {
        let (code, whole, parts, cause) = *same;
        let first = seen.insert((code, whole, parts));
        (*same, fingerprint(code, whole, parts, cause.filter(|_| !first)))
    };
    folds.map(print).collect()
}

fn fingerprint(
    code: &str,
    whole: &Subject,
    (container, apart): (Option<&str>, Option<&str>),
    cause: Option<(&str, &Subject)>,
) -> String {
    let subject = |subject: &Subject| format!("{}/{}/{}", subject.kind, subject.namespace, subject.name);
    let mut text = format!("{code}|{}|{}", subject(whole), container.unwrap_or_default());
    if let Some(apart) = apart {
        text.push_str(&format!("|{apart}"));
    }
    if let Some((cause, of)) = cause {
        text.push_str(&format!("|{cause}|{}", subject(of)));
    }
    // FNV-1a: the same on every machine and in every version.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::super::EvidenceKind;
    use super::super::Severity::{Critical, Error, Info, Warning};
    use super::*;

    fn pod(name: &str, owner: &str) -> Draft {
        let draft = Draft::new("POD_NOT_READY", Error, Subject::new("Pod", "here", name), "not ready");
        draft.owner(Some(Subject::new("Deployment", "here", owner)))
    }

    #[test]
    fn one_node_down_is_one_finding_with_all_that_follows_from_it() {
        let mut drafts =
            vec![Draft::new("NODE_NOT_READY", Error, Subject::node("n7"), "the node is not ready")];
        for (deployment, pods) in [("a", 4), ("b", 4), ("c", 4)] {
            for number in 0..pods {
                drafts.push(pod(&format!("{deployment}-{number}"), deployment).because(Subject::node("n7")));
            }
            let subject = Subject::new("Deployment", "here", deployment);
            drafts.push(
                Draft::new("DEP_DEGRADED", Critical, subject.clone(), "none is available").because(subject),
            );
        }
        for (service, deployment) in [("s", "a"), ("t", "b")] {
            let service = Subject::new("Service", "here", service);
            let cause = Subject::new("Deployment", "here", deployment);
            drafts.push(Draft::new("SVC_NO_ENDPOINTS", Error, service, "nobody answers").because(cause));
        }
        let findings = assemble(drafts.clone());
        let roots: Vec<&Finding> = findings.iter().filter(|finding| finding.caused_by.is_none()).collect();
        assert_eq!(roots.len(), 1, "{findings:#?}");
        assert_eq!(
            (roots[0].code.as_str(), &*roots[0].severity),
            ("NODE_NOT_READY", &Critical),
            "as urgent as what follows"
        );
        let pods: Vec<&Finding> = findings.iter().filter(|finding| finding.code == "POD_NOT_READY").collect();
        assert_eq!(pods.len(), 3);
        assert!(
            pods.iter()
                .all(|fold| fold.count == 4 && fold.samples.len() == 3 && fold.subject.kind == "Deployment")
        );
        assert_eq!(findings.len(), 1 + 3 + 3 + 2);
        drafts.reverse();
        let json = |findings: &[Finding]| serde_json::to_string(findings).unwrap();
        assert_eq!(json(&assemble(drafts)), json(&findings), "whatever the order in which they were found");
    }

    #[test]
    fn replicas_with_other_causes_stay_apart_and_keep_their_own_fingerprints() {
        let down = Draft::new("NODE_NOT_READY", Error, Subject::node("n1"), "down");
        let drafts =
            vec![down, pod("a-0", "a").because(Subject::node("n1")), pod("a-1", "a"), pod("a-2", "a")];
        let findings = assemble(drafts);
        let counts: Vec<(u32, bool)> = findings
            .iter()
            .filter(|finding| finding.code == "POD_NOT_READY")
            .map(|finding| (finding.count, finding.caused_by.is_some()))
            .collect();
        assert_eq!(counts.len(), 2, "{findings:#?}");
        assert!(counts.contains(&(1, true)) && counts.contains(&(2, false)));
        let mut prints: Vec<&str> = findings.iter().map(|finding| finding.fingerprint.as_str()).collect();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), findings.len());
    }

    #[test]
    fn a_fingerprint_outlives_the_pod() {
        let of = |name: &str| assemble(vec![pod(name, "a")]).remove(0);
        assert_eq!(of("a-x").fingerprint, of("a-y").fingerprint);
        assert_ne!(of("a-x").subject.name, of("a-y").subject.name);
        assert_ne!(of("a-x").fingerprint, assemble(vec![pod("a-x", "b")]).remove(0).fingerprint);
    }

    #[test]
    fn a_fingerprint_outlives_the_cause() {
        let of = |findings: &[Finding]| -> Vec<String> {
            let of_pods = findings.iter().filter(|finding| finding.code == "POD_NOT_READY");
            of_pods.map(|finding| finding.fingerprint.clone()).collect()
        };
        let down = |name: &str| Draft::new("NODE_NOT_READY", Error, Subject::node(name), "down");
        let on = |name: &str| assemble(vec![down(name), pod("a-0", "a").because(Subject::node(name))]);
        let alone = of(&assemble(vec![pod("a-0", "a")]));
        assert_eq!(of(&on("n1")), alone);
        assert_eq!(of(&on("n2")), alone);
        // What is caused refers to the fingerprint that its cause has.
        let whole = Subject::new("Deployment", "here", "a");
        let degraded = Draft::new("DEP_DEGRADED", Error, whole.clone(), "fewer").because(whole);
        let findings = assemble(vec![down("n1"), pod("a-0", "a").because(Subject::node("n1")), degraded]);
        let degraded = findings.iter().find(|finding| finding.code == "DEP_DEGRADED").unwrap();
        assert_eq!(degraded.caused_by, Some(alone[0].clone()));
        // Of replicas with several causes, one fold keeps it.
        let two = vec![
            down("n1"),
            down("n2"),
            pod("a-0", "a").because(Subject::node("n1")),
            pod("a-1", "a").because(Subject::node("n2")),
        ];
        let two = of(&assemble(two));
        assert!(two.len() == 2 && two.contains(&alone[0]) && two[0] != two[1], "{two:?}");
    }

    #[test]
    fn no_title_and_no_evidence_has_a_secret() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END PRIVATE KEY-----";
        let long = format!("{}\npassword: hunter\nuser: me", "x".repeat(985));
        let draft = Draft::new("A", Warning, Subject::node("1"), "no way to postgres://bud:hunter2@db")
            .evidence(EvidenceKind::Status, None, "db:\n  password: hunter\n  user: me")
            .evidence(EvidenceKind::Status, None, long)
            .evidence(EvidenceKind::Status, None, key);
        let finding = assemble(vec![draft]).remove(0);
        assert_eq!(finding.title, "no way to postgres://bud:[redacted]@db");
        let texts: Vec<&str> = finding.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
        assert_eq!(texts[0], "db:   password: [redacted]   user: me");
        assert!(!texts[1].contains("hunt"), "{}", texts[1]);
        assert_eq!(texts[2], "[redacted]");
    }

    #[test]
    fn what_explains_each_other_explains_nothing_twice_and_info_is_no_cause() {
        let (one, two) = (Subject::node("1"), Subject::node("2"));
        let findings = assemble(vec![
            Draft::new("A", Warning, one.clone(), "a").because(two.clone()),
            Draft::new("B", Warning, two.clone(), "b").because(one),
        ]);
        assert_eq!(findings.iter().filter(|finding| finding.caused_by.is_none()).count(), 1);
        let findings = assemble(vec![
            Draft::new("A", Warning, Subject::node("1"), "a").because(two.clone()),
            Draft::new("B", Info, two, "b"),
        ]);
        assert!(findings.iter().all(|finding| finding.caused_by.is_none()));
    }
}
