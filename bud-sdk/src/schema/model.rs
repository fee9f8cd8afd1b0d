//! `model!`: what the server returns, written once as a list of fields.
//!
//! Reading is tolerant and honest: unknown fields are kept in `extra`, a null counts as absent, and nothing that would be a
//! statement (a status, a number, a time) gets a default. A model is read strictly first, which is fast. If that fails it is
//! read again [`leniently`]: then a value that cannot be read is kept in `extra` and its field is absent, so that one odd value
//! does not lose an object or a list. Only a missing or unreadable id is an error.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap};

use crate::types::Known;
use crate::types::*;

thread_local! {
    static LENIENT: Cell<bool> = const { Cell::new(false) };
}

/// Runs `read` with models that survive values they cannot read.
pub(crate) fn leniently<T>(read: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            LENIENT.set(self.0);
        }
    }
    let _restore = Restore(LENIENT.replace(true));
    read()
}

/// Whether values that cannot be read are set aside at the moment.
pub(crate) fn is_lenient() -> bool {
    LENIENT.get()
}

/// Reads the value of a field that is next in `map`. What cannot be read goes to `extra` if reading is lenient.
pub(crate) fn read_field<'de, F: Field, A: MapAccess<'de>>(
    map: &mut A,
    name: &str,
    field: &mut Option<F>,
    extra: &mut serde_json::Map<String, serde_json::Value>,
) -> Result<(), A::Error> {
    // What is required cannot be set aside.
    if !is_lenient() || F::absent().is_none() {
        if let Some(value) = map.next_value::<Slot<F>>()?.0 {
            *field = Some(value);
        }
        return Ok(());
    }
    let value = map.next_value::<serde_json::Value>()?;
    let (read, whole) = F::salvage(&value);
    if read.is_some() {
        *field = read;
    }
    // Nobody looks for a secret among unknown fields.
    if !whole && !F::SECRET {
        extra.insert(name.to_owned(), value);
    }
    Ok(())
}

/// The value of a field, as it may stand inside an `Option` or a list.
pub(crate) trait Value: Sized {
    /// It is a secret, or holds one.
    const SECRET: bool = false;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
    fn write<M: SerializeMap>(value: Option<&Self>, name: &'static str, map: &mut M) -> Result<(), M::Error>;
}

/// A field of a model: how it is read, and what stands for it when it is absent (`None`: it is required).
pub(crate) trait Field: Sized {
    /// It is a secret, or holds one.
    const SECRET: bool = false;
    /// As much as can be read of a value, and whether that is all of it.
    fn salvage(value: &serde_json::Value) -> (Option<Self>, bool) {
        match Self::read(value) {
            Ok(read) => (read, true),
            Err(_) => (None, false),
        }
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error>;
    fn absent() -> Option<Self>;
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error>;
}

/// Lets serde read a [`Value`].
struct Read<T>(T);

impl<'de, T: Value> Deserialize<'de> for Read<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

/// Lets serde read a [`Field`]; `None` for a null.
pub(crate) struct Slot<F>(pub(crate) Option<F>);

impl<'de, F: Field> Deserialize<'de> for Slot<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        F::read(deserializer).map(Self)
    }
}

impl<T: Value> Field for Option<T> {
    const SECRET: bool = T::SECRET;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        Ok(Option::<Read<T>>::deserialize(deserializer)?.map(|read| Some(read.0)))
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        T::write(self.as_ref(), name, map)
    }
}

impl<T: Value + Serialize> Field for Vec<T> {
    const SECRET: bool = T::SECRET;
    fn salvage(value: &serde_json::Value) -> (Option<Self>, bool) {
        match value {
            serde_json::Value::Array(list) => {
                let readable: Self = list.iter().filter_map(|value| T::read(value).ok()).collect();
                let whole = readable.len() == list.len();
                (Some(readable), whole)
            }
            other => (None, other.is_null()),
        }
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let list = Option::<Vec<Read<T>>>::deserialize(deserializer)?;
        Ok(list.map(|list| list.into_iter().map(|read| read.0).collect()))
    }
    fn absent() -> Option<Self> {
        Some(Vec::new())
    }
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(name, self)
    }
}

impl<T: Value + Serialize> Field for BTreeMap<String, T> {
    const SECRET: bool = T::SECRET;
    fn salvage(value: &serde_json::Value) -> (Option<Self>, bool) {
        match value {
            serde_json::Value::Object(map) => {
                let read = |(name, value): (&String, _)| Some((name.clone(), T::read(value).ok()?));
                let readable: Self = map.iter().filter_map(read).collect();
                let whole = readable.len() == map.len();
                (Some(readable), whole)
            }
            other => (None, other.is_null()),
        }
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
        let map = Option::<BTreeMap<String, Read<T>>>::deserialize(deserializer)?;
        Ok(map.map(|map| map.into_iter().map(|(key, read)| (key, read.0)).collect()))
    }
    fn absent() -> Option<Self> {
        Some(BTreeMap::new())
    }
    fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(name, self)
    }
}

macro_rules! plain_write {
    () => {
        fn write<M: SerializeMap>(
            value: Option<&Self>,
            name: &'static str,
            map: &mut M,
        ) -> Result<(), M::Error> {
            map.serialize_entry(name, &value)
        }
    };
}

macro_rules! plain_values {
    ($($type:ty),* $(,)?) => {$(
        impl Value for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
            plain_write!();
        }
    )*};
}
plain_values!(String, bool, Timestamp, Decimal, serde_json::Value);

macro_rules! id_values {
    ($($(#[$doc:meta])* $type:ident,)*) => {
        plain_values!($($type),*);
        $(impl Field for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Self>, D::Error> {
                Option::deserialize(deserializer)
            }
            fn absent() -> Option<Self> {
                None
            }
            fn write<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
                map.serialize_entry(name, self)
            }
        })*
    };
}
each_id!(id_values);

impl<T: Known> Value for Wire<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
    plain_write!();
}

/// What is large stands elsewhere.
impl<T: Value + Serialize> Value for Box<T> {
    const SECRET: bool = T::SECRET;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self::new)
    }
    plain_write!();
}

/// A secret is read, but never written.
impl Value for Secret {
    const SECRET: bool = true;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
    fn write<M: SerializeMap>(_: Option<&Self>, _: &'static str, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

/// Numbers may come as numbers or as text; `3` and `3.0` are the same whole number; `3.5`, `-1` and `1e30` are none.
struct Number<T>(PhantomData<T>);

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl Number<$type> {
            fn check<E: de::Error>(&self, number: i128) -> Result<$type, E> {
                <$type>::try_from(number).map_err(|_| {
                    E::custom(format_args!("out of range, expected a whole number from 0 to {}", <$type>::MAX))
                })
            }
        }
        impl Visitor<'_> for Number<$type> {
            type Value = $type;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from 0 to {}", <$type>::MAX)
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<$type, E> {
                self.check(number.into())
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<$type, E> {
                self.check(number.into())
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<$type, E> {
                if number.fract() != 0.0 {
                    return Err(E::invalid_value(de::Unexpected::Float(number), &self));
                }
                self.check(number as i128)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                let text = text.trim();
                if let Ok(number) = text.parse::<i128>() {
                    return self.check(number);
                }
                match text.parse::<f64>() {
                    Ok(number) => self.visit_f64(number),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
    )*};
}
whole_numbers!(u32, u64);

impl Visitor<'_> for Number<f64> {
    type Value = f64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }
    fn visit_u64<E: de::Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }
    fn visit_i64<E: de::Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }
    fn visit_f64<E: de::Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

macro_rules! number_values {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Number::<$type>(PhantomData))
            }
            plain_write!();
        }
    )*};
}
number_values!(u32, f64);

/// The largest whole number that every reader of JSON keeps exact.
pub(crate) const EXACT: u64 = (1 << 53) - 1;

impl Value for u64 {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Number::<Self>(PhantomData))
    }
    /// What JavaScript would round is written as text; it is read as that, too.
    fn write<M: SerializeMap>(value: Option<&Self>, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        match value.filter(|number| **number > EXACT) {
            Some(number) => map.serialize_entry(name, &number.to_string()),
            None => map.serialize_entry(name, &value),
        }
    }
}

/// Declares a model. A field is `name: Type`, or `name: Type = "alias" | "alias"` for further names on the wire.
macro_rules! model {
    ($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $fdoc:literal])* $vis:vis $field:ident: $type:ty $(= $alias:literal $(| $more:literal)*)?,)* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[doc = $fdoc])* $vis $field: $type,)*
            /// Fields that this version does not know.
            pub extra: $crate::types::Extra,
        }

        const _: () = {
            use $crate::schema::Field as _;
            use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
            use serde::ser::{Serialize, SerializeMap, Serializer};

            #[allow(non_camel_case_types)]
            enum Key {
                $($field,)*
                Unknown(String),
            }

            struct KeyText;

            impl Visitor<'_> for KeyText {
                type Value = Key;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a field name")
                }
                fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Key, E> {
                    Ok(match text {
                        $(stringify!($field) $(| $alias $(| $more)*)? => Key::$field,)*
                        other => Key::Unknown(other.to_owned()),
                    })
                }
            }

            impl<'de> Deserialize<'de> for Key {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_identifier(KeyText)
                }
            }

            struct Object;

            impl<'de> Visitor<'de> for Object {
                type Value = $name;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                    $(let mut $field: Option<$type> = None;)*
                    let mut extra = serde_json::Map::new();
                    while let Some(next_field) = map.next_key()? {
                        match next_field {
                            $(Key::$field => {
                                $crate::schema::read_field(&mut map, stringify!($field), &mut $field, &mut extra)?;
                            })*
                            Key::Unknown(name) => {
                                extra.insert(name, map.next_value()?);
                            }
                        }
                    }
                    Ok($name {
                        $($field: match $field.or_else(<$type as $crate::schema::Field>::absent) {
                            Some(value) => value,
                            None => return Err(A::Error::missing_field(stringify!($field))),
                        },)*
                        extra: $crate::types::Extra(extra),
                    })
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    deserializer.deserialize_map(Object)
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let mut map = serializer.serialize_map(None)?;
                    $(self.$field.write(stringify!($field), &mut map)?;)*
                    for (name, value) in &self.extra.0 {
                        // A value that could not be read has its field's name.
                        if !matches!(name.as_str(), $(stringify!($field))|*) {
                            map.serialize_entry(name, value)?;
                        }
                    }
                    map.end()
                }
            }

            impl $crate::schema::Value for $name {
                const SECRET: bool = $(<$type as $crate::schema::Field>::SECRET ||)* false;
                fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    Self::deserialize(deserializer)
                }
                fn write<M: SerializeMap>(value: Option<&Self>, name: &'static str, map: &mut M) -> Result<(), M::Error> {
                    map.serialize_entry(name, &value)
                }
            }

            #[cfg(feature = "bindings")]
            impl $crate::schema::Described for $name {
                const TYPE: $crate::schema::Type = $crate::schema::Type::Model(&$crate::schema::Model {
                    name: stringify!($name),
                    docs: concat!($($doc, "\n"),*),
                    fields: &[$($crate::schema::ModelField {
                        name: stringify!($field),
                        ty: <$type as $crate::schema::Described>::TYPE,
                        docs: concat!($($fdoc, "\n"),*),
                        wide: <$type as $crate::schema::Described>::WIDE,
                    },)*],
                    module: module_path!(),
                    open: true,
                });
            }
        };
    };
}
pub(crate) use model;
