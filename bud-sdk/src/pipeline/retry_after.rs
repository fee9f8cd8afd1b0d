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
}
