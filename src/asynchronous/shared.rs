//! A handle that tasks share, and what they wait by.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use event_listener::{Event, EventListener};

use crate::{Error, waiting::Watch};

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

impl<H> Shared<H> {
    /// Shares `handle`, which is watched by what `watch` makes of it and of what is to be called.
    pub(super) fn new(
        handle: H,
        watch: impl FnOnce(&H, Box<dyn Fn() + Send + Sync>) -> Result<Arc<Watch>, Error>,
    ) -> Result<Self, Error> {
        let event = Arc::new(Event::new());
        let rung = Arc::clone(&event);
        let watch = watch(
            &handle,
            Box::new(move || {
                rung.notify(1);
            }),
        )?;
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
