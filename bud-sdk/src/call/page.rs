//! Lists: pages fetched as they are needed, items out of them, and a way to go on later.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::hash::Hasher;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::stream::FuturesOrdered;

use crate::error::{Error, ErrorKind, Result};
use crate::http::{BoxFuture, Connection, Options};
use crate::operation::{Page, Paged};
use crate::types::Warning;

use super::check::Check;
use super::listing::Listing;
use super::options::call_options;

/// Items asked for per page, unless told otherwise.
const DEFAULT_PAGE_SIZE: u32 = 100;
const LARGEST_PAGE_SIZE: u32 = 1000;
const MOST_IN_FLIGHT: usize = 16;
/// The most parts that the server gives one list in.
const MOST_PARTS: u32 = 2;

/// A list, not asked for yet. Take its [`items`](Self::items) or [`pages`](Self::pages), or [`all`](Self::all) at once.
///
/// The platform pages by number. A page shorter than asked for ends the list, unless the server says that there are more; a
/// server that repeats a page is an error, not an endless list.
///
/// No item is given twice. Where items repeat although the server's total stays the same, its order has ties and others are
/// missing: the list is then read once more with another page size, and fails with `Incomplete` if that does not bring them. If
/// the total moved meanwhile, or the server gives none and items still repeat, the list carries the warning
/// `changed_while_reading`. A list that is not read to its end is not checked. For this the first million items are remembered, at 8 bytes each.
///
/// ```no_run
/// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
/// let mut users = bud.users().list().items();
/// while let Some(user) = users.next().await {
///     println!("{}", user?.id);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "a list asks for nothing until its items or pages are taken"]
#[derive(Debug, Clone)]
pub struct List<O> {
    connection: Arc<Connection>,
    operation: O,
    options: Options,
    page_size: u32,
    concurrency: usize,
    start: Result<Cursor>,
}

impl<O: Paged> List<O> {
    pub(crate) fn new(connection: &Arc<Connection>, operation: O) -> Self {
        let start = Ok(Cursor::default());
        Self {
            connection: connection.clone(),
            operation,
            options: Options::default(),
            page_size: DEFAULT_PAGE_SIZE,
            concurrency: 1,
            start,
        }
    }

    /// How many items to ask for at a time, from 1 to 1000. 100.
    pub fn page_size(mut self, size: u32) -> Self {
        self.page_size = size;
        self
    }

    /// How many pages may be asked for at the same time, from 1 to 16, once the server has said how many there are. 1.
    pub fn concurrency(mut self, pages: usize) -> Self {
        self.concurrency = pages;
        self
    }

    /// Goes on where a list broke off: with the cursor of its error, or of its [`Items`] or [`Pages`].
    pub fn cursor(mut self, cursor: &str) -> Self {
        self.start = cursor.parse();
        self
    }

    call_options!("one page");

    /// The list page by page.
    pub fn pages(self) -> Pages<O> {
        let (start, refused) = match self.check() {
            Ok(start) => (start, None),
            Err(error) => (Cursor::default(), Some(error.with_operation(O::ID))),
        };
        let mut list = self;
        list.page_size = if start.page_size > 0 { start.page_size } else { list.page_size };
        let at = Cursor { page_size: list.page_size, ..start };
        for _ in 0..at.part {
            list.operation.next_part();
        }
        Pages {
            list,
            refused,
            at,
            asked: at.page,
            last: None,
            behind: None,
            seen: HashSet::new(),
            check: Check::new(at.page == 1 && at.skip == 0),
            given: at,
            more_parts: false,
            pieces: None,
            queue: FuturesOrdered::new(),
            done: false,
        }
    }

    /// The list item by item.
    pub fn items(self) -> Items<O> {
        let pages = self.pages();
        Items { at: Some(pages.at), pages, buffer: VecDeque::new() }
    }

    /// The whole list at once.
    ///
    /// # Errors
    /// Those of a request; the first one ends it. The items before it are lost: take [`items`](Self::items) to keep them.
    /// `Incomplete` for a list of which the server does not show every item.
    pub async fn all(self) -> Result<Listing<O::Item>> {
        let mut pages = self.pages();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page?.items);
        }
        Ok(Listing { items, warnings: pages.check.warnings })
    }

    pub(crate) fn operation_mut(&mut self) -> &mut O {
        &mut self.operation
    }

    /// The operation, for tests that look at what it would send.
    #[cfg(test)]
    pub(crate) fn operation(&self) -> &O {
        &self.operation
    }

    fn check(&self) -> Result<Cursor> {
        if !(1..=LARGEST_PAGE_SIZE).contains(&self.page_size) {
            return Err(Error::invalid("page_size", format!("it must be from 1 to {LARGEST_PAGE_SIZE}")));
        }
        if !(1..=MOST_IN_FLIGHT).contains(&self.concurrency) {
            return Err(Error::invalid("concurrency", format!("it must be from 1 to {MOST_IN_FLIGHT}")));
        }
        self.start.clone()
    }

    fn fetch(&self, page: u32) -> BoxFuture<'static, Result<Page<O::Item>>> {
        let (connection, options) = (self.connection.clone(), self.options.clone());
        let mut operation = self.operation.clone();
        operation.set_page(page, self.page_size);
        Box::pin(async move { Ok(connection.execute(&operation, options).await?.0) })
    }
}

/// Where a list stands: a page of one of its parts, and how many of its items are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    page: u32,
    page_size: u32,
    skip: usize,
    part: u32,
}

impl Default for Cursor {
    fn default() -> Self {
        Self { page: 1, page_size: 0, skip: 0, part: 0 }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page={};page_size={};skip={}", self.page, self.page_size, self.skip)?;
        if self.part > 0 { write!(f, ";part={}", self.part) } else { Ok(()) }
    }
}

impl FromStr for Cursor {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let mut fields = text.split(';');
        let mut field =
            |name: &str| fields.next()?.strip_prefix(name)?.strip_prefix('=')?.parse::<u32>().ok();
        let cursor = match (field("page"), field("page_size"), field("skip")) {
            (Some(page @ 1..), Some(page_size @ 1..=LARGEST_PAGE_SIZE), Some(skip)) => {
                Some(Cursor { page, page_size, skip: skip as usize, part: 0 })
            }
            _ => None,
        };
        let part = fields
            .next()
            .map(|part| part.strip_prefix("part=")?.parse().ok().filter(|part| *part < MOST_PARTS));
        match (cursor, part, fields.next()) {
            (Some(cursor), None, None) => Some(cursor),
            (Some(cursor), Some(Some(part)), None) => Some(Cursor { part, ..cursor }),
            _ => None,
        }
        .ok_or_else(|| Error::invalid("cursor", "not a cursor of a list"))
    }
}

/// The pages of a list: a [`Stream`], and [`next`](Self::next) for use without one.
#[must_use = "pages are fetched when they are asked for"]
pub struct Pages<O: Paged> {
    list: List<O>,
    refused: Option<Error>,
    /// The page that is handed out next.
    at: Cursor,
    /// The page that is asked for next.
    asked: u32,
    /// The last page, as far as the server has said.
    last: Option<u32>,
    /// How many items lie behind, once a page has come.
    behind: Option<u64>,
    /// Fingerprints of the pages so far.
    seen: HashSet<u64>,
    check: Check,
    /// Where the page stands that was handed out last.
    given: Cursor,
    /// Another part follows behind this one, as its last page says.
    more_parts: bool,
    /// The lists that are left of one that is read again in pieces, the next one last.
    pieces: Option<Vec<O>>,
    queue: FuturesOrdered<BoxFuture<'static, Result<Page<O::Item>>>>,
    done: bool,
}

impl<O: Paged> Pages<O> {
    /// The next page, or `None` after the last one. After an error there are no more; [`cursor`](Self::cursor) says
    /// where to go on.
    pub async fn next(&mut self) -> Option<Result<Page<O::Item>>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What is worth knowing of the list as far as it was read.
    pub fn warnings(&self) -> &[Warning] {
        &self.check.warnings
    }

    /// Where this list stands, for [`List::cursor`]; `None` at its end.
    pub fn cursor(&self) -> Option<String> {
        // A list that broke off has not ended.
        (!self.done || self.refused.is_some()).then(|| self.at.to_string())
    }

    /// Keeps the queue filled: one page ahead, or several once their number is known.
    fn ask(&mut self) {
        let ahead = if self.last.is_some() { self.list.concurrency } else { 1 };
        while self.queue.len() < ahead
            && (self.queue.is_empty() || self.last.is_some_and(|last| self.asked <= last))
        {
            self.queue.push_back(self.list.fetch(self.asked));
            self.asked = self.asked.saturating_add(1);
        }
    }

    /// Decides whether the list goes on behind this page.
    fn step(&mut self, mut page: Page<O::Item>) -> Result<Option<Page<O::Item>>> {
        self.given = self.at;
        if self.pieces.is_some() {
            return self.step_piece(page).map(Some);
        }
        let number = self.at.page;
        let unpaged = page.page.is_none() && page.total_pages.is_none() && page.total_record.is_none();
        if let Some(answered) = page.page.filter(|answered| *answered != number) {
            let message = format!("asked for page {number} of a list, the server answered page {answered}");
            return Err(Error::new(ErrorKind::Protocol, message));
        }
        self.more_parts = page.more_parts;
        let repeats = page.count() > 0 && !self.seen.insert(fingerprint::<O>(&page));
        page.answer = Bytes::new();
        if repeats {
            // A server that knows no pages answers the same again; one that does is broken.
            if unpaged {
                self.end_pass()?;
                return Ok(None);
            }
            return Err(Error::new(
                ErrorKind::Protocol,
                format!("page {number} of the list repeats an earlier page"),
            ));
        }
        let count = page.count() as u64;
        // A list that was resumed is taken to have had pages as long as this one.
        let behind = self.behind.unwrap_or(u64::from(number - 1) * count) + count;
        self.behind = Some(behind);
        let more = !page.ends(number, self.list.page_size, behind);
        self.last = page.total_pages.filter(|_| more);
        let skip = std::mem::take(&mut self.at.skip).min(page.items.len());
        page.items.drain(..skip);
        self.check.page(&mut page, item_key::<O>);
        match number.checked_add(1).filter(|_| more) {
            Some(next) => self.at.page = next,
            None => self.end_pass()?,
        }
        Ok(Some(page))
    }

    /// Behind the last page: reads the list again if it is not whole, goes on with its next part, or ends.
    fn end_pass(&mut self) -> Result<()> {
        let judged = self.check.end_pass(self.list.page_size, O::LARGEST_PAGE);
        match judged.map_err(|error| error.with_hint(O::WHEN_INCOMPLETE))? {
            // By time, where the server has no order: no page then ends between two rows.
            Some(_) if self.list.operation.split().is_some() => {
                self.list.page_size = O::LARGEST_PAGE;
                self.pieces = Some(vec![self.list.operation.clone()]);
                self.next_piece()?;
            }
            Some(limit) => {
                self.list.page_size = limit;
                self.restart(self.at.part);
            }
            None if self.more_parts && self.at.part + 1 < MOST_PARTS => {
                self.list.operation.next_part();
                self.restart(self.at.part + 1);
            }
            None => self.end()?,
        }
        Ok(())
    }

    /// Takes what is new of a piece that is one page, or splits it.
    fn step_piece(&mut self, mut page: Page<O::Item>) -> Result<Page<O::Item>> {
        let count = page.count() as u64;
        let whole =
            page.total_record.map_or_else(|| page.is_last(1, self.list.page_size), |total| total <= count);
        if whole {
            self.check.piece(&mut page, item_key::<O>);
        } else {
            page.items.clear();
            let halves = self.list.operation.split().ok_or_else(|| {
                let message =
                    format!("{count} rows and more are of one moment, and come in another order each time");
                Error::new(ErrorKind::Incomplete, message).with_hint(O::WHEN_INCOMPLETE)
            })?;
            self.pieces.get_or_insert_default().extend(halves.into_iter().rev());
        }
        self.next_piece()?;
        Ok(page)
    }

    fn next_piece(&mut self) -> Result<()> {
        match self.pieces.as_mut().and_then(Vec::pop) {
            Some(piece) => {
                self.list.operation = piece;
                self.restart(self.at.part);
            }
            None => {
                self.check.end_pieces().map_err(|error| error.with_hint(O::WHEN_INCOMPLETE))?;
                self.end()?;
            }
        }
        Ok(())
    }

    /// Begins with the first page of a part.
    fn restart(&mut self, part: u32) {
        self.at = Cursor { page: 1, page_size: self.list.page_size, skip: 0, part };
        (self.asked, self.last, self.behind) = (1, None, None);
        self.seen.clear();
        self.queue = FuturesOrdered::new();
    }

    /// Whether a refusal of a page is the end of a list whose server counts nothing.
    fn ends_with(&self, refusal: &Error) -> bool {
        refusal.is_not_found() && self.at.page > 1 && self.behind.is_some() && !self.check.counted()
    }

    fn end(&mut self) -> Result<()> {
        self.check.end()?;
        self.finish();
        Ok(())
    }

    fn finish(&mut self) {
        self.done = true;
        self.queue = FuturesOrdered::new();
    }

    fn fail(&mut self, error: Error) -> Error {
        self.finish();
        let error = error.with_operation(O::ID).with_cursor(self.at.to_string());
        self.refused = Some(error.clone());
        error
    }
}

impl<O: Paged> Stream for Pages<O> {
    type Item = Result<Page<O::Item>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        if let Some(error) = this.refused.clone() {
            this.finish();
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            this.ask();
            let page = match ready!(Pin::new(&mut this.queue).poll_next(cx)) {
                Some(Err(refusal)) if this.ends_with(&refusal) => this.end_pass().map(|()| None),
                Some(page) => page.and_then(|page| this.step(page)),
                None => Ok(None),
            };
            return Poll::Ready(match page {
                // It is read again, or goes on with its next part.
                Ok(None) if !this.done => continue,
                Ok(page) => page.map(Ok),
                Err(error) => Some(Err(this.fail(error))),
            });
        }
    }
}

/// What tells this item from the others.
fn item_key<O: Paged>(item: &O::Item) -> u64 {
    let mut hasher = DefaultHasher::new();
    O::hash_key(item, &mut hasher);
    hasher.finish()
}

/// The same for the same items in any order. What was left out of a page is known by the answer alone.
fn fingerprint<O: Paged>(page: &Page<O::Item>) -> u64 {
    if page.left_out > 0 {
        let mut hasher = DefaultHasher::new();
        hasher.write(&page.answer);
        return hasher.finish();
    }
    page.items.iter().map(item_key::<O>).fold(0, u64::wrapping_add)
}

/// Nothing in it is pinned.
impl<O: Paged> Unpin for Pages<O> {}

/// The items of a list: a [`Stream`], and [`next`](Self::next) for use without one.
#[must_use = "items are fetched when they are asked for"]
pub struct Items<O: Paged> {
    pages: Pages<O>,
    buffer: VecDeque<O::Item>,
    /// Where the next item stands.
    at: Option<Cursor>,
}

impl<O: Paged> Items<O> {
    /// The next item, or `None` after the last one. After an error there are no more; its [`Error::cursor`] says where
    /// to go on.
    pub async fn next(&mut self) -> Option<Result<O::Item>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// What is worth knowing of the list as far as it was read.
    pub fn warnings(&self) -> &[Warning] {
        self.pages.warnings()
    }

    /// Where this list stands, for [`List::cursor`]; `None` at its end.
    pub fn cursor(&self) -> Option<String> {
        self.at.as_ref().map(ToString::to_string)
    }
}

impl<O: Paged> Stream for Items<O> {
    type Item = Result<O::Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.buffer.pop_front() {
                if let Some(at) = this.at.as_mut() {
                    at.skip += 1;
                }
                return Poll::Ready(Some(Ok(item)));
            }
            match ready!(Pin::new(&mut this.pages).poll_next(cx)) {
                Some(Ok(page)) => {
                    this.buffer = page.items.into();
                    this.at = Some(this.pages.given);
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    this.at = this.pages.cursor().is_some().then_some(this.pages.at);
                    return Poll::Ready(None);
                }
            }
        }
    }
}

/// Nothing in it is pinned.
impl<O: Paged> Unpin for Items<O> {}
