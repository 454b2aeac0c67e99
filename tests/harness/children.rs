//! Processes that a server starts for itself: each is a watcher with the process that it watches inside.

use super::Server;

/// Agents' processes of a server: each watcher with the process that is inside.
pub fn processes(server: &Server) -> Vec<(u32, u32)> {
    named(server, "agents")
}

/// The same for those that are nobody's yet.
pub fn spares(server: &Server) -> Vec<(u32, u32)> {
    named(server, "agents-spare")
}

/// The same for all of this name.
pub fn named(server: &Server, name: &str) -> Vec<(u32, u32)> {
    let watchers = children(server.worker()).into_iter();
    let is_named = |process: u32| {
        let comm = std::fs::read_to_string(format!("/proc/{process}/comm"));
        comm.is_ok_and(|found| found.trim_end() == name)
    };
    watchers
        .filter_map(|watcher| Some((watcher, *children(watcher).first()?)))
        .filter(|(_, inside)| is_named(*inside))
        .collect()
}

fn children(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    let numbers = lists.flat_map(|list| {
        let numbers = list.split_whitespace().map(|id| id.parse().unwrap());
        numbers.collect::<Vec<_>>()
    });
    numbers.collect()
}

/// A number of a process's `/proc/<id>/status`, in KiB; 0 where it is gone.
pub fn kib(process: u32, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(field));
    line.and_then(|line| line.split_ascii_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
