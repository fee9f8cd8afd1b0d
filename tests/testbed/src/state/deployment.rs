//! How deployments, scalings and undeployments advance: per status poll, or per elapsed time.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Endpoint, EndpointStatus, Resources};
use crate::options::Builder;

/// How fast things happen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    up: u32,
    down: u32,
    step_time: Option<Duration>,
}

impl From<&Builder> for Pace {
    fn from(options: &Builder) -> Self {
        Self {
            up: options.deploy_polls,
            down: options.undeploy_polls.unwrap_or(options.deploy_polls),
            step_time: options.step_time,
        }
    }
}

impl Pace {
    /// How often one asks until a deployment is done.
    pub(crate) fn polls(&self) -> u32 {
        self.up
    }
}

#[derive(Debug, Clone)]
enum Aim {
    Run,
    Scale(u64),
    Stop,
}

/// Something under way on an endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    aim: Aim,
    started: Instant,
    done: u32,
    total: u32,
    fail: Option<(u32, String)>,
}

impl Work {
    fn new(aim: Aim, total: u32) -> Self {
        Self { aim, started: Instant::now(), done: 0, total, fail: None }
    }
}

impl Endpoint {
    /// What it takes from its cluster, a scale-up under way included: it is reserved when it is accepted.
    pub(crate) fn gpus_held(&self) -> u64 {
        let target = self.replicas.max(self.replicas_wanted());
        self.resources.map_or(0, |r| r.gpu_count.saturating_mul(target))
    }

    pub(crate) fn deploy(
        &mut self,
        pace: Pace,
        cluster_id: &str,
        replicas: u64,
        resources: Resources,
        fail: Option<(u32, String)>,
    ) {
        self.cluster_id = Some(cluster_id.to_owned());
        self.replicas = replicas;
        self.resources = Some(resources);
        self.reason = None;
        self.status = EndpointStatus::Deploying;
        let mut work = Work::new(Aim::Run, pace.up);
        work.fail = fail;
        self.begin(work);
    }

    pub(crate) fn scale(&mut self, pace: Pace, replicas: u64) {
        if replicas == self.replicas {
            // Back to what it is: whatever was under way is off.
            self.work = None;
            self.touch();
        } else {
            self.begin(Work::new(Aim::Scale(replicas), pace.up));
        }
    }

    pub(crate) fn undeploy(&mut self, pace: Pace) {
        let stopping = matches!(self.work, Some(Work { aim: Aim::Stop, .. }));
        if self.status != EndpointStatus::Stopped && !stopping {
            self.begin(Work::new(Aim::Stop, pace.down));
        }
    }

    /// How many replicas it is to have.
    pub(crate) fn replicas_wanted(&self) -> u64 {
        match &self.work {
            Some(Work { aim: Aim::Scale(to), .. }) => *to,
            _ => self.replicas,
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        matches!(self.work, Some(Work { aim: Aim::Stop, .. }))
    }

    fn begin(&mut self, work: Work) {
        self.work = Some(work);
        self.touch();
        self.settle();
    }

    fn touch(&mut self) {
        self.updated_at = Timestamp::now();
    }

    /// Lets time pass: one step for a poll, or as many as the time allows.
    pub(crate) fn advance(&mut self, pace: Pace, polled: bool) {
        if let Some(work) = &mut self.work {
            match pace.step_time {
                None => work.done = work.done.saturating_add(u32::from(polled)),
                Some(step) => {
                    let steps = work.started.elapsed().as_nanos() / step.as_nanos().max(1);
                    work.done = u32::try_from(steps).unwrap_or(u32::MAX);
                }
            }
            self.settle();
        }
    }

    fn settle(&mut self) {
        let Some(work) = &self.work else { return };
        if let Some((_, reason)) = work.fail.as_ref().filter(|(at, _)| work.done >= *at) {
            self.reason = Some(reason.clone());
            self.status = EndpointStatus::Failed;
        } else if work.done >= work.total {
            match work.aim {
                Aim::Run => self.status = EndpointStatus::Running,
                Aim::Scale(to) => self.replicas = to,
                Aim::Stop => {
                    self.status = EndpointStatus::Stopped;
                    self.replicas = 0;
                    self.cluster_id = None;
                    self.resources = None;
                    self.reason = None;
                }
            }
        } else {
            return;
        }
        self.work = None;
        self.touch();
    }
}
