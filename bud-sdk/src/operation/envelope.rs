//! The wrappings that answers come in. A list whose items are missing is an error, never an empty list.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::schema::is_lenient;

/// One page of a list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The items, in the server's order.
    pub items: Vec<T>,
    /// Which page this is, from 1, as the server says.
    pub page: Option<u32>,
    /// How many items a full page has, as the server says.
    pub limit: Option<u32>,
    /// How many items there are in all, as the server says; some count wrongly while a search is on.
    pub total_record: Option<u64>,
    /// How many pages there are, as the server says.
    pub total_pages: Option<u32>,
    /// The server sent a bare list: there are no other pages.
    pub whole: bool,
    /// The answer itself, which differs from others whatever was left out of it. Dropped once the page is compared.
    pub(crate) answer: Bytes,
    /// How many items were left out, which a page has for the server.
    pub(crate) left_out: usize,
    /// How many of these could not be read.
    pub(crate) unreadable: usize,
    /// Of each filter, how many items do not show whether they match, and how many do.
    pub(crate) proofs: Vec<(&'static str, usize, usize)>,
    /// Another part of the list, which is asked for differently, follows behind the last page of this one.
    pub(crate) more_parts: bool,
    /// What the limits of this API mean for the list.
    pub(crate) limitation: Option<&'static str>,
}

impl<T> Page<T> {
    /// A list that has no other page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            page: None,
            limit: None,
            total_record: None,
            total_pages: None,
            whole: true,
            answer: Bytes::new(),
            left_out: 0,
            unreadable: 0,
            proofs: Vec::new(),
            more_parts: false,
            limitation: None,
        }
    }

    /// Without the items that were not asked for, whatever the server does with a filter. Its counts are then too high.
    pub(crate) fn only(mut self, meant: impl Fn(&T) -> bool) -> Self {
        let all = self.items.len();
        self.items.retain(meant);
        self.left_out += all - self.items.len();
        self
    }

    /// Without the items that are not as asked for, if anything was. An item of which `matches` says nothing does not show
    /// whether it is: it is left out and counted. If no item of the list shows it, the filter cannot be relied on.
    pub(crate) fn filtered<F>(
        mut self,
        name: &'static str,
        wanted: Option<&F>,
        matches: impl Fn(&T, &F) -> Option<bool>,
    ) -> Self {
        let Some(wanted) = wanted else { return self };
        let all = self.items.len();
        let mut unproven = 0;
        self.items.retain(|item| {
            let matches = matches(item, wanted);
            unproven += usize::from(matches.is_none());
            matches == Some(true)
        });
        self.left_out += all - self.items.len();
        self.proofs.push((name, unproven, all - unproven));
        self
    }

    /// How many items the server sent.
    pub(crate) fn count(&self) -> usize {
        self.items.len() + self.left_out
    }

    /// Whether page `number`, of which `limit` items were asked for, is the last one, when those before it were as long.
    pub(crate) fn is_last(&self, number: u32, limit: u32) -> bool {
        self.ends(number, limit, u64::from(number) * self.count() as u64)
    }

    /// Whether page `number`, of which `limit` items were asked for, is the last one: it is short, and the server does not say
    /// that there are more. So many items came up to its end. A server that gives less than was asked for says so.
    pub(crate) fn ends(&self, number: u32, limit: u32, so_far: u64) -> bool {
        let full = self.count() >= self.limit.filter(|limit| *limit > 0).unwrap_or(limit) as usize;
        let announced = match self.total_pages {
            Some(pages) => pages > number,
            None => self.total_record.is_some_and(|total| total > so_far),
        };
        self.whole || self.count() == 0 || !(full || announced)
    }

    /// The page of what its items stand for. An item that stands for nothing is one that cannot be read.
    pub(crate) fn try_map<U>(
        self,
        item: impl Fn(T) -> crate::error::Result<U>,
    ) -> crate::error::Result<Page<U>> {
        let Self { items, page, limit, total_record, total_pages, whole, .. } = self;
        let Self { answer, mut left_out, mut unreadable, proofs, more_parts, limitation, .. } = self;
        let (mut mapped, mut failure) = (Vec::with_capacity(items.len()), None);
        for result in items.into_iter().map(item) {
            match result {
                Ok(item) => mapped.push(item),
                Err(error) => {
                    (left_out, unreadable) = (left_out + 1, unreadable + 1);
                    failure.get_or_insert(error);
                }
            }
        }
        match failure.filter(|_| mapped.is_empty()) {
            Some(error) => Err(error),
            None => Ok(Page {
                items: mapped,
                page,
                limit,
                total_record,
                total_pages,
                whole,
                answer,
                left_out,
                unreadable,
                proofs,
                more_parts,
                limitation,
            }),
        }
    }
}

/// Names under which any object may stand.
const OBJECT_NAMES: [&str; 3] = ["data", "item", "result"];
/// Names under which the items of any list may stand.
const LIST_NAMES: [&str; 3] = ["data", "items", "results"];

/// The fields of an object, unread.
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    pub(super) fn read(json: &'a [u8]) -> Option<Self> {
        #[cfg(test)]
        READS.set(READS.get() + 1);
        serde_json::from_slice(json).ok()
    }
    /// Of fields with the same name, the last one counts.
    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| *value)
    }
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a RawValue)> {
        self.0.iter().map(|(name, value)| (&**name, *value))
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Borrowed unless it is escaped; a mere `Cow` never is.
        #[derive(Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::with_capacity(16);
                while let Some((Key(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// An object in an answer.
pub(super) struct Found<'a> {
    /// Where it stands.
    pub(super) path: String,
    pub(super) json: &'a [u8],
    pub(super) has_id: bool,
}

/// Where the object itself stands: as it is when it has an `id`, else inside its wrappings, at most two of them.
pub(super) fn find_object<'a>(body: &'a [u8], name: &str, depth: u8) -> Found<'a> {
    let as_it_is = |has_id| Found { path: ".".to_owned(), json: body, has_id };
    let Some(fields) = Fields::read(body) else {
        return as_it_is(false);
    };
    if let Some(id) = fields.get("id") {
        return as_it_is(id.get() != "null");
    }
    let wrapped =
        |key| fields.get(key).filter(|inner| inner.get().starts_with('{')).map(|inner| (key, inner));
    match std::iter::once(name).chain(OBJECT_NAMES).find_map(wrapped) {
        Some((key, inner)) if depth < 2 => {
            let found = find_object(inner.get().as_bytes(), name, depth + 1);
            let rest = if found.path == "." { "" } else { &found.path };
            Found { path: format!(".{key}{rest}"), ..found }
        }
        _ => as_it_is(false),
    }
}

/// Reads a page, knowing the name of its items.
pub(crate) struct Shape<T> {
    names: &'static str,
    item: PhantomData<fn() -> T>,
}

impl<T> Shape<T> {
    pub(crate) fn named(names: &'static str) -> Self {
        Self { names, item: PhantomData }
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for &Shape<T> {
    type Value = Page<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for &Shape<T> {
    type Value = Page<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list, or an object with `{}`, `data`, `items` or `results`", self.names)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Page<T>, A::Error> {
        let Rows { items, unreadable } = Rows::read(seq)?;
        Ok(Page { left_out: unreadable, unreadable, ..Page::whole(items) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<T>, A::Error> {
        let mut own: Option<Rows<T>> = None;
        let mut general: Option<Rows<T>> = None;
        let (mut page, mut limit, mut total_record, mut total_pages) = (None, None, None, None);
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "page" => page = map.next_value::<Count>()?.0,
                "limit" => limit = map.next_value::<Count>()?.0,
                "total_record" => total_record = map.next_value::<Count>()?.0,
                "total_pages" => total_pages = map.next_value::<Count>()?.0,
                // Some languages write a list without items as null.
                name if name == self.names => {
                    own = Some(map.next_value::<Option<Rows<T>>>()?.unwrap_or_default())
                }
                name if LIST_NAMES.contains(&name) && general.is_none() => {
                    general = map.next_value::<MaybeList<T>>()?.0;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let Rows { items, unreadable } = own.or(general).ok_or_else(|| {
            A::Error::custom(format_args!(
                "expected a list, or an object with `{}`, `data`, `items` or `results`",
                self.names
            ))
        })?;
        let small = |count: Option<u64>| count.and_then(|count| u32::try_from(count).ok());
        Ok(Page {
            items,
            page: small(page),
            limit: small(limit),
            total_record,
            total_pages: small(total_pages),
            whole: false,
            answer: Bytes::new(),
            left_out: unreadable,
            unreadable,
            proofs: Vec::new(),
            more_parts: false,
            limitation: None,
        })
    }
}

/// The rows of a list. Read leniently, a row that cannot be read is counted and left out.
struct Rows<T> {
    items: Vec<T>,
    unreadable: usize,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { items: Vec::new(), unreadable: 0 }
    }
}

impl<'de, T: Deserialize<'de>> Rows<T> {
    fn read<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut rows = Self::default();
        if !is_lenient() {
            while let Some(item) = seq.next_element()? {
                rows.items.push(item);
            }
            return Ok(rows);
        }
        while let Some(row) = seq.next_element::<&'de RawValue>()? {
            match serde_json::from_str(row.get()) {
                Ok(item) => rows.items.push(item),
                Err(_) => rows.unreadable += 1,
            }
        }
        Ok(rows)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = Rows<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Rows<T>, A::Error> {
                Rows::read(seq)
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// What stands under a general name: the items, or something else that the list's own name makes up for.
struct MaybeList<T>(Option<Rows<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for MaybeList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Any<T> {
            type Value = Option<Rows<T>>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Rows::read(seq).map(Some)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(None)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(None)
            }
        }
        deserializer.deserialize_any(Any(PhantomData)).map(Self)
    }
}

/// A count in an envelope. It only steers paging, so what is no count is as good as absent.
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())))
    }
}

#[cfg(test)]
thread_local! {
    /// How many objects were taken apart.
    pub(crate) static READS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}
