#!/usr/bin/env node
// Runs the program as if it had been typed: its streams, its signals and its end are this process's.
"use strict";

const { spawn } = require("node:child_process");

let program;
try {
  program = require("../lib/main.js").default;
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });

// Ctrl-C reaches the program from its terminal, and a second one would end it without its grace.
const terminal = [0, 1, 2].some((file) => require("node:tty").isatty(file));
for (const signal of ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR2"]) {
  const ofTerminal = terminal && (signal === "SIGINT" || signal === "SIGQUIT");
  process.on(signal, () => ofTerminal || child.kill(signal));
}

child.on("error", (error) => {
  console.error(`${program}: ${error.message}`);
  process.exit(1);
});

child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
