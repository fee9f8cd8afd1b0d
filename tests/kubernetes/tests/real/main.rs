//! Scenarios on a real control plane, one after the other on the same one, for its start is what takes time.
//!
//! They are skipped where there is nothing to start, which is an error when `CI` is `true`.

#[cfg(unix)]
mod objects;
#[cfg(unix)]
mod plane;
#[cfg(unix)]
mod sdk;
#[cfg(unix)]
mod stand_ins;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod run {
    use std::pin::Pin;
    use std::process::ExitCode;
    use std::sync::Arc;
    use std::time::Instant;

    use bud_kubernetes_testbed::{Binaries, Cluster, Outcome};

    use crate::sdk::{connection, lists, report, rights, streams, work};
    use crate::{plane, stand_ins};

    type Playing = Pin<Box<dyn Future<Output = Outcome> + Send>>;

    struct Scenario {
        name: &'static str,
        /// The programs that it is about.
        needs: &'static [&'static str],
        /// The SDK's calls that it shows to work.
        calls: &'static [&'static str],
        play: fn(Arc<Cluster>) -> Playing,
    }

    macro_rules! scenarios {
        ($($needs:ident: $($module:ident::$name:ident $([$($call:literal),+])?),+;)+) => {
            &[$($(Scenario {
                name: stringify!($name),
                needs: $needs,
                calls: &[$($($call),+)?],
                play: |cluster| Box::pin(async move { $module::$name(&cluster).await }),
            }),+),+]
        };
    }

    const SERVER: &[&str] = &[];
    const KUBECTL: &[&str] = &["kubectl"];
    const PLANE: &[&str] = &["kube-controller-manager", "kube-scheduler"];
    const ALL: &[&str] = &["kube-controller-manager", "kube-scheduler", "kubectl"];

    const SCENARIOS: &[Scenario] = scenarios![
        ALL: plane::a_deployment_rolls_out_to_gpu_nodes, plane::a_killed_process_leaves_nothing;
        PLANE: plane::events_of_the_scheduler_have_no_last_timestamp;
        KUBECTL: plane::client_and_server_are_of_one_version,
            plane::the_server_prints_pods_as_kubectl_does,
            plane::rights_are_asked_for,
            stand_ins::logs_through_the_api_server,
            stand_ins::a_followed_log,
            stand_ins::exec_through_the_api_server,
            stand_ins::exec_with_much_output_on_both_streams;
        SERVER: plane::a_bare_server_comes_and_goes, plane::an_api_without_a_server_behind_it, plane::a_watch_begins_with_what_is_there,
            report::what_is_planted_of_nodes_and_gpus ["report"],
            report::what_is_planted_of_pods ["report"],
            report::what_is_planted_of_workloads ["report"],
            report::what_is_planted_of_the_platform ["report"],
            report::every_code_is_planted;
        ALL: work::use_of_pods_and_nodes_and_a_dead_metrics_api ["top_pods", "top_nodes"],
            work::a_rollout_is_followed_and_a_restart_is_one ["deployments", "rollout", "wait_for_rollout", "restart"],
            work::stateful_and_daemon_sets_are_followed_and_restarted ["rollout", "wait_for_rollout", "restart"],
            lists::pods_are_printed_as_the_server_prints_them ["pods"],
            lists::nodes_and_their_gpus ["nodes", "gpus"],
            lists::gpus_in_parts_shared_and_offered_by_drivers ["gpus"],
            lists::events_stand_in_the_order_in_which_they_happened ["events"],
            lists::odd_events_that_the_server_takes_lose_no_list ["events", "report"],
            lists::services_with_what_is_behind_them ["services"],
            lists::certificates_with_when_they_end ["certificates"],
            work::a_name_is_found_by_what_it_may_mean ["find"],
            work::dapr_and_what_lacks_its_sidecar ["dapr"],
            streams::logs_of_a_pod ["logs"],
            streams::a_log_is_followed_over_cuts_and_to_the_pod_that_takes_its_place ["follow_logs"],
            streams::commands_end_with_their_code_and_all_they_wrote ["exec", "gpu_readings"],
            streams::the_connections_of_postgresql_and_engines ["postgres", "engine_pods"],
            report::what_is_planted_is_found_and_what_is_well_is_not ["report"],
            report::contexts_are_read_at_once ["reports"],
            report::what_may_not_be_read_is_told ["report"],
            rights::the_shipped_roles_are_enough_and_each_is_needed,
            rights::logs_commands_and_restarts_take_rights_of_their_own,
            connection::refused_credentials_are_got_anew_once,
            connection::a_plugin_cannot_hang_or_ask,
            connection::each_way_not_to_reach_a_server_has_its_name;
    ];

    #[derive(Default)]
    struct Counts {
        passed: usize,
        failed: usize,
        skipped: usize,
    }

    pub(crate) fn main() -> ExitCode {
        let filter: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        let chosen = |name: &str| filter.is_empty() || filter.iter().any(|part| name.contains(part.as_str()));
        let chosen: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| chosen(scenario.name)).collect();
        let counts = run(&chosen).unwrap_or_else(|reason| {
            eprintln!("{reason}");
            Counts { failed: chosen.len(), ..Counts::default() }
        });
        let Counts { passed, failed, skipped } = counts;
        let ci = std::env::var("CI").is_ok_and(|value| value == "true");
        let good = failed == 0 && !(ci && skipped > 0);
        let word = if good { "ok" } else { "FAILED" };
        println!("test result: {word}. {passed} passed; {failed} failed; {skipped} ignored");
        println!("kube-real: {passed} scenarios");
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn run(scenarios: &[&Scenario]) -> Outcome<Counts> {
        let Some(binaries) = Binaries::find_or_build()? else {
            println!("skipped: KUBEBUILDER_ASSETS is not set, and there is no Go to build the programs with");
            return Ok(Counts { skipped: scenarios.len(), ..Counts::default() });
        };
        let runtime = || tokio::runtime::Runtime::new().map_err(|error| error.to_string());
        let start = Instant::now();
        let mut builder = Cluster::builder();
        if PLANE.iter().all(|name| binaries.program(name).is_some()) {
            builder = builder.controllers().scheduler();
        }
        // On a runtime that then ends, as that of a test does which shares its cluster with others.
        let cluster = Arc::new(runtime()?.block_on(builder.start_with(&binaries))?);
        println!("the control plane was ready after {:.1} s", start.elapsed().as_secs_f32());
        Ok(runtime()?.block_on(play(scenarios, &binaries, &cluster)))
    }

    /// Leaves word of what was shown, for the table of what is covered.
    fn journal(calls: &[&str]) {
        let Some(path) = std::env::var_os("BUD_TESTBED_JOURNAL") else { return };
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let lines: String =
            calls.iter().map(|call| format!("kubernetes CALL /kubernetes.{call} 200\n")).collect();
        file.and_then(|mut file| std::io::Write::write_all(&mut file, lines.as_bytes()))
            .expect("the journal can be written");
    }

    async fn play(scenarios: &[&Scenario], binaries: &Binaries, cluster: &Arc<Cluster>) -> Counts {
        let mut counts = Counts::default();
        for Scenario { name, needs, calls, play } in scenarios {
            if let Some(missing) = needs.iter().find(|program| binaries.program(program).is_none()) {
                println!("scenario {name} ... skipped: there is no {missing}");
                counts.skipped += 1;
                continue;
            }
            let start = Instant::now();
            // As a task, so that a failed assertion ends this one alone.
            let outcome = tokio::spawn(play(Arc::clone(cluster))).await;
            let outcome = outcome.unwrap_or_else(|panic| Err(panic.to_string()));
            let seconds = start.elapsed().as_secs_f32();
            match outcome {
                Ok(()) => {
                    counts.passed += 1;
                    journal(calls);
                    println!("scenario {name} ... ok ({seconds:.1} s)");
                }
                Err(reason) => {
                    counts.failed += 1;
                    println!("scenario {name} ... FAILED ({seconds:.1} s): {reason}");
                }
            }
        }
        if counts.failed > 0 {
            eprintln!("{}", cluster.logs());
        }
        counts
    }
}
