//! Clocks, processors, and rounds in which every arm runs once, in random order.

use std::fs;
use std::time::Instant;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

use super::Outcome;
use super::server::{Counts, Server};

/// Whose processor time is measured.
#[derive(Clone, Copy)]
pub(super) enum Clock {
    /// This process's, all threads.
    Own,
    /// That of children that have ended, in ticks of the system.
    Children,
}

impl Clock {
    fn seconds(self) -> Outcome<f64> {
        match self {
            Self::Own => {
                let time = clock_gettime(ClockId::ProcessCPUTime);
                Ok(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
            }
            Self::Children => {
                let text = read("/proc/self/stat")?;
                let ticks = children(&text).ok_or("/proc/self/stat has another form")?;
                Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
            }
        }
    }
}

/// `cutime` and `cstime`, which follow the program's name in its parentheses.
fn children(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split_whitespace().skip(13);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// The peak of this process's memory so far, in KiB.
pub(super) fn peak_memory() -> Outcome<u64> {
    let text = read("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
    peak.ok_or("/proc/self/status says no VmHWM".into())
}

/// The load of the last minute.
pub(super) fn load() -> String {
    let text = read("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("?").to_owned()
}

fn read(path: &str) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))
}

/// The processors that this process may use.
pub(super) fn processors() -> Outcome<Vec<usize>> {
    let set = sched_getaffinity(None).map_err(|error| format!("affinity: {error}"))?;
    Ok((0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu)).collect())
}

/// Keeps this thread, and the threads and children that it starts from now on, on these processors.
pub(super) fn pin(cpus: &[usize]) -> Outcome {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|cpu| set.set(*cpu));
    sched_setaffinity(None, &set).map_err(|error| format!("affinity: {error}"))
}

/// One way of doing the work.
pub(super) struct Arm<'a> {
    pub(super) name: &'static str,
    pub(super) connections: Connections,
    pub(super) run: Box<dyn FnMut() -> Outcome + 'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Connections {
    /// One for all rounds.
    One,
    /// One for each round.
    OneEach,
    /// At most so many.
    UpTo(u64),
}

/// What an arm took in each round, and what the server counted.
pub(super) struct Measured {
    pub(super) name: &'static str,
    pub(super) wall: Vec<f64>,
    pub(super) cpu: Vec<f64>,
    pub(super) counts: Counts,
}

/// Runs each arm once to warm up, then once per round, each time after `reset`. Fails unless the server saw the same from
/// all of them.
pub(super) fn race(
    server: &Server,
    clock: Clock,
    rounds: usize,
    mut arms: Vec<Arm<'_>>,
    reset: impl Fn() -> Outcome,
) -> Outcome<Vec<Measured>> {
    let fresh = |arm: &Arm<'_>| Measured {
        name: arm.name,
        wall: Vec::new(),
        cpu: Vec::new(),
        counts: Counts::default(),
    };
    let mut measured: Vec<Measured> = arms.iter().map(fresh).collect();
    let mut order: Vec<usize> = (0..arms.len()).collect();
    for round in 0..=rounds {
        fastrand::shuffle(&mut order);
        for &at in &order {
            let (Some(arm), Some(measured)) = (arms.get_mut(at), measured.get_mut(at)) else { continue };
            reset()?;
            let (counts, cpu, wall) = (server.counts()?, clock.seconds()?, Instant::now());
            (arm.run)().map_err(|reason| format!("{}: {reason}", arm.name))?;
            let (wall, cpu) = (wall.elapsed().as_secs_f64(), clock.seconds()? - cpu);
            measured.counts += server.counts()? - counts;
            if round > 0 {
                measured.wall.push(wall);
                measured.cpu.push(cpu);
            }
        }
    }
    for (arm, measured) in arms.iter().zip(&measured) {
        let turns = rounds as u64 + 1;
        let allowed = match arm.connections {
            Connections::One => 1..=1,
            Connections::OneEach => turns..=turns,
            Connections::UpTo(most) => 1..=most,
        };
        if !allowed.contains(&measured.counts.connections) {
            return Err(format!("{}: {}, expected {allowed:?} connections", arm.name, measured.counts));
        }
    }
    let work = |measured: &Measured| (measured.counts.requests, measured.counts.bytes);
    if let [first, others @ ..] = measured.as_slice()
        && let Some(other) = others.iter().find(|other| work(other) != work(first))
    {
        return Err(format!(
            "not the same work: {} made {}, {} made {}",
            first.name, first.counts, other.name, other.counts
        ));
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_says() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 200 0 0 11 22 33 44 20 0 1 0 5";
        assert_eq!(children(stat), Some(77));
        assert!(peak_memory().unwrap() > 0);
        assert!(!processors().unwrap().is_empty());
    }
}
