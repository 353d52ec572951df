//! iceoryx2: publish and subscribe, to whom a message is lent in shared memory.

use std::{
    error::Error,
    io,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use ::iceoryx2::{
    node::Node,
    port::{listener::Listener, notifier::Notifier, publisher::Publisher, subscriber::Subscriber},
    prelude::*,
    service::port_factory::{event, publish_subscribe},
};
use ironring_testkit::{Args, Role};

use crate::transport::{End, Idle, Link, Receiver, Sender, Setup, expect_len, note::Note};

/// The longest sleep. A listener can miss a wake-up, and would sleep for ever in `blocking_wait`: it takes the
/// notification out of the socket before the notifier has noted that it sent one; that note then keeps
/// everybody from sending another. Both waits make the same calls.
const MOST: Duration = Duration::from_millis(10);

type Ipc = ipc::Service;
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A service for messages, and one for what wakes their receiver: there as long as somebody uses them.
#[derive(Debug)]
pub struct Iceoryx2 {
    name: Note,
    _services: Services,
}

/// The services, as each process has them.
#[derive(Debug)]
struct Services {
    messages: publish_subscribe::PortFactory<Ipc, [u8], ()>,
    wakes: event::PortFactory<Ipc>,
    _node: Node<Ipc>,
}

impl Services {
    /// Makes or joins those of this name.
    fn named(name: &str, setup: &Setup) -> Result<Self> {
        // What goes wrong comes as an error.
        set_log_level(LogLevel::Fatal);
        let node = NodeBuilder::new().create::<Ipc>()?;
        let name = ServiceName::new(name)?;
        let messages = node
            .service_builder(&name)
            .publish_subscribe::<[u8]>()
            .payload_alignment(Alignment::new(8).ok_or("8 bytes are no alignment")?)
            .enable_safe_overflow(false)
            .history_size(0)
            .subscriber_max_buffer_size(setup.messages as usize)
            .subscriber_max_borrowed_samples(1)
            .max_publishers(1)
            .max_subscribers(1)
            .open_or_create()?;
        let wakes = node.service_builder(&name).event().open_or_create()?;
        Ok(Self { messages, wakes, _node: node })
    }

    fn given(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Self> {
        Self::named(&Note::take(args, name)?, setup).map_err(io::Error::other)
    }
}

/// The sending side.
#[derive(Debug)]
pub struct Sending {
    publisher: Publisher<Ipc, [u8], ()>,
    /// What wakes the receiver, if it is to sleep.
    notifier: Option<Notifier<Ipc>>,
    idle: Idle,
    _services: Services,
}

/// The receiving side.
#[derive(Debug)]
pub struct Receiving {
    subscriber: Subscriber<Ipc, [u8], ()>,
    listener: Option<Listener<Ipc>>,
    idle: Idle,
    _services: Services,
}

impl Link for Iceoryx2 {
    type Sender = Sending;
    type Receiver = Receiving;

    fn new(setup: &Setup) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ironring-bench-{}-{number}", std::process::id());
        let services = Services::named(&name, setup).map_err(io::Error::other)?;
        Ok(Self { name: Note::new(&name)?, _services: services })
    }

    fn pass(&self, role: Role, name: &str, _end: End) -> Role {
        self.name.pass(role, name)
    }

    fn sender(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Sending> {
        let services = Services::given(args, name, setup)?;
        let publisher = services
            .messages
            .publisher_builder()
            .initial_max_slice_len(setup.size)
            .max_loaned_samples(1)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create();
        let notifier = setup.idle.waits().then(|| services.wakes.notifier_builder().create());
        Ok(Sending {
            publisher: publisher.map_err(io::Error::other)?,
            notifier: notifier.transpose().map_err(io::Error::other)?,
            idle: setup.idle,
            _services: services,
        })
    }

    fn receiver(args: &mut Args, name: &str, setup: &Setup) -> io::Result<Receiving> {
        let services = Services::given(args, name, setup)?;
        let subscriber = services.messages.subscriber_builder().create();
        let listener = setup.idle.waits().then(|| services.wakes.listener_builder().create());
        Ok(Receiving {
            subscriber: subscriber.map_err(io::Error::other)?,
            listener: listener.transpose().map_err(io::Error::other)?,
            idle: setup.idle,
            _services: services,
        })
    }
}

impl Sender for Sending {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        // It does not wait for a subscriber that has not looked for messages yet: nobody has it then.
        self.idle.until(|| {
            let sample = self.publisher.loan_slice_uninit(message.len()).map_err(io::Error::other)?;
            let receivers = sample.write_from_slice(message).send().map_err(io::Error::other)?;
            Ok((receivers > 0).then_some(()))
        })?;
        if let Some(notifier) = &self.notifier {
            notifier.notify().map_err(io::Error::other)?;
        }
        Ok(())
    }
}

impl Receiver for Receiving {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.idle.until(|| {
            if let Some(sample) = self.subscriber.receive().map_err(io::Error::other)? {
                expect_len(sample.len(), into.len())?;
                into.copy_from_slice(&sample);
                return Ok(Some(()));
            }
            if let Some(listener) = &self.listener {
                listener.timed_wait(|_| (), MOST).map_err(io::Error::other)?;
            }
            Ok(None)
        })
    }
}
