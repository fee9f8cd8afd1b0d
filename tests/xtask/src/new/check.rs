//! A check: its constant, its place in the table of its part, its function, a planted case and its healthy twin.

use super::{Edit, Files, Plan, fill, templates};
use crate::workspace::Outcome;

const FOLDER: &str = "bud-sdk/src/diagnostics/checks";

/// All edits for a check `CODE` of the part that has codes with the same first word, or for `PART/CODE`.
pub fn plan(code: &str, files: Files<'_>) -> Outcome<Vec<Edit>> {
    let table = format!("{FOLDER}/mod.rs");
    let parts = parts(&files(&table).ok_or(format!("{table} does not exist"))?);
    let (part, code) = code.split_once('/').map_or((None, code), |(part, code)| (Some(part), code));
    let is_code = code.contains('_')
        && code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    if !is_code {
        return Err(format!("{code:?} must be uppercase words with underscores, such as PVC_FULL"));
    }
    let text = |part: &str| files(&format!("{FOLDER}/{part}.rs")).unwrap_or_default();
    let prefix = code.split('_').next().unwrap_or(code);
    let part = match part {
        Some(named) => parts.iter().find(|part| *part == named),
        None => parts.iter().find(|part| text(part).contains(&format!("code: \"{prefix}_"))),
    };
    let part = part.ok_or_else(|| {
        format!("no part has codes with {prefix}; name it: PART/{code} with one of {}", parts.join(", "))
    })?;
    if parts.iter().any(|part| text(part).contains(&format!("code: \"{code}\""))) {
        return Err(format!("{code} already exists"));
    }
    let name = code.to_lowercase();
    let values = [("CODE", code), ("NAME", &name)];

    let file = format!("{FOLDER}/{part}.rs");
    let checks = "pub(super) const CHECKS: &[Check] =";
    let mut plan = Plan::new(files);
    plan.before(&file, "", checks, &fill(templates::CHECK, &values))?;
    plan.after_last_of(&file, checks, code)?;
    let call = format!("    {name}(view, out);\n");
    plan.after(&file, "pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {\n", &call)?;
    plan.append(&file, &fill(templates::FIND, &values))?;
    plan.append(&format!("{FOLDER}/{part}/tests.rs"), &fill(templates::CASES, &values))?;
    Ok(plan.edits)
}

impl Plan<'_> {
    /// Adds an item to the list that stands behind `from`, in one line or in several.
    fn after_last_of(&mut self, path: &str, from: &str, item: &str) -> Outcome {
        let text = self.text(path)?;
        let list = text.split_once(from).and_then(|(_, rest)| rest.split_once("];")).map(|(list, _)| list);
        let trailing = list.is_some_and(|list| list.trim_end().ends_with(','));
        self.before(path, from, "];", &if trailing { format!("    {item},\n") } else { format!(", {item}") })
    }
}

/// The parts that the macro `parts!` names.
fn parts(text: &str) -> Vec<String> {
    let list = text.split_once("\nparts!(").and_then(|(_, rest)| rest.split_once(')')).map(|(list, _)| list);
    let names = list.unwrap_or_default().split(',').map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(path: &str) -> Option<String> {
        let text = match path.strip_prefix(FOLDER)? {
            "/mod.rs" => "macro_rules! parts {}\nparts!(\n    nodes,\n    storage\n);\n",
            "/storage.rs" => {
                "const PVC_LOST: Check = Check {\n    code: \"PVC_LOST\",\n};\n\npub(super) const CHECKS: &[Check] = &[PVC_LOST];\n\npub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {\n}\n"
            }
            "/nodes.rs" => {
                "const A: Check = Check {\n    code: \"NODE_A\",\n};\n\npub(super) const CHECKS: &[Check] = &[\n    A,\n];\n\npub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {\n}\n"
            }
            "/storage/tests.rs" | "/nodes/tests.rs" => "use super::x;\n",
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn each_part_of_a_check_has_its_place() {
        let edits = plan("PVC_FULL", &files).unwrap();
        let [own, tests] = &edits[..] else { panic!("{edits:?}") };
        assert_eq!(own.path, format!("{FOLDER}/storage.rs"));
        for part in [
            "    code: \"PVC_FULL\",\n",
            "&[PVC_LOST, PVC_FULL];",
            "{\n    pvc_full(view, out);\n}",
            "fn pvc_full(_: &Context<'_>",
        ] {
            assert!(own.text.contains(part), "{part}: {}", own.text);
        }
        assert!(tests.text.contains("assert_eq!(codes(planted), [\"PVC_FULL\"]);"), "{}", tests.text);
        let edits = plan("nodes/DISK_SLOW", &files).unwrap();
        assert!(edits[0].text.contains("    A,\n    DISK_SLOW,\n];"), "{}", edits[0].text);
    }

    #[test]
    fn what_exists_or_has_no_part_is_refused() {
        for (code, says) in [
            ("PVC_LOST", "already exists"),
            ("nodes/PVC_LOST", "already exists"),
            ("DISK_SLOW", "PART/DISK_SLOW"),
            ("disks/DISK_SLOW", "nodes, storage"),
            ("pvc_full", "uppercase"),
            ("FULL", "uppercase"),
        ] {
            let refused = plan(code, &files).unwrap_err();
            assert!(refused.contains(says), "{code}: {refused}");
        }
    }
}
