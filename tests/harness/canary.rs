//! A host that nobody may touch: whoever connects is counted, on every address of this machine.

use std::net::{Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use super::upstreams;

pub struct Canary {
    pub port: u16,
    touched: Arc<AtomicUsize>,
}

impl Canary {
    pub fn new() -> Self {
        let touched = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&touched);
        // Both families, where there are both.
        let everywhere = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
        let listener = upstreams().block_on(async {
            match TcpListener::bind(everywhere).await {
                Ok(listener) => listener,
                Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
            }
        });
        let port = listener.local_addr().unwrap().port();
        upstreams().spawn(async move {
            while listener.accept().await.is_ok() {
                seen.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { port, touched }
    }

    /// How often it was touched.
    pub fn touched(&self) -> usize {
        self.touched.load(Ordering::SeqCst)
    }
}
