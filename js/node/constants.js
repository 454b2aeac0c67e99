// https://github.com/nodejs/node/blob/v22.x/lib/constants.js
(function () {
const { core } = __bootstrap;
const { crypto, fs, os } = core.loadExtScript("ext:deno_node/internal_binding/constants.ts");

const all = { ...os.dlopen, ...os.errno, ...os.priority, ...os.signals, ...fs, ...crypto };
delete all.defaultCoreCipherList;
delete all.defaultCipherList;

return { default: all };
})();
