//! Reports as HTML, for notebooks and files.

use super::text::{about, counts, line, objects, told, trees, unread, why};
use super::{Finding, Report, Severity, Verdict};
use crate::types::age;

const MUTED: &str = "opacity:.75";
const CELL: &str =
    "padding:4px 8px;text-align:left;vertical-align:top;border-top:1px solid rgba(128,128,128,.4)";
const CODE: &str = "font-family:monospace;font-size:.9em;overflow-wrap:anywhere";

impl Report {
    /// The report as a piece of HTML that a notebook can show: without scripts or anything from elsewhere, and readable on light
    /// and on dark ground. What comes from the cluster is escaped.
    pub fn to_html(&self) -> String {
        let mut html = Html(String::with_capacity(1024 + 1024 * self.findings.len()));
        html.raw(
            "<div class=\"bud-report\" style=\"font-family:sans-serif;font-size:14px;line-height:1.4\">\n<p>",
        );
        html.badge(self.verdict.as_str(), verdict_color(&self.verdict));
        html.raw(" <strong>").text(&self.server).raw("</strong>");
        if let Some(version) = &self.version {
            html.raw(" ").text(version);
        }
        html.raw(": ").text(&counts(self)).raw("<br><span style=\"").raw(MUTED).raw("\">");
        html.text(&format!("read until {}", self.finished_at)).raw("</span></p>\n");
        self.findings(&mut html);
        self.unread(&mut html);
        html.raw("</div>\n");
        html.0
    }

    /// The report as a page of HTML, for a file or a mail.
    pub fn to_html_page(&self) -> String {
        let mut html = Html(String::new());
        html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.raw("<meta name=\"viewport\" content=\"width=device-width\">\n<meta http-equiv=\"Content-Security-Policy\" ");
        html.raw("content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>");
        html.text(&format!("{}: {}", self.verdict, self.server)).raw("</title>\n");
        html.raw("<style>:root{color-scheme:light dark}</style>\n</head>\n<body>\n");
        html.raw(&self.to_html()).raw("</body>\n</html>\n");
        html.0
    }

    fn findings(&self, html: &mut Html) {
        if self.findings.is_empty() {
            return;
        }
        html.raw("<table style=\"border-collapse:collapse;width:100%\">\n<tr>");
        for head in ["Severity", "What", "Finding", "Since"] {
            html.raw("<th style=\"padding:4px 8px;text-align:left\">").raw(head).raw("</th>");
        }
        html.raw("</tr>\n");
        for (root, effects) in trees(self) {
            html.raw("<tr>").cell(|html| html.badge(root.severity.as_str(), severity_color(&root.severity)));
            html.cell(|html| {
                html.text(&about(root));
            });
            html.cell(|html| self.finding(html, root, &effects));
            let since = root.since.map(|since| age(since.min(self.finished_at), self.finished_at));
            html.cell(|html| {
                html.text(&since.unwrap_or_default());
            });
            html.raw("</tr>\n");
        }
        html.raw("</table>\n");
    }

    fn finding(&self, html: &mut Html, finding: &Finding, effects: &[&Finding]) {
        html.raw("<strong>").text(&finding.title).raw("</strong>");
        if finding.count > 1 {
            let all = usize::try_from(finding.count).is_ok_and(|count| count <= finding.samples.len());
            let more = if all { "" } else { ", ..." };
            html.text(&format!(" ×{} ({}{more})", finding.count, finding.samples.join(", ")));
        }
        html.raw("<br><span style=\"").raw(CODE).raw("\">").text(&finding.code).raw("</span>");
        if !finding.evidence.is_empty() {
            html.raw("<ul style=\"margin:4px 0;padding-left:18px\">");
            for evidence in &finding.evidence {
                html.raw("<li>").text(&evidence.kind.as_str().to_lowercase()).raw(": ").text(&told(evidence));
                if let Some(at) = evidence.at {
                    html.text(&format!(" ({} ago)", age(at.min(self.finished_at), self.finished_at)));
                }
                html.raw("</li>");
            }
            html.raw("</ul>");
        }
        if !finding.remedy.is_empty() {
            html.raw("<div>→ ").text(&finding.remedy).raw("</div>");
        }
        for command in &finding.commands {
            html.raw("<div style=\"").raw(CODE).raw("\">").text(command).raw("</div>");
        }
        if !effects.is_empty() {
            html.raw("<details><summary>explains: ").text(&objects(effects));
            html.raw("</summary><ul style=\"margin:4px 0;padding-left:18px\">");
            for effect in effects {
                html.raw("<li>").text(&format!("{} {}: {}", effect.severity, about(effect), effect.title));
                if effect.count > 1 {
                    html.text(&format!(" ×{}", effect.count));
                }
                html.raw(" <span style=\"").raw(CODE).raw("\">").text(&effect.code).raw("</span></li>");
            }
            html.raw("</ul></details>");
        }
    }

    fn unread(&self, html: &mut Html) {
        let mut sections = unread(self).peekable();
        if sections.peek().is_some() {
            html.raw("<p>Not read:</p>\n<ul>");
            for section in sections {
                html.raw("<li><strong>")
                    .text(&section.name)
                    .raw("</strong>: ")
                    .text(&why(section))
                    .raw("</li>");
            }
            html.raw("</ul>\n");
        }
        let read = self.sections.iter().filter(|section| section.reason.is_none());
        let read: Vec<String> =
            read.map(|section| format!("{} ({})", section.name, section.objects)).collect();
        if !read.is_empty() {
            html.raw("<p style=\"").raw(MUTED).raw("\">Read: ");
            // One by one, for a long text is cut.
            for (at, section) in read.iter().enumerate() {
                html.raw(if at == 0 { "" } else { ", " }).text(section);
            }
            html.raw("</p>\n");
        }
    }
}

/// Dark enough for white letters, on any ground.
fn severity_color(severity: &Severity) -> &'static str {
    match severity {
        Severity::Critical => "#9b1c1c",
        Severity::Error => "#c2410c",
        Severity::Warning => "#92600a",
        _ => "#1d5f8a",
    }
}

fn verdict_color(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "#1e7335",
        Verdict::Critical => "#9b1c1c",
        Verdict::Degraded => "#c2410c",
        _ => "#5b5b66",
    }
}

/// HTML while it is written: what is ours as it is, and what is foreign escaped.
struct Html(String);

impl Html {
    fn raw(&mut self, html: &str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        // Spaces at the ends are ours.
        let (start, end) = (text.starts_with(' '), text.ends_with(' ') && text.len() > 1);
        self.raw(if start { " " } else { "" });
        for c in line(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self.raw(if end { " " } else { "" })
    }

    fn badge(&mut self, text: &str, color: &str) {
        self.raw("<span style=\"padding:1px 6px;border-radius:4px;color:#fff;background:")
            .raw(color)
            .raw("\">");
        self.text(text).raw("</span>");
    }

    fn cell(&mut self, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.raw("<td style=\"").raw(CELL).raw("\">");
        fill(self);
        self.raw("</td>")
    }
}

#[cfg(all(test, feature = "kubernetes"))]
mod tests {
    use super::super::sample::{healthy, rich, unknown};

    /// Text and tags, without the style.
    fn bare(html: &str) -> String {
        let mut bare = String::new();
        let mut rest = html;
        while let Some((before, after)) = rest.split_once(" style=\"") {
            bare.push_str(before);
            rest = after.split_once('"').unwrap().1;
        }
        bare + rest
    }

    #[test]
    fn a_report_is_a_table_with_what_follows_folded() {
        insta::assert_snapshot!(bare(&rich().to_html()), @r#"
        <div class="bud-report">
        <p><span>CRITICAL</span> <strong>https://10.0.0.1:6443</strong> v1.33.1: 1 critical, 1 warning, 1 note<br><span>read until 2026-01-31T12:00:00Z</span></p>
        <table>
        <tr><th>Severity</th><th>What</th><th>Finding</th><th>Since</th></tr>
        <tr><td><span>CRITICAL</span></td><td>Node n7</td><td><strong>the node is not ready</strong><br><span>NODE_NOT_READY</span><ul><li>condition: Ready is Unknown: Kubelet stopped posting (5m ago)</li><li>event: NodeNotReady</li><li>metric: no &lt;b&gt;heartbeat&lt;/b&gt; &amp; &quot;no&quot; lease (6m ago)</li><li>spec: the fourth piece is in the JSON</li></ul><div>→ see whether the machine runs</div><div>kubectl describe node n7</div><details><summary>explains: 12 pods, 3 deployments, 2 services</summary><ul><li>CRITICAL Deployment bud/a: none is available <span>DEPLOYMENT_DEGRADED</span></li><li>CRITICAL Deployment bud/a: the pod is not ready ×4 <span>POD_NOT_READY</span></li><li>CRITICAL Deployment bud/b: none is available <span>DEPLOYMENT_DEGRADED</span></li><li>CRITICAL Deployment bud/b: the pod is not ready ×4 <span>POD_NOT_READY</span></li><li>CRITICAL Deployment bud/c: none is available <span>DEPLOYMENT_DEGRADED</span></li><li>CRITICAL Deployment bud/c: the pod is not ready ×4 <span>POD_NOT_READY</span></li><li>ERROR Service bud/s: nobody answers <span>SERVICE_NO_ENDPOINTS</span></li><li>ERROR Service bud/t: nobody answers <span>SERVICE_NO_ENDPOINTS</span></li></ul></details></td><td>5m</td></tr>
        <tr><td><span>WARNING</span></td><td>StatefulSet bud/w (app)</td><td><strong>it starts\u{1b}[2J again and again</strong> ×2 (w-0, w-1)<br><span>POD_CRASHLOOP</span><ul><li>log: FATAL: no\u{1b}[31m connection to postgres://bud:[redacted]@db/bud</li></ul><div>→ read the log</div></td><td>3h</td></tr>
        <tr><td><span>INFO</span></td><td>ResourceQuota bud/q</td><td><strong>90% of cpu</strong><br><span>QUOTA_NEAR</span></td><td></td></tr>
        </table>
        <p>Not read:</p>
        <ul><li><strong>secrets</strong>: forbidden, missing permission: list secrets in all namespaces: no word of secrets</li><li><strong>dapr</strong>: not installed: no word of dapr</li></ul>
        <p>Read: pods (12)</p>
        </div>
        "#);
        insta::assert_snapshot!(bare(&healthy().to_html()), @r#"
        <div class="bud-report">
        <p><span>HEALTHY</span> <strong>https://10.0.0.1:6443</strong> v1.33.1: nothing found<br><span>read until 2026-01-31T12:00:00Z</span></p>
        <p>Not read:</p>
        <ul><li><strong>certificates</strong>: not installed: no word of certificates</li></ul>
        <p>Read: pods (12)</p>
        </div>
        "#);
        assert!(!unknown().to_html_page().to_lowercase().contains("healthy"));
    }

    #[test]
    fn nothing_of_a_cluster_becomes_a_tag() {
        let mut report = rich();
        let nasty = "</td><script>alert('1')</script>\"&\u{202e}\x1b";
        report.server = nasty.to_owned();
        report.version = Some(nasty.to_owned());
        report.verdict = serde_json::from_value(nasty.into()).unwrap();
        for section in &mut report.sections {
            section.name = nasty.to_owned();
            section.detail = Some(nasty.to_owned());
            section.missing_permission = Some(nasty.to_owned());
        }
        report.sections[1].reason = Some(serde_json::from_value(nasty.into()).unwrap());
        for finding in &mut report.findings {
            finding.severity = serde_json::from_value(nasty.into()).unwrap();
            finding.subject.kind = nasty.to_owned();
            finding.subject.name = nasty.to_owned();
            finding.container = Some(nasty.to_owned());
            finding.samples = vec![nasty.to_owned()];
            finding.commands = vec![nasty.to_owned()];
            for text in [&mut finding.code, &mut finding.title, &mut finding.remedy] {
                *text = nasty.to_owned();
            }
            for evidence in &mut finding.evidence {
                evidence.kind = serde_json::from_value(nasty.into()).unwrap();
                evidence.text = nasty.to_owned();
            }
        }
        let html = report.to_html_page();
        assert!(!html.contains("<script") && !html.contains("alert('") && !html.contains("\"&"), "{html}");
        assert!(!html.contains(['\u{202e}', '\x1b']));
        assert_eq!(html.matches("<td").count(), html.matches("</td>").count());
        assert_eq!(html.matches('<').count(), html.matches('>').count());
    }

    #[test]
    fn a_page_is_whole_and_needs_nothing() {
        let page = rich().to_html_page();
        assert!(page.starts_with("<!doctype html>\n") && page.ends_with("</html>\n"));
        assert!(page.contains("<title>CRITICAL: https://10.0.0.1:6443</title>"), "{page}");
        for foreign in ["<script", "src=", "href=", "url(", "@import", "<link"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        // Each tag that is opened is closed.
        for tag in [
            "div", "table", "tr", "td", "th", "ul", "li", "details", "summary", "strong", "span", "p",
            "body", "head",
        ] {
            let opened =
                page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
