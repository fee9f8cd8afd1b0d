//! What nvidia-smi says inside a container, as numbers; and the pods that run models.

use crate::error::{Error, ErrorKind, Result};
use crate::kubernetes::calls::pods::Pod;
use crate::kubernetes::objects;
use crate::kubernetes::objects::requests::gpus;
use crate::kubernetes::{Cluster, CommandOutput, Namespaces};
use crate::schema::records;

impl Cluster {
    /// The GPUs that a pod sees, and how busy they are: guide section 10.3, `nvidia-smi`. Under a GPU-sharing scheduler that is
    /// the container's share, not the card. It runs `nvidia-smi` in the container.
    ///
    /// # Errors
    /// `Unsupported` where the image has no nvidia-smi; `OperationFailed` naming what nvidia-smi found (no driver, a GPU that
    /// fell off the bus); those of [`exec`](Self::exec).
    pub async fn gpu_readings(&self, namespace: &str, pod: &str) -> Result<Vec<GpuReading>> {
        let fields = FIELDS.join(",");
        let command = [
            "nvidia-smi".to_owned(),
            format!("--query-gpu={fields}"),
            "--format=csv,noheader,nounits".to_owned(),
        ];
        let output = self.exec(namespace, pod, command).await.map_err(|error| match error.kind() {
            // A container runtime that cannot find the program says so in words.
            ErrorKind::OperationFailed if error.message().contains("executable file not found") => {
                none_there()
            }
            _ => error,
        })?;
        readings(&output)
    }

    /// The pods that run models: guide sections 6.2 and 10.3, `kubectl get pods -n bud-workloads`. The platform makes a namespace of its
    /// own for each endpoint (`bud-name-0a1b2c3d`); those are found, and `bud-workloads`. A pod is one of them when it asks for a GPU or
    /// starts an inference engine.
    ///
    /// # Errors
    /// `PermissionDenied` naming the missing permission (to list pods in all namespaces); those of a request.
    pub async fn engine_pods(&self) -> Result<Vec<Pod>> {
        let keep = |pod: objects::Pod, now| {
            (is_workload(&pod.metadata.namespace) && is_engine(&pod)).then(|| Pod::of(&pod, now))
        };
        Ok(self.list("/api/v1", "pods", &Namespaces::all(), keep).await?.into_iter().flatten().collect())
    }
}

/// Whether the platform deploys models to this namespace.
pub(crate) fn is_workload(namespace: &str) -> bool {
    let made = |rest: &str| {
        let suffix = rest.rsplit_once('-').map(|(_, suffix)| suffix);
        suffix.is_some_and(|id| {
            id.len() == 8 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    };
    namespace == "bud-workloads" || namespace.strip_prefix("bud-").is_some_and(made)
}

pub(crate) fn is_engine(pod: &objects::Pod) -> bool {
    const ENGINES: [&str; 3] = ["vllm", "sglang", "latentbud"];
    pod.spec.containers.iter().any(|container| {
        let words = container.args.iter().chain([&container.image, &container.name]);
        gpus(&container.resources.requests).next().is_some()
            || gpus(&container.resources.limits).next().is_some()
            || words.into_iter().any(|word| ENGINES.iter().any(|engine| word.contains(engine)))
    })
}

const FIELDS: [&str; 10] = [
    "index",
    "uuid",
    "name",
    "utilization.gpu",
    "utilization.memory",
    "memory.used",
    "memory.total",
    "temperature.gpu",
    "power.draw",
    "ecc.errors.uncorrected.volatile.total",
];

records! {

    /// What a GPU does. What the card does not tell is absent, never zero.
    GpuReading {
        /// Its number in the container.
        index: Option<u32>,
        /// Its own id.
        uuid: Option<String>,
        /// What it is.
        name: Option<String>,
        /// How busy its processors are, in percent.
        utilization_percent: Option<f64>,
        /// How busy its memory is, in percent.
        memory_utilization_percent: Option<f64>,
        /// MiB of memory in use.
        memory_used_mib: Option<f64>,
        /// MiB of memory in all.
        memory_total_mib: Option<f64>,
        /// Degrees Celsius.
        temperature_celsius: Option<f64>,
        /// Watts.
        power_watts: Option<f64>,
        /// Memory errors that could not be corrected since the driver was loaded.
        uncorrected_errors: Option<f64>,
    }
}

fn none_there() -> Error {
    Error::new(ErrorKind::Unsupported, "the container has no nvidia-smi")
}

fn readings(output: &CommandOutput) -> Result<Vec<GpuReading>> {
    let wrong = match output.exit_code {
        0 => return output.stdout.lines().filter(|line| !line.trim().is_empty()).map(reading).collect(),
        126 | 127 => return Err(none_there()),
        6 => "it does not find the GPU",
        9 => "the NVIDIA driver is not loaded",
        12 => "the container has no NVML library",
        14 => "the GPU's infoROM is corrupt",
        15 => "the GPU has fallen off the bus",
        _ => "it failed",
    };
    let said = [&output.stderr, &output.stdout].into_iter().find(|text| !text.trim().is_empty());
    let said = crate::operation::clean(said.map_or("", |text| text.trim()), 300);
    let message = format!("nvidia-smi ended with {}: {wrong} ({said})", output.exit_code);
    Err(Error::new(ErrorKind::OperationFailed, message))
}

fn reading(line: &str) -> Result<GpuReading> {
    let cells: Vec<&str> = line.split(", ").map(str::trim).collect();
    if cells.len() != FIELDS.len() {
        let message = format!("a line of nvidia-smi has {} fields, not {}", cells.len(), FIELDS.len());
        return Err(Error::new(ErrorKind::Decode, message));
    }
    // `[N/A]`, `[Not Supported]`, `[Unknown Error]`...
    let text = |at: usize| cells.get(at).copied().filter(|cell| !cell.is_empty() && !cell.starts_with('['));
    let number = |at: usize| text(at).and_then(|cell| cell.parse::<f64>().ok());
    Ok(GpuReading {
        index: text(0).and_then(|cell| cell.parse().ok()),
        uuid: text(1).map(str::to_owned),
        name: text(2).map(str::to_owned),
        utilization_percent: number(3),
        memory_utilization_percent: number(4),
        memory_used_mib: number(5),
        memory_total_mib: number(6),
        temperature_celsius: number(7),
        power_watts: number(8),
        uncorrected_errors: number(9),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(exit_code: i32, stdout: &str) -> CommandOutput {
        let text = String::new;
        CommandOutput {
            pod: text(),
            container: text(),
            exit_code,
            stdout: stdout.to_owned(),
            stderr: text(),
            cut: false,
        }
    }

    #[test]
    fn what_a_card_does_not_tell_is_absent() {
        let told = "0, GPU-1, NVIDIA H100 80GB HBM3, 97, 61, 70123, 81559, 64, 612.33, 0\n1, GPU-2, NVIDIA A100, [N/A], [Not Supported], 1, 2, 30, [Unknown Error], [N/A]\n";
        let read = readings(&output(0, told)).unwrap();
        assert_eq!((read[0].utilization_percent, read[0].power_watts), (Some(97.0), Some(612.33)));
        assert_eq!(read[0].name.as_deref(), Some("NVIDIA H100 80GB HBM3"));
        assert_eq!((read[1].index, read[1].utilization_percent, read[1].power_watts), (Some(1), None, None));
    }

    #[test]
    fn each_end_of_nvidia_smi_has_its_meaning() {
        assert_eq!(readings(&output(127, "")).unwrap_err().kind(), ErrorKind::Unsupported);
        for (code, meaning) in [(9, "driver is not loaded"), (15, "fallen off the bus"), (255, "it failed")] {
            let error = readings(&output(code, "some words")).unwrap_err();
            assert!(error.message().contains(meaning) && error.message().contains("some words"), "{error}");
        }
        assert_eq!(readings(&output(0, "0, GPU-1\n")).unwrap_err().kind(), ErrorKind::Decode);
    }

    #[test]
    fn namespaces_of_endpoints_are_told_by_their_ids() {
        for namespace in ["bud-workloads", "bud-tiny-ep-2-0a1b2c3d", "bud-x-deadbeef"] {
            assert!(is_workload(namespace), "{namespace}");
        }
        for namespace in
            ["bud-system", "bud-data", "bud-x-DEADBEEF", "bud-x-0a1b2c3", "kube-system", "x-0a1b2c3d"]
        {
            assert!(!is_workload(namespace), "{namespace}");
        }
    }
}
