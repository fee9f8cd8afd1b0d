//! How long a server asks to wait: seconds, milliseconds, or a date.

use std::time::{Duration, SystemTime};

use http::HeaderMap;

/// What does not parse is as good as absent; what is negative or past means now.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(number) {
        return Some(bounded(millis / 1000.0));
    }
    let value = text("retry-after")?;
    if let Some(seconds) = number(value) {
        return Some(bounded(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    // The server's own clock is the reference, in case ours is wrong.
    let reference = text("date").and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
    Some(until.duration_since(reference).unwrap_or_default())
}

fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| text.parse().ok()).flatten()
}

fn bounded(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&'static str, &'static str)]) -> Option<Duration> {
        let headers =
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        retry_after(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(1_445_412_420))
    }

    #[test]
    fn reads_the_three_forms() {
        assert_eq!(parse(&[("retry-after", "0")]), Some(Duration::ZERO));
        assert_eq!(parse(&[("retry-after", "1")]), Some(Duration::from_secs(1)));
        assert_eq!(parse(&[("retry-after", "1.5")]), Some(Duration::from_millis(1500)));
        assert_eq!(
            parse(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            Some(Duration::from_millis(250))
        );
        // The clock of `parse` stands at 07:27:00 of that day.
        assert_eq!(parse(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")]), Some(Duration::from_secs(60)));
    }

    #[test]
    fn takes_the_servers_clock_for_dates() {
        let headers =
            [("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"), ("date", "Wed, 21 Oct 2015 07:27:50 GMT")];
        assert_eq!(parse(&headers), Some(Duration::from_secs(10)));
    }

    #[test]
    fn survives_nonsense() {
        assert_eq!(parse(&[("retry-after", "-1")]), Some(Duration::ZERO));
        assert_eq!(parse(&[("retry-after", "Wed, 21 Oct 1998 07:28:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(
            parse(&[("retry-after", "99999999999999999999")]),
            Some(Duration::from_secs(1_000_000_000))
        );
        for nonsense in ["abc", "", "1e9", "inf", "NaN", "-", "."] {
            assert_eq!(parse(&[("retry-after", nonsense)]), None, "{nonsense:?}");
        }
        assert_eq!(parse(&[]), None);
    }

    /// Any header that can arrive: a wait that clock arithmetic can carry, or none.
    #[test]
    fn any_header_is_a_bounded_wait_or_none() {
        const PIECES: &[&[u8]] = &[
            b"0",
            b"9",
            b"1.5",
            b"-",
            b"+",
            b".",
            b"e9",
            b"inf",
            b"NaN",
            b" ",
            b",",
            b":",
            b"GMT",
            b"Wed, 21 Oct 2015 07:28:00 GMT",
            b"Fri, 31 Dec 9999 23:59:59 GMT",
            b"Oct",
            b"99999999999999999999",
            b"\xff",
            b"\t",
        ];
        let mut random = fastrand::Rng::with_seed(15);
        for _ in 0..20_000 {
            let mut headers = HeaderMap::new();
            for name in ["retry-after", "retry-after-ms", "date"] {
                let text: Vec<u8> = (0..random.usize(0..5))
                    .flat_map(|_| PIECES[random.usize(0..PIECES.len())].to_vec())
                    .collect();
                if let Ok(value) = http::HeaderValue::from_bytes(&text) {
                    headers.insert(name, value);
                }
            }
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(random.u64(0..4_000_000_000));
            if let Some(wait) = retry_after(&headers, now) {
                assert!(tokio::time::Instant::now().checked_add(wait).is_some(), "{headers:?}");
            }
        }
    }
}
