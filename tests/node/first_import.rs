//! Node's modules from compiled code that was kept: whole, whichever worker was the first to import what of them.

use std::path::Path;
use std::time::SystemTime;

use crate::harness::{Project, otherwise_in_processes};

const SAYS: &str = r#"
export default { fetch() {
  const said = [];
  const say = (value) => said.push(value);
  say(Buffer.from("0a", "hex").toString("base64"));
  try { Buffer.alloc("1"); } catch (error) { say(`${error.name} ${error.code} ${error.constructor.name}`); }
  if (globalThis.all) {
    const { crypto, events, stream, util } = all;
    say(util.getSystemErrorName(-2));
    say(`${util.getSystemErrorMap().size} ${util.getSystemErrorMap().get(-13)}`);
    say(`${crypto.getCiphers().includes("aes-256-gcm")} ${crypto.getCipherInfo(419).name} ${crypto.getCipherInfo("AES256").nid}`);
    say(crypto.createHash("sha256").update("x").digest("hex").slice(0, 8));
    try { new events.EventEmitter().emit("error", 1); } catch (error) { say(error.code); }
    say(util.inspect(new stream.PassThrough()).split(" ")[0]);
  }
  return new Response(said.join("\n"));
} };
"#;

/// When each script's code was last kept.
fn kept(cache: &Path) -> Vec<(String, SystemTime)> {
    let mut kept: Vec<_> = std::fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "residual"))
        .map(|path| {
            let time = path.metadata().unwrap().modified().unwrap();
            (path.display().to_string(), time)
        })
        .collect();
    kept.sort();
    kept
}

#[test]
fn code_that_was_kept_is_of_what_every_import_took() {
    if otherwise_in_processes("a process has no folder to keep compiled code in") {
        return;
    }
    let few = format!("import 'node:buffer';\n{SAYS}");
    let all = format!(
        "import crypto from 'node:crypto';\nimport events from 'node:events';\nimport stream from 'node:stream';\n\
         import util from 'node:util';\nglobalThis.all = {{ crypto, events, stream, util }};\n{SAYS}"
    );
    let project = Project::new(&[("few.js", &few), ("all.js", &all)]);
    let cache = project.path().join("cache");
    let serve = |main: &str| {
        let folder = cache.display().to_string();
        let server = project.serve_with(&[main, "--threads=1"], &[("WORKERD_LITE_CACHE_DIR", &*folder)]);
        server.get("/").body
    };
    let short = "Cg==\nTypeError ERR_INVALID_ARG_TYPE NodeError";
    let long = format!(
        "{short}\nENOENT\n{}\ntrue aes-128-cbc 427\n2d711642\nERR_UNHANDLED_ERROR\nPassThrough",
        "EACCES,permission denied"
    );
    // How many there are is the system's.
    let without_count = |body: String| {
        let lines = body.lines().map(|line| {
            let (count, rest) = line.split_once(' ').unwrap_or(("", line));
            if count.parse::<u32>().is_ok_and(|count| count > 50) {
                rest
            } else {
                line
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let first = serve("few.js");
    assert!(first.starts_with("Cg==\nTypeError ERR_INVALID_ARG_TYPE "), "{first}");
    let of_few = kept(&cache);
    let second = without_count(serve("all.js"));
    let of_all = kept(&cache);
    assert!(
        !of_few.is_empty() && of_all.len() > of_few.len(),
        "{of_few:?} {of_all:?}"
    );
    // What was there was made again with what the rest called of it.
    assert!(of_few.iter().all(|old| !of_all.contains(old)), "{of_few:?} {of_all:?}");
    assert!(
        second.starts_with(&first) && second[first.len()..] == long[short.len()..],
        "{second}"
    );
    // And is good for either from then on.
    assert_eq!(serve("few.js"), first);
    assert_eq!(without_count(serve("all.js")), second);
    assert_eq!(kept(&cache), of_all);
}
