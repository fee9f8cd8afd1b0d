//! How single values of objects are read.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::kubernetes::objects::quantity::Quantity;
use crate::types::Timestamp;

/// A value of an object. Null reads as absent everywhere, for some writers of objects send it; numbers that a type does not hold
/// become the nearest one that it does, for one odd number must not lose an object.
pub(crate) trait Value<'de>: Sized {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// What is read as a [`Value`].
struct Read<T>(T);

impl<'de, T: Value<'de>> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Value<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|read| read.0).unwrap_or_default())
}

impl<'de, T: Value<'de>> Value<'de> for Option<T> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Some)
    }
}

impl<'de, T: Value<'de>> Value<'de> for Vec<T> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::<Read<T>>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|read| read.0).collect())
    }
}

impl<'de, T: Value<'de>> Value<'de> for BTreeMap<String, T> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, Read<T>>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|(name, read)| (name, read.0)).collect())
    }
}

macro_rules! as_it_is {
    ($($type:ty),*) => {$(
        impl<'de> Value<'de> for $type {
            fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
        }
    )*};
}

as_it_is!(bool, String, serde_json::Value, Timestamp, Amounts, Annotations, Touched);

macro_rules! clamped {
    ($($type:ty),*) => {$(
        impl<'de> Value<'de> for $type {
            fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Number;
                impl Visitor<'_> for Number {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a number")
                    }
                    fn visit_u64<E>(self, number: u64) -> Result<$type, E> {
                        Ok(<$type>::try_from(number).unwrap_or(<$type>::MAX))
                    }
                    fn visit_i64<E>(self, number: i64) -> Result<$type, E> {
                        let nearest = if number < 0 { <$type>::MIN } else { <$type>::MAX };
                        Ok(<$type>::try_from(number).unwrap_or(nearest))
                    }
                    fn visit_f64<E>(self, number: f64) -> Result<$type, E> {
                        // Casts go to the nearest number that the type holds.
                        Ok(number as $type)
                    }
                }
                deserializer.deserialize_any(Number)
            }
        }
    )*};
}

clamped!(u16, u32, i32, i64);

/// Amounts by resource. What is no quantity is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Amounts(pub(crate) BTreeMap<String, Quantity>);

impl Amounts {
    pub(crate) fn of(&self, resource: &str) -> Quantity {
        self.0.get(resource).copied().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Amounts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
        let read = |(name, value): (String, serde_json::Value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some((name, Quantity::parse(&text)?))
        };
        Ok(Self(texts.into_iter().filter_map(read).collect()))
    }
}

/// The annotations that something here reads; others may be as large as the object itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Annotations(BTreeMap<String, String>);

const READ: [&str; 4] = [
    "dapr.io/",
    "hami.io/",
    "kubectl.kubernetes.io/default-container",
    "storageclass.kubernetes.io/is-default-class",
];

impl Annotations {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Annotations;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("annotations")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut kept = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if READ.iter().any(|prefix| name.starts_with(prefix)) {
                        kept.insert(name, map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Annotations(kept))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// When an object was last written, whoever wrote it. Of what they wrote, nothing is kept.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Touched(pub(crate) Option<Timestamp>);

impl<'de> Deserialize<'de> for Touched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Written {
            time: Option<Timestamp>,
        }
        struct Writers;
        impl<'de> Visitor<'de> for Writers {
            type Value = Touched;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("managed fields")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Touched, A::Error> {
                let mut last = None;
                while let Some(written) = all.next_element::<Written>()? {
                    last = last.max(written.time);
                }
                Ok(Touched(last))
            }
        }
        deserializer.deserialize_seq(Writers)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Event, Terminated};

    #[test]
    fn numbers_out_of_range_become_the_nearest() {
        let count = |count: serde_json::Value| {
            serde_json::from_value::<Event>(json!({ "count": count, "series": { "count": count } })).map(
                |event| {
                    assert_eq!(event.series.unwrap_or_default().count, event.count);
                    event.count
                },
            )
        };
        for (given, read) in [
            (json!(3), 3),
            (json!(null), 0),
            (json!(-1), 0),
            (json!(i64::MIN), 0),
            (json!(u64::MAX), u32::MAX),
            (json!(1e300), u32::MAX),
            (json!(-1e300), 0),
            (json!(2.9), 2),
        ] {
            assert_eq!(count(given.clone()).ok(), Some(read), "{given}");
        }
        for odd in [json!("3"), json!([3]), json!(true)] {
            assert!(count(odd.clone()).is_err(), "{odd}");
        }
        let ended: Terminated =
            serde_json::from_value(json!({ "exitCode": 3_221_225_477u32, "signal": -5_000_000_000i64 }))
                .unwrap();
        assert_eq!((ended.exit_code, ended.signal), (i32::MAX, i32::MIN));
    }
}
