//! Quantities as Kubernetes writes them: `250m`, `1.5Gi`, `12e3`.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// An amount in billionths of its unit; what is finer was rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Quantity(i128);

const NANO: i128 = 1_000_000_000;
/// No amount counts for more: the server stores it as a signed number of 64 bits.
const MOST: i128 = i64::MAX as i128 * NANO;

impl Quantity {
    /// `None` for what is no quantity.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let digits = whole.chars().chain(fraction.chars()).filter_map(|c| c.to_digit(10));
        let mantissa = digits.fold(0i128, |sum, digit| sum.saturating_mul(10).saturating_add(digit.into()));
        let places = i32::try_from(fraction.len()).ok()?;
        let nanos = match scale(suffix)? {
            Scale::Ten(power) => shifted(mantissa, power.checked_add(9)?.checked_sub(places)?),
            Scale::Two(factor) => shifted(mantissa.saturating_mul(factor), 9 - places),
        }
        .min(MOST);
        Some(Self(if negative { -nanos } else { nanos }))
    }

    /// Whole units, rounded up: bytes, cores, devices.
    pub(crate) fn units(self) -> i64 {
        self.up(NANO)
    }
    /// Thousandths, rounded up.
    pub(crate) fn millis(self) -> i64 {
        self.up(NANO / 1000)
    }

    fn up(self, unit: i128) -> i64 {
        let whole = self.0.div_euclid(unit) + i128::from(self.0.rem_euclid(unit) > 0);
        i64::try_from(whole).unwrap_or(if whole < 0 { i64::MIN } else { i64::MAX })
    }
}

enum Scale {
    Ten(i32),
    Two(i128),
}

fn scale(suffix: &str) -> Option<Scale> {
    Some(match suffix {
        "n" => Scale::Ten(-9),
        "u" => Scale::Ten(-6),
        "m" => Scale::Ten(-3),
        "" => Scale::Ten(0),
        "k" => Scale::Ten(3),
        "M" => Scale::Ten(6),
        "G" => Scale::Ten(9),
        "T" => Scale::Ten(12),
        "P" => Scale::Ten(15),
        "E" => Scale::Ten(18),
        "Ki" => Scale::Two(1 << 10),
        "Mi" => Scale::Two(1 << 20),
        "Gi" => Scale::Two(1 << 30),
        "Ti" => Scale::Two(1 << 40),
        "Pi" => Scale::Two(1 << 50),
        "Ei" => Scale::Two(1 << 60),
        exponent => Scale::Ten(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    })
}

/// Times ten to this power, rounded up.
fn shifted(number: i128, power: i32) -> i128 {
    let factor = 10i128.checked_pow(power.unsigned_abs());
    match (power >= 0, factor) {
        (true, Some(factor)) => number.saturating_mul(factor),
        (true, None) => {
            if number == 0 {
                0
            } else {
                i128::MAX
            }
        }
        (false, Some(factor)) => number / factor + i128::from(number % factor > 0),
        (false, None) => i128::from(number > 0),
    }
}

impl Add for Quantity {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Quantity {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Quantity {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    fn units(text: &str) -> Option<i64> {
        Quantity::parse(text).map(Quantity::units)
    }

    #[test]
    fn what_kubernetes_takes() {
        for (text, expected) in [
            ("0", 0),
            ("1", 1),
            ("+3", 3),
            ("-3", -3),
            ("1.5", 2),
            (".5", 1),
            ("5.", 5),
            ("100m", 1),
            ("1500m", 2),
            ("1Ki", 1024),
            ("1.5Gi", 1_610_612_736),
            ("12E", 9_223_372_036_854_775_807),
            ("12E3", 12_000),
            ("12e3", 12_000),
            ("1e-3", 1),
            ("2k", 2000),
            ("3M", 3_000_000),
            ("1n", 1),
            ("0.0000000001", 1),
            ("8Ei", i64::MAX),
            ("0Ei", 0),
            ("99999999999999999999999999", i64::MAX),
            ("0e999999", 0),
            ("1e999999", i64::MAX),
        ] {
            assert_eq!(units(text), Some(expected), "{text}");
        }
        for text in [
            "", "K", "1K", "1ki", "1 Gi", " 1", "Gi", ".", "1..2", "1.2.3", "0x1", "1e", "1Kib", "--1", "e3",
            "1e3e3",
        ] {
            assert_eq!(units(text), None, "{text:?}");
        }
    }

    #[test]
    fn finer_than_a_billionth_is_rounded_up_and_parts_add_up() {
        assert_eq!(Quantity::parse("123456789n").unwrap().millis(), 124);
        assert_eq!(Quantity::parse("0.1n"), Quantity::parse("1n"));
        assert_eq!(Quantity::parse("-1500m").unwrap().units(), -1);
        let sum: Quantity = ["250m", "250m", "1"].into_iter().filter_map(Quantity::parse).sum();
        assert_eq!(sum.millis(), 1500);
        // Bytes of a large cluster pass what billionths in 64 bits hold.
        let memory: Quantity = (0..5000).map(|_| Quantity::parse("2Ti").unwrap()).sum();
        assert_eq!(memory.units(), 5000 * (2 << 40));
    }

    #[test]
    fn every_number_of_digits_and_every_suffix_keeps_its_order() {
        for suffix in ["n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "e2", "E-2"] {
            let mut last = Quantity::default();
            for number in [1u64, 2, 9, 10, 11, 99, 1000, 123_456, 1_000_000_007] {
                let next = Quantity::parse(&format!("{number}{suffix}")).unwrap();
                assert!(next > last, "{number}{suffix}");
                last = next;
            }
        }
    }

    #[test]
    fn no_text_panics_and_what_overflows_is_bounded() {
        let random = &mut fastrand::Rng::with_seed(17);
        let letters = b"0123456789.+-eEKMGTPikmnu ";
        let mut sum = Quantity::default();
        for _ in 0..20_000 {
            let text: String =
                (0..random.usize(..40)).map(|_| letters[random.usize(..letters.len())] as char).collect();
            if let Some(quantity) = Quantity::parse(&text) {
                sum += quantity;
                let _ = (quantity.units(), quantity.millis(), sum.units(), (sum - quantity).millis());
            }
        }
    }
}
