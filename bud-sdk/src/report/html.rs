//! Reports as HTML, for notebooks and files.

use maud::{Markup, PreEscaped, Render, html};

use super::view::{FindingView, Line, Tree, View, about, line};
use super::{Finding, Report, Severity, Verdict};

const FRAME: &str = "font-family:sans-serif;font-size:14px;line-height:1.4";
const MUTED: &str = "opacity:.75";
const BADGE: &str = "padding:1px 6px;border-radius:4px;color:#fff;background:";
const TABLE: &str = "border-collapse:collapse;width:100%";
const HEAD: &str = "padding:4px 8px;text-align:left";
const CELL: &str =
    "padding:4px 8px;text-align:left;vertical-align:top;border-top:1px solid rgba(128,128,128,.4)";
const CODE: &str = "font-family:monospace;font-size:.9em;overflow-wrap:anywhere";
const LIST: &str = "margin:4px 0;padding-left:18px";

impl Report {
    /// The report as a piece of HTML that a notebook can show: without scripts or anything from elsewhere, and readable on light
    /// and on dark ground. What comes from the cluster is escaped.
    pub fn to_html(&self) -> String {
        report(&View::of(self)).into_string()
    }

    /// The report as a page of HTML, for a file or a mail.
    pub fn to_html_page(&self) -> String {
        page(&View::of(self)).into_string()
    }
}

/// maud leaves apostrophes as they are.
impl Render for Line {
    fn render_to(&self, html: &mut String) {
        for (at, text) in self.as_str().split('\'').enumerate() {
            html.push_str(if at == 0 { "" } else { "&#39;" });
            text.render_to(html);
        }
    }
}

fn page(view: &View<'_>) -> Markup {
    html! {
        (PreEscaped("<!doctype html>\n"))
        html lang="en" {
            "\n" head {
                "\n" meta charset="utf-8";
                "\n" meta name="viewport" content="width=device-width";
                "\n" meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                "\n" title { (view.verdict_name) ": " (view.server) }
                "\n" style { ":root{color-scheme:light dark}" }
                "\n"
            }
            "\n" body { "\n" (report(view)) }
            "\n"
        }
        "\n"
    }
}

fn report(view: &View<'_>) -> Markup {
    html! {
        div.bud-report style=(FRAME) {
            "\n" p {
                (badge(&view.verdict_name, verdict_color(view.verdict)))
                " " strong { (view.server) }
                @if let Some(version) = &view.version { " " (version) }
                ": " (view.counts) br;
                span style=(MUTED) { "read until " (view.finished_at.to_string()) }
            }
            "\n"
            @if !view.trees.is_empty() { (findings(&view.trees)) "\n" }
            @if !view.unread.is_empty() {
                p { "Not read:" }
                "\n" ul { @for (section, why) in &view.unread { li { strong { (section) } ": " (why) } } }
                "\n"
            }
            @if !view.read.is_empty() {
                p style=(MUTED) {
                    "Read: "
                    @for (at, (section, objects)) in view.read.iter().enumerate() {
                        @if at > 0 { ", " } (section) " (" (objects) ")"
                    }
                }
                "\n"
            }
        }
        "\n"
    }
}

fn findings(trees: &[Tree<'_>]) -> Markup {
    html! {
        table style=(TABLE) {
            "\n" tr { @for head in ["Severity", "What", "Finding", "Since"] { th style=(HEAD) { (head) } } }
            "\n"
            @for tree in trees {
                tr {
                    td style=(CELL) { (badge(&tree.root.severity_name, severity_color(tree.root.severity))) }
                    td style=(CELL) { (tree.root.about) }
                    td style=(CELL) { (finding(&tree.root)) @if !tree.effects.is_empty() { (effects(tree)) } }
                    td style=(CELL) { @if let Some(since) = &tree.root.since { (since) } }
                }
                "\n"
            }
        }
    }
}

fn finding(finding: &FindingView<'_>) -> Markup {
    html! {
        strong { (finding.title) }
        @if let Some(samples) = &finding.samples { " ×" (finding.count) " (" (samples) ")" }
        br; (code(&finding.code))
        @if !finding.evidence.is_empty() {
            ul style=(LIST) {
                @for evidence in &finding.evidence {
                    li { (evidence.kind) ": " (evidence.text) @if let Some(at) = &evidence.at { " (" (at) ")" } }
                }
            }
        }
        @if let Some(remedy) = &finding.remedy { div { "→ " (remedy) } }
        @for command in &finding.commands { div style=(CODE) { (command) } }
    }
}

/// What a finding explains, folded.
fn effects(tree: &Tree<'_>) -> Markup {
    let effect = |effect: &Finding| {
        html! {
            (line(effect.severity.as_str())) " " (about(effect)) ": " (line(&effect.title))
            @if effect.count > 1 { " ×" (effect.count) }
            " " (code(&line(&effect.code)))
        }
    };
    html! {
        details {
            summary { "explains: " (tree.explains) }
            ul style=(LIST) { @for finding in &tree.effects { li { (effect(finding)) } } }
        }
    }
}

fn code(text: &Line) -> Markup {
    html! { span style=(CODE) { (text) } }
}

fn badge(text: &Line, color: &str) -> Markup {
    html! { span style={ (BADGE) (color) } { (text) } }
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
