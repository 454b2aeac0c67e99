// Responses whose bodies are in the content coding that their headers tell: nobody encodes them once more.
(function () {
const { primordials } = __bootstrap;
const { SafeWeakMap, WeakMapPrototypeHas, WeakMapPrototypeSet } = primordials;

const coded = new SafeWeakMap();

const keepsCoding = (inner) => WeakMapPrototypeSet(coded, inner, true);
const isCoded = (inner) => WeakMapPrototypeHas(coded, inner);

return { isCoded, keepsCoding };
})();
