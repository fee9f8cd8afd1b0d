//! Alertmanager.

use std::time::Duration;

use super::entries;
use crate::bindings::args::When;
use crate::monitoring::{Alertmanager, NewSilence, Silence};
use crate::types::{SilenceId, Timestamp};

entries! {
    on Alertmanager;

    /// Creates a silence: alerts that match all of its matchers cause no notifications while it is active. The silence is read
    /// after it was created. It is sent once: after a failure that may have been applied, look at the silences first.
    call alertmanager.create_silence(
        /// What an alert must match, as amtool writes it: `alertname=HighLatency`, `instance=~"node-1.*"`, `env!=prod`.
        matchers: Vec<String>,
        /// How long it lasts, at most 366 days.
        duration: Duration,
        /// Why.
        comment: String,
        /// Who creates it.
        created_by: String,
        /// When it starts. Default: now.
        starts_at: Option<Timestamp>,
    ) -> Silence = |alertmanager| {
        let silence = NewSilence::new(created_by, comment, duration).when(starts_at, NewSilence::starts_at);
        let silence = matchers
            .iter()
            .try_fold(silence, |silence, text| text.parse().map(|matcher| silence.matcher(matcher)))?;
        alertmanager.create_silence(silence)
    };
    /// Reads one silence.
    call alertmanager.silence(
        /// The silence.
        id: SilenceId,
    ) -> Silence = |alertmanager| alertmanager.silence(id);
    /// Ends a silence now. It remains listed as expired; the state is read afterwards.
    call alertmanager.expire_silence(
        /// The silence.
        id: SilenceId,
    ) -> Silence = |alertmanager| alertmanager.expire_silence(id);
}
