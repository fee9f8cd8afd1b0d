//! Events, in the order in which they happened.

use crate::error::Result;
use crate::kubernetes::calls::pods::given;
use crate::kubernetes::objects;
use crate::kubernetes::{Cluster, Namespaces};
use crate::schema::records;
use crate::types::{Timestamp, age_of};

impl Cluster {
    /// Lists events, the newest last: guide section 2.2. Sorting by `lastTimestamp`, as there, puts the scheduler's newest
    /// first, for they have none. Clusters keep events for an hour or so: that there is none proves nothing.
    ///
    /// # Errors
    /// `PermissionDenied` naming the missing permission; those of a request.
    pub async fn events(&self, scope: impl Into<Namespaces>) -> Result<Vec<Event>> {
        let keep = |event: objects::Event, now| (event.metadata.resource_order(), Event::of(&event, now));
        let mut events = self.list("/api/v1", "events", &scope.into(), keep).await?;
        events.sort_by(|(name, event), (other_name, other)| (event.at, name).cmp(&(other.at, other_name)));
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }
}

records! {

    /// Something that happened in the cluster.
    Event {
        /// When it last did.
        at: Option<Timestamp>,
        /// When it first did.
        first_at: Option<Timestamp>,
        /// Its age by the server's clock, as kubectl prints it.
        age: String,
        /// How often it did.
        count: u32,
        /// `Normal` or `Warning`.
        event_type: String,
        /// Why, in one word: `FailedScheduling`.
        reason: String,
        /// What happened.
        message: String,
        /// The namespace of the event.
        namespace: String,
        /// What it is about: `Pod/budapp-5d9-x2x`.
        regarding: String,
        /// The namespace of what it is about; none for nodes and the like.
        regarding_namespace: Option<String>,
        /// The uid of what it is about.
        regarding_uid: Option<String>,
        /// Who says so.
        source: Option<String>,
    }
}

impl objects::Meta {
    /// What tells two events of the same moment apart, the same in every run.
    fn resource_order(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl Event {
    pub(crate) fn of(event: &objects::Event, now: Timestamp) -> Self {
        let series = event.series.as_ref();
        let at = series
            .and_then(|series| series.last_observed_time)
            .or(event.last_timestamp)
            .or(event.event_time)
            .or(event.metadata.creation_timestamp);
        let count = series.map_or(event.count, |series| series.count).max(1);
        let object = &event.involved_object;
        let source = given(&event.source.component).or_else(|| given(&event.reporting_component));
        Self {
            at,
            first_at: event.first_timestamp.or(event.event_time),
            age: age_of(at, now),
            count,
            event_type: event.kind.clone(),
            reason: event.reason.clone(),
            message: crate::operation::clean(&event.message, 2000),
            namespace: event.metadata.namespace.clone(),
            regarding: format!("{}/{}", object.kind, object.name),
            regarding_namespace: given(&object.namespace),
            regarding_uid: given(&object.uid),
            source,
        }
    }
}
