//! Bodies stream, both ways, through both isolates.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use crate::harness::{Mtls, Project, plain};

#[test]
fn a_gibibyte_down_and_up_stays_out_of_memory() {
    let mtls = Mtls::standard();
    let server = mtls.serve();
    server.get("/anything");
    // Longer than the policy's time and the first byte's: both count from the last progress.
    let before = server.memory("VmRSS");
    let size = |path: &str, arguments: &[&str]| {
        let output = std::process::Command::new("curl")
            .args(["-sS", "-o", "/dev/null", "-w", "%{size_download}"])
            .args(arguments)
            .arg(format!("http://{}{path}", server.address))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(size("/download/1024", &[]), (1_u64 << 30).to_string());
    let upload = mtls.project.path().join("upload");
    std::fs::File::create(&upload).unwrap().set_len(1 << 30).unwrap();
    let file = format!("@{}", upload.display());
    let answer = server.curl(
        "/sink",
        &["-X", "POST", "-H", "expect:", "--max-time", "100", "-T", &file[1..]],
    );
    assert!(answer.body.contains("\"received\": 1073741824"), "{}", answer.body);
    let added = server.memory("VmHWM").saturating_sub(before);
    assert!(added < 64, "{added} MiB were added");
}

#[test]
fn a_slow_reader_slows_the_sender() {
    let project = Project::new(&[(
        "worker.js",
        "let pulled = 0; export default { fetch(request) { \
         if (new URL(request.url).pathname === '/pulled') return new Response(String(pulled)); \
         return new Response(new ReadableStream({ pull(c) { pulled++; c.enqueue(new Uint8Array(65536)); } })); } };",
    )]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    let mut slow = server.raw(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut some = [0; 1000];
    slow.read_exact(&mut some).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let pulled: u64 = server.get("/pulled").body.parse().unwrap();
    assert!(pulled < 400, "{pulled} chunks were made for a reader of one");
    drop(slow);
    std::thread::sleep(Duration::from_millis(300));
    let after: u64 = server.get("/pulled").body.parse().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(
        server.get("/pulled").body.parse::<u64>().unwrap(),
        after,
        "the stream went on without its reader"
    );
}

#[test]
fn a_request_body_streams_while_the_response_does() {
    let project = Project::new(&[(
        "worker.js",
        "export default { fetch: (request) => new Response(request.body) };",
    )]);
    let server = project.serve(&["worker.js"]);
    let mut stream = server.raw(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    let mut read = String::new();
    let mut buffer = [0; 1024];
    while !read.contains("one") {
        let size = stream.read(&mut buffer).unwrap();
        assert!(size > 0, "{read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..size]));
    }
    stream.write_all(b"3\r\ntwo\r\n0\r\n\r\n").unwrap();
    while !read.contains("two") {
        let size = stream.read(&mut buffer).unwrap();
        assert!(size > 0, "{read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..size]));
    }
}

#[test]
fn what_passes_is_not_decoded_and_what_is_read_is() {
    let partner = plain();
    let project = Project::new(&[
        (
            "agent.js",
            &format!(
                "export default {{ async fetch(request) {{ const response = await fetch('{}'); \
                 return new URL(request.url).pathname === '/read' ? new Response(await response.text()) : response; }} }};",
                partner.url("http", "/gzip")
            ),
        ),
        (
            "outbound.js",
            "export default { async fetch(request) { const r = await fetch(request); return new Response(r.body, r); } };",
        ),
        (
            "workerd-lite.toml",
            "[outbound]\nmain = 'outbound.js'\n[network]\nallow = ['local']\n",
        ),
    ]);
    let server = project.serve(&["agent.js"]);
    assert_eq!(server.get("/read").body, "compressed ".repeat(1000));
    let raw = server.get("/pass");
    assert!(
        raw.headers.contains("content-encoding: gzip") && raw.body.len() < 1000,
        "{}",
        raw.headers
    );
    assert_eq!(server.curl("/pass", &["--compressed"]).body, "compressed ".repeat(1000));
}

/// A source and a writer hear of a client that has gone, by an error and not by a text.
#[test]
fn who_left_is_told_as_an_error() {
    let project = Project::new(&[(
        "worker.js",
        "const heard = [];\n\
         const tell = (who) => (reason) => heard.push(`${who} ${reason instanceof Error} ${reason?.message}`);\n\
         const some = new Uint8Array(1000);\n\
         export default { async fetch(request, env, ctx) {\n\
           switch (new URL(request.url).pathname) {\n\
             case '/heard': for (let i = 0; heard.length < 2 && i < 100; i++) await scheduler.wait(50); return Response.json(heard.sort());\n\
             case '/source': return new Response(new ReadableStream({ async pull(c) { c.enqueue(some); await scheduler.wait(10); }, cancel: tell('source') }));\n\
           }\n\
           const { readable, writable } = new IdentityTransformStream();\n\
           const writer = writable.getWriter();\n\
           ctx.waitUntil((async () => { for (;;) { await writer.write(some); await scheduler.wait(10); } })().catch(tell('writer')));\n\
           return new Response(readable);\n\
         } };",
    )]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    for path in ["/source", "/writer"] {
        let mut stream = server.raw(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes());
        let mut piece = [0; 100];
        std::io::Read::read_exact(&mut stream, &mut piece).unwrap();
    }
    assert_eq!(
        server.get("/heard").body,
        r#"["source true Network connection lost.","writer true Network connection lost."]"#
    );
}
