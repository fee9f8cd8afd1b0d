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
    /// The part of the cluster that has to be read for it to be found.
    pub(crate) section: String,
    pub(crate) title: String,
    pub(crate) subject: Subject,
    pub(crate) owner: Option<Subject>,
    pub(crate) container: Option<String>,
    /// What keeps it from being folded with others of its code and owner.
    pub(crate) fold_key: Option<String>,
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
            section: String::new(),
            title: title.into(),
            subject,
            owner: None,
            container: None,
            fold_key: None,
            since: None,
            evidence: Vec::new(),
            remedy: String::new(),
            commands: Vec::new(),
            causes: Vec::new(),
            log: None,
        }
    }
    pub(crate) fn section(mut self, name: &str) -> Self {
        self.section = name.to_owned();
        self
    }
    pub(crate) fn owner(mut self, owner: Option<Subject>) -> Self {
        self.owner = owner;
        self
    }
    pub(crate) fn container(mut self, name: &str) -> Self {
        self.container = Some(name.to_owned());
        self
    }
    pub(crate) fn fold_key(mut self, from: &str) -> Self {
        self.fold_key = Some(from.to_owned());
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
        // In what has lost its line breaks or its end, a secret may not be known as one.
        let text = crate::operation::clean(&super::redact(text.as_ref()), 1000);
        if !text.is_empty() {
            self.evidence.push(Evidence { kind: kind.into(), at, text });
        }
        self
    }
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
    /// A command, made of what Kubernetes checks as names. It is left out if a shell would find more in it than words.
    pub(crate) fn command(mut self, command: impl Into<String>) -> Self {
        let command = command.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_./=,:".contains(c);
        if command.chars().all(plain) {
            self.commands.push(command);
        }
        self
    }
    /// A command with words that anyone may have written: it is left out unless each of them is like a name.
    pub(crate) fn command_with(mut self, foreign: &[&str], command: String) -> Self {
        let name = |word: &&str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
        };
        if foreign.iter().all(name) {
            self.commands.push(command);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft::new("A", Severity::Info, Subject::node("n"), "a")
    }

    #[test]
    fn no_command_has_what_a_shell_would_run() {
        let plain = "kubectl get pods -n a -l app.kubernetes.io/name=b,c_d=e -o wide --tail=50";
        assert_eq!(draft().command(plain).commands, [plain]);
        for bad in
            ["a;b", "a|b", "a&b", "$(a)", "`a`", "a>b", "a<b", "a\nb", "'a", "\"a", "a*", "~", "a\\b", "é"]
        {
            assert!(draft().command(bad).commands.is_empty(), "{bad}");
        }
    }

    #[test]
    fn a_foreign_word_is_one_word_and_no_option() {
        let with =
            |words: &[&str]| draft().command_with(words, "kubectl get pods | grep it".to_owned()).commands;
        assert_eq!(with(&["a-b.c", "FailedMount"]).len(), 1);
        for bad in ["", "-f", "--token", "a b", "a;b", "a$b", "a/b", "a=b", "é"] {
            assert!(with(&["a", bad]).is_empty(), "{bad}");
        }
    }
}
