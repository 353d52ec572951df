//! What the kinds of ring differ in, for who sends and receives.

use ironring::{
    Algorithm, Consumer, Error, Holder, Presence, Producer, Ring, Role, SendError, State, Wary,
    mpmc::{Mpmc, Recovered, Status},
    spsc::Spsc,
};

use crate::failure::Failure;

/// A kind of ring, as `send` and `recv` use it.
pub(crate) trait Used: Algorithm + Sized {
    /// Whether a receiver tells how many messages had been received before: where one takes over
    /// from one, it is no news.
    const TELLS_REDELIVERIES: bool;

    /// Whether anybody is attached who would receive what is in the ring.
    fn has_receiver(ring: &Ring<[u8], Self>, producer: &Producer<[u8], Wary, Self>) -> Result<bool, Error>;

    /// The senders that have come.
    fn senders(ring: &Ring<[u8], Self>, consumer: &Consumer<[u8], Wary, Self>) -> Result<Senders, Error>;

    /// Of how many senders the end was reported, by this receiver or another one.
    fn ended(consumer: &Consumer<[u8], Wary, Self>) -> u64;

    /// Records that the end of `senders` was reported.
    fn report_end(consumer: &mut Consumer<[u8], Wary, Self>, senders: &Senders);

    /// The participants that this receiver has recovered since it was last asked.
    fn take_recovered(consumer: &mut Consumer<[u8], Wary, Self>) -> Vec<Recovered>;

    /// Sends `message`, in a full ring in the place of others; says how many those were.
    fn force(producer: &mut Producer<[u8], Wary, Self>, message: &[u8]) -> Result<u64, SendError>;

    /// Fails where the kind has no `force`.
    fn check_force() -> Result<(), Failure>;
}

/// The senders of a ring, as they were at one time.
pub(crate) struct Senders {
    /// How many have come so far.
    pub(crate) came: u64,
    /// Whether none of them is attached, and nobody else holds messages that may come yet.
    pub(crate) are_gone: bool,
    /// Those that were killed, as far as nobody has taken their places since.
    pub(crate) killed: Vec<Holder>,
    /// The last one of all, where there is one at a time.
    last: Option<Presence>,
}

impl Used for Spsc {
    const TELLS_REDELIVERIES: bool = false;

    fn has_receiver(_: &Ring<[u8], Self>, producer: &Producer<[u8], Wary, Self>) -> Result<bool, Error> {
        Ok(producer.consumer()?.state == State::Attached)
    }

    fn senders(_: &Ring<[u8], Self>, consumer: &Consumer<[u8], Wary, Self>) -> Result<Senders, Error> {
        let sender = consumer.producer()?;
        Ok(Senders {
            came: sender.attachments,
            are_gone: sender.state != State::Attached,
            killed: if sender.state == State::Died { vec![sender.holder] } else { Vec::new() },
            last: Some(sender),
        })
    }

    fn ended(consumer: &Consumer<[u8], Wary, Self>) -> u64 {
        consumer.ended()
    }

    fn report_end(consumer: &mut Consumer<[u8], Wary, Self>, senders: &Senders) {
        if let Some(sender) = &senders.last {
            consumer.acknowledge_end(sender);
        }
    }

    fn take_recovered(_: &mut Consumer<[u8], Wary, Self>) -> Vec<Recovered> {
        Vec::new()
    }

    fn force(producer: &mut Producer<[u8], Wary, Self>, message: &[u8]) -> Result<u64, SendError> {
        producer.send(message).map(|()| 0)
    }

    fn check_force() -> Result<(), Failure> {
        Err(Failure::Error(
            "--force: a ring of kind spsc gives up no message; leave it out, or make a ring with --kind mpmc"
                .into(),
        ))
    }
}

impl Used for Mpmc {
    const TELLS_REDELIVERIES: bool = true;

    fn has_receiver(ring: &Ring<[u8], Self>, _: &Producer<[u8], Wary, Self>) -> Result<bool, Error> {
        Ok(ring.participants()?.iter().any(|place| is_attached(place, Role::Consumer)))
    }

    fn senders(ring: &Ring<[u8], Self>, consumer: &Consumer<[u8], Wary, Self>) -> Result<Senders, Error> {
        let places = ring.participants()?;
        let own = consumer.participant();
        let may_come = |place: &Status| place.number != own && (place.messages > 0 || place.is_interrupted);
        let is_killed = |place: &&Status| {
            place.presence.role == Some(Role::Producer)
                && matches!(place.presence.state, State::Died | State::Recovered)
        };
        Ok(Senders {
            came: places.iter().map(|place| place.producers).sum(),
            are_gone: !places.iter().any(|place| is_attached(place, Role::Producer) || may_come(place)),
            killed: places.iter().filter(is_killed).map(|place| place.presence.holder).collect(),
            last: None,
        })
    }

    fn ended(consumer: &Consumer<[u8], Wary, Self>) -> u64 {
        consumer.ended()
    }

    fn report_end(consumer: &mut Consumer<[u8], Wary, Self>, senders: &Senders) {
        consumer.acknowledge_end(senders.came);
    }

    fn take_recovered(consumer: &mut Consumer<[u8], Wary, Self>) -> Vec<Recovered> {
        consumer.take_recovered()
    }

    fn force(producer: &mut Producer<[u8], Wary, Self>, message: &[u8]) -> Result<u64, SendError> {
        Ok(producer.force_send(message)?.map_or(0, |displaced| displaced.messages.into()))
    }

    fn check_force() -> Result<(), Failure> {
        Ok(())
    }
}

fn is_attached(place: &Status, role: Role) -> bool {
    place.presence.role == Some(role) && place.presence.state == State::Attached
}
