// Where the program is: in the package of this platform, which npm installs as an optional dependency.
"use strict";

const path = require("node:path");
const { name: self, version, optionalDependencies } = require("../package.json");

function find() {
  // A binary of your own takes its place, as one that was just built does.
  if (process.env.WORKERD_LITE_BINARY) return path.resolve(process.env.WORKERD_LITE_BINARY);
  const platform = `${process.platform}-${process.arch}`;
  const wanted = `@workerd-lite/${platform}`;
  const known = Object.keys(optionalDependencies);
  if (!known.includes(wanted)) {
    throw new Error(
      `${self} has no program for ${platform}: there are packages for ${known.map((one) => one.split("/")[1]).join(", ")}.\n` +
        "Build it from source (cargo install), and name it in WORKERD_LITE_BINARY.",
    );
  }
  let manifest;
  try {
    manifest = require.resolve(`${wanted}/package.json`);
  } catch {
    throw new Error(
      `${self}: the package ${wanted}, which holds the program for this platform, is not installed.\n` +
        "It is an optional dependency: install again without --omit=optional (--no-optional), and on this platform rather than\n" +
        `with node_modules of another one; or add it: npm install ${wanted}@${version}`,
    );
  }
  const found = require(manifest).version;
  if (found !== version) {
    throw new Error(`${self} is ${version}, and ${wanted} is ${found}: install both again, in the same version.`);
  }
  return path.join(path.dirname(manifest), "bin", "workerd-lite");
}

Object.defineProperty(exports, "__esModule", { value: true });
Object.defineProperty(exports, "default", { enumerable: true, get: find });
exports.version = version;
