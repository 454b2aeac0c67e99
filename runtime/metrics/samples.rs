//! What is shown of agents' numbers, by metric.

use std::fmt::Error;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use workerd_lite_ops::Termination;
use workerd_lite_ops::statistics::{BROKEN, CLASSES, Statistics};
use workerd_lite_ops::verdict::{By, ConnectError, Verdict};

use super::agents::{KINDS, Row, of_nobody, rows};
use super::row::{Sample, family};
use super::server::POLICY;

#[derive(Debug)]
pub(super) struct Agents;

impl Collector for Agents {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let (rows, policy) = rows();
        let (agents, _) = rows.split_at(rows.len().saturating_sub(1));
        requests(&mut encoder, &rows)?;
        egress(&mut encoder, &rows)?;
        kills(&mut encoder, &rows, &policy)?;
        resources(&mut encoder, agents)?;
        isolates(&mut encoder, agents)
    }
}

fn requests(encoder: &mut DescriptorEncoder<'_>, rows: &[Row]) -> Result<(), Error> {
    let classes = || {
        rows.iter().flat_map(|row| {
            let times = row.numbers.statistics.requests.iter().zip(CLASSES);
            times.filter_map(move |(times, class)| {
                let count: u64 = times.get().1.iter().sum();
                (count > 0).then_some((row, class, times, count))
            })
        })
    };
    family(
        encoder,
        (
            "requests",
            "Clients' requests that are over, by the class of their status",
        ),
        classes().map(|(row, class, _, count)| row.sample(&[("status", class)], Sample::Counter(count))),
    )?;
    family(
        encoder,
        (
            "request_duration_seconds",
            "Clients' requests, from their head to the end of their response's body",
        ),
        classes().map(|(row, class, times, _)| row.sample(&[("status", class)], Sample::Times(times))),
    )?;
    let broken = rows.iter().flat_map(|row| {
        let counts = row.numbers.statistics.broken_bodies.get();
        let counted = BROKEN.into_iter().zip(counts).filter(|(_, count)| *count > 0);
        counted.map(move |(reason, count)| row.sample(&[("reason", reason)], Sample::Counter(count)))
    });
    family(
        encoder,
        (
            "responses_broken",
            "Responses whose body failed after their head was sent, by why",
        ),
        broken,
    )?;
    family(
        encoder,
        ("requests_in_flight", "Clients' requests that are not over"),
        rows.iter().map(|row| {
            let count = row.numbers.statistics.in_flight.load(Ordering::Relaxed);
            row.sample(&[], Sample::Gauge(count))
        }),
    )
}

fn egress(encoder: &mut DescriptorEncoder<'_>, rows: &[Row]) -> Result<(), Error> {
    let counted = rows.iter().flat_map(|row| {
        let counts = row.numbers.statistics.egress.get();
        let all = Verdict::ALL
            .into_iter()
            .flat_map(|verdict| By::ALL.map(|by| (verdict, by)));
        all.filter_map(move |(verdict, by)| {
            let count = *counts.get(verdict.place(by))?;
            let labels = [("verdict", verdict.word()), ("by", by.word())];
            (count > 0).then(|| row.sample(&labels, Sample::Counter(count)))
        })
    });
    family(
        encoder,
        (
            "egress",
            "Agents' requests on their way out, by what became of them and who said so",
        ),
        counted,
    )?;
    let judged = rows.iter().filter(|row| {
        let (_, buckets) = row.numbers.statistics.policy.get();
        buckets.iter().any(|count| *count > 0)
    });
    family(
        encoder,
        (
            "policy_duration_seconds",
            "Time of the outbound worker until it answered by itself, or asked for something",
        ),
        judged.map(|row| row.sample(&[], Sample::Times(&row.numbers.statistics.policy))),
    )?;
    let errors = rows.iter().flat_map(|row| {
        let counts = row.numbers.statistics.connect_errors.get();
        ConnectError::ALL.into_iter().filter_map(move |kind| {
            let count = *counts.get(kind as usize)?;
            (count > 0).then(|| row.sample(&[("kind", kind.word())], Sample::Counter(count)))
        })
    });
    family(
        encoder,
        (
            "connect_errors",
            "Connections to upstreams that did not come about, by why",
        ),
        errors,
    )
}

fn kills(encoder: &mut DescriptorEncoder<'_>, rows: &[Row], policy: &str) -> Result<(), Error> {
    let ended = rows.iter().flat_map(|row| {
        let counts = row.numbers.statistics.ended.get();
        Termination::ALL.into_iter().filter_map(move |why| {
            let count = *counts.get(why as usize)?;
            (count > 0).then(|| row.sample(&[("reason", why.word())], Sample::Counter(count)))
        })
    });
    family(
        encoder,
        (
            "events_terminated",
            "Events of agents that were ended for what they used",
        ),
        ended,
    )?;
    let replaced = rows.iter().flat_map(|row| {
        [row.agent.as_str(), policy]
            .into_iter()
            .zip(&row.numbers.statistics.replaced)
            .flat_map(move |(worker, counts)| {
                let counts = counts.get();
                Termination::ALL.into_iter().filter_map(move |why| {
                    let count = *counts.get(why as usize)?;
                    let mut labels = vec![("worker", worker.to_owned())];
                    labels.extend(row.labels(&[("reason", why.word())]));
                    (count > 0).then_some((labels, Sample::Counter(count)))
                })
            })
    });
    family(
        encoder,
        ("isolates_replaced", "Isolates that were stopped and replaced"),
        replaced,
    )
}

fn resources(encoder: &mut DescriptorEncoder<'_>, agents: &[Row]) -> Result<(), Error> {
    let cpu = agents.iter().flat_map(|row| {
        [("script", row.numbers.script), ("host", row.numbers.host)]
            .map(|(place, seconds)| row.sample(&[("place", place)], Sample::Seconds(seconds)))
    });
    family(
        encoder,
        (
            "agent_cpu_seconds",
            "CPU time that was put down to an agent, in its isolates and the policy's (script) and outside of them (host)",
        ),
        cpu,
    )?;
    family(
        encoder,
        (
            "agent_held_bytes",
            "Bytes that the host holds for an agent, apart from its isolates",
        ),
        agents
            .iter()
            .map(|row| row.sample(&[], Sample::Gauge(row.numbers.held))),
    )?;
    let in_use = agents.iter().flat_map(|row| {
        let counted = row.numbers.in_use.into_iter().zip(KINDS);
        counted.map(|(count, (_, kind))| row.sample(&[("kind", kind)], Sample::Gauge(count)))
    });
    family(
        encoder,
        ("agent_in_use", "Connections, look-ups and jobs of an agent"),
        in_use,
    )
}

fn isolates(encoder: &mut DescriptorEncoder<'_>, agents: &[Row]) -> Result<(), Error> {
    let policy = of_nobody();
    let all = || {
        let own = agents.iter().map(|row| (row, "agent", &row.numbers.statistics));
        own.chain(std::iter::once((&policy, "policy", &*POLICY)))
    };
    let mut gauge = |what: (&str, &str), of: fn(&Statistics) -> usize| {
        let samples = all().map(|(row, role, numbers)| row.sample(&[("role", role)], Sample::Gauge(of(numbers))));
        family(encoder, what, samples)
    };
    gauge(("isolates", "Isolates"), |numbers| {
        numbers.isolates.load(Ordering::Relaxed)
    })?;
    gauge(
        ("events_open", "Events that are not over, `waitUntil` included"),
        |numbers| numbers.events.load(Ordering::Relaxed),
    )?;
    gauge(
        (
            "isolate_heap_bytes",
            "Bytes that are used of isolates' heaps, as of their last turns",
        ),
        |numbers| numbers.heap.load(Ordering::Relaxed),
    )?;
    gauge(
        (
            "isolate_buffers_bytes",
            "Bytes outside of isolates' heaps: buffers and memories of WebAssembly, as of their last turns",
        ),
        |numbers| numbers.buffers.load(Ordering::Relaxed),
    )
}
