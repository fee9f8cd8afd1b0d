//! Reports in the forms in which people read them, for languages that hold a report as JSON.

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::report::{FleetReport, Report};

/// A report in another form: `text`, `html` (a part of a page), `page`, or its `exit_code`; `fleet_exit_code` is that of the reports
/// of several clusters. `diff` (JSON) and `diff_text` say what changed since an earlier report.
///
/// # Errors
/// `InvalidArgument` for another form, for what is no report, and for a difference without an earlier one.
pub fn render(form: &str, report: &str, earlier: Option<&str>) -> Result<String> {
    if form == "fleet_exit_code" {
        return Ok(read::<FleetReport>("report", report)?.exit_code().to_string());
    }
    let report: Report = read("report", report)?;
    let difference = || {
        let earlier = earlier.ok_or_else(|| Error::invalid("earlier", "it is missing"))?;
        Ok(report.diff(&read("earlier", earlier)?))
    };
    match form {
        "text" => Ok(report.to_text().to_string()),
        "html" => Ok(report.to_html()),
        "page" => Ok(report.to_html_page()),
        "exit_code" => Ok(report.exit_code().to_string()),
        "diff" => serde_json::to_string(&difference()?).map_err(|error| Error::invalid("report", error)),
        "diff_text" => Ok(difference()?.to_text().to_string()),
        _ => Err(Error::invalid("form", "there is no such form")),
    }
}

fn read<T: DeserializeOwned>(param: &'static str, json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| Error::invalid(param, error))
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::report::{FleetMember, FleetReport, sample};

    #[test]
    fn each_form_is_that_of_the_report() {
        let report = sample::rich();
        let json = report.to_json();
        let of = |form: &str| render(form, &json, None).unwrap();
        assert_eq!(of("text"), report.to_text().to_string());
        assert_eq!(of("html"), report.to_html());
        assert_eq!(of("page"), report.to_html_page());
        assert_eq!(of("exit_code"), "3");
        let same = render("diff", &json, Some(&json)).unwrap();
        assert!(same.starts_with(r#"{"new":[],"resolved":[],"unchanged":"#), "{same}");
        assert!(!render("diff_text", &json, Some(&json)).unwrap().is_empty());
        let gone = FleetMember { context: "a".into(), report: None, error: Some("gone".into()) };
        let fleet = serde_json::to_string(&FleetReport::new(vec![gone])).unwrap();
        assert_eq!(render("fleet_exit_code", &fleet, None).unwrap(), "5");
    }

    #[test]
    fn what_is_no_report_is_refused_by_name() {
        let json = sample::rich().to_json();
        let param = |form: &str, report: &str, earlier: Option<&str>| {
            render(form, report, earlier).unwrap_err().param().map(str::to_owned).unwrap()
        };
        assert_eq!(param("text", "{}", None), "report");
        assert_eq!(param("poem", &json, None), "form");
        assert_eq!(param("diff", &json, None), "earlier");
        assert_eq!(param("diff", &json, Some("[]")), "earlier");
    }
}
