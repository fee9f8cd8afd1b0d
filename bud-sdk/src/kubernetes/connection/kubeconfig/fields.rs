//! Reading typed values from a tree. Errors name the path of what is wrong and never the value.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Error, Result};

/// A value with the path that leads to it, or the absence of one. Null and empty text are absent.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Field<'a> {
    /// The root of a tree; `place` is what errors call it.
    pub(crate) fn root(value: &'a Value, place: &str) -> Self {
        Self { value, path: format!("{place}:") }
    }

    /// What errors call this value.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn wrong(&self, why: &str) -> Error {
        Error::config(format!("{} {why}", self.path))
    }

    pub(crate) fn get(&self, name: &'static str) -> Result<Self> {
        let value = match self.value {
            Value::Null => &Value::Null,
            Value::Object(fields) => fields.get(name).unwrap_or(&Value::Null),
            _ => return Err(self.wrong("must be a mapping")),
        };
        let between = if self.path.ends_with(':') { " " } else { "." };
        Ok(Self { value, path: format!("{}{between}{name}", self.path) })
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.value.is_null()
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    pub(crate) fn items(&self) -> Result<Vec<Self>> {
        match self.value {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(at, value)| Self { value, path: format!("{}[{at}]", self.path) })
                .collect()),
            _ => Err(self.wrong("must be a list")),
        }
    }

    pub(crate) fn text(&self) -> Result<Option<String>> {
        match self.value {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            Value::Bool(_) | Value::Number(_) => Err(self.wrong("must be text (put it in quotes)")),
            _ => Err(self.wrong("must be text")),
        }
    }

    pub(crate) fn texts(&self) -> Result<Vec<String>> {
        self.items()?.iter().map(|item| Ok(item.text()?.unwrap_or_default())).collect()
    }

    pub(crate) fn flag(&self) -> Result<bool> {
        match self.value {
            Value::Null => Ok(false),
            Value::Bool(flag) => Ok(*flag),
            _ => Err(self.wrong("must be true or false")),
        }
    }

    /// A mapping of names to lists of texts.
    pub(crate) fn lists(&self) -> Result<BTreeMap<String, Vec<String>>> {
        match self.value {
            Value::Null => Ok(BTreeMap::new()),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| {
                    // The name is a value of the user and stays out of errors.
                    let values = Self { value, path: self.path.clone() }.texts()?;
                    Ok((name.clone(), values))
                })
                .collect(),
            _ => Err(self.wrong("must be a mapping")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_name_the_path_and_not_the_value() {
        let tree = json!({ "users": [{ "user": { "token": ["canary"], "as-user-extra": { "canary": "canary" } } }, "canary"] });
        let root = Field::root(&tree, "file");
        let users = root.get("users").unwrap().items().unwrap();
        let user = users[0].get("user").unwrap();
        for (error, says) in [
            (user.get("token").unwrap().text().unwrap_err(), "file: users[0].user.token must be text"),
            (users[1].get("user").err().unwrap(), "file: users[1] must be a mapping"),
            (
                user.get("as-user-extra").unwrap().lists().unwrap_err(),
                "file: users[0].user.as-user-extra must be a list",
            ),
        ] {
            assert_eq!(error.message(), says);
        }
    }

    #[test]
    fn null_and_empty_are_absent() {
        let tree = json!({ "a": null, "b": "", "c": "x" });
        let root = Field::root(&tree, "file");
        let text = |name| root.get(name).unwrap().text().unwrap();
        assert_eq!((text("a"), text("b"), text("c"), text("d")), (None, None, Some("x".to_owned()), None));
        assert!(!root.get("a").unwrap().flag().unwrap());
    }
}
