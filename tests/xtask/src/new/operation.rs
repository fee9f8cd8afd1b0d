//! An operation: its file, its method, its entries in the registries and the table, its scenarios and its routes in the test
//! server.

use super::{Edit, Files, Plan, fill, is_name, pascal, templates};
use crate::workspace::Outcome;

/// Where a resource has its parts: the file of its bindings, and its modules in the test server, per API.
const RESOURCES: [(&str, &str, [&str; 2]); 8] = [
    ("users", "users", ["users", "users"]),
    ("projects", "projects", ["projects", "projects"]),
    ("permissions", "projects", ["permissions", "projects"]),
    ("endpoints", "endpoints", ["endpoints", "endpoints"]),
    ("clusters", "endpoints", ["clusters", "clusters"]),
    ("audit", "audit", ["audit", "audit"]),
    ("quotas", "quotas", ["projects", "billing"]),
    ("credentials", "quotas", ["credentials", "credentials"]),
];
const FLAVORS: [&str; 2] = ["guide", "runtime"];

/// All edits for `RESOURCE.NAME`.
pub fn plan(id: &str, files: Files<'_>) -> Outcome<Vec<Edit>> {
    let (resource, name) = id.split_once('.').ok_or("an operation is called RESOURCE.NAME")?;
    if !is_name(name) {
        return Err(format!("{name:?} must be lowercase words with underscores"));
    }
    let known = RESOURCES.iter().find(|(known, ..)| *known == resource);
    let (_, entries, servers) = known.ok_or_else(|| {
        let names: Vec<&str> = RESOURCES.iter().map(|(known, ..)| *known).collect();
        format!("there is no resource {resource:?}, only {}", names.join(", "))
    })?;
    let handle = pascal(resource);
    let kind = type_name(resource, name);
    let path = format!("/{resource}/{name}");
    let title = name.replace('_', " ");
    let values = [
        ("ID", id),
        ("RESOURCE", resource),
        ("NAME", name),
        ("HANDLE", &handle),
        ("TYPE", &kind),
        ("PATH", &path),
        ("TITLE", &title),
    ];
    let folder = format!("bud-sdk/src/bud/{resource}");
    let owner = [format!("{folder}/mod.rs"), format!("{folder}.rs")];
    let owner = owner.iter().find(|path| files(path).is_some()).ok_or(format!("{folder} does not exist"))?;
    let operations = "bud-sdk/src/bud/operations.rs";
    if files(operations).is_some_and(|text| text.contains(&format!("OperationInfo::of::<{kind}>()"))) {
        return Err(format!("{kind} already exists"));
    }

    let mut plan = Plan::new(files);
    plan.create(format!("{folder}/{name}.rs"), fill(templates::OPERATION, &values))?;
    plan.before(owner, "\n", "use ", &format!("mod {name};\n"))?;
    plan.before(owner, "\n", "\nimpl Client {", &format!("pub use {name}::{kind};\n"))?;
    plan.before(operations, "", "pub use crate::auth", &format!("pub use super::{resource}::{kind};\n"))?;
    let row = format!("    OperationInfo::of::<{kind}>(),\n");
    plan.before(operations, "const OPERATIONS", "];", &row)?;
    let row = format!("    table.add(bud.{resource}().{name}().operation());\n");
    plan.before("bud-sdk/src/bud/tests.rs", "fn table()", "    table\n}", &row)?;
    let entries = format!("bud-sdk/src/bindings/entries/{entries}.rs");
    plan.after(&entries, "entries! {\n", &fill(templates::ENTRY, &values))?;
    for (flavor, module) in FLAVORS.into_iter().zip(servers) {
        let values = [&values[..], &[("FLAVOR", flavor)]].concat();
        let file = format!("tests/contract/scenarios/{resource}/{}-{flavor}.json", name.replace('_', "-"));
        plan.create(file, fill(templates::SCENARIO, &values))?;
        let server = format!("tests/testbed/src/{flavor}");
        plan.append(&format!("{server}/{module}.rs"), &fill(templates::HANDLER, &values))?;
        let router = format!("{server}/mod.rs");
        plan.before(&router, "const TEMPLATES", "];", &format!("    \"{path}\",\n"))?;
        let route = format!("        .route(\"{path}\", get({module}::{name}))\n");
        plan.before(&router, "fn router(", "        .fallback(", &route)?;
    }
    Ok(plan.edits)
}

/// `ArchiveProject` of `projects.archive`; a name of several words says it all.
fn type_name(resource: &str, name: &str) -> String {
    match name.contains('_') {
        true => pascal(name),
        false => pascal(name) + &pascal(resource.strip_suffix('s').unwrap_or(resource)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(path: &str) -> Option<String> {
        let router =
            "const TEMPLATES: &[&str] = &[\n    \"/a\",\n];\n\nfn router() {\n        .fallback(x)\n}\n";
        let text = match path {
            "bud-sdk/src/bud/projects/mod.rs" => {
                "//! Projects.\n\nuse super::x;\n\nimpl Client {}\n\nimpl Client {\n}\n"
            }
            "bud-sdk/src/bud/operations.rs" => {
                "pub use super::a::B;\npub use crate::auth::Login;\n\nconst OPERATIONS: &[X] = &[\n    OperationInfo::of::<GetProject>(),\n];\n"
            }
            "bud-sdk/src/bud/tests.rs" => "fn table() -> Table {\n    table\n}\n",
            "bud-sdk/src/bindings/entries/projects.rs" => "entries! {\n    old;\n}\n",
            "tests/testbed/src/guide/mod.rs" | "tests/testbed/src/runtime/mod.rs" => router,
            "tests/testbed/src/guide/projects.rs" | "tests/testbed/src/runtime/projects.rs" => {
                "//! Projects.\n"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn each_part_of_an_operation_has_its_place() {
        let edits = plan("projects.archive", &files).unwrap();
        let text = |path: &str| {
            let edit = edits.iter().find(|edit| edit.path == path);
            edit.unwrap_or_else(|| panic!("{path}: {edits:?}")).text.as_str()
        };
        let own = text("bud-sdk/src/bud/projects/archive.rs");
        assert!(own.contains("pub struct ArchiveProject;") && !own.contains("{TYPE}"), "{own}");
        assert_eq!(
            text("bud-sdk/src/bud/projects/mod.rs"),
            "//! Projects.\n\nmod archive;\nuse super::x;\npub use archive::ArchiveProject;\n\nimpl Client {}\n\nimpl Client {\n}\n"
        );
        assert!(
            text("bud-sdk/src/bud/operations.rs")
                .ends_with("<GetProject>(),\n    OperationInfo::of::<ArchiveProject>(),\n];\n")
        );
        assert!(
            text("bud-sdk/src/bud/tests.rs")
                .contains("table.add(bud.projects().archive().operation());\n    table\n")
        );
        assert!(text("bud-sdk/src/bindings/entries/projects.rs").contains("call projects.archive() -> ()"));
        for flavor in FLAVORS {
            assert!(text(&format!("tests/testbed/src/{flavor}/projects.rs")).contains("compile_error!("));
            let router = text(&format!("tests/testbed/src/{flavor}/mod.rs"));
            assert!(
                router.contains("\"/projects/archive\",\n];")
                    && router.contains("get(projects::archive))\n        .fallback(")
            );
            let scenario = text(&format!("tests/contract/scenarios/projects/archive-{flavor}.json"));
            let scenario: serde_json::Value = serde_json::from_str(scenario).unwrap();
            assert_eq!(scenario["name"], format!("archive: {flavor}"));
        }
    }

    #[test]
    fn what_exists_or_has_no_place_is_refused() {
        for (id, says) in [
            ("projects", "RESOURCE.NAME"),
            ("projects.Archive", "lowercase"),
            ("projects.../x", "lowercase"),
            ("stars.get", "no resource"),
            ("projects.get", "already exists"),
            ("users.merge", "does not exist"),
        ] {
            let refused = plan(id, &files).unwrap_err();
            assert!(refused.contains(says), "{id}: {refused}");
        }
        assert_eq!(type_name("users", "set_role"), "SetRole");
        assert_eq!(type_name("audit", "purge"), "PurgeAudit");
    }
}
