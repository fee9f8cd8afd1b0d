//! Tables for people, and the lines that go into the README.

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

/// A target and what came of it.
pub(super) struct Verdict {
    pub(super) what: &'static str,
    pub(super) against: &'static str,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) target: Target,
}

#[derive(Clone, Copy)]
pub(super) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

impl Verdict {
    pub(super) fn met(&self) -> bool {
        match self.target {
            Target::AtMost(limit) => self.value <= limit,
            Target::AtLeast(limit) => self.value >= limit,
        }
    }

    fn value(&self, digits: usize) -> String {
        format!("{:.digits$}{}", self.value, self.unit)
    }

    fn target(&self) -> String {
        match self.target {
            Target::AtMost(limit) => format!("at most {limit}{}", self.unit),
            Target::AtLeast(limit) => format!("at least {limit}{}", self.unit),
        }
    }

    pub(super) fn print(&self) {
        let word = if self.met() { "ok" } else { "MISS" };
        let Self { what, against, .. } = self;
        println!("{word:<5}{what}: {}, compared with {against}; target {}", self.value(3), self.target());
    }
}

/// The snippet for the README.
pub(super) fn markdown(verdicts: &[Verdict], processors: usize) {
    println!("\n### Measured ratios\n");
    println!("| what | compared with | measured | target |\n|---|---|---|---|");
    for verdict in verdicts {
        println!("| {} | {} | {} | {} |", verdict.what, verdict.against, verdict.value(2), verdict.target());
    }
    println!(
        "\nMedians of interleaved rounds in one run on {processors} cores ({} {}), over loopback without TLS, the \
         server in a process of its own: `cargo xtask bench`.",
        std::env::consts::OS,
        std::env::consts::ARCH
    );
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
