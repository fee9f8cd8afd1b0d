//! What skeletons are made of; `{NAME}` is filled in.

/// The file of an operation.
pub const OPERATION: &str = r#"//! `{ID}`.

use super::{HANDLE};
use crate::bud::Flavor;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};

impl {HANDLE} {
    /// To be described: what it does, its guide section and its routes.
    pub fn {NAME}(&self) -> Call<{TYPE}> {
        self.0.call({TYPE})
    }
}

/// `{ID}`
#[derive(Debug, Clone)]
pub struct {TYPE};

impl Describe for {TYPE} {
    type Flavor = Flavor;
    const ID: &'static str = "{ID}";
    const SECTIONS: &'static [&'static str] = &["to be named"];
    const ROUTES: Routes<Flavor> = Routes::both(Route::get("{PATH}"), Route::get("{PATH}"));
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Ok(Parts::new())
    }
}

impl Operation for {TYPE} {
    type Output = ();
    fn decode(&self, _: Flavor, _: Raw) -> Result<Reply<()>> {
        Err(Error::new(ErrorKind::Unsupported, "{ID} does not read its answer yet"))
    }
}
"#;

/// Its entry in the bindings' registry.
pub const ENTRY: &str =
    "    /// To be described.\n    call {ID}() -> () = |bud| bud.{RESOURCE}().{NAME}();\n";

/// Its scenario on one API. What is sent and what comes of it is written down by `BUD_SCENARIOS=write`, and does not match before.
pub const SCENARIO: &str = r#"{
  "args": {},
  "call": "{ID}",
  "client": {
    "flavor": "{FLAVOR}"
  },
  "exchanges": [],
  "name": "{TITLE}: {FLAVOR}",
  "result": "to be written"
}
"#;

/// The route of the test server. It does not compile until it is filled.
pub const HANDLER: &str = r#"
pub(crate) async fn {NAME}(call: Call) -> Answer {
    compile_error!("answer {PATH} as the {FLAVOR} API does")
}
"#;

/// A check's constant. Empty texts fail the test that each check is documented.
pub const CHECK: &str = r#"const {CODE}: Check = Check {
    code: "{CODE}",
    severity: &[super::error("")],
    section: "",
    means: "",
    confirm: "",
    remedy: "",
};

"#;

/// Its function.
pub const FIND: &str = r#"
/// To be described: what {CODE} goes by, and what it lets be.
fn {NAME}(_: &Context<'_>, _: &mut Vec<Draft>) {}
"#;

/// A planted case and its healthy twin: both empty, so that the test fails.
pub const CASES: &str = r#"
#[test]
fn {NAME}_is_found_and_its_healthy_twin_is_not() {
    let (planted, healthy) = (serde_json::json!({}), serde_json::json!({}));
    assert_ne!(planted, healthy, "the healthy twin differs in what is wrong");
    let codes = |objects| super::super::testing::codes(objects);
    assert_eq!(codes(planted), ["{CODE}"]);
    assert_eq!(codes(healthy), [""; 0]);
}
"#;
