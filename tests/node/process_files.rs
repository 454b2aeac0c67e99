//! `process.chdir()`, `umask()`, `loadEnvFile()` and users: an event's own, over the files in memory.

use crate::harness::{Project, json};

const WORKER: &str = "
import fs from 'node:fs';
import path from 'node:path';
import util from 'node:util';
import v8 from 'node:v8';
const code = (call) => { try { return [call() ?? 'nothing']; } catch (error) { return [error.code, error.message]; } };
process.chdir('/');
export default { async fetch(request) {
  const where = process.cwd();
  if (new URL(request.url).pathname === '/other') return Response.json([where, process.umask()]);
  fs.mkdirSync('/tmp/a/b', { recursive: true });
  fs.symlinkSync('/tmp/a', '/tmp/l');
  process.chdir('/tmp/l/b');
  const seen = { where, linked: process.cwd() };
  fs.writeFileSync('../x', 'found');
  process.chdir('..');
  seen.read = [fs.readFileSync('x', 'utf8'), fs.readFileSync('/tmp/a/x', 'utf8'), path.resolve('y'), fs.realpathSync('.')];
  seen.missing = code(() => process.chdir('none'));
  seen.file = code(() => process.chdir('x'));
  seen.kind = code(() => process.chdir(1))[0];
  process.chdir('b');
  fs.rmdirSync('/tmp/a/b');
  seen.removed = code(() => process.cwd());
  seen.nothing = code(() => fs.writeFileSync('z', ''))[0];
  process.chdir('/tmp');
  seen.mask = [process.umask('077'), process.umask(), code(() => process.umask('8'))[0], code(() => process.umask({}))[0], code(() => process.umask(-1))[0]];
  fs.writeFileSync('m', '');
  seen.mode = (fs.statSync('m').mode & 0o777).toString(8);
  process.env.KEPT = 'before';
  fs.writeFileSync('.env', 'KEPT=after\\nNEW=\"one two\"\\n');
  process.loadEnvFile();
  seen.env = [process.env.KEPT, process.env.NEW, code(() => process.loadEnvFile('/tmp/no.env'))[0]];
  seen.ids = [code(() => process.setuid(0)), code(() => process.seteuid(1000)), code(() => process.setgid('nobody')), code(() => process.setegid({}))[0], code(() => process.setgroups([1]))[0]];
  seen.wide = [v8.isStringOneByteRepresentation('caf\\u00e9'), v8.isStringOneByteRepresentation('\\u0100'), code(() => v8.isStringOneByteRepresentation(1))[0]];
  const warnings = [];
  process.on('warning', (warning) => warnings.push(warning.code));
  process.assert(true);
  process.assert(1);
  seen.sites = util.getCallSite().length > 0;
  await new Promise(process.nextTick);
  seen.warnings = warnings;
  return Response.json(seen);
} };";

#[test]
fn the_current_directory_and_the_mask_are_the_events_own() {
    let project = Project::new(&[("worker.js", WORKER)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    let answer = server.get("/");
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let expected = serde_json::json!({
        "where": "/bundle",
        "linked": "/tmp/a/b",
        "read": ["found", "found", "/tmp/a/y", "/tmp/a"],
        "missing": ["ENOENT", "ENOENT: no such file or directory, chdir '/tmp/a' -> 'none'"],
        "file": ["ENOTDIR", "ENOTDIR: not a directory, chdir '/tmp/a' -> 'x'"],
        "kind": "ERR_INVALID_ARG_TYPE",
        "removed": ["ENOENT", "ENOENT: no such file or directory, uv_cwd"],
        "nothing": "ENOENT",
        "mask": [18, 63, "ERR_INVALID_ARG_VALUE", "ERR_INVALID_ARG_TYPE", "ERR_OUT_OF_RANGE"],
        "mode": "600",
        "env": ["before", "one two", "ENOENT"],
        "ids": [
            ["nothing"],
            ["EPERM", "EPERM: operation not permitted, seteuid"],
            ["ERR_UNKNOWN_CREDENTIAL", "Group identifier does not exist: nobody"],
            "ERR_INVALID_ARG_TYPE",
            "EPERM"
        ],
        "wide": [true, false, "ERR_INVALID_ARG_TYPE"],
        "sites": true,
        "warnings": ["DEP0100", "ExperimentalWarning"],
    });
    assert_eq!(json(&answer.body), expected);
    assert_eq!(server.get("/other").body, "[\"/bundle\",18]");
}
