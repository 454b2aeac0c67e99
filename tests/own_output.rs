//! `serve --dev`: what the server writes about a change is no change.

use std::time::{Duration, Instant};

use crate::harness::Project;

#[test]
fn a_log_in_the_folder_is_no_reason_to_load_anew() {
    for name in ["dev.log", "dev.txt"] {
        let project = Project::new(&[("agent.js", "export default { fetch: () => new Response('hello') };\n")]);
        let log = project.path().join(name);
        let file = std::fs::File::create(&log).unwrap();
        let mut command = project.command(&["serve", "agent.js", "--listen", "127.0.0.1:0", "--dev"]);
        let mut child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        let text = || std::fs::read_to_string(&log).unwrap();
        let wait = |what: &str| {
            let begun = Instant::now();
            while !text().contains(what) {
                assert!(begun.elapsed() < Duration::from_secs(20), "{what}: {}", text());
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        wait("listening on");
        project.write("agent.js", "syntax(");
        wait("agent.js:1");
        std::thread::sleep(Duration::from_secs(3));
        let told = text().matches("agent.js:1").count();
        terminate(child.id());
        child.wait().unwrap();
        // Once, or once more where the first look came in the middle of the write.
        assert!(told <= 4, "{told} times: {}", text());
    }
}

/// The first process stops the second.
fn terminate(id: u32) {
    let kill = std::process::Command::new("kill").arg(id.to_string()).status();
    assert!(kill.unwrap().success());
}
