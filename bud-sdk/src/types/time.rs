//! Points in time.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

/// A point in time, with nanoseconds; printed and parsed as RFC 3339 in UTC.
///
/// A text without a zone, which the platform sends in a few places, is read as UTC when it comes from the server and
/// refused when it comes from a caller. A server's time beyond the year 9999 is read as the last time of that range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// The present moment, by this machine's clock.
    pub fn now() -> Self {
        Self(jiff::Timestamp::now())
    }
    /// Whole seconds since 1970-01-01T00:00:00Z, negative before.
    pub fn as_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// How many whole seconds it is after an earlier time; none if it is before it.
    #[cfg(feature = "kubernetes")]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let seconds = self.as_seconds() - earlier.as_seconds();
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }

    /// The first whole microsecond from here on.
    pub(crate) fn ceil_micros(self) -> Self {
        let nanos = self.0.as_nanosecond();
        let micros = nanos.div_euclid(1000) + i128::from(nanos.rem_euclid(1000) > 0);
        let time =
            i64::try_from(micros).ok().and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
        Self(time.unwrap_or(jiff::Timestamp::MAX))
    }

    /// Whole microseconds since 1970-01-01T00:00:00Z, the rest dropped.
    pub(crate) fn as_micros(self) -> i64 {
        // Every time that jiff holds fits.
        i64::try_from(self.0.as_nanosecond().div_euclid(1000)).unwrap_or(i64::MAX)
    }

    /// Times beyond what jiff holds become the last one that it does.
    pub(crate) fn from_micros(micros: i64) -> Self {
        Self(jiff::Timestamp::from_microsecond(micros).unwrap_or(jiff::Timestamp::MAX))
    }

    fn from_server(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(time) = text.parse() {
            return Some(Self(time));
        }
        let naive = text.parse::<jiff::civil::DateTime>().ok();
        let zoned = naive.and_then(|naive| naive.to_zoned(jiff::tz::TimeZone::UTC).ok());
        zoned.map(|zoned| Self(zoned.timestamp())).or_else(|| Self::clamped(text))
    }

    /// A time beyond the range that jiff holds is the nearest one within it: `9999-12-31T23:59:59Z` is the usual "never".
    fn clamped(text: &str) -> Option<Self> {
        let (date, _) = text.split_once(['T', 't', ' '])?;
        let (negative, date) = match date.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, date.strip_prefix('+').unwrap_or(date)),
        };
        let (year, rest) = date.split_once('-')?;
        let (month, day) = rest.split_once('-')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if ![year, month, day].into_iter().all(is_number) || month.len() != 2 || day.len() != 2 {
            return None;
        }
        let beyond = year.trim_start_matches('0').len() > 4 || year.ends_with("9999");
        let limit = if negative { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        beyond.then_some(Self(limit))
    }
}

impl FromStr for Timestamp {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        text.parse().map(Self).map_err(|_| {
            Error::invalid("timestamp", "not an RFC 3339 time with a zone, such as 2026-01-31T23:59:59Z")
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<SystemTime> for Timestamp {
    /// Times that jiff cannot hold (beyond the year 9999) become the nearest one that it can.
    fn from(time: SystemTime) -> Self {
        let before = time < SystemTime::UNIX_EPOCH;
        let limit = if before { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        Self(jiff::Timestamp::try_from(time).unwrap_or(limit))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        time.0.into()
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time).unwrap_or(jiff::Timestamp::MAX))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time).unwrap_or(jiff::Timestamp::MIN))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Timestamp;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::from_server(text)
                    .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
