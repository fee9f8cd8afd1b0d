//! Which operation a recording belongs to, and what it is called with.

use std::fmt::Debug;
use std::pin::Pin;

use bud_sdk::operations::Paged;
use bud_sdk::{Client, Error, Flavor, List};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::exchange::Exchange;
use super::{access, deployments, records, sessions};

pub type Outcome = Pin<Box<dyn Future<Output = Result<Typed, Error>>>>;
pub type Run = Box<dyn FnOnce(Client) -> Outcome>;

/// How a recording is played.
pub struct Plan {
    /// The answers to the requests before and behind it, for operations of several.
    pub before: Vec<Bytes>,
    pub behind: Vec<Bytes>,
    /// The e-mail address and password of a client that logs in; others have a token.
    pub login: Option<(String, String)>,
    /// `None`: it is found out.
    pub flavor: Option<Flavor>,
    pub run: Run,
    /// The operation can make just this request; else it is one that we refuse to make, or that another API documents.
    pub sends: bool,
    /// The part of the answer that the typed value stands for.
    pub payload: String,
    pub renamed: &'static [(&'static str, &'static str)],
}

/// A plan for what is called with `run` and whose value stands at `payload` of the answer.
pub fn plan<F>(payload: &str, run: impl FnOnce(Client) -> F + 'static) -> Plan
where
    F: Future<Output = Result<Typed, Error>> + 'static,
{
    Plan {
        before: Vec::new(),
        behind: Vec::new(),
        login: None,
        flavor: Some(Flavor::Runtime),
        run: Box::new(|bud| Box::pin(run(bud))),
        sends: true,
        payload: payload.to_owned(),
        renamed: &[("modified_at", "updated_at")],
    }
}

impl Plan {
    /// The recorded request is not made, on purpose: only its answer is read.
    pub fn answer_only(mut self) -> Self {
        self.sends = false;
        self
    }
    /// It is a request of the guide's API: what a client sends that takes this server for one of that kind.
    pub fn on_guide(mut self) -> Self {
        self.flavor = Some(Flavor::Guide);
        self
    }
    pub fn detects(mut self) -> Self {
        self.flavor = None;
        self
    }
    pub fn logs_in(mut self, email: &str, password: &str) -> Self {
        self.login = Some((email.to_owned(), password.to_owned()));
        self
    }
    pub fn before(mut self, behind: impl IntoIterator<Item = Bytes>) -> Self {
        self.behind.extend(behind);
        self
    }
    pub fn after(mut self, before: impl IntoIterator<Item = Bytes>) -> Self {
        self.before.extend(before);
        self
    }
    pub fn renamed(mut self, renamed: &'static [(&'static str, &'static str)]) -> Self {
        self.renamed = renamed;
        self
    }
}

/// What came of a call, as the JSON that the recording is compared with.
pub struct Typed {
    pub value: Value,
    /// Fields that no model knows, or a value that no enumeration knows.
    pub unknown: Option<String>,
    /// It was made of models, which show what they do not know.
    pub models: bool,
}

impl Typed {
    /// In another shape, with the same fields.
    pub fn map(mut self, reshape: impl FnOnce(Value) -> Value) -> Self {
        self.value = reshape(self.value);
        self
    }
    /// What is no model: each place has a reason in `main.rs`.
    pub fn other(value: Value) -> Self {
        Self { value, unknown: None, models: false }
    }
}

/// A typed value. What a model does not know it shows beside `extra`, at every level, and an enumeration in `Other`.
pub fn typed(value: &(impl Serialize + Debug)) -> Typed {
    let shown = format!("{value:?}");
    let mut unknown = shown.split("extra: {").skip(1).filter(|rest| !rest.starts_with('}'));
    let unknown = unknown.next().and_then(|rest| rest.split('}').next());
    let unknown = unknown.or_else(|| shown.split("Other(\"").nth(1)?.split('"').next()).map(str::to_owned);
    Typed { value: serde_json::to_value(value).unwrap(), unknown, models: true }
}

/// What an operation without a result gives.
pub fn done() -> Typed {
    Typed { value: json!({}), unknown: None, models: true }
}

/// The page that was recorded.
pub async fn page<O>(list: List<O>, exchange: Exchange, names: &'static str) -> Result<Typed, Error>
where
    O: Paged,
    O::Item: Serialize + Debug,
{
    let number = |name: &str| exchange.query(name).and_then(|text| text.parse::<u32>().ok());
    let (page, limit) = (number("page").unwrap_or(1), number("limit").unwrap_or(10));
    let cursor = format!("page={};page_size={};skip=0", page.max(1), limit.clamp(1, 1000));
    let mut pages = list.cursor(&cursor).pages();
    let page = pages.next().await.unwrap()?;
    Ok(typed(&page.items).map(|items| {
        json!({
            "page": page.page,
            "limit": page.limit,
            "total_record": page.total_record,
            "total_pages": page.total_pages,
            names: items,
        })
    }))
}

/// A list whose items stand under `names`. Limits and pages that no list would ask for are not asked for.
pub fn list<O>(exchange: &Exchange, names: &'static str, of: impl FnOnce(Client) -> List<O> + 'static) -> Plan
where
    O: Paged,
    O::Item: Serialize + Debug,
{
    let number = |name: &str| exchange.query(name).map(|text| text.parse::<u32>().unwrap_or(u32::MAX));
    let odd = number("page").is_some_and(|page| !(1..=1_000_000).contains(&page))
        || number("limit").is_some_and(|limit| !(1..=1000).contains(&limit));
    let exchange = exchange.clone();
    let plan = plan("", move |bud| page(of(bud), exchange, names)).renamed(ENVELOPE);
    if odd { plan.answer_only() } else { plan }
}

/// What wraps a list, and the one field that every API calls otherwise.
pub const ENVELOPE: &[(&str, &str)] = &[("object", ""), ("message", ""), ("modified_at", "updated_at")];

/// The operation of this recording.
pub fn of(exchange: &Exchange) -> Option<Plan> {
    let plans = [sessions::plan_of, access::plan_of, deployments::plan_of, records::plan_of];
    plans.into_iter().find_map(|plan| plan(exchange))
}
