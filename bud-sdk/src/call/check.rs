//! Whether a list that was read page by page is whole.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::error::{Error, ErrorKind, Result};
use crate::operation::Page;
use crate::types::Warning;

/// So many items are remembered. Beyond them nothing is checked: it bounds the memory of a list.
const MOST_KEYS: usize = 1_000_000;

/// What is known of a list while it is read. A pass is one reading of one part, from its first page to its last.
pub(super) struct Check {
    pub(super) warnings: Vec<Warning>,
    /// It is read from its beginning.
    from_start: bool,
    /// The items of the passes before this one.
    given: HashSet<u64>,
    pass: Pass,
    again: bool,
    /// How many items the whole list has, where none of them was left out.
    expected: Option<u64>,
    /// How many items were given by the parts before this one.
    before: u64,
    unreadable: usize,
    /// Of each filter, how many items do not show whether they match, and how many do.
    proofs: Vec<(&'static str, usize, usize)>,
}

/// What one pass has shown.
#[derive(Default)]
struct Pass {
    keys: HashSet<u64>,
    repeated: u64,
    left_out: u64,
    /// The totals that the first and the last page of the pass gave.
    totals: Option<(u64, u64)>,
    /// All items came in one answer, so that none can be missing between two.
    whole: bool,
}

impl Check {
    pub(super) fn new(from_start: bool) -> Self {
        Self {
            warnings: Vec::new(),
            from_start,
            given: HashSet::new(),
            pass: Pass::default(),
            again: false,
            expected: None,
            before: 0,
            unreadable: 0,
            proofs: Vec::new(),
        }
    }

    /// Whether the server counts its items.
    pub(super) fn counted(&self) -> bool {
        self.pass.totals.is_some()
    }

    /// Takes out of a page what was given before.
    pub(super) fn page<T>(&mut self, page: &mut Page<T>, key: impl Fn(&T) -> u64) {
        let pass = &mut self.pass;
        if let Some(total) = page.total_record {
            pass.totals = Some((pass.totals.map_or(total, |(first, _)| first), total));
        }
        pass.left_out += page.left_out as u64;
        pass.whole = page.whole;
        // An item without a key cannot be told from others.
        let keyless = keyless();
        page.items.retain(|item| {
            let key = key(item);
            if key == keyless || pass.keys.len() >= MOST_KEYS {
                return true;
            }
            let fresh = pass.keys.insert(key);
            pass.repeated += u64::from(!fresh);
            fresh && !self.given.contains(&key)
        });
        self.learn(page);
    }

    /// Takes out of a piece of the list what was given before.
    pub(super) fn piece<T>(&mut self, page: &mut Page<T>, key: impl Fn(&T) -> u64) {
        page.items.retain(|item| self.given.insert(key(item)));
        self.learn(page);
    }

    /// Keeps what a page tells beside its items.
    fn learn<T>(&mut self, page: &mut Page<T>) {
        if page.unreadable > 0 {
            self.unreadable += page.unreadable;
            self.warnings.retain(|warning| warning.code() != Warning::UNREADABLE_ROWS);
            let message = format!("rows that cannot be read were left out: {}", self.unreadable);
            self.warn(Warning::UNREADABLE_ROWS, message);
        }
        for (name, unproven, proven) in std::mem::take(&mut page.proofs) {
            match self.proofs.iter_mut().find(|(known, ..)| *known == name) {
                Some(known) => (known.1, known.2) = (known.1 + unproven, known.2 + proven),
                None => self.proofs.push((name, unproven, proven)),
            }
        }
        if let Some(limitation) = page.limitation {
            self.warn(Warning::LIMITATION, limitation.to_owned());
        }
    }

    /// Judges a list that was read again in pieces.
    pub(super) fn end_pieces(&self) -> Result<()> {
        let given = self.given.len() as u64;
        match self.expected.filter(|expected| given < *expected) {
            Some(expected) => Err(incomplete(given, expected)),
            None => Ok(()),
        }
    }

    /// Judges a pass behind its last page: the page size to read the list with again, if it is to be.
    pub(super) fn end_pass(&mut self, limit: u32, largest: u32) -> Result<Option<u32>> {
        let pass = std::mem::take(&mut self.pass);
        let seen = pass.keys.len();
        self.given.extend(pass.keys);
        let again = std::mem::take(&mut self.again);
        let complete = pass.totals.is_some_and(|(_, total)| {
            // What was left out was not remembered, so it cannot fill a gap.
            self.given.len() as u64 - self.before >= total && pass.left_out == 0
        });
        let moved = pass.totals.filter(|(first, last)| first != last && !pass.whole);
        if let Some((first, last)) = moved {
            let message = format!("the list changed while it was read: the total was {first}, then {last}");
            self.warn(Warning::CHANGED_WHILE_READING, message);
        } else if pass.repeated > 0 && !pass.whole && !complete {
            let total = pass.totals.map(|(_, total)| total);
            if !again && self.from_start && seen < MOST_KEYS {
                self.again = true;
                self.expected = total.filter(|_| pass.left_out == 0);
                self.proofs.clear();
                self.unreadable = 0;
                return Ok(Some(another_limit(total.unwrap_or_default(), limit, largest)));
            }
            match total {
                Some(total) => return Err(incomplete(seen as u64, total)),
                None => self.warn(Warning::CHANGED_WHILE_READING, REPEATED.to_owned()),
            }
        }
        self.before = self.given.len() as u64;
        Ok(None)
    }

    /// Judges the filters at the end of the list.
    pub(super) fn end(&mut self) -> Result<()> {
        for (name, unproven, proven) in std::mem::take(&mut self.proofs) {
            if unproven > 0 && proven == 0 && self.from_start {
                let message = format!("no row shows `{name}`, so that the filter cannot be relied on");
                return Err(Error::new(ErrorKind::Incomplete, message).with_hint("list without the filter"));
            }
            if unproven > 0 {
                let message = format!(
                    "rows that do not show `{name}`, a filter of the list, were left out: {unproven}"
                );
                self.warn(Warning::UNPROVEN_ROWS, message);
            }
        }
        Ok(())
    }

    fn warn(&mut self, code: &'static str, message: String) {
        let warning = Warning::new(code, message);
        if !self.warnings.contains(&warning) {
            tracing::warn!(target: "bud_sdk::warnings", code, "{warning}");
            self.warnings.push(warning);
        }
    }
}

const REPEATED: &str = "items came more than once: the list changed while it was read, or its order has ties and others are missing";

/// The page size of a second reading. One page cannot lose an item between two. Where that is too large, at least the pages end
/// elsewhere.
fn another_limit(total: u64, limit: u32, largest: u32) -> u32 {
    let all = u32::try_from(total).unwrap_or(u32::MAX).max(limit).min(largest);
    if all > limit { all } else { limit - limit / 7 - u32::from(limit > 1) }
}

fn incomplete(seen: u64, total: u64) -> Error {
    let message = format!(
        "the server gave {} of {total} items and some more than once: its order has ties",
        seen.min(total)
    );
    Error::new(ErrorKind::Incomplete, message)
}

/// The key of an item whose text to tell it from others is empty.
fn keyless() -> u64 {
    let mut hasher = DefaultHasher::new();
    "".hash(&mut hasher);
    hasher.finish()
}
