//! Arguments and options by name, read from JSON and refused by name.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::call::List;
use crate::error::{Error, ErrorKind, Result};
use crate::http::Options;
use crate::schema::{Described, Type};
use crate::types::*;

/// An argument of a call.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Arg {
    /// Its name, in snake case.
    pub name: &'static str,
    /// What it takes; what is not optional is required.
    pub ty: Type,
    /// What it means.
    pub docs: &'static str,
}

impl Arg {
    pub(super) const fn new<T: Argument>(name: &'static str, docs: &'static str) -> Self {
        Self { name, ty: T::TYPE, docs }
    }
}

/// The arguments of one call, taken one by one.
pub(super) struct Args(Map<String, Value>);

impl Args {
    pub(super) fn new(args: Map<String, Value>) -> Self {
        Self(args)
    }

    /// Reads one argument. Null counts as absent.
    pub(super) fn take<T: Argument>(&mut self, name: &'static str) -> Result<T> {
        let value = self.0.remove(name).filter(|value| !value.is_null());
        match value {
            Some(value) => T::read(value).map_err(|expected| refused(name, &expected)),
            None => T::absent().ok_or_else(|| Error::invalid(name, "it is missing")),
        }
    }

    /// Refuses what is left over.
    pub(super) fn done(&mut self) -> Result<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(unknown(name)),
        }
    }
}

fn refused(name: &'static str, expected: &str) -> Error {
    Error::invalid(name, format!("it must be {expected}"))
}

fn unknown(name: &str) -> Error {
    let message = "there is no such argument";
    Error::new(ErrorKind::InvalidArgument, message).with_param(Some(crate::operation::clean(name, 60)))
}

/// What an argument can be read as.
pub(super) trait Argument: Sized {
    const TYPE: Type;
    /// What it would have to be, when it is not. The value itself is never shown: it may be a secret.
    fn read(value: Value) -> Result<Self, String>;
    /// What stands for it when it is not given; `None`: it is required.
    fn absent() -> Option<Self> {
        None
    }
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err("text".to_owned()),
    }
}

macro_rules! text_arguments {
    ($($type:ty = $as:expr),* $(,)?) => {$(
        impl Argument for $type {
            const TYPE: Type = $as;
            fn read(value: Value) -> Result<Self, String> {
                text(value).map(Self::from)
            }
        }
    )*};
}
text_arguments!(String = Type::Text, PathBuf = Type::Text, Secret = Type::Secret);

macro_rules! id_arguments {
    ($($(#[$doc:meta])* $id:ident,)*) => { text_arguments!($($id = Type::Id(stringify!($id))),*); };
}
each_id!(id_arguments);

/// Every open enumeration.
impl<T: Known + Described> Argument for T {
    const TYPE: Type = <T as Described>::TYPE;
    fn read(value: Value) -> Result<Self, String> {
        text(value).map(|text| T::parse(&text))
    }
}

impl Argument for bool {
    const TYPE: Type = Type::Bool;
    fn read(value: Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| "true or false".to_owned())
    }
}

impl Argument for u32 {
    const TYPE: Type = Type::Int;
    fn read(value: Value) -> Result<Self, String> {
        // JavaScript has no other numbers than floating point ones.
        let whole = value
            .as_u64()
            .or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 0.0).map(|n| n as u64));
        let number = whole.and_then(|number| Self::try_from(number).ok());
        number.ok_or_else(|| format!("a whole number from 0 to {}", Self::MAX))
    }
}

impl Argument for f64 {
    const TYPE: Type = Type::Float;
    fn read(value: Value) -> Result<Self, String> {
        value.as_f64().ok_or_else(|| "a number".to_owned())
    }
}

impl Argument for Duration {
    const TYPE: Type = Type::Seconds;
    fn read(value: Value) -> Result<Self, String> {
        let seconds = value.as_f64().and_then(|seconds| Self::try_from_secs_f64(seconds).ok());
        seconds.ok_or_else(|| "a number of seconds that is not negative".to_owned())
    }
}

impl Argument for Timestamp {
    const TYPE: Type = Type::Time;
    fn read(value: Value) -> Result<Self, String> {
        let time = value.as_str().and_then(|text| text.parse().ok());
        time.ok_or_else(|| "a time with a zone, such as 2026-01-31T23:59:59Z".to_owned())
    }
}

impl Argument for Value {
    const TYPE: Type = Type::Json;
    fn read(value: Value) -> Result<Self, String> {
        Ok(value)
    }
}

impl<T: Argument> Argument for Option<T> {
    const TYPE: Type = Type::Optional(&T::TYPE);
    fn read(value: Value) -> Result<Self, String> {
        T::read(value).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Argument> Argument for Vec<T> {
    const TYPE: Type = Type::List(&T::TYPE);
    fn read(value: Value) -> Result<Self, String> {
        let Value::Array(items) = value else {
            return Err("a list".to_owned());
        };
        items
            .into_iter()
            .map(|item| T::read(item).map_err(|expected| format!("a list of {expected}")))
            .collect()
    }
}

impl<T: Argument> Argument for BTreeMap<String, T> {
    const TYPE: Type = Type::Map(&T::TYPE);
    fn read(value: Value) -> Result<Self, String> {
        let Value::Object(pairs) = value else {
            return Err("a map".to_owned());
        };
        let read =
            |(name, value)| Ok((name, T::read(value).map_err(|expected| format!("a map to {expected}"))?));
        pairs.into_iter().map(read).collect()
    }
}

/// The options of one call, which every call of its kind takes.
#[derive(Debug, Clone, Default)]
pub(super) struct CallOptions {
    pub(super) options: Options,
    page_size: Option<u32>,
    concurrency: Option<u32>,
    cursor: Option<String>,
}

const TIMEOUT: Arg = Arg::new::<Option<Duration>>(
    "timeout",
    "The longest time that it may take with all its attempts and waiting; of a list, one page. Default: 60 s.",
);
const HEADERS: Arg = Arg::new::<Option<BTreeMap<String, String>>>(
    "headers",
    "Further headers. Credentials, framing and idempotency keys are refused.",
);
pub(super) const OF_CALLS: &[Arg] = &[
    TIMEOUT,
    Arg::new::<Option<Duration>>("attempt_timeout", "The longest time that one attempt may take."),
    Arg::new::<Option<u32>>(
        "attempts",
        "How often it is tried, the first time included; 1 turns retries off.",
    ),
    HEADERS,
];
pub(super) const OF_PAGES: &[Arg] = &[
    TIMEOUT,
    HEADERS,
    Arg::new::<Option<u32>>(
        "page_size",
        "How many items to ask for at a time, from 1 to 1000; of the audit log at most 100. Default: 100.",
    ),
    Arg::new::<Option<u32>>(
        "concurrency",
        "How many pages may be asked for at the same time, from 1 to 16, once the server has said how many there are. Default: 1.",
    ),
    Arg::new::<Option<String>>(
        "cursor",
        "Where to go on: the cursor of a page, or of the error that ended a list. It has a page size of its own.",
    ),
];

/// Of what is more than one call of the platform.
pub(super) const OF_TASKS: &[Arg] = &[TIMEOUT];

impl CallOptions {
    pub(super) fn read(known: &[Arg], options: Map<String, Value>) -> Result<Self> {
        if let Some(name) = options.keys().find(|name| known.iter().all(|option| option.name != *name)) {
            return Err(unknown(name));
        }
        let mut args = Args::new(options);
        let headers: Option<BTreeMap<String, String>> = args.take("headers")?;
        let options = Options {
            total: args.take("timeout")?,
            attempt: args.take("attempt_timeout")?,
            attempts: args.take("attempts")?,
            headers: headers.unwrap_or_default().into_iter().collect(),
        };
        options.check()?;
        Ok(Self {
            options,
            page_size: args.take("page_size")?,
            concurrency: args.take("concurrency")?,
            cursor: args.take("cursor")?,
        })
    }

    pub(super) fn on_list<O: crate::operation::Paged>(self, list: List<O>) -> List<O> {
        let Self { options, page_size, concurrency, cursor } = self;
        let list = list.when(page_size, List::page_size);
        let list = list.when(concurrency, |list, pages| list.concurrency(pages as usize));
        let list = list.when(cursor, |list, cursor| list.cursor(&cursor));
        list.options(options)
    }
}

/// One list for the options' names, types and texts, and for reading them.
macro_rules! named_options {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty,)*) => {
        const OPTIONS: &[$crate::bindings::Arg] =
            &[$($crate::bindings::Arg::new::<Option<$type>>(stringify!($name), concat!($($doc, "\n"),*))),*];

        #[derive(Clone)]
        struct Given {
            $($name: Option<$type>,)*
        }

        impl Given {
            fn read(args: &mut $crate::bindings::args::Args) -> $crate::Result<Self> {
                let given = Self { $($name: args.take(stringify!($name))?,)* };
                args.done()?;
                Ok(given)
            }
        }
    };
}
pub(super) use named_options;

/// Sets what was given.
pub(super) trait When: Sized {
    fn when<T>(self, given: Option<T>, set: impl FnOnce(Self, T) -> Self) -> Self {
        match given {
            Some(value) => set(self, value),
            None => self,
        }
    }
}

impl<S> When for S {}
