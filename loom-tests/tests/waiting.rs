//! Participants sleep, and nobody sleeps through a message, through room, or through the end.
//! What they wait for comes once, so that a wake-up that is lost is never made up for: the
//! model then stands still, which loom reports. For the same reason whoever has done its part
//! keeps its handle until all have: to let go of one wakes the other side, too.
#![cfg(loom)]

use ironring::{
    Algorithm, Consumer, Deadline, Life, Options, Producer, RecvError, Ring, SendError, Sleep, Wait, WaitAny,
    WaitAnyError, Wary,
    mpmc::Mpmc,
    spsc::{self, Spsc},
};
use ironring_loom_tests::{EIGHT_WORDS, kill_anywhere, model, model_lives};
use loom::thread::{self, JoinHandle};

type Sender<A> = Producer<u64, Wary, A>;
type Receiver<A> = Consumer<u64, Wary, A>;
/// What a waiting receiver gets.
type Received = Result<u64, RecvError>;

/// A ring of one-word messages and its participants, all of which sleep where they must wait.
struct Setting<A: Algorithm> {
    ring: Ring<u64, A>,
    senders: Vec<Sender<A>>,
    receivers: Vec<Receiver<A>>,
}

/// A ring of `capacity` messages, in which those of `numbers` wait.
fn ring<A: Algorithm>(capacity: u64, sleep: Sleep, numbers: &[u64]) -> Ring<u64, A> {
    let ring = Ring::sleeping(&Options::messages(capacity).participants(4), sleep).expect("such a ring");
    let mut producer = ring.producer(&Life::endless()).unwrap();
    for number in numbers {
        producer.try_send(number).unwrap();
    }
    drop(producer);
    ring
}

fn sender<A: Algorithm>(ring: &Ring<u64, A>, life: &Life) -> Option<Sender<A>> {
    let mut producer = ring.producer(life).ok()?;
    producer.set_wait(Wait::Park);
    Some(producer)
}

fn receiver<A: Algorithm>(ring: &Ring<u64, A>, life: &Life) -> Option<Receiver<A>> {
    let mut consumer = ring.consumer(life).ok()?;
    consumer.set_wait(Wait::Park);
    Some(consumer)
}

/// The ring, and so many who send and receive.
fn setting<A: Algorithm + 'static>(
    (capacity, numbers): (u64, &'static [u64]),
    sleep: Sleep,
    (senders, receivers): (usize, usize),
) -> Setting<A>
where
    Setting<A>: Send,
{
    let made = thread::spawn(move || {
        let (ring, life) = (ring(capacity, sleep, numbers), Life::endless());
        let senders = (0..senders).map(|_| sender(&ring, &life).unwrap()).collect();
        let receivers = (0..receivers).map(|_| receiver(&ring, &life).unwrap()).collect();
        Setting { ring, senders, receivers }
    });
    made.join().unwrap()
}

/// Receives so many messages in a thread of its own.
fn receive<A: Algorithm + 'static>(
    mut consumer: Receiver<A>,
    count: u32,
) -> JoinHandle<(Receiver<A>, Vec<Received>)> {
    thread::spawn(move || {
        let got = (0..count).map(|_| consumer.recv_value()).collect();
        (consumer, got)
    })
}

/// Sends the messages in a thread of its own.
fn send<A: Algorithm + 'static>(
    mut producer: Sender<A>,
    numbers: &'static [u64],
) -> JoinHandle<(Sender<A>, Result<(), SendError>)> {
    thread::spawn(move || {
        let done = numbers.iter().try_for_each(|number| producer.send(number));
        (producer, done)
    })
}

/// Closes the ring, as one who holds no place in it.
fn close<A: Algorithm + 'static>(ring: &Ring<u64, A>)
where
    Ring<u64, A>: Send,
{
    let ring = ring.clone();
    thread::spawn(move || ring.close()).join().unwrap();
}

/// What all of these sent, and what all of those received, in the order of numbers.
fn all_pass<A: Algorithm + 'static>(
    ring: (u64, &'static [u64]),
    sleep: Sleep,
    sends: &'static [&'static [u64]],
    receives: &'static [u32],
    preemptions: usize,
) where
    Setting<A>: Send,
{
    model(preemptions, move || {
        let setting = setting::<A>(ring, sleep, (sends.len(), receives.len()));
        let receiving = setting.receivers.into_iter().zip(receives).map(|(to, count)| receive(to, *count));
        let receiving: Vec<_> = receiving.collect();
        let sending = setting.senders.into_iter().zip(sends).map(|(from, numbers)| send(from, numbers));
        let sending: Vec<_> = sending.collect();
        let sent: Vec<_> = sending.into_iter().map(|thread| thread.join().unwrap()).collect();
        let got: Vec<_> = receiving.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(sent.iter().all(|(_, done)| done.is_ok()));
        let mut numbers: Vec<u64> = got.iter().flat_map(|(_, got)| got).map(|got| got.unwrap()).collect();
        numbers.sort_unstable();
        let expected: Vec<u64> = ring.1.iter().chain(sends.iter().copied().flatten()).copied().collect();
        assert_eq!(numbers, expected);
    });
}

#[test]
fn a_message_wakes_its_receiver() {
    all_pass::<Spsc>((2, &[]), Sleep::WithMembarrier, &[&[1, 2]], &[2], 2);
}

#[test]
fn a_message_wakes_its_receiver_by_a_fence() {
    all_pass::<Spsc>((2, &[]), Sleep::WithoutMembarrier, &[&[1, 2]], &[2], 2);
}

#[test]
fn a_message_of_an_exchange_wakes_its_receiver() {
    all_pass::<Mpmc>((2, &[]), Sleep::WithoutMembarrier, &[&[1, 2]], &[2], 1);
}

#[test]
fn room_wakes_the_sender() {
    all_pass::<Spsc>((1, &[1]), Sleep::WithMembarrier, &[&[2, 3]], &[3], 2);
}

#[test]
fn room_wakes_the_sender_by_a_fence() {
    all_pass::<Spsc>((1, &[1]), Sleep::WithoutMembarrier, &[&[2, 3]], &[3], 2);
}

#[test]
fn room_in_an_exchange_wakes_the_sender() {
    all_pass::<Mpmc>((1, &[1]), Sleep::WithoutMembarrier, &[&[2, 3]], &[3], 1);
}

#[test]
fn two_receivers_are_woken() {
    all_pass::<Mpmc>((2, &[]), Sleep::WithoutMembarrier, &[&[1, 2]], &[1, 1], 1);
}

#[test]
fn two_senders_are_woken() {
    all_pass::<Mpmc>((1, &[1]), Sleep::WithoutMembarrier, &[&[2], &[3]], &[3], 1);
}

/// In a byte ring, where the header publishes.
#[test]
fn a_frame_wakes_its_receiver() {
    for sleep in [Sleep::WithMembarrier, Sleep::WithoutMembarrier] {
        model(2, move || {
            let made = thread::spawn(move || {
                let ring = spsc::Ring::<[u8]>::sleeping(&EIGHT_WORDS, sleep).unwrap();
                (ring.producer(&Life::endless()).unwrap(), ring.consumer(&Life::endless()).unwrap())
            });
            let (mut producer, mut consumer) = made.join().unwrap();
            let receiving = thread::spawn(move || {
                consumer.set_wait(Wait::Park);
                assert_eq!(consumer.recv().unwrap().len(), 8);
                consumer
            });
            let sending = thread::spawn(move || {
                producer.try_send(&[1; 8]).unwrap();
                producer
            });
            let _all = (sending.join().unwrap(), receiving.join().unwrap());
        });
    }
}

/// The ring is closed while one waits for a message, and then while one waits for room.
fn close_wakes<A: Algorithm + 'static>(sleep: Sleep)
where
    Setting<A>: Send,
    Ring<u64, A>: Send,
{
    model(2, move || {
        let mut setting = setting::<A>((2, &[7]), sleep, (0, 1));
        let receiving = receive(setting.receivers.remove(0), 2);
        close(&setting.ring);
        assert_eq!(receiving.join().unwrap().1, [Ok(7), Err(RecvError::Disconnected)]);
    });
    model(2, move || {
        let mut setting = setting::<A>((1, &[7]), sleep, (1, 0));
        let sending = send(setting.senders.remove(0), &[8]);
        close(&setting.ring);
        assert_eq!(sending.join().unwrap().1, Err(SendError::Disconnected));
    });
}

#[test]
fn a_close_wakes_who_waits() {
    close_wakes::<Spsc>(Sleep::WithMembarrier);
    close_wakes::<Spsc>(Sleep::WithoutMembarrier);
}

#[test]
fn a_close_of_an_exchange_wakes_who_waits() {
    close_wakes::<Mpmc>(Sleep::WithoutMembarrier);
}

/// A sender closes the ring behind its message: it is received, and then the end.
fn close_loses_nothing<A: Algorithm + 'static>(sleep: Sleep, preemptions: usize)
where
    Setting<A>: Send,
{
    model(preemptions, move || {
        let mut setting = setting::<A>((2, &[]), sleep, (1, 1));
        let receiving = receive(setting.receivers.remove(0), 2);
        let mut producer = setting.senders.remove(0);
        let sending = thread::spawn(move || {
            producer.send(&7).unwrap();
            producer.close();
            producer
        });
        let _kept = sending.join().unwrap();
        assert_eq!(receiving.join().unwrap().1, [Ok(7), Err(RecvError::Disconnected)]);
    });
}

#[test]
fn a_close_loses_no_message() {
    close_loses_nothing::<Spsc>(Sleep::WithMembarrier, 2);
    close_loses_nothing::<Spsc>(Sleep::WithoutMembarrier, 2);
}

#[test]
fn a_close_of_an_exchange_loses_no_message() {
    close_loses_nothing::<Mpmc>(Sleep::WithoutMembarrier, 1);
}

/// `try_recv` never waits, and says `Disconnected` only behind what was sent.
#[test]
fn a_close_is_seen_behind_the_last_message() {
    model(2, || {
        let mut setting = setting::<Spsc>((2, &[]), Sleep::WithMembarrier, (1, 1));
        let (mut producer, mut consumer) = (setting.senders.remove(0), setting.receivers.remove(0));
        let receiving = thread::spawn(move || {
            let got = consumer.try_recv().map(|message| message.get());
            (consumer, got)
        });
        let sending = thread::spawn(move || {
            producer.try_send(&7).unwrap();
            producer
        });
        let _kept = sending.join().unwrap();
        close(&setting.ring);
        let (_consumer, got) = receiving.join().unwrap();
        assert!(matches!(got, Ok(7) | Err(RecvError::Empty)), "{got:?}");
    });
}

/// One that sends is killed anywhere, also when it owes a wake-up, while another one sends: the
/// receiver gets what has come.
#[test]
fn a_wake_up_that_a_dead_sender_owed_is_made_up_for() {
    kill_anywhere(|lives| {
        model_lives(1, lives, |lives| {
            let mut setting = setting::<Mpmc>((4, &[]), Sleep::WithoutMembarrier, (1, 1));
            let first = sender(&setting.ring, &lives[0]);
            let receiving = receive(setting.receivers.remove(0), 1);
            let dying = first.map(|first| send(first, &[1]));
            let living = send(setting.senders.remove(0), &[2]);
            let _kept = (living.join().unwrap(), dying.map(|dying| dying.join().unwrap()));
            assert!(receiving.join().unwrap().1[0].is_ok());
        })
    });
}

/// One that waits is killed anywhere; another that waits is woken all the same.
#[test]
fn a_dead_receiver_swallows_no_wake_up() {
    kill_anywhere(|lives| {
        model_lives(1, lives, |lives| {
            let mut setting = setting::<Mpmc>((4, &[]), Sleep::WithoutMembarrier, (1, 1));
            let dying = receiver(&setting.ring, &lives[0]).map(|dying| receive(dying, 1));
            let living = receive(setting.receivers.remove(0), 1);
            let sending = send(setting.senders.remove(0), &[1, 2]);
            let _kept = sending.join().unwrap();
            assert!(living.join().unwrap().1[0].is_ok());
            let _ = dying.map(|dying| dying.join().unwrap());
        })
    });
}

/// One waits for two rings at once: by each comes a message, and by the other one the end.
fn any_of_two_wakes<A: Algorithm + 'static>(sleep: Sleep, preemptions: usize)
where
    Sender<A>: Send,
    Receiver<A>: Send,
{
    model(preemptions, move || {
        let made = thread::spawn(move || {
            let one = ring::<A>(2, sleep, &[]);
            let options = Options::messages(2).participants(4);
            let other = Ring::<u64, A>::sleeping_beside(&options, sleep, &one).unwrap();
            let life = Life::endless();
            let senders = [sender(&one, &life).unwrap(), sender(&other, &life).unwrap()];
            let receivers = [receiver(&one, &life).unwrap(), receiver(&other, &life).unwrap()];
            (senders, receivers)
        });
        let (senders, mut receivers) = made.join().unwrap();
        let receiving = thread::spawn(move || {
            let (mut any, mut got) = (WaitAny::new(), [0, 0]);
            let mut open = 2;
            while got != [7, 8] || open == 2 {
                match any.wait(&mut receivers[..open], Deadline::NEVER) {
                    Ok(index) => got[index] = receivers[index].try_recv().expect("it").get(),
                    Err(WaitAnyError::Receiver { index: 1, error: RecvError::Disconnected }) => {
                        assert_eq!(got[1], 8);
                        open = 1;
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            receivers
        });
        let [to_one, mut to_other] = senders;
        let closing = thread::spawn(move || {
            to_other.send(&8).unwrap();
            to_other.close();
            to_other
        });
        let _kept = (send(to_one, &[7]).join().unwrap(), closing.join().unwrap());
        receiving.join().unwrap();
    });
}

#[test]
fn any_of_two_wakes_who_waits_for_both() {
    any_of_two_wakes::<Spsc>(Sleep::WithMembarrier, 1);
}

#[test]
fn any_of_two_wakes_who_waits_for_both_by_a_fence() {
    any_of_two_wakes::<Spsc>(Sleep::WithoutMembarrier, 1);
}

#[test]
fn any_of_two_exchanges_wakes_who_waits_for_both() {
    any_of_two_wakes::<Mpmc>(Sleep::WithoutMembarrier, 1);
}
