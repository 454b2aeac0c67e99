// What `grpc.js` answers under Node: `node grpc_under_node.mjs ADDRESS`.
import worker from "./grpc.js";

const response = await worker.fetch(new Request("http://grpc.test/"), { ADDRESS: process.argv[2] });
console.log(await response.text());
process.exit();
