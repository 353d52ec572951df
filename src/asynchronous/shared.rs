//! A handle that tasks share, and what they wait by.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use event_listener::{Event, EventListener};

use crate::{
    Error,
    waiting::{Waits, Watch},
};

/// A handle, and the tasks that wait for it.
///
/// One of them is woken at a time. When it has found something, or leaves, it wakes the next;
/// when it has found nothing, it has armed the watch.
#[derive(Debug)]
pub(super) struct Shared<H> {
    handle: Mutex<H>,
    watch: Arc<Watch>,
    event: Arc<Event>,
}

impl<H: Waits> Shared<H> {
    /// Shares `handle`, and has it watched.
    pub(super) fn new(mut handle: H) -> Result<Self, Error> {
        let event = Arc::new(Event::new());
        let rung = Arc::clone(&event);
        let (_, seat) = handle.waiter();
        let watch = Watch::new(seat, move || {
            rung.notify(1);
        })?;
        Ok(Self { handle: Mutex::new(handle), watch, event })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, H> {
        // A handle is whole between its calls, whatever a task did beside them.
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `attempt` until it is done; it does nothing where it returns `None`, and then has
    /// armed the watch. `listener` is where the task waits meanwhile.
    pub(super) fn poll<T>(
        &self,
        context: &mut Context<'_>,
        listener: &mut Option<EventListener>,
        mut attempt: impl FnMut(&mut H, &Arc<Watch>) -> Option<T>,
    ) -> Poll<T> {
        loop {
            let done = attempt(&mut self.lock(), &self.watch);
            if let Some(done) = done {
                *listener = None;
                self.event.notify(1);
                return Poll::Ready(done);
            }
            match listener {
                // From here on it hears the watch; what came before that, the next attempt finds.
                None => *listener = Some(self.event.listen()),
                Some(heard) => {
                    if Pin::new(heard).poll(context).is_pending() {
                        return Poll::Pending;
                    }
                    *listener = None;
                }
            }
        }
    }

    /// Calls `attempt` as [`poll`](Self::poll) does.
    pub(super) async fn until<T>(&self, mut attempt: impl FnMut(&mut H, &Arc<Watch>) -> Option<T>) -> T {
        let mut listener = None;
        std::future::poll_fn(|context| self.poll(context, &mut listener, &mut attempt)).await
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::{Options, spsc};

    /// One that hears a wake-up between two attempts has used it up when the second finds
    /// something: there may be more, and the next task does not know.
    #[test]
    fn a_task_that_has_found_something_wakes_the_next() {
        let ring = spsc::Ring::<u64>::anonymous(&Options::messages(2)).expect("a ring");
        let consumer = ring.consumer().expect("a consumer");
        let shared = Shared::new(consumer).expect("a watch");
        let context = &mut Context::from_waker(Waker::noop());
        let (mut attempts, mut listener, mut next) = (0, None, None);
        let done = shared.poll(context, &mut listener, |_, _| {
            attempts += 1;
            if attempts == 2 {
                // The task listens by now, another one behind it, and then the watch is rung.
                next = Some(shared.event.listen());
                shared.event.notify(1);
            }
            (attempts == 3).then_some(())
        });
        assert!(done.is_ready());
        let mut next = next.expect("another one");
        assert!(Pin::new(&mut next).poll(context).is_ready(), "the next one sleeps");
    }
}
