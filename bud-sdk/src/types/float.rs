//! Floating point numbers that need not be finite.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A measured value: any `f64`, which it dereferences to. JSON has no NaN and no infinities, so that they are written as the texts
/// `NaN`, `+Inf` and `-Inf`, as Prometheus writes them.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Float(f64);

impl Float {
    /// The number.
    pub fn to_f64(self) -> f64 {
        self.0
    }
}

impl Deref for Float {
    type Target = f64;
    fn deref(&self) -> &f64 {
        &self.0
    }
}

impl From<f64> for Float {
    fn from(number: f64) -> Self {
        Self(number)
    }
}

impl PartialEq<f64> for Float {
    fn eq(&self, other: &f64) -> bool {
        self.0 == *other
    }
}

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            number if number.is_nan() => f.write_str("NaN"),
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number => number.fmt(f),
        }
    }
}

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() { serializer.serialize_f64(self.0) } else { serializer.collect_str(self) }
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;
        impl de::Visitor<'_> for TextOrNumber {
            type Value = Float;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or one as text")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Float, E> {
                text.parse().map(Float).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Float, E> {
                Ok(Float(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Float, E> {
                Ok(Float(number as f64))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Float, E> {
                Ok(Float(number as f64))
            }
        }
        deserializer.deserialize_any(TextOrNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_json() {
        for number in
            [0.0, -0.0, 1.5e-9, 12_345_678_901_234_567_000.0, f64::MAX, f64::INFINITY, f64::NEG_INFINITY]
        {
            let text = serde_json::to_string(&Float(number)).unwrap();
            let read: Float = serde_json::from_str(&text).unwrap();
            assert_eq!(read.to_bits(), number.to_bits(), "{text}");
        }
        let nan: Float = serde_json::from_str(&serde_json::to_string(&Float(f64::NAN)).unwrap()).unwrap();
        assert!(nan.is_nan());
    }

    #[test]
    fn reads_what_prometheus_writes() {
        let read = |text: &str| serde_json::from_str::<Float>(text).map(Float::to_f64);
        assert_eq!(read("\"12345678901234567000\"").unwrap(), 12_345_678_901_234_567_000.0);
        assert_eq!(read("\"1.5e-09\"").unwrap(), 1.5e-9);
        assert_eq!(read("\"+Inf\"").unwrap(), f64::INFINITY);
        assert_eq!(read("7").unwrap(), 7.0);
        for wrong in ["\"\"", "\"1,5\"", "null", "true", "{}"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
