//! Lists, page by page.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::kubernetes::connection::request::{Ask, decode};
use crate::kubernetes::objects::ListMeta;
use crate::kubernetes::{Cluster, Namespaces};
use crate::types::Timestamp;

/// What a list is asked for at a time.
pub(crate) const PAGE: usize = 500;

impl Cluster {
    /// Shows each object of a list as it comes, page by page, with the server's time, and keeps what `keep` makes of it. Objects
    /// that cannot be read are left out and logged, as long as others can be read.
    pub(crate) async fn list<T: DeserializeOwned, R>(
        &self,
        root: &str,
        plural: &'static str,
        scope: &Namespaces,
        keep: impl FnMut(T, Timestamp) -> R,
    ) -> Result<Vec<R>> {
        let (kept, skipped) = self.collect(root, plural, scope, keep).await?;
        match skipped.detail(plural) {
            Some(detail) if kept.is_empty() => Err(Error::decode(".items", detail)),
            Some(detail) => {
                tracing::warn!("{detail}");
                Ok(kept)
            }
            None => Ok(kept),
        }
    }

    /// The same for what is summed up or chosen from: there, an object that is left out would make the result wrong.
    pub(crate) async fn list_whole<T: DeserializeOwned, R>(
        &self,
        root: &str,
        plural: &'static str,
        scope: &Namespaces,
        keep: impl FnMut(T, Timestamp) -> R,
    ) -> Result<Vec<R>> {
        let (kept, skipped) = self.collect(root, plural, scope, keep).await?;
        skipped.detail(plural).map_or(Ok(kept), |detail| Err(Error::decode(".items", detail)))
    }

    /// What was kept of a list, and what was skipped.
    async fn collect<T: DeserializeOwned, R>(
        &self,
        root: &str,
        plural: &'static str,
        scope: &Namespaces,
        mut keep: impl FnMut(T, Timestamp) -> R,
    ) -> Result<(Vec<R>, Skipped)> {
        let (mut kept, mut skipped) = (Vec::new(), Skipped::default());
        self.list_into(root, plural, scope, (PAGE, self.deadline()), (&mut kept, &mut skipped), &mut keep)
            .await?;
        Ok((kept, skipped))
    }

    /// The same, in pages of this size until this moment; the server's time at the end. What was kept before a failure stays.
    pub(crate) async fn list_into<T: DeserializeOwned, R>(
        &self,
        root: &str,
        plural: &'static str,
        scope: &Namespaces,
        (size, deadline): (usize, Instant),
        (kept, skipped): (&mut Vec<R>, &mut Skipped),
        keep: &mut impl FnMut(T, Timestamp) -> R,
    ) -> Result<Option<Timestamp>> {
        let mut last = None;
        for (namespace, path) in scope.paths(root, plural)? {
            let ask =
                Ask { query: scope.query(), ..Ask::get(path, plural, namespace.as_deref()).verb("list") };
            last = Some(self.pages(&ask, (size, deadline), (kept, skipped), keep).await?);
        }
        Ok(last)
    }

    async fn pages<T: DeserializeOwned, R>(
        &self,
        ask: &Ask,
        (size, deadline): (usize, Instant),
        (kept, skipped): (&mut Vec<R>, &mut Skipped),
        keep: &mut impl FnMut(T, Timestamp) -> R,
    ) -> Result<Timestamp> {
        let (begun, skipped_before) = (kept.len(), skipped.clone());
        let (mut next, mut seen, mut restarted) = (String::new(), HashSet::new(), false);
        loop {
            // Never with a resourceVersion: the server would then forget the limit.
            let mut page = ask.clone().query("limit", size);
            if !next.is_empty() {
                page = page.query("continue", &next);
            }
            let (body, now) = match self.ask(&page, deadline).await {
                // The server has forgotten where the list stood; once, it is started again.
                Err(error) if error.status() == Some(410) && !next.is_empty() && !restarted => {
                    restarted = true;
                    kept.truncate(begun);
                    skipped.clone_from(&skipped_before);
                    next.clear();
                    seen.clear();
                    continue;
                }
                answer => answer?,
            };
            let list: Page<'_> = decode(&body, ask)?;
            for item in list.items {
                match serde_json::from_str(item.get()) {
                    Ok(object) => kept.push(keep(object, now)),
                    Err(_) => skipped.add(item),
                }
            }
            next = list.metadata.next;
            if next.is_empty() {
                return Ok(now);
            }
            // Each page leads further. A server that leads back would never end.
            if !seen.insert(next.clone()) {
                let message = "the server repeats a page of the list: its `continue` token was seen before";
                let error = Error::decode(".metadata.continue", message);
                return Err(error.with_request(ask.method.as_str(), ask.path.clone()));
            }
        }
    }
}

/// Objects of a list that could not be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Skipped {
    count: u64,
    /// The first few.
    names: Vec<String>,
}

/// As many names as are shown.
const NAMED: usize = 3;

impl Skipped {
    fn add(&mut self, item: &RawValue) {
        #[derive(Deserialize)]
        struct Named {
            metadata: Meta,
        }
        #[derive(Deserialize)]
        struct Meta {
            #[serde(default)]
            namespace: Option<String>,
            name: String,
        }
        self.count += 1;
        if self.names.len() < NAMED {
            let named = serde_json::from_str::<Named>(item.get());
            let name = named.map_or_else(
                |_| "one without a name".to_owned(),
                |Named { metadata: Meta { namespace, name } }| match namespace {
                    Some(namespace) => format!("{namespace}/{name}"),
                    None => name,
                },
            );
            self.names.push(crate::operation::clean(&name, 130));
        }
    }

    /// How many, and which; none if all could be read.
    pub(crate) fn detail(&self, plural: &str) -> Option<String> {
        let more = self.count.saturating_sub(self.names.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (self.count > 0).then(|| {
            format!("{} of the {plural} cannot be read: {}{more}", self.count, self.names.join(", "))
        })
    }
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow, default)]
    items: Vec<&'a RawValue>,
}
