//! Sending in tasks.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use event_listener::EventListener;
use futures_sink::Sink;

use super::{Owned, shared::Shared};
use crate::{Algorithm, Error, SendError, Wary, trust::Trust};

/// A producer that the tasks of a process share; a clone is the same one.
///
/// ```
/// use ironring::{Options, asynchronous::Producer, spsc};
///
/// let ring = spsc::Ring::<u64>::anonymous(&Options::messages(8))?;
/// let producer = Producer::new(ring.producer()?)?;
/// let another_task = producer.clone();
/// assert!(!another_task.with(|producer| producer.is_full()));
/// # Ok::<(), ironring::Error>(())
/// ```
#[derive(Debug)]
pub struct Producer<M: Owned + ?Sized, A: Algorithm, P: Trust = Wary> {
    shared: Arc<Shared<crate::Producer<M, P, A>>>,
}

impl<M: Owned + ?Sized, A: Algorithm, P: Trust> Producer<M, A, P> {
    /// Lets tasks share `producer`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the system refuses the thread that watches rings, of which there is one
    /// in a process.
    pub fn new(producer: crate::Producer<M, P, A>) -> Result<Self, Error> {
        Ok(Self { shared: Arc::new(Shared::new(producer)?) })
    }

    /// Sends a copy of `message`, waiting for room.
    ///
    /// # Errors
    ///
    /// Those of [`Producer::send`](crate::Producer::send).
    pub async fn send(&self, message: &M) -> Result<(), SendError> {
        self.shared.until(|producer, watch| producer.poll_send(message, watch)).await
    }

    /// The producer as a sink. It keeps one message that finds no room, until it is flushed; that
    /// one is gone with it.
    pub fn sink(&self) -> Sending<M, A, P> {
        Sending { shared: Arc::clone(&self.shared), message: None, listener: None }
    }

    /// Calls `run` with the producer, while no task uses it: to set how it behaves, or to look.
    pub fn with<T>(&self, run: impl FnOnce(&mut crate::Producer<M, P, A>) -> T) -> T {
        run(&mut self.shared.lock())
    }
}

impl<M: Owned + ?Sized, A: Algorithm, P: Trust> Clone for Producer<M, A, P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// A sink for the messages of a ring. To close it sends what it keeps, and does not close the
/// ring.
#[derive(Debug)]
#[must_use = "a sink does nothing until it is polled"]
pub struct Sending<M: Owned + ?Sized, A: Algorithm, P: Trust = Wary> {
    shared: Arc<Shared<crate::Producer<M, P, A>>>,
    /// What is to be sent.
    message: Option<M::Message>,
    listener: Option<EventListener>,
}

impl<M: Owned + ?Sized, A: Algorithm, P: Trust> Sink<M::Message> for Sending<M, A, P> {
    type Error = SendError;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flush(context)
    }

    fn start_send(self: Pin<&mut Self>, message: M::Message) -> Result<(), SendError> {
        self.get_mut().message = Some(message);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let Self { shared, message, listener } = self.get_mut();
        let Some(kept) = message else { return Poll::Ready(Ok(())) };
        let sent = ready!(
            shared.poll(context, listener, |producer, watch| { producer.poll_send(M::payload(kept), watch) })
        );
        *message = None;
        Poll::Ready(sent)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.poll_flush(context)
    }
}
