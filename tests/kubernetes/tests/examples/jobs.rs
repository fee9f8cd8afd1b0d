//! What each example is asked, and what it must print of the platform.

/// One run of an example.
pub(crate) struct Job {
    /// As Rust and Python write it; Node has dashes.
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [&'static str],
    /// How it ends.
    pub(crate) code: i32,
    /// The calls whose results the lines show.
    pub(crate) calls: &'static [&'static str],
    /// Lines that must be among those printed, in this order. `*` stands for anything, and a blank for blanks.
    lines: &'static [&'static str],
}

pub(crate) const JOBS: &[Job] = &[
    Job {
        name: "check_cluster",
        arguments: &["--context", "test"],
        code: 0,
        calls: &["nodes", "deployments", "pods", "services", "dapr"],
        lines: &[
            "2 nodes, 1 not well",
            "gpu-2 is Ready,SchedulingDisabled",
            "3 deployments, 1 not well",
            "bud-budmetrics has 0 of 1, *",
            "3 pods, 1 not well",
            "bud-budmetrics-* is Pending",
            "2 services, 1 not well",
            "bud-budmetrics has nothing ready",
            "5 parts of Dapr, 0 not well",
            "3 sidecars of Dapr, 1 not well",
            "that of bud-budmetrics-* is MISSING",
        ],
    },
    Job {
        name: "gpu_capacity",
        arguments: &[],
        code: 0,
        calls: &["gpus"],
        lines: &[
            "gpu-1 nvidia.com/gpu 8 8 2 6 NVIDIA-H100",
            "gpu-2 nvidia.com/gpu 8 8 0 8 ?",
            "6 free for new pods",
        ],
    },
    Job {
        name: "check_engines",
        arguments: &[],
        code: 0,
        calls: &["engine_pods", "gpu_readings"],
        lines: &[
            "bud-chat-0a1b2c3d/engine is Running on gpu-1",
            "GPU 0 NVIDIA H100: 97% busy, 70123 of 81559 MiB, 64 °C",
            "GPU 1 NVIDIA H100: ?% busy, 12 of 81559 MiB, 31 °C",
        ],
    },
    Job {
        name: "follow_logs",
        arguments: &["budapp", "--tail", "3", "--seconds", "5"],
        code: 0,
        calls: &["follow_logs"],
        lines: &["bud-budapp one", "bud-budapp two", "bud-budapp written while it is followed"],
    },
    Job {
        name: "follow_logs",
        arguments: &["budapp", "--container", "daprd", "--seconds", "1"],
        code: 0,
        calls: &["follow_logs"],
        lines: &["daprd dapr initialized"],
    },
    Job {
        name: "restart_service",
        arguments: &["budcluster"],
        code: 0,
        calls: &["find", "pods", "logs", "rollout", "restart", "wait_for_rollout"],
        lines: &[
            "bud-budcluster-* 2/2 Running",
            "bud-budcluster: two",
            "daprd: dapr initialized",
            "bud-budcluster is COMPLETE",
            "bud-budcluster is restarted",
            "bud-budcluster is COMPLETE, 1 of 1 available",
        ],
    },
    Job {
        name: "recent_events",
        arguments: &["500"],
        code: 0,
        calls: &["events"],
        lines: &["* Warning FailedScheduling Pod/bud-budmetrics-*: 0/2 nodes are available: * (x*)"],
    },
    Job {
        name: "top_pods",
        arguments: &["--namespace", "bud-system"],
        code: 0,
        calls: &["top_nodes", "top_pods"],
        lines: &[
            "node gpu-1: CPU 12%, memory 25%",
            "node gpu-2: CPU ?%, memory ?%",
            "bud-budapp-*: CPU 260m, memory 320Mi",
            "bud-budapp 250m 300Mi",
            "daprd 10m 20Mi",
        ],
    },
    Job {
        name: "postgres_pool",
        arguments: &["budapp"],
        code: 0,
        calls: &["pods", "exec", "postgres"],
        lines: &[
            "bud-postgresql-0 1/1 Running",
            "from budapp: OK (exit code 0)",
            "78 of 97 connections, 80%",
            "3 active, 70 idle, 2 wait for a lock",
            "1 idle in a transaction for long",
            "the pool is nearly full",
        ],
    },
    Job {
        name: "cluster_report",
        arguments: &["--format", "text"],
        code: 3,
        calls: &["report"],
        lines: REPORT,
    },
    Job {
        name: "cluster_report",
        arguments: &["--demo"],
        code: 3,
        calls: &["report"],
        lines: &[
            "*: CRITICAL, 3 critical, *",
            "CRITICAL NODE_NOT_READY Node gpu-3: *",
            "explains: 12 pods, 3 deployments, 3 services",
            "CRITICAL GPU_INSUFFICIENT *",
            "CRITICAL CERT_EXPIRING Certificate bud-system/bud-gateway: *",
            "ERROR POD_CRASHLOOP Pod bud-system/budcluster-*",
            "log: *database \"budcluster\" does not exist",
            "ERROR POD_IMAGE_PULL *",
        ],
    },
    Job {
        name: "report_clusters",
        arguments: &["test", "nowhere"],
        code: 3,
        calls: &["reports"],
        lines: &["test: CRITICAL, *", "nowhere: *nowhere*"],
    },
    Job {
        name: "check_certificates",
        arguments: &[],
        code: 0,
        calls: &["certificates"],
        lines: &[
            "bud-system/api is EXPIRED, days left: -*, from ClusterIssuer/letsencrypt",
            "bud-system/web is GOOD, days left: 3*, from ClusterIssuer/letsencrypt",
        ],
    },
];

/// What is wrong on the platform that is planted.
const REPORT: &[&str] = &[
    "*: CRITICAL, *",
    "CRITICAL CERT_EXPIRED Certificate bud-system/api: *",
    "ERROR DAPR_SIDECAR_MISSING Pod bud-system/bud-budmetrics-*",
];

impl Job {
    /// The first of the lines that was not printed.
    pub(crate) fn missing(&self, printed: &str) -> Option<&'static str> {
        let blank = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut printed = printed.lines().map(blank);
        self.lines.iter().find(|line| !printed.any(|printed| fits(line, &printed))).copied()
    }
}

fn fits(pattern: &str, line: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == line };
    let Some(line) = line.strip_prefix(start) else { return false };
    line.char_indices().map(|(at, _)| at).chain([line.len()]).any(|at| fits(rest, &line[at..]))
}
