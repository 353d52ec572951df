//! What a ring, its handles and an observer say of it; and references into it.

use std::fmt::Debug;

use bytemuck::{Pod, Zeroable};
use ironring::{
    Deadline, Delivery, HugePages, Kind, Observer, Options, Pages, Role, State, Wait, WhenAlone, mpmc,
    spsc::Ring,
};

use crate::support::shared_memory;

fn shown(value: &impl Debug, parts: &[&str]) {
    let text = format!("{value:?}");
    for part in parts {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn handles_tell_what_they_are_and_what_is_in_the_ring() {
    let ring = Ring::<[u8]>::anonymous(&Options::bytes(256).max_message(40)).expect("a ring");
    let (mut producer, mut consumer) = (ring.producer().expect("one"), ring.consumer().expect("one"));
    assert_eq!((producer.capacity(), consumer.capacity(), ring.capacity()), (256, 256, 256));
    assert_eq!((producer.max_message(), consumer.max_message(), ring.max_message()), (40, 40, 40));
    producer.set_wait(Wait::Park).set_when_alone(WhenAlone::Wait);
    consumer.set_wait(Wait::Spin);
    assert_eq!((producer.wait(), consumer.wait()), (Wait::Park, Wait::Spin));

    assert!(producer.is_empty() && consumer.is_empty() && producer.last_published().is_none());
    producer.set_tag(3).send_by(b"one", Deadline::NEVER).expect("room");
    producer.set_tag(4).send(b"").expect("room");
    assert_eq!(producer.last_published().map(|last| last.tag), Some(4));
    assert!(!producer.is_empty() && !consumer.is_empty() && producer.len() == consumer.len());
    assert_eq!(consumer.len(), 32, "two of the shortest frames");
    assert!(!producer.is_full());
    let message = consumer.recv().expect("it");
    assert_eq!((message.len(), message.is_empty(), message.tag()), (3, false, 3));
    assert_eq!((message.sender(), message.deliveries(), message.position()), (None, 1, 0));
    drop(message);
    let message = consumer.recv().expect("it");
    let view = message.view();
    assert_eq!((view.len(), view.is_empty(), view.tag(), view.deliveries()), (0, true, 4, 1));
    assert_eq!(Clone::clone(&view).sender(), None);
    drop(message);
    shown(&producer, &["Producer", "Tail"]);
    shown(&consumer, &["Consumer", "Head"]);
    shown(&ring, &["Ring"]);

    assert!(!producer.is_closed() && !consumer.is_closed());
    consumer.close();
    assert!(producer.is_closed() && consumer.is_closed() && ring.is_closed() && !ring.is_retired());
}

/// The end of a producer is news to the first consumer that sees it, and to no later one.
#[test]
fn end_of_a_producer_is_told_once() {
    let ring = Ring::<[u8]>::anonymous(&Options::bytes(64)).expect("a ring");
    let mut consumer = ring.consumer().expect("one");
    assert_eq!((consumer.ended(), consumer.producer().expect("asked").attachments), (0, 0));
    let words = |role| ring.presence(role).expect("asked").state.to_string();
    assert_eq!((words(Role::Producer), words(Role::Consumer)), ("never attached".into(), "attached".into()));
    drop(ring.producer().expect("one"));
    assert_eq!(words(Role::Producer), "detached");
    assert_eq!(
        (State::Died.to_string(), State::Recovered.to_string()),
        ("died".into(), "died, recovered".into())
    );
    let gone = consumer.producer().expect("asked");
    assert_eq!((gone.attachments, consumer.ended()), (1, 0), "news");
    consumer.acknowledge_end(&gone);
    assert_eq!(consumer.ended(), 1);
    drop(consumer);
    assert_eq!(ring.consumer().expect("one").ended(), 1);
    let producer = ring.producer().expect("one");
    assert_eq!(producer.consumer().expect("asked").attachments, 2);
    assert_eq!(ring.presence(Role::Producer).expect("asked").attachments, 2);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
struct Trade {
    price: u64,
    volume: u64,
}

/// References into the ring, for who trusts all that have it.
#[test]
fn trusting_handles_write_and_read_in_place() {
    let ring = Ring::<Trade>::anonymous(&Options::messages(4)).expect("a ring");
    // SAFETY: both ends are this test's, which writes no message that was sent.
    let mut producer = unsafe { ring.producer().expect("one").trust_peers() };
    // SAFETY: as above.
    let mut consumer = unsafe { ring.consumer().expect("one").trust_peers() };
    let mut claim = producer.claim().expect("room");
    claim.write(Trade { price: 1, volume: 2 });
    claim.volume = 7;
    assert_eq!((claim.price, claim.volume), (1, 7));
    claim.publish().expect("sent");
    assert_eq!(*consumer.recv().expect("it"), Trade { price: 1, volume: 7 });
    producer.send_batch(&[Trade { price: 3, volume: 4 }]).1.expect("room");
    assert_eq!(consumer.recv_batch(1).expect("it").next().expect("one").volume, 4);

    let ring = Ring::<[u8]>::anonymous(&Options::bytes(256)).expect("a ring");
    // SAFETY: as above.
    let mut producer = unsafe { ring.producer().expect("one").trust_peers() };
    // SAFETY: as above.
    let mut consumer = unsafe { ring.consumer().expect("one").trust_peers() };
    let mut claim = producer.claim(5).expect("room");
    claim.copy_from_slice(b"hello");
    assert_eq!((&claim[..], claim.len()), (&b"hello"[..], 5));
    claim.publish().expect("sent");
    producer.send(b"again").expect("room");
    assert_eq!(&*consumer.recv().expect("it"), b"hello");
    assert_eq!(&*consumer.recv_batch(1).expect("it").next().expect("one"), b"again");
}

#[test]
fn observer_tells_how_a_ring_was_made() {
    let dir = shared_memory();
    let path = dir.path().join("ring");
    let options = Options::messages(8)
        .type_tag(9)
        .delivery(Delivery::AtMostOnce)
        .holding(5)
        .huge_pages(HugePages::Never)
        .populate(true);
    let before = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock").as_nanos();
    let ring = mpmc::Ring::<u64>::create(&path, &options).expect("a ring");
    let observer = Observer::open(&path).expect("the ring");
    assert_eq!((observer.path(), observer.kind(), observer.type_tag()), (path.clone(), Kind::Mpmc, 9));
    assert_eq!((observer.capacity(), observer.delivery()), (8, Delivery::AtMostOnce));
    assert_eq!((observer.message_layout(), observer.max_message()), (Some((8, 8)), 8));
    assert_eq!((observer.holding(), observer.max_deliveries()), (Some(5), None));
    let since = u128::from(observer.created()) - before;
    assert!(since < 60_000_000_000, "{since} ns");
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("this boot");
    let told: String = observer.boot_id().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(told, boot.trim().replace('-', ""));
    let placement = observer.placement();
    assert_eq!((placement.pages, placement.populate), (Pages::Small, true));
    assert_eq!(placement, ring.placement());

    assert_eq!((observer.is_closed(), observer.session(), observer.is_retired()), (false, 0, false));
    ironring::close(&path).expect("closed");
    assert!(observer.is_closed() && ring.is_closed());
    ironring::reopen(&path).expect("open again");
    assert_eq!((observer.is_closed(), observer.session()), (false, 1));
    ironring::remove(&path).expect("removed");
    assert!(observer.is_retired());
}

#[test]
fn pages_are_told_in_words() {
    for (pages, words) in [
        (Pages::Ordinary, "ordinary"),
        (Pages::Small, "small, huge ones refused"),
        (Pages::Advised { huge: 0 }, "small, no huge ones were to be had"),
        (Pages::Advised { huge: 4 << 20 }, "transparent huge ones, for 4194304 bytes"),
        (Pages::Huge { size: 2 << 20 }, "huge, of 2097152 bytes"),
    ] {
        assert_eq!(pages.to_string(), words);
    }
}
