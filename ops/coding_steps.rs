//! Where a body is coded: in steps, each of which is bounded, counted and put down to the agent that the body is for. The first
//! steps of a body are taken on the thread that polls it, so that small ones cost no way to another; the rest on threads of the
//! pool, and all of a coding whose steps are not bounded.

use std::sync::Arc;

use bytes::Bytes;

use crate::account::Account;
use crate::decoder::Decoder;
use crate::encoder::Encoder;
use crate::error::BodyError;
use crate::external_memory::Reservation;
use crate::work_pool::WorkPool;

/// The threads that code. Half of them are one agent's at most.
static CODING: WorkPool = WorkPool::new("coding", 4, 2);

/// How many bytes of one body go in and come out on the thread that polls it.
const INLINE: usize = 64 << 10;

/// What codes.
pub(crate) trait Coder: Send + 'static {
    /// Bytes that it holds.
    fn memory(&self) -> usize;

    /// Whether a step of it is no more work than its piece is long.
    fn is_bounded(&self) -> bool;
}

/// Nothing is left of one that has ended.
impl Coder for Option<Encoder> {
    fn memory(&self) -> usize {
        self.as_ref().map_or(0, Encoder::memory)
    }

    fn is_bounded(&self) -> bool {
        true
    }
}

impl Coder for Decoder {
    fn memory(&self) -> usize {
        self.memory()
    }

    fn is_bounded(&self) -> bool {
        // It fills its window before it gives a byte of it.
        !matches!(self, Self::Brotli { .. })
    }
}

/// One body's coder, and for whom it works.
pub(crate) struct CodingSteps<C> {
    coder: Option<C>,
    account: Option<Arc<Account>>,
    /// What its state holds.
    state: Option<Reservation>,
    done: usize,
}

impl<C: Coder> CodingSteps<C> {
    pub(crate) fn new(coder: C, account: Option<Arc<Account>>) -> Self {
        Self {
            coder: Some(coder),
            account,
            state: None,
            done: 0,
        }
    }

    /// Takes one step of bounded work. Fails where the body was given up, and where its agent holds too much.
    pub(crate) async fn step<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut C) -> T + Send + 'static,
    ) -> Result<T, BodyError> {
        let mut coder = self.coder.take().ok_or(BodyError::Gone)?;
        let (coder, result) = if self.done < INLINE && coder.is_bounded() {
            let result = match &self.account {
                Some(account) => account.charged(|| work(&mut coder)),
                None => work(&mut coder),
            };
            (coder, result)
        } else {
            let work = move || {
                let result = work(&mut coder);
                (coder, result)
            };
            let done = CODING.run(self.account.as_ref(), work).await;
            done.map_err(|_| BodyError::Gone)?
        };
        let memory = coder.memory();
        self.coder = Some(coder);
        self.counts(memory)?;
        Ok(result)
    }

    /// The coder itself, for what is no work. Nothing where its body was given up.
    pub(crate) fn coder(&mut self) -> Option<&mut C> {
        self.coder.as_mut()
    }

    fn counts(&mut self, memory: usize) -> Result<(), BodyError> {
        let Some(account) = &self.account else { return Ok(()) };
        match &mut self.state {
            Some(state) => state.resize(memory)?,
            None => self.state = Some(account.memory().reserve(memory)?),
        }
        Ok(())
    }

    /// So many bytes have gone in, or come out.
    pub(crate) fn has_done(&mut self, bytes: usize) {
        self.done = self.done.saturating_add(bytes);
    }

    /// Output, counted until whoever takes it has let go of it.
    pub(crate) fn output(&mut self, bytes: Vec<u8>) -> Result<Bytes, BodyError> {
        self.has_done(bytes.len());
        match &self.account {
            Some(account) => Ok(account.memory().bytes(bytes)?),
            None => Ok(Bytes::from(bytes)),
        }
    }
}
