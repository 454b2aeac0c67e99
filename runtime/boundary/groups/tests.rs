use std::fs;
use std::path::Path;
use std::process::Command;

use super::delegated::own;
use super::*;

#[test]
fn the_own_group_is_where_it_is_mounted() {
    let mounts = "40 31 0:37 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
                  41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    let found = own("4:memory:/a\n0::/system.slice/w.service\n", mounts);
    assert_eq!(
        found.unwrap(),
        Path::new("/sys/fs/cgroup/unified/system.slice/w.service")
    );
    let container = "41 31 0:38 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
    assert_eq!(
        own("0::/docker/1/in\n", container).unwrap(),
        Path::new("/sys/fs/cgroup/in")
    );
    assert_eq!(own("0::/other\n", container), None);
    assert_eq!(own("4:memory:/a\n", mounts), None);
}

/// A folder like a group, with these controllers, and this process in it.
fn like(controllers: &str, process: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
    write("cgroup.controllers", controllers);
    write("cgroup.procs", &format!("{process}\n"));
    folder
}

#[test]
fn a_process_has_the_limits_of_the_controllers_that_there_are() {
    let folder = like("cpuset cpu io memory hugetlb\n", 17);
    let root = folder.path();
    let (gone, there) = ("process-4194999", format!("process-{}", std::process::id()));
    fs::create_dir(root.join(gone)).unwrap();
    fs::create_dir(root.join(&there)).unwrap();
    let groups = Groups::below(root.to_owned()).unwrap();
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    assert_eq!(read("server/cgroup.procs"), "17");
    assert_eq!(read("cgroup.subtree_control"), "+cpu", "one by one, memory before");
    assert_eq!(groups.controllers, ["memory", "cpu"]);
    assert_eq!(groups.missing(), ["pids"]);
    // A folder that is none has files, and is not removed with them: the sweep is seen by an empty one. What is there stays.
    assert!(root.join(gone).join("cgroup.kill").exists(), "it was tried");
    assert_eq!(fs::read_dir(root.join(&there)).unwrap().count(), 0, "it is in use");
    let group = groups.put(99, 8 << 20, 2).unwrap();
    assert_eq!(read("process-99/memory.max"), ((8 + 1 + 64) << 20).to_string());
    assert_eq!(read("process-99/memory.swap.max"), "0");
    assert_eq!(read("process-99/memory.oom.group"), "1");
    assert_eq!(read("process-99/cpu.max"), "200000 100000");
    assert_eq!(read("process-99/cgroup.procs"), "99");
    assert!(!root.join("process-99/pids.max").exists());
    fs::write(root.join("process-99/memory.events"), "low 0\noom_kill 0\n").unwrap();
    assert!(!group.is_out_of_memory());
    fs::write(
        root.join("process-99/memory.events"),
        "low 0\noom_kill 2\noom_group_kill 1\n",
    )
    .unwrap();
    assert!(group.is_out_of_memory());
}

#[test]
fn a_group_that_can_not_be_used_is_said_with_the_file() {
    let folder = like("memory pids\n", 17);
    let groups = Groups::below(folder.path().to_owned()).unwrap();
    fs::create_dir_all(folder.path().join("process-99/pids.max")).unwrap();
    let error = groups.put(99, 0, 1).unwrap_err().to_string();
    assert!(error.starts_with("pids.max can not be set: "), "{error}");
    let gone = Groups::below(folder.path().join("nowhere")).unwrap_err();
    assert_eq!(gone.kind(), io::ErrorKind::NotFound);
}

/// In the system's own groups, where this may write there: whatever its controllers are.
#[tokio::test]
async fn a_process_is_in_its_group_and_the_group_goes_with_it() {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let Some(mounted) = own("0::/\n", &mounts) else {
        // The system has none.
        return;
    };
    let root = mounted.join(format!("workerd-lite-test-{}", std::process::id()));
    if fs::create_dir(&root).is_err() {
        // Only the superuser makes one.
        return;
    }
    let sleep = || Command::new("sleep").arg("60").spawn().unwrap();
    let (mut server, mut agent) = (sleep(), sleep());
    fs::write(root.join("cgroup.procs"), server.id().to_string()).unwrap();
    fs::create_dir(root.join("process-4194999")).unwrap();
    let groups = Groups::below(root.clone()).unwrap();
    let of = |process: u32| {
        let all = fs::read_to_string(format!("/proc/{process}/cgroup")).unwrap();
        all.lines()
            .find_map(|line| line.strip_prefix("0::"))
            .unwrap()
            .to_owned()
    };
    assert!(of(server.id()).ends_with("/server"), "{}", of(server.id()));
    assert!(!root.join("process-4194999").exists(), "what was left is taken away");
    let group = groups.put(agent.id(), 64 << 20, 1).unwrap();
    assert!(of(agent.id()).ends_with(&format!("/process-{}", agent.id())));
    assert!(!group.is_out_of_memory());
    // Found once more, as the next server does, it is as it was.
    let again = Groups::below(root.clone()).unwrap();
    assert_eq!(again.controllers, groups.controllers);
    assert!(of(agent.id()).ends_with(&format!("/process-{}", agent.id())));
    // What is left in it ends with it.
    let reaped = tokio::task::spawn_blocking(move || agent.wait().unwrap());
    group.remove().await;
    let left: Vec<_> = fs::read_dir(&root).unwrap().flatten().collect();
    let left = left.iter().filter(|entry| entry.path().is_dir()).count();
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(!reaped.await.unwrap().success(), "it was killed");
    assert_eq!(left, 1, "the server's alone");
    fs::remove_dir(root.join(SERVER)).unwrap();
    fs::remove_dir(&root).unwrap();
}
