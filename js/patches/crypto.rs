//! Changes to Web Crypto.

use super::{Patch, patch};

const CRYPTO: &str = "ext:deno_crypto/00_crypto.js";

pub(super) const PATCHES: &[Patch] = &[
    // These give the key's bytes, of keys that are not extractable too, and make keys of any: not for scripts.
    patch(
        CRYPTO,
        "const CryptoKeyPrototype = CryptoKey.prototype;\n",
        "const { exportNodeMaterial, fromCloneData, importSync } = CryptoKey;\n\
         const { create: createCrypto, registerSymbols } = Crypto;\nconst { create: createSubtle } = SubtleCrypto;\n\
         for (const name of [\"exportNodeMaterial\", \"fromCloneData\", \"importSync\"]) delete CryptoKey[name];\n\
         for (const name of [\"create\", \"registerSymbols\"]) delete Crypto[name];\n\
         delete SubtleCrypto.create;\n\n\
         const CryptoKeyPrototype = CryptoKey.prototype;\n",
    ),
    patch(
        CRYPTO,
        "core.registerCloneableResource(\n  \"CryptoKey\",\n  (data) => CryptoKey.fromCloneData(data),\n);\n",
        "",
    ),
    patch(
        CRYPTO,
        "    Crypto.registerSymbols(webidl.brand, kKeyObject);\n    subtleSingleton = SubtleCrypto.create();\n",
        "    registerSymbols(webidl.brand, kKeyObject);\n    subtleSingleton = createSubtle();\n",
    ),
    patch(
        CRYPTO,
        "cryptoSingleton = Crypto.create(getSubtleSingleton());",
        "cryptoSingleton = createCrypto(getSubtleSingleton());",
    ),
    patch(
        CRYPTO,
        "  return CryptoKey.exportNodeMaterial(cryptoKey);\n",
        "  return exportNodeMaterial(cryptoKey);\n",
    ),
    patch(
        CRYPTO,
        "  return CryptoKey.importSync(format, keyData, algorithm, extractable, usages);\n",
        "  return importSync(format, keyData, algorithm, extractable, usages);\n",
    ),
    patch(
        CRYPTO,
        "  cryptoKeyExportNodeKeyMaterial,\n  importCryptoKeySync,\n",
        "  cryptoKeyExportNodeKeyMaterial,\n  cryptoKeyFromCloneData: fromCloneData,\n  importCryptoKeySync,\n",
    ),
];
