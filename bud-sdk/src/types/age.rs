//! Ages as kubectl prints them.

use super::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// The age of what was made then, where that is known.
#[cfg(feature = "kubernetes")]
pub(crate) fn age_of(from: Option<Timestamp>, now: Timestamp) -> String {
    from.map_or_else(|| "<unknown>".to_owned(), |from| age(from, now))
}

/// The time between two moments: `45s`, `3m20s`, `26h`, `12d`.
pub(crate) fn age(from: Timestamp, to: Timestamp) -> String {
    // Towards zero, as kubectl does: a second and a half early is one second.
    human((to.as_micros() - from.as_micros()) / 1_000_000)
}

/// The older it is, the coarser; a part that is zero is left out. Clocks may disagree by two seconds.
fn human(seconds: i64) -> String {
    let pair = |large: i64, name: char, small: i64, small_name: char| match small {
        0 => format!("{large}{name}"),
        _ => format!("{large}{name}{small}{small_name}"),
    };
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        _ if seconds < 2 * MINUTE => format!("{}s", seconds.max(0)),
        _ if seconds < 10 * MINUTE => pair(seconds / MINUTE, 'm', seconds % MINUTE, 's'),
        _ if seconds < 3 * HOUR => format!("{}m", seconds / MINUTE),
        _ if seconds < 8 * HOUR => pair(seconds / HOUR, 'h', seconds % HOUR / MINUTE, 'm'),
        _ if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        _ if seconds < 8 * DAY => pair(seconds / DAY, 'd', seconds % DAY / HOUR, 'h'),
        _ if seconds < 2 * YEAR => format!("{}d", seconds / DAY),
        _ if seconds < 8 * YEAR => pair(seconds / YEAR, 'y', seconds % YEAR / DAY, 'd'),
        _ => format!("{}y", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Timestamp;
    use super::{age, human};

    #[test]
    fn parts_of_a_second_are_dropped_on_both_sides() {
        let at = Timestamp::from_micros;
        for (micros, expected) in
            [(-2_000_000, "<invalid>"), (-1_999_999, "0s"), (-1, "0s"), (1_999_999, "1s"), (2_000_000, "2s")]
        {
            assert_eq!(age(at(0), at(micros)), expected, "{micros}");
        }
    }

    #[test]
    fn each_step_is_coarser() {
        for (seconds, expected) in [
            (-5, "<invalid>"),
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_000, "3h3m"),
            (28_799, "7h59m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (180_000, "2d2h"),
            (691_199, "7d23h"),
            (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000, "2y"),
            (65_000_000, "2y22d"),
            (252_287_999, "7y364d"),
            (252_288_000, "8y"),
        ] {
            assert_eq!(human(seconds), expected, "{seconds}");
        }
    }
}
