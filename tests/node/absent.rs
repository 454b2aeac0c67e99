//! Modules that want a machine beneath them: what they have without one, and what they say of it.

use crate::harness::{Project, json};

const CODE: &str = "
const code = (use) => { try { use(); return 'fine'; } catch (error) { return error.code ?? `${error.name}: ${error.message}`; } };
const later = async (use) => { try { await use(); return 'fine'; } catch (error) { return error.code ?? `${error.name}: ${error.message}`; } };
const wanted = 'ERR_METHOD_NOT_IMPLEMENTED', type = 'ERR_INVALID_ARG_TYPE', value = 'ERR_INVALID_ARG_VALUE', range = 'ERR_OUT_OF_RANGE';
";

/// Runs a worker whose `rows()` gives `[what, is, shall be]`, of which all must be alike.
fn holds(imports: &str, rows: &str) {
    let worker = format!(
        "{imports}\n{CODE}\nexport default {{ async fetch() {{ const rows = await (async () => {{ {rows} }})(); \
         return Response.json(rows.filter(([, is, shall]) => JSON.stringify(is) !== JSON.stringify(shall))); }} }};"
    );
    let project = Project::new(&[("worker.js", worker.as_str())]);
    let answer = project.serve(&["worker.js"]).get("/");
    assert_eq!(json(&answer.body), serde_json::json!([]));
}

#[test]
fn processes_are_refused_after_their_arguments() {
    holds(
        "import * as cp from 'node:child_process';\nimport cluster, { Cluster } from 'node:cluster';\nimport { EventEmitter } from 'node:events';",
        "const worker = new cluster.Worker();
  return [
    ['names', Object.keys(cp.default).sort().join(), 'ChildProcess,_forkChild,exec,execFile,execFileSync,execSync,fork,spawn,spawnSync'],
    ['exec', [[123], [null], ['ls', 'x'], ['ls', {}, 'x'], ['ls'], ['ls', null], ['ls', {}, () => {}], ['ls', () => {}]].map((args) => code(() => cp.exec(...args))), [type, type, type, type, wanted, wanted, wanted, wanted]],
    ['execFile', [['node'], ['node', ['-v'], {}, () => {}], ['node', () => {}], [1]].map((args) => code(() => cp.execFile(...args))), [wanted, wanted, wanted, type]],
    ['fork', [['a'], ['a', {}], ['a', null, null], ['a', 'x'], ['a', 1], ['a', [], 'x']].map((args) => code(() => cp.fork(...args))), [wanted, wanted, wanted, type, type, type]],
    ['spawn', [code(() => cp.spawn()), code(() => cp.spawnSync(1)), code(() => cp.spawnSync('ls', [])), code(() => cp.execSync('ls')), code(() => new cp.ChildProcess()), code(() => cp._forkChild(1, 2))], [wanted, type, wanted, wanted, wanted, wanted]],
    ['ChildProcess', ['kill', 'send', 'disconnect', 'ref', 'unref', Symbol.dispose].map((name) => typeof cp.ChildProcess.prototype[name]).join(), Array(6).fill('function').join()],
    ['cluster', [cluster instanceof EventEmitter, cluster.constructor === Cluster, cluster.isPrimary, cluster.workers, cluster.schedulingPolicy, code(() => cluster.fork()), code(() => new Cluster().setupPrimary())], [true, true, true, {}, 2, wanted, wanted]],
    ['cluster.Worker', [worker.id, worker.isDead(), worker.send('x'), worker.disconnect() === worker, worker.process === process], [0, true, false, true, true]],
  ];",
    );
}

#[test]
fn debuggers_terminals_and_traces_are_none() {
    holds(
        "import inspector, { Session } from 'node:inspector';\nimport promises from 'node:inspector/promises';\nimport repl from 'node:repl';\nimport tty from 'node:tty';\n\
         import trace from 'node:trace_events';\nimport { EventEmitter } from 'node:events';",
        "const out = new tty.WriteStream(1), input = new tty.ReadStream(0);
  let called = 0;
  return [
    ['inspector', [inspector.url(), inspector.close(), inspector.waitForDebugger(), typeof inspector.open(9229)[Symbol.dispose], code(() => new Session()), Session.prototype instanceof EventEmitter], [undefined, undefined, undefined, 'function', wanted, true]],
    ['its console', Object.keys(inspector.console).map((name) => inspector.console[name]('x')).filter((of) => of !== undefined), []],
    ['its network', ['requestWillBeSent', 'dataReceived', 'responseReceived', 'loadingFinished', 'loadingFailed'].map((name) => code(() => inspector.Network[name]({}))), Array(5).fill(wanted)],
    ['promises', [typeof promises.Session, code(() => promises.url()), code(() => promises.close())], ['function', wanted, wanted]],
    ['repl', [code(() => repl.start()), code(() => repl.writer()), code(() => new repl.REPLServer()), repl._builtinLibs === repl.builtinModules, repl.builtinModules.includes('fs'), repl.builtinModules.some((name) => name[0] === '_'), new repl.Recoverable(new TypeError('x')).err.message, String(repl.REPL_MODE_STRICT)], [wanted, wanted, wanted, true, true, false, 'x', 'Symbol(repl-strict)']],
    ['tty', [tty.isatty(1), input.fd, input.setRawMode(true) === input, input.isRaw, input.isTTY, out.fd, out.columns, out.isTTY, out.getColorDepth(), out.hasColors(), out.getWindowSize(), out.cursorTo(0, () => called++), out.clearLine(0), called], [false, 0, true, true, false, 1, 0, true, 8, false, [0, 0], false, false, 1]],
    ['written', await new Promise((done) => out.write('to the log\\n', () => done('written'))), 'written'],
    ['trace', [code(() => trace.createTracing({ categories: [] })), ...['x', null, 1, {}, { categories: 'x' }, { categories: [1] }].map((options) => code(() => trace.createTracing(options))), trace.createTracing({ categories: ['a', 'b'] }).categories, code(() => trace.createTracing({ categories: ['a'] }).enable())], ['ERR_TRACE_EVENTS_CATEGORY_REQUIRED', ...Array(6).fill(type), 'a,b', wanted]],
  ];",
    );
}

#[test]
fn threads_systems_and_databases_are_none() {
    holds(
        "import * as threads from 'node:worker_threads';\nimport { WASI } from 'node:wasi';\nimport sqlite from 'node:sqlite';\nimport sea from 'node:sea';\nimport { tap } from 'node:test/reporters';\n\
         import test, { mock, MockTracker, snapshot } from 'node:test';\nimport { isBuiltin } from 'node:module';",
        "const fn = mock.fn(() => 1);
  fn();
  threads.setEnvironmentData('key', { a: 1 });
  return [
    ['threads', [code(() => new threads.Worker()), code(() => new threads.BroadcastChannel()), code(() => threads.postMessageToThread(1, 'x')), threads.isMainThread, threads.threadId, threads.parentPort], [wanted, wanted, wanted, true, 0, null]],
    ['a thread', [await later(() => threads.Worker.prototype.terminate.call({})), await later(() => threads.Worker.prototype.getHeapSnapshot.call({})), typeof threads.Worker.prototype.postMessage], [wanted, wanted, 'function']],
    ['its data', [threads.getEnvironmentData('key'), threads.getEnvironmentData('none') === undefined], [{ a: 1 }, true]],
    ['wasi', [undefined, { version: 'preview1', args: [], env: {}, stdin: 0 }, 'x', null, { version: 'v1' }, { version: null }, { args: 'x' }, { env: [] }, { preopens: 1 }, { stdin: -1 }, { stdout: 'x' }, { returnOnExit: 1 }].map((options) => code(() => new WASI(options))), [wanted, wanted, type, type, value, value, type, type, type, range, type, type]],
    ['its methods', [code(() => WASI.prototype.start.call({})), WASI.prototype.getImportObject.call({})], [wanted, {}]],
    ['sqlite', [code(() => new sqlite.DatabaseSync(':memory:')), code(() => new sqlite.Session()), code(() => sqlite.backup()), sqlite.constants.SQLITE_CHANGESET_CONFLICT], [wanted, wanted, wanted, 3]],
    ['sea', [sea.isSea(), sea.getAssetKeys(), code(() => sea.getAsset('x'))], [false, [], 'ERR_NOT_IN_SINGLE_EXECUTABLE_APPLICATION']],
    ['test', [code(() => test('x')), code(() => test.describe('x')), code(() => snapshot.setResolveSnapshotPath(() => '')), code(() => tap()), code(() => mock.timers.enable()), code(() => mock.module('x')), mock instanceof MockTracker, fn.mock.callCount()], [wanted, wanted, wanted, wanted, wanted, wanted, true, 1]],
    ['names', [isBuiltin('node:sea'), isBuiltin('sea'), isBuiltin('test/reporters')], [true, false, false]],
  ];",
    );
}

#[test]
fn datagrams_and_domains_are_told_to_do_nothing() {
    holds(
        "import dgram from 'node:dgram';\nimport domain from 'node:domain';\nimport { EventEmitter } from 'node:events';",
        "const told = (use) => new Promise((done) => { const socket = dgram.createSocket('udp4'); socket.on('error', (error) => done(error.code)); use(socket, done); });
  const quiet = dgram.createSocket({ type: 'udp6' });
  const d = domain.createDomain();
  const callback = () => {};
  return [
    ['made', [null, 1, [], {}].map((options) => code(() => dgram.createSocket(options))), [type, type, type, type]],
    ['listeners', [code(() => dgram.createSocket('udp4', 'x')), code(() => dgram.createSocket('udp4', null)), code(() => dgram.createSocket('udp5'))], [type, type, 'ERR_SOCKET_BAD_TYPE']],
    ['sends', [await told((socket) => socket.bind(1)), await told((socket) => socket.send('x', 1, 'localhost')), await told((socket, done) => socket.send('x', 1, (error) => done(`callback ${error.code}`)))], [wanted, wanted, `callback ${wanted}`]],
    ['chains', [quiet.bind() === quiet, quiet.ref() === quiet, quiet.close() === quiet, quiet.getSendQueueSize(), quiet.address()], [true, true, true, 0, {}]],
    ['closes', await new Promise((done) => dgram.createSocket('udp4').close(() => done('closed'))), 'closed'],
    ['domain', [d instanceof EventEmitter, domain.active, d.bind(callback) === callback, d.intercept(callback) === callback, d.run(function (a, b) { return this === d && a + b; }, 1, 2), code(() => d.run(() => { throw new Error('x'); })), domain.create() instanceof domain.Domain, EventEmitter.usingDomains], [true, null, true, true, 3, 'Error: x', true, false]],
  ];",
    );
}

#[test]
fn contexts_and_heaps_are_judged_by_their_arguments() {
    holds(
        "import vm from 'node:vm';\nimport v8 from 'node:v8';\nimport module, { Module } from 'node:module';\nimport { PerformanceResourceTiming, constants, performance } from 'node:perf_hooks';\nimport url from 'node:url';",
        "const context = vm.createContext({ a: 1 });
  return [
    ['contexts', [vm.isContext(context), vm.createContext(context) === context, vm.isContext({}), code(() => vm.isContext(1)), code(() => vm.runInContext('a', context)), code(() => vm.runInContext('a', {})), code(() => new vm.Script('a').runInNewContext())], [true, true, false, type, wanted, type, wanted]],
    ['their options', [{ name: 1 }, { origin: 1 }, { codeGeneration: 'x' }, { codeGeneration: { strings: 'x' } }, { importModuleDynamically: 'x' }, { microtaskMode: 'x' }].map((options) => code(() => vm.createContext({}, options))), [type, type, type, type, type, value]],
    ['scripts', [{ filename: 1 }, { lineOffset: 'x' }, { cachedData: 'x' }, { produceCachedData: 'x' }, { importModuleDynamically: 'x' }, 'name.js'].map((options) => code(() => new vm.Script('a', options))), [type, type, type, type, type, 'fine']],
    ['running', [{ timeout: -1 }, { timeout: 0 }, { breakOnSigint: 'x' }, { displayErrors: 'x' }, {}, 'name.js'].map((options) => code(() => vm.runInThisContext('1', options))), [range, range, type, type, wanted, wanted]],
    ['functions', [[1], ['a', 'x'], ['a', [1]], ['a', [], { cachedData: 'x' }], ['a', [], { parsingContext: 'x' }], ['a', [], { contextExtensions: ['x'] }], ['a']].map((args) => code(() => vm.compileFunction(...args))), [type, type, type, type, type, type, wanted]],
    ['memory', [code(() => vm.measureMemory()), code(() => vm.measureMemory({ mode: 'x' })), code(() => vm.measureMemory({ execution: 'x' }))], [wanted, value, value]],
    ['heap', [code(() => v8.writeHeapSnapshot()), code(() => v8.writeHeapSnapshot(1)), code(() => v8.getHeapSnapshot({ exposeInternals: 'x' })), code(() => v8.queryObjects()), code(() => v8.queryObjects(Object, { format: 'x' })), code(() => v8.queryObjects(Object)), code(() => v8.setHeapSnapshotNearHeapLimit(-1)), code(() => v8.setHeapSnapshotNearHeapLimit(1)), code(() => v8.getCppHeapStatistics('x')), v8.getCppHeapStatistics('brief').detail_level, code(() => new v8.GCProfiler().start())], [wanted, type, type, type, value, wanted, range, wanted, value, 'brief', wanted]],
    ['module', [Object.keys(Module.prototype).join(), 'parent' in module.prototype, module._findPath('./worker', ['/bundle']), module._findPath('/bundle/none', []), typeof module._debug, module._debug('x')], ['load,require,_compile,isPreloading', true, '/bundle/worker.js', false, 'function', undefined]],
    ['performance', [Object.isFrozen(constants), code(() => new PerformanceResourceTiming()), performance.eventCounts.size, [...performance.eventCounts].length, performance.eventCounts.has('click')], [true, 'TypeError: Illegal constructor', 0, 0, false]],
    ['url', url.URLPattern === URLPattern, true],
    ['streams', [process.stdout._type, process.stderr._isStdio, process.stdout.readable], ['fs', true, false]],
  ];",
    );
}
