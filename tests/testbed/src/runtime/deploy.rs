//! Deploying a model: a workflow of steps whose data are put together, and other workflows.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::call::{Answer, Call, Id, check_uuid, done, ok};
use super::clusters;
use super::endpoints::{self, shape};
use super::input::{Input, Paging};
use super::problem::{Problem, bad, field, missing};
use super::projects;
use super::world::{World, time};
use crate::ids;
use crate::lock;
use crate::state::Store;

/// How often one must ask until the simulator has an answer.
const SIMULATION: u32 = 2;

pub(crate) enum Simulation {
    NotAsked,
    Running(u32),
    Done,
}

/// Steps towards something.
pub(crate) struct Workflow {
    pub(crate) id: String,
    owner: String,
    kind: &'static str,
    status: &'static str,
    step: u64,
    steps: u64,
    reason: Option<String>,
    data: Map<String, Value>,
    pub(crate) simulation: Simulation,
    /// Deployments under way: how often one must still ask, and how they end.
    under_way: Option<(u32, Option<String>)>,
    created_at: Timestamp,
    modified_at: Timestamp,
}

/// What it takes to deploy.
pub(super) struct Ready {
    pub(super) model_id: String,
    pub(super) project_id: String,
    pub(super) name: String,
    pub(super) deploy_config: Value,
    pub(super) cluster_id: Option<String>,
}

impl Workflow {
    pub(super) fn new(id: &str, owner: &str, kind: &'static str, steps: u64) -> Self {
        let now = Timestamp::now();
        Self {
            id: id.to_owned(),
            owner: owner.to_owned(),
            kind,
            status: "in_progress",
            step: 0,
            steps,
            reason: None,
            data: Map::new(),
            simulation: Simulation::NotAsked,
            under_way: None,
            created_at: now,
            modified_at: now,
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.data.get(name)?.as_str().map(str::to_owned)
    }

    fn answer(&self, store: &Store, world: &mut World) -> Value {
        let mut steps = shape("workflow_steps");
        for (name, value) in &self.data {
            match name.as_str() {
                // Shown as what they name.
                "project_id" => {
                    let project = projects::named(store, world, value.as_str().unwrap_or_default());
                    steps["project"] = project.unwrap_or_default();
                }
                "model_id" => {
                    steps["model_id"] = value.clone();
                    steps["model"] =
                        endpoints::model(world, value.as_str().unwrap_or_default(), "model_in_workflow");
                }
                // Kept, and never shown.
                "cluster_id" | "credential_id" => {}
                name => steps[name] = value.clone(),
            }
        }
        json!({
            "object": "workflow.get", "message": "Workflow data retrieved successfully", "workflow_id": self.id,
            "status": self.status, "current_step": self.step, "total_steps": self.steps, "reason": self.reason,
            "workflow_steps": steps,
        })
    }
}

fn progress(workflow: Option<&str>) -> Value {
    let step =
        |id: &str, title: &str| json!({ "id": id, "title": title, "payload": {}, "description": title });
    let mut body = json!({
        "eta": 10, "steps": [step("validation", "Validating"), step("run", "Run")], "object": "workflow_metadata",
        "status": "PENDING", "workflow_name": "deployment",
    });
    if let Some(id) = workflow {
        body["workflow_id"] = id.into();
    }
    body
}

/// Letters, digits and hyphens between them, in lower case.
fn stored_name(name: &str) -> String {
    name.replace(' ', "-").trim_matches('-').to_ascii_lowercase()
}

fn check_config(input: &mut Input) {
    let Some(config) = input.get("deploy_config").cloned() else { return };
    let number = |name: &str| config[name].as_u64();
    let fine = number("concurrent_requests").is_some_and(|count| count > 0)
        && number("avg_sequence_length").is_some()
        && number("avg_context_length").is_some_and(|length| length <= 200_000);
    if !fine {
        input.refuse("deploy_config", "value_error", "Value error, Invalid deploy config");
    }
}

pub(super) async fn step(call: Call) -> Answer {
    call.must_on_endpoints("endpoint:manage")?;
    let mut input = call.open.input()?;
    let number =
        |input: &mut Input, name: &str| input.get(name).is_some().then(|| input.number(name, 1, 100, 1));
    let total = number(&mut input, "workflow_total_steps");
    input.need("step_number");
    let step = input.number("step_number", 1, 100, 1);
    let workflow_id = input.text("workflow_id", 1, 100);
    if total.is_some() == workflow_id.is_some() {
        let wrong =
            "Value error, workflow_total_steps is required when workflow_id is not provided, and only then";
        let body: Value = serde_json::from_slice(&call.open.body).unwrap_or_default();
        return Err(Problem::Fields(vec![field("value_error", &["body"], wrong, &body)]));
    }
    let name = input.text("endpoint_name", 1, 100);
    if name
        .as_ref()
        .is_some_and(|name| name.contains(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, ' ' | '-')))
    {
        input.refuse(
            "endpoint_name",
            "value_error",
            "Value error, Endpoint name can only contain letters, numbers and hyphens",
        );
    }
    input.choice("hardware_mode", &["dedicated", "shared"]);
    check_config(&mut input);
    let trigger = input.flag("trigger_workflow", false);
    let names = [
        "model_id",
        "project_id",
        "hardware_mode",
        "deploy_config",
        "cluster_id",
        "credential_id",
        "simulator_id",
        "budaiscaler_specification",
    ];
    let given: Vec<(&str, Value)> =
        names.into_iter().filter_map(|name| Some((name, input.get(name)?.clone()))).collect();
    input.finish()?;
    for (name, value) in given.iter().filter(|(name, _)| name.ends_with("_id")) {
        check_uuid("body", name, value.as_str().unwrap_or_default())?;
    }

    let mut store = lock(&call.open.core.store);
    let mut guard = lock(&call.open.core.world);
    let world = &mut *guard;
    let mut workflow = match (&workflow_id, total) {
        (Some(id), _) => {
            let at = world
                .workflows
                .iter()
                .position(|workflow| workflow.id == *id && workflow.owner == call.user.id);
            world.workflows.remove(at.ok_or_else(|| missing("Workflow"))?)
        }
        (None, total) => Workflow::new(&ids::uuid(), &call.user.id, "model_deployment", total.unwrap_or(1)),
    };
    let result = advance(&mut workflow, (step, trigger), name, given, &mut store, world);
    let answer = result.map(|()| workflow.answer(&store, world));
    if workflow_id.is_some() || answer.is_ok() {
        world.workflows.push(workflow);
    }
    drop(guard);
    ok(answer?)
}

fn advance(
    workflow: &mut Workflow,
    (step, trigger): (u64, bool),
    name: Option<String>,
    given: Vec<(&str, Value)>,
    store: &mut Store,
    world: &mut World,
) -> Result<(), Problem> {
    let taken = |name: &str, store: &Store| store.endpoints.iter().any(|endpoint| endpoint.name == name);
    // It is the name of the step before that is looked at, unless there was none.
    let looked_at = workflow.text("endpoint_name").or_else(|| name.as_deref().map(stored_name));
    if looked_at.is_some_and(|name| taken(&name, store)) {
        return Err(bad("An endpoint with this name already exists"));
    }
    for (field, value) in &given {
        let id = value.as_str().unwrap_or_default();
        match *field {
            "model_id" if ![&world.local_model, &world.cloud_model].iter().any(|model| *model == id) => {
                return Err(missing("Model"));
            }
            "project_id" if projects::named(store, world, id).is_none() => return Err(missing("Project")),
            "cluster_id" => drop(clusters::by_deploy_id(store, world, id)?),
            "credential_id" if id != world.provider_key => return Err(missing("Credential")),
            _ => {}
        }
    }
    if let Some(name) = name {
        workflow.data.insert("endpoint_name".to_owned(), stored_name(&name).into());
    }
    let configured = given.iter().any(|(field, _)| *field == "deploy_config");
    workflow.data.extend(given.into_iter().map(|(field, value)| (field.to_owned(), value)));
    workflow.step = workflow.step.max(step);
    workflow.modified_at = Timestamp::now();
    let cloud = workflow.text("model_id").as_deref() == Some(world.cloud_model.as_str());
    if configured && !cloud && !workflow.data.contains_key("simulator_id") {
        // The platform takes the next step itself.
        workflow.data.insert("simulator_id".to_owned(), ids::uuid().into());
        workflow.data.insert("bud_simulator_events".to_owned(), progress(None));
        workflow.data.insert("quantization_simulation_events".to_owned(), progress(None));
        workflow.simulation = Simulation::Running(SIMULATION);
        workflow.step += 1;
    }
    if trigger { launch(workflow, cloud, store, world) } else { Ok(()) }
}

/// Starts a deployment, each time that it is asked to.
fn launch(workflow: &mut Workflow, cloud: bool, store: &mut Store, world: &mut World) -> Result<(), Problem> {
    let needed: &[&str] = if cloud {
        &["project_id", "endpoint_name", "deploy_config", "credential_id"]
    } else {
        &["project_id", "endpoint_name", "deploy_config", "cluster_id", "simulator_id"]
    };
    let lacking: Vec<&str> =
        needed.iter().filter(|name| !workflow.data.contains_key(**name)).copied().collect();
    if !lacking.is_empty() {
        return Err(bad(&format!("Missing required data: {}", lacking.join(", "))));
    }
    world.deployments += 1;
    workflow.step += 1;
    if cloud {
        let id = finish(workflow, None, store, world);
        workflow.data.insert("budserve_cluster_events".to_owned(), json!({ "endpoint_id": id }));
        workflow.status = "completed";
        return Ok(());
    }
    workflow.data.insert("budserve_cluster_events".to_owned(), progress(Some(&ids::uuid())));
    let failure = store.failures.pop_front();
    let polls = failure.as_ref().map_or_else(|| store.pace.polls(), |(step, _)| *step);
    workflow.under_way = Some((polls, failure.map(|(_, reason)| reason)));
    Ok(())
}

fn finish(workflow: &Workflow, cluster_id: Option<String>, store: &mut Store, world: &mut World) -> String {
    let text = |name: &str| workflow.text(name).unwrap_or_default();
    let mut config = shape("endpoint_in_detail")["deployment_config"].clone();
    config["engine_configs"] = json!({
        "chat_template": "", "enable_reasoning": false, "enable_tool_calling": false,
        "reasoning_parser_type": "", "tool_calling_parser_type": "",
    });
    for (name, value) in workflow.data.get("deploy_config").and_then(Value::as_object).into_iter().flatten() {
        config[name] = value.clone();
    }
    let ready = Ready {
        model_id: text("model_id"),
        project_id: text("project_id"),
        name: text("endpoint_name"),
        deploy_config: config,
        cluster_id,
    };
    endpoints::start(store, world, &ready)
}

/// Lets time pass on the workflows that deploy: one step each time that one asks.
fn poll(id: &str, store: &mut Store, world: &mut World) {
    let Some(at) = world.workflows.iter().position(|workflow| workflow.id == id) else { return };
    let mut workflow = world.workflows.remove(at);
    if let Some((polls, failure)) = workflow.under_way.take() {
        match (polls, failure) {
            (0, Some(reason)) => {
                workflow.status = "failed";
                workflow.reason = Some(reason);
            }
            (0, None) => {
                let deploy_id = workflow.text("cluster_id").unwrap_or_default();
                let cluster = clusters::by_deploy_id(store, world, &deploy_id).ok();
                finish(&workflow, cluster, store, world);
                workflow.status = "completed";
            }
            (polls, failure) => workflow.under_way = Some((polls - 1, failure)),
        }
    }
    world.workflows.insert(at, workflow);
}

pub(super) async fn one(Id(id): Id, call: Call) -> Answer {
    let mut store = lock(&call.open.core.store);
    let mut guard = lock(&call.open.core.world);
    let world = &mut *guard;
    poll(&id, &mut store, world);
    let own = |workflow: &Workflow| workflow.id == id && workflow.owner == call.user.id;
    let at = world.workflows.iter().position(own);
    // 400 here, 404 when it is deleted.
    let workflow = world.workflows.remove(at.ok_or_else(|| bad("Workflow not found"))?);
    let answer = workflow.answer(&store, world);
    world.workflows.push(workflow);
    drop(guard);
    ok(answer)
}

pub(super) async fn list(call: Call) -> Answer {
    let mut input = call.open.params();
    let paging = Paging::read(&mut input, 0, u64::MAX);
    let kind = input.text("workflow_type", 0, 100);
    input.finish()?;
    let store = lock(&call.open.core.store);
    let world = lock(&call.open.core.world);
    let own = world.workflows.iter().filter(|workflow| workflow.owner == call.user.id);
    let open = own.filter(|workflow| workflow.status == "in_progress");
    let items =
        open.filter(|workflow| kind.as_ref().is_none_or(|kind| kind == workflow.kind)).map(|workflow| {
            let project =
                workflow.text("project_id").and_then(|id| store.project(&id).map(|p| p.name.clone()));
            let mut progress = workflow.data.get("budserve_cluster_events").cloned().unwrap_or_default();
            if progress.is_object() {
                progress["progress_type"] = "budserve_cluster_events".into();
            }
            json!({
                "id": workflow.id, "title": workflow.text("endpoint_name"), "icon": null, "tag": project,
                "progress": progress, "workflow_type": workflow.kind, "total_steps": workflow.steps,
                "status": workflow.status, "current_step": workflow.step, "reason": workflow.reason,
                "created_at": time(workflow.created_at), "modified_at": time(workflow.modified_at),
            })
        });
    let items = items.collect();
    ok(paging.answer("workflow.list", "Request fulfilled, document follows", "workflows", items))
}

pub(super) async fn cancel(Id(id): Id, call: Call) -> Answer {
    let mut world = lock(&call.open.core.world);
    let own = |workflow: &Workflow| {
        workflow.id == id && workflow.owner == call.user.id && workflow.status == "in_progress"
    };
    let at = world.workflows.iter().position(own).ok_or_else(|| missing("Workflow"))?;
    world.workflows.remove(at);
    done("workflow.delete", "Successfully cancelled model deployment.")
}

pub(super) async fn mark_completed(Id(id): Id, call: Call) -> Answer {
    let mut world = lock(&call.open.core.world);
    let found = world.workflows.iter_mut().find(|workflow| workflow.id == id);
    let workflow =
        found.ok_or_else(|| Problem::Envelope(StatusCode::NOT_FOUND, "Workflow not found".to_owned()))?;
    workflow.status = "completed";
    ok(json!({
        "object": "workflow.update", "message": "Workflow updated successfully", "workflow_id": id,
        "status": workflow.status, "current_step": workflow.step, "total_steps": workflow.steps,
        "reason": workflow.reason,
    }))
}
