//! Receiving in tasks.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use event_listener::EventListener;
use futures_core::Stream;

use super::{Owned, shared::Shared};
use crate::{
    Algorithm, Error, RecvError, Wary,
    mpmc::{Mpmc, OwnedMessages},
    trust::Trust,
    waiting::Watch,
};

/// A consumer that the tasks of a process share; a clone is the same one.
///
/// ```
/// use ironring::{Options, asynchronous::Consumer, spsc};
///
/// let ring = spsc::Ring::<u64>::anonymous(&Options::messages(8))?;
/// let consumer = Consumer::new(ring.consumer()?)?;
/// let another_task = consumer.clone();
/// assert_eq!(another_task.with(|consumer| consumer.len()), 0);
/// # Ok::<(), ironring::Error>(())
/// ```
#[derive(Debug)]
pub struct Consumer<M: Owned + ?Sized, A: Algorithm, P: Trust = Wary> {
    shared: Arc<Shared<crate::Consumer<M, P, A>>>,
}

impl<M: Owned + ?Sized, A: Algorithm, P: Trust> Consumer<M, A, P> {
    /// Lets tasks share `consumer`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the system refuses the thread that watches rings, of which there is one
    /// in a process.
    pub fn new(consumer: crate::Consumer<M, P, A>) -> Result<Self, Error> {
        Ok(Self { shared: Arc::new(Shared::new(consumer)?) })
    }

    /// Receives a message, waiting for one. It is released before this returns: it is received at
    /// most once.
    ///
    /// # Errors
    ///
    /// Those of [`Consumer::recv`](crate::Consumer::recv).
    pub async fn recv(&self) -> Result<M::Message, RecvError> {
        self.shared.until(receive).await
    }

    /// The messages, one after another, until the ring ends.
    pub fn messages(&self) -> Messages<M, A, P> {
        Messages { shared: Arc::clone(&self.shared), listener: None }
    }

    /// Calls `run` with the consumer, while no task uses it: to set how it behaves, or to look.
    pub fn with<T>(&self, run: impl FnOnce(&mut crate::Consumer<M, P, A>) -> T) -> T {
        run(&mut self.shared.lock())
    }
}

impl<M: Owned + ?Sized, P: Trust> Consumer<M, Mpmc, P> {
    /// Receives the next messages of one slot, waiting for them. They are released when they are
    /// dropped: where that does not happen, because the process died, they come again.
    ///
    /// # Errors
    ///
    /// Those of [`mpmc::Consumer::recv_owned`](crate::mpmc::Consumer::recv_owned).
    pub async fn recv_owned(&self) -> Result<OwnedMessages<M, P>, RecvError> {
        let attempt = |consumer: &mut crate::Consumer<M, P, Mpmc>, watch: &Arc<Watch>| {
            consumer.poll_find(watch).map(|found| found.and_then(|_| consumer.try_recv_owned()))
        };
        self.shared.until(attempt).await
    }
}

/// Copies the next message and releases it.
fn receive<M: Owned + ?Sized, A: Algorithm, P: Trust>(
    consumer: &mut crate::Consumer<M, P, A>,
    watch: &Arc<Watch>,
) -> Option<Result<M::Message, RecvError>> {
    let found = consumer.poll_find(watch)?;
    Some(found.and_then(|found| {
        let mut message = M::zeroed(found.span.len());
        consumer.copy(&found, M::payload_mut(&mut message))?;
        Ok(message)
    }))
}

impl<M: Owned + ?Sized, A: Algorithm, P: Trust> Clone for Consumer<M, A, P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// The messages of a ring as a stream, which ends when the ring was closed or nobody is left to
/// send ([`WhenAlone`](crate::WhenAlone)). An error otherwise is an item.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is polled"]
pub struct Messages<M: Owned + ?Sized, A: Algorithm, P: Trust = Wary> {
    shared: Arc<Shared<crate::Consumer<M, P, A>>>,
    listener: Option<EventListener>,
}

impl<M: Owned + ?Sized, A: Algorithm, P: Trust> Stream for Messages<M, A, P> {
    type Item = Result<M::Message, RecvError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { shared, listener } = self.get_mut();
        shared.poll(context, listener, receive).map(|done| match done {
            Err(RecvError::Disconnected) => None,
            done => Some(done),
        })
    }
}
