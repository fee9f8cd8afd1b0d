//! Sections of the report: those that should have been read and could not be.

use super::{Check, info};
use crate::diagnostics::snapshot::{Problem, Sections};
use crate::report::{Draft, EvidenceKind, Subject, Unavailable};

const SECTION_UNAVAILABLE: Check = Check {
    code: "SECTION_UNAVAILABLE",
    severity: &[info("")],
    // A finding has the name of the section that could not be read.
    section: "sections",
    means: "A section of the report could not be read, or not all of it: a permission is missing, the server did not answer in time, or its answer could not be read. What is wrong there may be missing from the report, whose verdict is then never `HEALTHY`.",
    confirm: "The section's `reason`, `detail` and `missing_permission`; `kubectl auth can-i list RESOURCE -A`",
    remedy: "By the reason: grant the missing permission, give the report more time, or look at the API server.",
};

pub(super) const CHECKS: &[Check] = &[SECTION_UNAVAILABLE];

/// The sections that should have been read. It is asked last, since logs and commands have sections, too.
pub(in crate::diagnostics) fn unavailable(sections: &Sections) -> impl Iterator<Item = Draft> {
    sections.0.iter().filter_map(|(name, section)| of_section(name, section.problem.as_ref()?))
}

/// A section that should have been read.
fn of_section(name: &str, problem: &Problem) -> Option<Draft> {
    let remedy = match problem.reason {
        Unavailable::Forbidden => match &problem.missing_permission {
            Some(permission) => {
                format!("Grant the missing permission ({permission}); the roles that come with this package have it.")
            }
            None => {
                "Grant the missing permission; the roles that come with this package have it.".to_owned()
            }
        },
        Unavailable::Timeout => "Give it more time, or look at fewer namespaces.".to_owned(),
        Unavailable::Error if problem.unreadable => {
            "Look at the objects that the evidence names: their values have types that Kubernetes does not allow."
                .to_owned()
        }
        Unavailable::Error if name == "namespaces" => {
            "Name namespaces as `kubectl get namespaces` has them.".to_owned()
        }
        Unavailable::Error => "Look at the API server: its answer is in the evidence.".to_owned(),
        _ => return None,
    };
    let subject = Subject::new("Section", "", name);
    let title = format!("{name} could not be read, or not all of them");
    let draft = SECTION_UNAVAILABLE.draft(subject, title).section(name).remedy(remedy);
    Some(draft.evidence(EvidenceKind::Status, None, &problem.detail))
}
