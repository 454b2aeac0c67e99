//! Node's servers of HTTP as a worker's handler: `cloudflare:node`.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use serde_json::json;

use crate::harness::{self, Project};

const WORKER: &str = "
import http from 'node:http';
import { gzipSync } from 'node:zlib';
import { handleAsNodeRequest, httpServerHandler } from 'cloudflare:node';
const events = [];
const server = http.createServer(async (request, response) => {
  request.on('aborted', () => events.push('aborted'));
  response.on('close', () => events.push(`close ${response.writableFinished}`));
  switch (request.url) {
    case '/stream':
      response.writeHead(201, 'Made', { 'X-A': '1', 'Set-Cookie': ['a=1', 'b=2'] });
      response.write('one,');
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.write('two,');
      return response.end('three');
    case '/gzip':
      response.setHeader('Content-Encoding', 'gzip');
      return response.end(gzipSync('zipped'));
    case '/early':
      response.writeContinue();
      response.writeEarlyHints({ link: '</a>; rel=preload' });
      return response.end('late');
    case '/destroy':
      return request.socket.destroy();
    case '/none':
      response.statusCode = 204;
      return response.end();
    case '/endless':
      response.write('begun');
      return;
    case '/events':
      return response.end(events.splice(0).join());
  }
  let body = '';
  for await (const chunk of request) body += chunk;
  const { headers, httpVersion, method, url } = request;
  response.end(JSON.stringify([method, url, headers.host, headers['x-a'], httpVersion, body.length > 99 ? body.length : body]));
});
const codes = [];
server.listen(8080, () => codes.push(server.address().port, server.listening));
http.createServer(() => {}).listen(8080).on('error', (error) => codes.push(error.code));
const other = http.createServer((_request, response) => response.end('other')).listen(0);
const handler = httpServerHandler({ port: 8080 });
export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url);
    if (pathname === '/codes') return Response.json(codes);
    if (pathname === '/other') return handleAsNodeRequest(other.address().port, request);
    if (pathname === '/absent') return handleAsNodeRequest(1, request).catch((error) => new Response(error.message));
    if (pathname === '/closed') {
      const gone = http.createServer(() => {}).listen(9000);
      await new Promise((resolve) => gone.close(resolve));
      return new Response(`${gone.listening} ${gone.address()}`);
    }
    return handler.fetch(request, env, ctx);
  },
};";

#[test]
fn a_server_of_nodes_answers_the_workers_requests() {
    let project = Project::new(&[("worker.js", WORKER)]);
    // What one request saw, another asks for: both on one thread.
    let server = project.serve(&["worker.js", "--threads", "1"]);
    let body = |path: &str, arguments: &[&str]| {
        let answer = server.curl(path, arguments);
        assert_eq!(answer.status, 200, "{path}: {} {}", answer.body, server.log());
        answer.body
    };
    let got = harness::json(&body("/a?b=1", &["-H", "X-A: 2", "-H", "Host: a.test"]));
    assert_eq!(got, json!(["GET", "/a?b=1", "a.test", "2", "1.1", ""]));
    let posted = harness::json(&body("/p", &["-d", "hello", "-H", "Host: a.test"]));
    assert_eq!(posted, json!(["POST", "/p", "a.test", null, "1.1", "hello"]));
    let large = "x".repeat(100_000);
    let streamed = body("/p", &["-H", "Transfer-Encoding: chunked", "-d", &large]);
    assert_eq!(harness::json(&streamed)[5], 100_000);

    let answer = server.get("/stream");
    assert_eq!(answer.body, "one,two,three");
    let told = format!("{}\r\n", answer.headers);
    for line in [
        "http/1.1 201 made\r\n",
        "\r\nx-a: 1\r\n",
        "\r\nset-cookie: a=1\r\n",
        "\r\nset-cookie: b=2\r\n",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert_eq!(body("/gzip", &["--compressed"]), "zipped");
    assert_eq!(body("/early", &[]), "late");
    assert_eq!(body("/other", &[]), "other");
    assert_eq!(body("/closed", &[]), "false null");
    assert!(body("/absent", &[]).contains("port 1 not found"));
    assert_eq!(server.get("/none").status, 204);
    assert_eq!(server.get("/destroy").status, 500);
    assert_eq!(harness::json(&body("/codes", &[])), json!([8080, true, "EADDRINUSE"]));
    assert_eq!(server.curl("/a", &["--head"]).status, 200);

    // A client that goes away.
    body("/events", &[]);
    let mut stream = server.raw(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut seen = [0; 512];
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let read = stream.read(&mut seen).unwrap();
    assert!(String::from_utf8_lossy(&seen[..read]).contains("200 OK"));
    let _ = stream.flush();
    drop(stream);
    let mut events = String::new();
    for _ in 0..50 {
        events.push_str(&body("/events", &[]));
        if events.contains("close false") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(events.contains("close false"), "{events}");
}

/// WebAssembly within the worker's own scripts is its code; what a script makes is not.
#[test]
fn webassembly_of_the_workers_own_files_compiles() {
    // (module (func (export "f") (result i32) i32.const 42))
    let module = "AGFzbQEAAAABBQFgAAF/AwIBAAcFAQFmAAAKBgEEAEEqCw==";
    let worker = format!(
        "const own = '{module}';\n\
         const bytes = () => Uint8Array.from(atob(own), (unit) => unit.charCodeAt(0));\n\
         const tried = async (make) => {{ try {{ return (await make()) instanceof WebAssembly.Module; }} catch (error) {{ return error.constructor.name; }} }};\n\
         export default {{ async fetch() {{\n  const other = bytes();\n  other[other.length - 2] = 43;\n  \
         const {{ instance }} = await WebAssembly.instantiate(bytes());\n  \
         return Response.json([instance.exports.f(), await tried(() => new WebAssembly.Module(bytes())), await tried(() => WebAssembly.compile(bytes().buffer)),\n    \
         await tried(() => new WebAssembly.Module(other)), await tried(() => WebAssembly.compile(other)), await tried(() => WebAssembly.compile(bytes().subarray(1)))]);\n}} }};"
    );
    let project = Project::new(&[("worker.js", &worker)]);
    let server = project.serve(&["worker.js"]);
    let refused = "CompileError";
    assert_eq!(
        harness::json(&server.get("/").body),
        json!([42, true, true, refused, refused, refused]),
        "{}",
        server.log()
    );
}

/// A listener that fails is its request's failure: the client hears at once that there is no answer, and the log why.
#[test]
fn listeners_that_fail_answer_500_at_once() {
    let worker = "
import http from 'node:http';
import { httpServerHandler } from 'cloudflare:node';
let before = 0;
const server = http.createServer((request, response) => {
  switch (request.url) {
    case '/throws': throw new Error('secret thrown');
    case '/rejects': return (async () => { await 0; throw new Error('secret rejected'); })();
    case '/late': return (async () => { await scheduler.wait(20); throw new Error('secret late'); })();
    case '/headers': response.setHeader('x-own', 'secret'); response.setHeader('content-length', '3'); throw new Error('secret with headers');
    case '/begun': return (async () => { response.writeHead(200); response.write('begun'); await scheduler.wait(20); throw new Error('secret within'); })();
    case '/answered': response.end('answered'); throw new Error('secret afterwards');
    case '/destroyed': request.destroy(new Error('secret destroyed')); return;
    case '/thenable': return { then(_, reject) { reject(new Error('secret of a thenable')); } };
  }
  response.end(`fine ${before++}`);
}).listen(8080);
server.on('checkContinue', () => { throw new Error('secret expecting'); });
export default httpServerHandler({ port: 8080 });
";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    let began = std::time::Instant::now();
    for path in ["/throws", "/rejects", "/late", "/headers", "/destroyed", "/thenable"] {
        let answer = server.get(path);
        assert_eq!(answer.status, 500, "{path}: {} {}", answer.body, server.log());
        assert!(!answer.body.contains("secret"), "{path}: {}", answer.body);
        assert!(!answer.headers.contains("secret"), "{path}: {}", answer.headers);
    }
    assert_eq!(server.curl("/rejects", &["-d", "a body"]).status, 500);
    assert_eq!(server.get("/answered").body, "answered");
    assert!(!server.get("/begun").body.contains("secret"));
    assert_eq!(server.get("/fine").body, "fine 0");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    for why in ["thrown", "rejected", "late", "with headers", "within", "afterwards"] {
        server.logged(&format!("secret {why}"));
    }
}
