//! What the tour did, step by step.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use bud_sdk::{Error, ErrorKind};

use crate::steps::Tour;
use crate::support::{Failure, Result};

/// What a step came to, in a few words.
pub type Step = std::result::Result<String, Stop>;

/// Why a step came to nothing.
pub enum Stop {
    /// There was nothing to be done, and nothing needs to be said.
    Nothing,
    /// It was left out.
    Skipped(String),
    /// This API does not offer it.
    Unsupported(String),
    /// It failed, and with it the tour.
    Failed(Failure),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Unsupported => Self::Unsupported(error.hint().unwrap_or(error.message()).to_owned()),
            _ => Self::Failed(error.into()),
        }
    }
}

struct Row {
    step: &'static str,
    outcome: &'static str,
    took: Duration,
    detail: String,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, outcome, took, detail } = self;
        write!(f, "{step:<21} {outcome:<12} {:>6.2}s  {detail}", took.as_secs_f64())
    }
}

pub struct Summary {
    rows: Vec<Row>,
    began: Instant,
    /// When the step at hand began: where the last one ended.
    step_began: Instant,
}

impl Summary {
    pub fn new() -> Self {
        Self { rows: Vec::new(), began: Instant::now(), step_began: Instant::now() }
    }

    /// Takes down how a step ended. Only a failure is an error.
    pub fn note(&mut self, step: &'static str, ended: Step) -> Result<()> {
        let took = self.step_began.elapsed();
        self.step_began = Instant::now();
        let (outcome, detail, failure) = match ended {
            Ok(detail) => ("ok", detail, None),
            Err(Stop::Nothing) => return Ok(()),
            Err(Stop::Skipped(why)) => ("skipped", why, None),
            Err(Stop::Unsupported(instead)) => ("unsupported", instead, None),
            Err(Stop::Failed(failure)) => ("failed", format!("{failure:?}"), Some(failure)),
        };
        // Not println, which panics when nobody reads on (`| head`): the cleaning up must still come.
        let _ = writeln!(io::stdout(), "{outcome:>12}  {step}");
        self.rows.push(Row { step, outcome, took, detail });
        failure.map_or(Ok(()), Err)
    }

    /// The steps with this outcome, in order.
    #[cfg(test)]
    pub fn steps_that_came_to(&self, outcome: &str) -> Vec<&'static str> {
        self.rows.iter().filter(|row| row.outcome == outcome).map(|row| row.step).collect()
    }

    pub fn interrupted(&mut self) -> Result<()> {
        self.note("Interrupted", Err(Stop::Failed(Failure::new("interrupted by Ctrl-C"))))
    }

    pub fn print(&self, tour: &Tour<'_>) {
        println!("\n{:<21} {:<12} {:>7}  DETAILS", "STEP", "OUTCOME", "TIME");
        for row in &self.rows {
            println!("{row}");
        }
        println!();
        if let Some(api) = &tour.api {
            let without = if api.unsupported().next().is_some() { ", which lacks" } else { "" };
            println!("API        {}{without}", api.flavor);
            let mut missing = BTreeMap::<_, Vec<_>>::new();
            for operation in api.unsupported() {
                missing.entry(operation.instead.unwrap_or("no other way")).or_default().push(operation.id);
            }
            for (instead, ids) in missing {
                println!("  {instead}:");
                for line in ids.chunks(5) {
                    println!("    {}", line.join(", "));
                }
            }
        }
        println!("Time       {:.1}s", self.began.elapsed().as_secs_f64());
        if let Some(audit) = &tour.audit_file {
            println!("Audit log  {}", audit.display());
        }
    }
}
