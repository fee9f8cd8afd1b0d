//! Claims of volumes.

#[cfg(test)]
mod tests;

use super::{Case, Check, GRACE, critical, error, info};
use crate::diagnostics::snapshot::Context;
use crate::kubernetes::objects::{StorageClass, VolumeClaim};
use crate::report::{Draft, EvidenceKind, Severity, Subject};

const PVC_PENDING: Check = Check {
    code: "PVC_PENDING",
    severity: &[error("after a minute"), info("where a volume is only made for a pod and none claims it")],
    section: "volumes",
    means: "A claim has no volume: its storage class does not exist, none is the default, or its provisioner makes none. The pods that claim it do not start.",
    confirm: "`kubectl describe pvc NAME` has what the provisioner says; `kubectl get storageclass`",
    remedy: "Name a storage class that exists, or mend its provisioner. A claim's class cannot be changed: make the claim anew.",
};

const PVC_LOST: Check = Check {
    code: "PVC_LOST",
    severity: &[critical("")],
    section: "volumes",
    means: "The volume of a claim is gone, and with it what was in it.",
    confirm: "`kubectl get pvc NAME -o jsonpath={.spec.volumeName}` and `kubectl get pv` with that name.",
    remedy: "Bring the volume back under its name, or restore what was in it from a backup into a new claim.",
};

pub(super) const CHECKS: &[Check] = &[PVC_PENDING, PVC_LOST];

/// What a claim is told about.
pub(super) fn subject(namespace: &str, name: &str) -> Subject {
    Subject::new("PersistentVolumeClaim", namespace, name)
}

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    for claim in &view.snapshot.claims {
        match claim.status.phase.as_str() {
            "Lost" => out.push(lost(claim)),
            "Pending" if claim.metadata.deletion_timestamp.is_none() => out.extend(pending(view, claim)),
            _ => {}
        }
    }
}

fn draft(claim: &VolumeClaim, case: impl Into<Case>, title: String) -> Draft {
    let (namespace, name) = (&claim.metadata.namespace, &claim.metadata.name);
    case.into()
        .draft(subject(namespace, name), title)
        .command(format!("kubectl describe pvc {name} -n {namespace}"))
}

fn lost(claim: &VolumeClaim) -> Draft {
    let volume = match claim.spec.volume_name.as_str() {
        "" => "its volume is gone".to_owned(),
        volume => format!("its volume {volume} is gone"),
    };
    draft(claim, PVC_LOST, volume)
}

/// What is known of the class of a claim.
enum Class<'a> {
    Of(&'a StorageClass),
    /// None is made for it; somebody makes the volume.
    ByHand,
    Missing(&'a str),
    NoDefault,
    /// The classes were not read.
    Unknown,
}

fn class<'a>(view: &Context<'a>, claim: &'a VolumeClaim) -> Class<'a> {
    let default = |class: &&StorageClass| {
        class.metadata.annotations.get("storageclass.kubernetes.io/is-default-class") == Some("true")
    };
    let classes = &view.snapshot.classes;
    let name = claim.spec.storage_class_name.as_deref();
    let found = match name {
        Some("") => return Class::ByHand,
        Some(name) => classes.iter().find(|class| class.metadata.name == name),
        None => classes.iter().find(default),
    };
    match (found, name) {
        (Some(class), _) => Class::Of(class),
        _ if !view.snapshot.sections.whole("volumes") => Class::Unknown,
        (None, Some(name)) => Class::Missing(name),
        (None, None) => Class::NoDefault,
    }
}

fn pending(view: &Context<'_>, claim: &VolumeClaim) -> Option<Draft> {
    let meta = &claim.metadata;
    if meta.creation_timestamp.is_some_and(|created| view.snapshot.elapsed(created) <= GRACE) {
        return None;
    }
    let mut about = view.events_about("PersistentVolumeClaim", &meta.namespace, &meta.name, &meta.uid);
    let event = about.find(|event| matches!(&*event.reason, "ProvisioningFailed" | "ExternalProvisioning"));
    let failed = event.is_some_and(|event| event.warning);
    let class = class(view, claim);
    let on_use = matches!(class, Class::Of(class) if class.volume_binding_mode == "WaitForFirstConsumer");
    let pods = view.snapshot.pods.iter().filter(|pod| {
        !pod.ended && *pod.namespace == *meta.namespace && pod.claims.iter().any(|name| **name == *meta.name)
    });
    let pods: Vec<Subject> = pods.take(3).map(|pod| pod.subject()).collect();
    let idle = on_use && pods.is_empty();
    let title = match class {
        Class::Missing(name) => format!("its storage class {name} does not exist"),
        Class::NoDefault => "it names no storage class, and none is the default".to_owned(),
        Class::ByHand => "no volume was made for it, and none is made by itself".to_owned(),
        Class::Of(_) if idle => "its volume is made when a pod claims it, and none does".to_owned(),
        Class::Of(class) if failed => format!("no volume can be made of the class {}", class.metadata.name),
        Class::Of(_) if on_use => "its volume is made when its pod has a node".to_owned(),
        Class::Of(class) => format!("no volume of the class {} is there yet", class.metadata.name),
        Class::Unknown => "it has no volume".to_owned(),
    };
    let severity = if idle { Severity::Info } else { Severity::Error };
    let mut draft = draft(claim, PVC_PENDING.at(severity), title).since(meta.creation_timestamp);
    if let Some(event) = event {
        draft = draft.evidence(EvidenceKind::Event, event.at, &event.message);
    }
    // A volume that is made for a pod waits until that pod has a node.
    if on_use && !failed {
        draft.causes = pods;
    }
    Some(draft)
}
