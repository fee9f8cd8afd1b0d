//! Which objects are meant.

use crate::error::{Error, Result};

/// Namespaces, and labels within them. A name alone is one namespace.
///
/// ```
/// use bud_sdk::kubernetes::Namespaces;
/// let everything = Namespaces::all();
/// let of_budapp = Namespaces::one("bud-system").labels("app=budapp");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Namespaces {
    /// All of them unless said otherwise.
    namespaces: Option<Vec<String>>,
    labels: Option<String>,
    fields: Option<String>,
}

impl Namespaces {
    /// All namespaces.
    pub fn all() -> Self {
        Self::default()
    }
    /// One namespace.
    pub fn one(name: impl Into<String>) -> Self {
        Self { namespaces: Some(vec![name.into()]), ..Self::default() }
    }
    /// These namespaces; without any, nothing is looked at.
    pub fn several<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        Self { namespaces: Some(names.into_iter().map(Into::into).collect()), ..Self::default() }
    }
    /// Only objects with these labels, as kubectl's `-l` has them: `app=budapp,tier!=web`.
    pub fn labels(mut self, selector: impl Into<String>) -> Self {
        self.labels = Some(selector.into());
        self
    }

    pub(crate) fn without_labels(mut self) -> Self {
        self.labels = None;
        self
    }

    pub(crate) fn fields(mut self, selector: impl Into<String>) -> Self {
        self.fields = Some(selector.into());
        self
    }

    /// The paths below the group's root that hold these objects, one for each namespace.
    pub(crate) fn paths(&self, root: &str, plural: &str) -> Result<Vec<(Option<String>, String)>> {
        let Some(namespaces) = &self.namespaces else {
            return Ok(vec![(None, format!("{root}/{plural}"))]);
        };
        let path = |namespace: &String| {
            check_name("namespace", namespace)?;
            Ok((Some(namespace.clone()), format!("{root}/namespaces/{namespace}/{plural}")))
        };
        namespaces.iter().map(path).collect()
    }

    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        if let Some(labels) = &self.labels {
            query.push(("labelSelector", labels.clone()));
        }
        if let Some(fields) = &self.fields {
            query.push(("fieldSelector", fields.clone()));
        }
        query
    }
}

impl From<&str> for Namespaces {
    fn from(namespace: &str) -> Self {
        Self::one(namespace)
    }
}

impl From<String> for Namespaces {
    fn from(namespace: String) -> Self {
        Self::one(namespace)
    }
}

impl From<&String> for Namespaces {
    fn from(namespace: &String) -> Self {
        Self::one(namespace.as_str())
    }
}

/// Refuses what could leave its place in a path. Kubernetes' names have lower-case letters, digits, `-` and `.`; those of
/// RBAC objects, which nothing here names, more.
pub(crate) fn check_name(param: &'static str, name: &str) -> Result<()> {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if name.is_empty() || name.len() > 253 || !name.bytes().all(fine) || name.bytes().all(|b| b == b'.') {
        return Err(Error::invalid(
            param,
            "a name has only lower-case letters, digits, - and ., up to 253 of them",
        ));
    }
    Ok(())
}
