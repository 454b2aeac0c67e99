//! Tests through the real binary, against real servers.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::disallowed_types,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used
)]

mod abort;
mod agent_ids;
mod agents;
mod assets;
mod attack;
mod attack_words;
mod audit;
mod author;
mod bindings;
mod boundary;
mod boundary_sandbox;
mod bypass;
mod check;
mod clock;
mod config;
mod config_credentials;
mod confinement;
mod cpu;
mod credential_paths;
mod credentials;
mod crypto_jobs;
mod dashboards;
mod decorators;
mod docs;
mod egress;
mod embedding;
mod expired;
mod failure;
mod faults;
mod floods;
mod forwarded;
mod front;
mod fuzz;
mod globals;
mod harness;
mod http_codings;
mod http_framing;
mod http_heads;
mod http_redirects;
mod http_requests;
mod http_retry;
mod identity;
mod imports;
mod inspector;
mod key_files;
mod key_process;
mod kill;
mod limits;
mod listening;
mod loader;
mod many;
mod matching;
mod mending;
mod modules;
mod mutate;
mod node;
mod node_suite;
mod npm_package;
mod operations;
mod outgoing;
mod overload;
mod own_output;
mod package_suite;
mod packages;
mod packages_want;
mod packaging;
mod page;
mod page_feed;
mod pairs;
mod path;
mod pkcs11;
mod platform;
mod policy_cells;
mod projects;
mod reachable;
mod redaction;
mod relief;
mod renewals;
mod rotation;
mod rpc;
mod rpc_attacks;
mod rpc_objects;
mod rpc_services;
mod rules;
mod serving;
mod shapes;
mod shells;
mod signing;
mod sigv4;
mod soak;
mod sockets;
mod sources;
mod streaming;
mod supervisor;
mod systemd;
mod tcp;
mod terminal;
mod testing;
mod testing_coverage;
mod testing_fails;
mod testing_node;
mod testing_services;
mod token_answers;
mod tokens;
mod trust;
mod web_apis;
mod webassembly;
mod websockets;
mod wpt_suite;
mod wrangler;
mod wrangler_fields;
