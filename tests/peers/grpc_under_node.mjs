// What `grpc.js` answers under Node: `node grpc_under_node.mjs ADDRESS [FOLDER]`, with a folder of certificates where it is under TLS.
import fs from "node:fs";
import grpc from "@grpc/grpc-js";
import { calls } from "./grpc.js";

const [address, folder] = process.argv.slice(2);
const read = (name) => fs.readFileSync(`${folder}/${name}`);
const answers = folder === undefined
  ? await calls(address)
  : await calls(address, grpc.credentials.createSsl(read("ca.pem"), read("agent.key"), read("agent.pem")), { "grpc.ssl_target_name_override": "partner.localhost" });
console.log(JSON.stringify(answers));
process.exit();
