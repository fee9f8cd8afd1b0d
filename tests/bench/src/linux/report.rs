//! Tables for people, and the ratios for who keeps them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::Outcome;
use super::measure::Measured;

/// What is compared.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum What {
    Cpu,
    Wall,
}

/// How the numbers of one table are shown.
pub(super) struct Table<'a> {
    pub(super) title: String,
    pub(super) unit: &'static str,
    /// Seconds are multiplied by this.
    pub(super) scale: f64,
    /// The first one is what the others are compared with.
    pub(super) measured: &'a [Measured],
}

impl Table<'_> {
    pub(super) fn print(&self) {
        println!("\n{} (all in {})", self.title, self.unit);
        println!(
            "{:<24} {:<4} {:>9} {:>9} {:>9} {:>7} {:>7} {:>9} {:>13} {:>6}",
            "arm", "", "median", "min", "max", "ratio", "of mins", "requests", "bytes", "conns"
        );
        for measured in self.measured {
            for what in [What::Cpu, What::Wall] {
                self.row(measured, what);
            }
        }
    }

    fn row(&self, measured: &Measured, what: What) {
        let (name, values) = named(measured, what);
        let (least, most) = bounds(values);
        let (ratio, best) = self.measured.first().map_or((f64::NAN, f64::NAN), |base| {
            (ratio(measured, base, what), least / bounds(named(base, what).1).0)
        });
        let counts = measured.counts;
        println!(
            "{:<24} {name:<4} {:>9.1} {:>9.1} {:>9.1} {ratio:>6.2}x {best:>6.2}x {:>9} {:>13} {:>6}",
            measured.name,
            median(values) * self.scale,
            least * self.scale,
            most * self.scale,
            counts.requests,
            counts.bytes,
            counts.connections,
        );
    }
}

fn named(measured: &Measured, what: What) -> (&'static str, &[f64]) {
    match what {
        What::Cpu => ("CPU", &measured.cpu),
        What::Wall => ("wall", &measured.wall),
    }
}

/// The median of the rounds' own ratios: what slows a whole round slows both sides of its ratio.
pub(super) fn ratio(ours: &Measured, base: &Measured, what: What) -> f64 {
    let pairs = named(ours, what).1.iter().zip(named(base, what).1);
    median(&pairs.map(|(ours, base)| ours / base).collect::<Vec<_>>())
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
    if sorted.len() % 2 == 1 { at(middle) } else { (at(middle.wrapping_sub(1)) + at(middle)) / 2.0 }
}

fn bounds(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, 0.0), |(least, most), value| (value.min(least), value.max(most)))
}

/// A ratio by its name in `targets.json`, which says what it is of and what it is to be.
pub(super) type Ratio = (&'static str, f64);

/// Hands the ratios to who asked for them by naming a file.
pub(super) fn hand_over(ratios: &[Ratio]) -> Outcome {
    let Some(file) = std::env::var_os("BUD_RATIOS").map(PathBuf::from) else { return Ok(()) };
    let ratios: BTreeMap<&str, f64> = ratios.iter().copied().collect();
    let text = serde_json::to_string(&ratios).map_err(|error| error.to_string())?;
    fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
        assert_eq!(bounds(&[2.0, 1.0, 3.0]), (1.0, 3.0));
    }
}
