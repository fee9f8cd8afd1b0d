//! What an export asks for.

use super::TimeRange;
use super::inspect::{Csv, Json};
use super::records::OWN_ONLY;
use crate::bud::Flavor;
use crate::call::Inspect;
use crate::error::Result;
use crate::operation::{Describe, Parts, Route, Routes};
use crate::types::Secret;

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// Rows with a header. Cells are the server's, byte for byte: some begin with `=` or `@`, which a spreadsheet would
    /// run as a formula.
    Csv,
    /// Records as the API gives them.
    Json,
}

impl ExportFormat {
    fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    pub(super) fn inspect(self, secrets: Vec<Secret>) -> Box<dyn Inspect> {
        match self {
            Self::Csv => Box::new(Csv::new(secrets)),
            Self::Json => Box::new(Json::new(secrets)),
        }
    }
}

/// `audit.export`
#[derive(Debug, Clone)]
pub struct ExportAudit {
    pub(super) range: TimeRange,
    pub(super) format: ExportFormat,
}

impl ExportAudit {
    /// What no API is asked for.
    pub(super) fn check(&self) -> Result<()> {
        self.range.inclusive().map(drop)
    }
}

impl Describe for ExportAudit {
    type Flavor = Flavor;
    const ID: &'static str = "audit.export";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::get("/audit/export"),
        Route::get("/audit/records").cut_at(10_000).limitation(OWN_ONLY),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let parts = self.range.query(Parts::new())?;
        Ok(match flavor {
            Flavor::Guide => parts.query("format", self.format.as_str()),
            Flavor::Runtime => parts.query("export_csv", true),
        })
    }
}
