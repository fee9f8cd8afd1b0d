//! The kinds of entries: of each, what bindings see of it, which options it takes, and how it begins.
//!
//! All have the same three names, so that `entries!` needs no case for a kind. `T` is the output that the entry declares, which
//! the compiler compares with what the body gives.

use std::future::{Future, IntoFuture};

use futures_core::Stream;
use futures_util::TryStreamExt;
use serde::Serialize;

use crate::bindings::args::{self, CallOptions};
use crate::bindings::task::{self, Output, Task};
use crate::bindings::{Arg, Kind};
use crate::error::Result;

/// An operation.
pub(super) mod call {
    use super::*;
    use crate::call::Call;
    use crate::operation::Operation;

    pub const KIND: Kind = Kind::Call;
    pub const OPTIONS: &[Arg] = args::OF_CALLS;

    pub fn begin<O, T>(call: Call<O>, options: CallOptions, _: &'static str) -> Result<Task>
    where
        O: Operation,
        T: From<O::Output> + Output + 'static,
    {
        task::call::<O, T>(call, options)
    }
}

/// A route that the caller chooses.
pub(super) mod raw {
    use super::*;
    use crate::call::{RawCall, RawResponse};

    pub const KIND: Kind = Kind::Call;
    pub const OPTIONS: &[Arg] = args::OF_CALLS;

    pub fn begin<C, T>(call: C, options: CallOptions, _: &'static str) -> Result<Task>
    where
        C: Into<RawCall>,
        T: From<RawResponse> + Output + 'static,
    {
        task::raw::<T>(call.into(), options)
    }
}

/// An async function that changes nothing.
pub(super) mod read {
    use super::*;

    pub const KIND: Kind = Kind::Call;
    pub const OPTIONS: &[Arg] = args::OF_TASKS;

    pub fn begin<F, T>(work: F, options: CallOptions, id: &'static str) -> Result<Task>
    where
        F: IntoFuture<IntoFuture: Future<Output = Result<T>> + Send + 'static>,
        T: Output + 'static,
    {
        Ok(task::run(work, options, false).named(id))
    }
}

/// An async function that may change something.
pub(super) mod run {
    use super::*;

    pub const KIND: Kind = Kind::Call;
    pub const OPTIONS: &[Arg] = args::OF_TASKS;

    pub fn begin<F, T>(work: F, options: CallOptions, id: &'static str) -> Result<Task>
    where
        F: IntoFuture<IntoFuture: Future<Output = Result<T>> + Send + 'static>,
        T: Output + 'static,
    {
        Ok(task::run(work, options, true).named(id))
    }
}

/// A list.
pub(super) mod pages {
    use super::*;
    use crate::call::List;
    use crate::operation::Paged;

    pub const KIND: Kind = Kind::Pages;
    pub const OPTIONS: &[Arg] = args::OF_PAGES;

    pub fn begin<O, T>(list: List<O>, options: CallOptions, _: &'static str) -> Result<Task>
    where
        O: Paged<Item = T>,
        T: Serialize,
    {
        task::pages(list, options)
    }
}

/// A stream of single items.
pub(super) mod items {
    use super::*;

    pub const KIND: Kind = Kind::Pages;
    pub const OPTIONS: &[Arg] = &[];

    pub fn begin<S, T>(items: S, _: CallOptions, id: &'static str) -> Result<Task>
    where
        S: Stream<Item = Result<T>> + Send + 'static,
        T: Serialize + Send + 'static,
    {
        Ok(task::items(items).named(id))
    }
}

/// A stream of bytes.
pub(super) mod bytes {
    use super::*;

    pub const KIND: Kind = Kind::Bytes;
    pub const OPTIONS: &[Arg] = &[];

    pub fn begin<S, T>(bytes: S, _: CallOptions, id: &'static str) -> Result<Task>
    where
        S: Stream<Item = Result<T>> + Send + 'static,
        T: Into<::bytes::Bytes> + 'static,
    {
        Ok(task::chunks(bytes.map_ok(Into::into)).named(id))
    }
}

/// A job, made by `task::job`, `watch` or `ending`.
pub(super) mod job {
    use super::*;

    pub const KIND: Kind = Kind::Job;
    pub const OPTIONS: &[Arg] = &[];

    pub fn begin<J, T>(job: J, _: CallOptions, id: &'static str) -> Result<Task>
    where
        J: Into<task::Job<T>>,
    {
        Ok(job.into().into_task().named(id))
    }
}
