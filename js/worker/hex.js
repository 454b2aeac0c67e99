// The built-in methods for hexadecimal text, which V8 installs after the snapshot is read: taken before a script of the author's runs.
(function () {
const { primordials } = __bootstrap;
const { uncurryThis } = primordials;

const hexMethods = { __proto__: null, uint8ArrayToHex: undefined, uint8ArraySetFromHex: undefined };

function captureHexMethods() {
  const { prototype } = globalThis.Uint8Array;
  if (typeof prototype.toHex !== "function" || typeof prototype.setFromHex !== "function") return;
  hexMethods.uint8ArrayToHex = uncurryThis(prototype.toHex);
  hexMethods.uint8ArraySetFromHex = uncurryThis(prototype.setFromHex);
}

return { captureHexMethods, hexMethods };
})();
