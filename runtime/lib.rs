//! workerd-lite as a library: run untrusted workers whose every `fetch` passes their owner's outbound worker.
//!
//! A [`host::Project`] says what runs, and a [`host::Instance`] of it is a `tower` service over `http` types. It belongs
//! to one thread and a current-thread tokio runtime; [`serve::serve`], its first user, has one on each of its threads.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use http_body_util::{BodyExt as _, Full};
//! use tower_service::Service as _;
//! use workerd_lite::{host, isolate};
//! use workerd_lite_ops::Role;
//!
//! isolate::init_platform();
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! let done: Result<(), Box<dyn std::error::Error>> = runtime.block_on(async {
//!     let agent = isolate::Worker::load(Role::Agent, "agent.js".as_ref())?;
//!     let policy = isolate::Worker::load(Role::Outbound, "outbound.js".as_ref())?;
//!     let project = host::Project::builder(agent).outbound(policy).build();
//!     let mut service = host::Instance::start(&project).await?;
//!     let request = http::Request::get("http://agent.example/").body(Full::<bytes::Bytes>::default())?;
//!     let response = service.call(request).await?;
//!     println!("{:?}", response.into_body().collect().await?.to_bytes());
//!     service.drained().await;
//!     Ok(())
//! });
//! # done
//! # }
//! ```

mod admin;
pub mod assembly;
pub mod assets;
pub mod audit;
pub mod boundary;
mod bounded_file;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod diagnostic;
pub mod egress;
mod excerpt;
mod files_read;
pub mod host;
mod http2_frames;
pub mod identity;
pub mod isolate;
pub mod keys;
pub mod limits;
pub mod listen;
mod machine_memory;
mod metrics;
mod output;
mod private_files;
#[cfg(test)]
mod properties;
pub mod reloadable;
pub mod rules;
pub mod serve;
pub mod server_tls;
mod supervisor;
pub mod testing;
mod text_file;
mod unlinked_file;
mod watch;
mod websocket;
