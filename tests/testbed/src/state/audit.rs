//! The audit trail: what happened here, and rows that are made up on demand so that an export may be of any length.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::ids;

/// 2026-01-01T00:00:00Z in microseconds: where made-up rows begin.
const SEED_START: i64 = 1_767_225_600_000_000;
/// All of January 2026: where they end.
const SEED_SPAN: i64 = 31 * 86_400 * 1_000_000;

#[derive(Debug, Clone, Default)]
pub(crate) struct AuditRow {
    pub(crate) id: String,
    /// Microseconds since 1970.
    pub(crate) at: i64,
    pub(crate) action: &'static str,
    pub(crate) resource_type: &'static str,
    pub(crate) resource_id: Option<String>,
    pub(crate) resource_name: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) user_email: Option<String>,
    pub(crate) user_name: Option<String>,
    /// Set when somebody acts on another person's record.
    pub(crate) actioned_by: Option<String>,
    pub(crate) actioned_by_email: Option<String>,
    pub(crate) actioned_by_name: Option<String>,
    pub(crate) ip_address: Option<String>,
    pub(crate) details: Value,
    pub(crate) previous_state: Option<Value>,
    pub(crate) new_state: Option<Value>,
}

impl AuditRow {
    pub(crate) fn time(&self) -> String {
        format_time(self.at)
    }

    /// SHA-256 over what the row says: changing any of it shows.
    pub(crate) fn hash(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        ids::sha256(&format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.id,
            self.at,
            self.action,
            self.resource_type,
            text(&self.resource_id),
            text(&self.resource_name),
            text(&self.user_id),
            text(&self.actioned_by),
            text(&self.ip_address),
            self.details
        ))
    }
}

/// RFC 3339 in UTC, to the microsecond.
pub(crate) fn format_time(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map_or_else(|_| String::new(), |time| format!("{time:.6}"))
}

#[derive(Default)]
pub(crate) struct Audit {
    rows: Vec<Arc<AuditRow>>,
    made_up: u64,
}

impl Audit {
    pub(crate) fn record(&mut self, mut row: AuditRow) {
        row.id = ids::uuid();
        row.at = Timestamp::now().as_microsecond();
        self.rows.push(Arc::new(row));
    }

    pub(crate) fn seed(&mut self, rows: u64) {
        self.made_up = self.made_up.saturating_add(rows);
    }

    /// Rows of one and the same moment.
    pub(crate) fn seed_at(&mut self, rows: u64, at: i64) {
        for _ in 0..rows {
            let row = AuditRow {
                id: ids::uuid(),
                at,
                action: "login",
                resource_type: "session",
                details: json!({ "success": true }),
                ..AuditRow::default()
            };
            self.rows.push(Arc::new(row));
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.made_up.saturating_add(self.rows.len() as u64)
    }

    /// The rows of a span of time, both ends included, oldest first. What is recorded later is not among them.
    pub(crate) fn between(&self, start: i64, end: i64) -> Rows {
        let total = self.made_up;
        // The rows are in order of time, so their span is a range of numbers.
        let first_at_or_after = |at: i64| partition(total, |number| made_up_time(number, total) < at);
        let numbers = first_at_or_after(start)..first_at_or_after(end.saturating_add(1));
        let kept: Vec<_> = self.rows.iter().filter(|row| (start..=end).contains(&row.at)).cloned().collect();
        Rows { numbers, total, kept: kept.into_iter() }
    }
}

/// The first number below `total` for which `before` no longer holds.
fn partition(total: u64, before: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, total);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[derive(Clone)]
pub(crate) struct Rows {
    numbers: Range<u64>,
    total: u64,
    kept: std::vec::IntoIter<Arc<AuditRow>>,
}

impl Iterator for Rows {
    type Item = Arc<AuditRow>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.numbers.next() {
            Some(number) => Some(Arc::new(made_up(number, self.total))),
            None => self.kept.next(),
        }
    }
}

fn made_up_time(number: u64, total: u64) -> i64 {
    let offset = i128::from(number) * i128::from(SEED_SPAN) / i128::from(total.max(1));
    SEED_START + i64::try_from(offset).unwrap_or(SEED_SPAN)
}

/// Identifiers that are the same at every reading.
fn id_of(kind: u64, number: u64) -> String {
    let mix = |mut x: u64| {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    };
    let high = mix(kind.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(number));
    let low = mix(high.wrapping_add(number));
    ids::uuid_from(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
}

fn made_up(number: u64, total: u64) -> AuditRow {
    const DEEDS: [(&str, &str); 5] = [
        ("login", "session"),
        ("create", "project"),
        ("update", "user"),
        ("delete", "api_key"),
        ("deploy", "endpoint"),
    ];
    let (action, resource_type) = DEEDS[(number % 5) as usize];
    // What a reader of CSV trips over comes by every so often.
    let name = match number % 50 {
        7 => "comma, \"quote\" and ; semicolon".to_owned(),
        17 => "two\nlines\r\nor three".to_owned(),
        27 => "=HYPERLINK(\"http://evil.test\",\"x\")".to_owned(),
        37 => "naïve 模型 🦙".to_owned(),
        47 => String::new(),
        _ => format!("resource {number}"),
    };
    let person = number % 7;
    AuditRow {
        id: id_of(1, number),
        at: made_up_time(number, total),
        action,
        resource_type,
        resource_id: Some(id_of(2, number)),
        resource_name: Some(name),
        user_id: Some(id_of(3, person)),
        user_email: Some(format!("person-{person}@example.com")),
        user_name: Some(format!("Person {person}")),
        ip_address: Some(format!("10.0.{}.{}", person, number % 250)),
        details: json!({"operation": action, "success": true, "number": number}),
        ..AuditRow::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_rows_are_in_order_and_cut_exactly() {
        let mut audit = Audit::default();
        audit.seed(1000);
        let all: Vec<_> = audit.between(i64::MIN, i64::MAX).collect();
        assert_eq!(all.len(), 1000);
        assert!(all.windows(2).all(|pair| pair[0].at < pair[1].at));
        let some = audit.between(all[10].at, all[19].at).count();
        assert_eq!(some, 10, "both ends are included");
        assert_eq!(all[0].time(), "2026-01-01T00:00:00.000000Z");
        assert_eq!(all[0].hash(), audit.between(0, i64::MAX).next().unwrap().hash());
    }
}
