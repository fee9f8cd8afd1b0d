//! A finding while it is made: with what may explain it.

use super::{Evidence, EvidenceKind, ObjectRef, Severity};
use crate::types::Timestamp;

/// What a finding is about: kind, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Subject {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Subject {
    pub(crate) fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }
    /// One that is in no namespace.
    pub(crate) fn node(name: &str) -> Self {
        Self::new("Node", "", name)
    }

    pub(super) fn object(&self) -> ObjectRef {
        ObjectRef {
            kind: self.kind.clone(),
            namespace: (!self.namespace.is_empty()).then(|| self.namespace.clone()),
            name: self.name.clone(),
        }
    }
}

/// A log whose last lines would show why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogWanted {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: String,
    /// What it wrote before it was last started again.
    pub(crate) previous: bool,
}

/// A finding that is not yet folded with its like, nor linked to its cause.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    pub(crate) title: String,
    pub(crate) subject: Subject,
    pub(crate) owner: Option<Subject>,
    pub(crate) container: Option<String>,
    /// What keeps it from being folded with others of its code and owner.
    pub(crate) apart: Option<String>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) remedy: String,
    pub(crate) commands: Vec<String>,
    /// What may explain it, the likeliest first. A finding about one of these, or about a pod that it made, is the cause.
    pub(crate) causes: Vec<Subject>,
    pub(crate) log: Option<LogWanted>,
}

impl Draft {
    pub(crate) fn new(
        code: &'static str,
        severity: Severity,
        subject: Subject,
        title: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            title: title.into(),
            subject,
            owner: None,
            container: None,
            apart: None,
            since: None,
            evidence: Vec::new(),
            remedy: String::new(),
            commands: Vec::new(),
            causes: Vec::new(),
            log: None,
        }
    }
    pub(crate) fn owner(mut self, owner: Option<Subject>) -> Self {
        self.owner = owner;
        self
    }
    pub(crate) fn container(mut self, name: &str) -> Self {
        self.container = Some(name.to_owned());
        self
    }
    pub(crate) fn apart(mut self, from: &str) -> Self {
        self.apart = Some(from.to_owned());
        self
    }
    pub(crate) fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }
    /// Left out where there is nothing to say.
    pub(crate) fn evidence(
        mut self,
        kind: EvidenceKind,
        at: Option<Timestamp>,
        text: impl AsRef<str>,
    ) -> Self {
        let text = super::redact(&crate::api::clean(text.as_ref(), 1000));
        if !text.is_empty() {
            self.evidence.push(Evidence { kind: kind.into(), at, text });
        }
        self
    }
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
    pub(crate) fn command(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }
    pub(crate) fn because(mut self, cause: Subject) -> Self {
        self.causes.push(cause);
        self
    }
    pub(crate) fn log(mut self, log: LogWanted) -> Self {
        self.log = Some(log);
        self
    }
}
