//! The process that runs workers, as the client libraries of Prometheus tell of theirs
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

use super::row::{Sample, family};

/// What `/proc/self/stat` says (proc_pid_stat(5)), from its third field on.
struct Stat(Vec<u64>);

impl Stat {
    fn read() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is a name, which may hold anything.
        let (_, rest) = text.rsplit_once(')')?;
        let fields = rest.split_whitespace();
        Some(Self(fields.map(|field| field.parse().unwrap_or_default()).collect()))
    }

    /// A field by its number in the manual.
    fn field(&self, number: usize) -> u64 {
        number
            .checked_sub(3)
            .and_then(|index| self.0.get(index))
            .copied()
            .unwrap_or_default()
    }
}

/// When the system started, in seconds since 1970.
fn boot_time() -> u64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("btime "));
    line.and_then(|time| time.trim().parse().ok()).unwrap_or_default()
}

fn size(bytes: u64) -> Sample<'static> {
    Sample::Gauge(usize::try_from(bytes).unwrap_or(usize::MAX))
}

#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut one = |name, help, sample| family(&mut encoder, (name, help), [(Vec::new(), sample)]);
        if let Some(stat) = Stat::read() {
            let ticks = clock_ticks_per_second().max(1);
            #[expect(clippy::cast_precision_loss, reason = "a time that nobody reads to the nanosecond")]
            let cpu = (stat.field(14) + stat.field(15)) as f64 / ticks as f64;
            one("process_cpu_seconds", "CPU time of the process", Sample::Seconds(cpu))?;
            one(
                "process_resident_memory_bytes",
                "Resident memory",
                size(stat.field(24).saturating_mul(page_size() as u64)),
            )?;
            one("process_virtual_memory_bytes", "Virtual memory", size(stat.field(23)))?;
            one("process_threads", "Threads", size(stat.field(20)))?;
            one(
                "process_start_time_seconds",
                "When the process started, in seconds since 1970",
                size(boot_time().saturating_add(stat.field(22) / ticks)),
            )?;
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            one("process_open_fds", "Open files and sockets", size(files.count() as u64))?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            one("process_max_fds", "How many there may be", size(most))?;
        }
        Ok(())
    }
}
