//! Models of the exchange ring: participants at work in a small ring, each in a thread of
//! its own, the first of which may be killed; and what must hold in the end.

use ironring::{
    Error, Life, Options, RecvError, SendError,
    mpmc::{Consumer, Producer, Ring, View},
};
use loom::thread::{self, yield_now};

use crate::{model, model_lives};

/// What a participant does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Sends so many messages, each as soon as there is room.
    Send(u32),
    /// Tries to send a message so many times.
    TrySend(u32),
    /// Sends so many messages, in the place of the oldest where there is no room.
    Force(u32),
    /// Receives so many messages, each as soon as there is one.
    Receive(u32),
    /// Tries to receive a message so many times.
    TryReceive(u32),
    /// Receives so many messages, holds them all, and releases the last one first.
    Hold(u32),
}

/// What follows in the first thread when its participant has ended or was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Nothing,
    /// A successor attaches in its place and does what is left of its work.
    Attach,
    /// Its record is set right.
    Recover,
}

/// A ring, and who works in it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub capacity: u64,
    /// Places for participants: at least two.
    pub places: u32,
    /// Messages that have passed, one by one, when the model begins.
    pub passed: u32,
    /// Messages that wait in the ring then.
    pub waiting: u32,
    /// What the participants do, each in a thread of its own. The first may be killed.
    pub works: &'static [Work],
    /// Whether the second may be killed too, in place of a successor of the first.
    pub both: bool,
    pub then: Then,
    pub preemptions: usize,
}

/// A message that somebody got.
#[derive(Clone, Copy, Debug)]
struct Seen {
    number: u32,
    position: u64,
    is_marked: bool,
    is_released: bool,
}

impl Seen {
    /// A message whose contents are those that were sent.
    fn of(view: &View<'_, [u8]>) -> Self {
        let number = view.tag();
        assert_eq!(view.to_vec(), bytes_of(number));
        Self { number, position: view.position(), is_marked: view.is_redelivered(), is_released: false }
    }
}

/// What a thread has to tell.
#[derive(Clone, Debug, Default)]
struct Log {
    /// Messages that it began to send, those that it knows it sent, and those that had to
    /// go for them.
    begun: Vec<u32>,
    sent: Vec<u32>,
    displaced: Vec<u32>,
    seen: Vec<Seen>,
    /// How often the ring was found full or empty.
    blocked: u32,
}

impl Log {
    fn released(&self) -> u32 {
        self.seen.iter().filter(|seen| seen.is_released).count() as u32
    }
}

/// Messages are numbered from a multiple of this on: a different one for each thread.
const PER_SENDER: u32 = 16;
/// The number of the first message that was sent before the model began.
const FIRST: u32 = 16 * PER_SENDER;

/// The contents of message `number`, by which it is told from bytes that were there before.
const fn bytes_of(number: u32) -> [u8; 8] {
    (0x100 + number as u64).to_le_bytes()
}

/// A participant, and how long it lives.
struct Participant {
    end: End,
    life: Life,
}

enum End {
    Producer(Producer<[u8]>),
    Consumer(Consumer<[u8]>),
}

impl Participant {
    fn attach(ring: &Ring<[u8]>, work: Work, life: &Life) -> Result<Self, Error> {
        let end = match work {
            Work::Send(_) | Work::TrySend(_) | Work::Force(_) => End::Producer(ring.producer(life)?),
            Work::Receive(_) | Work::TryReceive(_) | Work::Hold(_) => End::Consumer(ring.consumer(life)?),
        };
        Ok(Self { end, life: life.clone() })
    }

    /// Does what is left of `work`, as far as it lives; messages are numbered from `first` on.
    fn work(&mut self, work: Work, first: u32, log: &mut Log) {
        if self.life.is_over() {
            return;
        }
        match (&mut self.end, work) {
            (End::Producer(producer), Work::Send(count) | Work::TrySend(count) | Work::Force(count)) => {
                let numbers = first..first + count;
                let last = producer.last_published().filter(|last| numbers.contains(&last.tag));
                for number in last.map_or(first, |last| last.tag + 1)..numbers.end {
                    if !send(producer, work, number, &self.life, log) {
                        return;
                    }
                }
            }
            (End::Consumer(consumer), Work::Receive(count)) => {
                while log.released() < count && !self.life.is_over() {
                    receive(consumer, &self.life, log);
                }
            }
            (End::Consumer(consumer), Work::TryReceive(count)) => {
                for _ in 0..count {
                    if !self.life.is_over() {
                        receive(consumer, &self.life, log);
                    }
                }
            }
            (End::Consumer(consumer), Work::Hold(count)) => hold(consumer, count, &self.life, log),
            _ => unreachable!("a participant has the role of its work"),
        }
    }
}

/// Sends message `number`; false if it was killed before it knew that it had.
fn send(producer: &mut Producer<[u8]>, work: Work, number: u32, life: &Life, log: &mut Log) -> bool {
    producer.set_tag(number);
    log.begun.push(number);
    loop {
        let sent = match work {
            Work::Force(_) => producer.force_send(&bytes_of(number)),
            _ => producer.try_send(&bytes_of(number)).map(|()| None),
        };
        if life.is_over() {
            return false;
        }
        match sent {
            Ok(displaced) => {
                log.displaced.extend(displaced.map(|displaced| displaced.tag));
                log.sent.push(number);
                return true;
            }
            Err(SendError::Full) if matches!(work, Work::TrySend(_)) => {
                log.begun.pop();
                log.blocked += 1;
                return true;
            }
            Err(SendError::Full) => yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Receives and releases a message, if there is one.
fn receive(consumer: &mut Consumer<[u8]>, life: &Life, log: &mut Log) {
    let message = match consumer.try_recv() {
        Ok(message) => message,
        Err(RecvError::Empty) => {
            log.blocked += 1;
            return yield_now();
        }
        Err(error) => panic!("{error}"),
    };
    if life.is_over() {
        return;
    }
    let mut seen = Seen::of(&message.view());
    message.release();
    seen.is_released = !life.is_over();
    log.seen.push(seen);
}

/// Receives messages until `count` of them are held or released, then releases those.
fn hold(consumer: &mut Consumer<[u8]>, count: u32, life: &Life, log: &mut Log) {
    let mut held = Vec::new();
    while log.released() + (held.len() as u32) < count {
        let messages = consumer.try_recv_owned();
        if life.is_over() {
            return;
        }
        match messages {
            Ok(messages) => {
                log.seen.extend(messages.iter().map(|view| Seen::of(&view)));
                held.push((log.seen.len() - 1, messages));
            }
            Err(RecvError::Empty) => yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    while let Some((index, messages)) = held.pop() {
        messages.release();
        log.seen[index].is_released = !life.is_over();
    }
}

impl Plan {
    /// Runs the model in every order of its threads' steps, the lives of the first
    /// participant and of its successors ending after so many stores; tells whether in any
    /// order all of them were killed.
    pub fn run(self, lives: &[u32]) -> bool {
        model_lives(self.preemptions, lives, move |lives| self.run_once(lives))
    }

    fn run_once(self, lives: Vec<Life>) {
        let mut lives = lives.into_iter();
        let victims = lives.by_ref().take(if self.both { 2 } else { 1 }).collect::<Vec<_>>();
        let begun = thread::spawn(move || {
            let ring = self.begin();
            let mut lives = victims.into_iter().chain(std::iter::repeat(Life::endless()));
            let mut attach = |work| {
                let life = lives.next().expect("a life for each");
                Participant::attach(&ring, work, &life).expect("a place")
            };
            let participants = self.works.iter().map(|work| attach(*work)).collect::<Vec<_>>();
            (ring, participants)
        });
        let (ring, participants) = begun.join().unwrap();
        let mut successors = Some(lives.collect::<Vec<_>>());
        let mut threads = Vec::new();
        for (first, (mut participant, work)) in
            (0..).step_by(PER_SENDER as usize).zip(participants.into_iter().zip(self.works))
        {
            let ring = ring.clone();
            let successors = successors.take().or_else(|| (self.both && first == PER_SENDER).then(Vec::new));
            threads.push(thread::spawn(move || {
                let mut log = Log::default();
                participant.work(*work, first, &mut log);
                drop(participant);
                if let Some(successors) = successors {
                    self.follow(&ring, *work, first, &successors, &mut log);
                }
                log
            }));
        }
        let logs = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        self.check(&ring, logs);
    }

    /// A ring through which some messages have passed, and in which others wait.
    fn begin(self) -> Ring<[u8]> {
        let holding = self.works.iter().map(|work| if let Work::Hold(count) = work { *count } else { 1 });
        let options = Options::messages(self.capacity).max_message(8).holding(holding.max().unwrap_or(1));
        let options = options.participants(self.places);
        let ring = Ring::<[u8]>::anonymous(&options).expect("options that describe a ring");
        let life = Life::endless();
        let (mut log, passing) = (Log::default(), FIRST + self.passed);
        let mut consumer = ring.consumer(&life).expect("a place");
        let mut producer = ring.producer(&life).expect("a place");
        for number in FIRST..passing {
            send(&mut producer, Work::Send(1), number, &life, &mut log);
            receive(&mut consumer, &life, &mut log);
        }
        for number in passing..passing + self.waiting {
            send(&mut producer, Work::Send(1), number, &life, &mut log);
        }
        ring
    }

    /// What follows in the thread of the participant that may have been killed.
    fn follow(self, ring: &Ring<[u8]>, work: Work, first: u32, lives: &[Life], log: &mut Log) {
        for life in lives.iter().chain([&Life::endless()]) {
            match self.then {
                Then::Nothing => {}
                Then::Recover => drop(ring.recover(life).expect("no corruption")),
                Then::Attach => match Participant::attach(ring, work, life) {
                    Ok(mut successor) => successor.work(work, first, log),
                    // Killed while it attached.
                    Err(error) => assert!(life.is_over(), "{error}"),
                },
            }
        }
    }

    /// Receives what is left, and checks that all is accounted for.
    fn check(self, ring: &Ring<[u8]>, mut logs: Vec<Log>) {
        let life = Life::endless();
        ring.recover(&life).expect("no corruption");
        let mut rest = Log::default();
        let mut consumer = ring.consumer(&life).expect("a place");
        while rest.blocked == 0 {
            receive(&mut consumer, &life, &mut rest);
        }
        drop(consumer);
        logs.push(rest);

        let mut slots = ring.slots();
        slots.sort_unstable();
        assert!(slots.iter().zip(0..).all(|(slot, n)| *slot == n), "not each slot once: {slots:?}");

        let all = |of: fn(&Log) -> &Vec<u32>| logs.iter().flat_map(of).copied().collect::<Vec<_>>();
        let waiting = FIRST + self.passed..FIRST + self.passed + self.waiting;
        let sent = waiting.clone().chain(all(|log| &log.sent)).collect::<Vec<_>>();
        let begun = waiting.chain(all(|log| &log.begun)).collect::<Vec<_>>();
        let displaced = all(|log| &log.displaced);
        let seen = logs.iter().flat_map(|log| &log.seen);
        let released = seen.clone().filter(|seen| seen.is_released).collect::<Vec<_>>();
        let mut lost = 0;
        for number in &begun {
            let times = released.iter().filter(|seen| seen.number == *number).count()
                + displaced.iter().filter(|displaced| *displaced == number).count();
            assert!(times <= 1, "message {number} came {times} times: {logs:?}");
            lost += usize::from(times == 0 && sent.contains(number));
            let unmarked = seen.clone().filter(|seen| seen.number == *number && !seen.is_marked).count();
            assert!(unmarked <= 1, "message {number} came again unmarked: {logs:?}");
        }
        // Whoever was killed before it knew that it had sent did not learn what went for it.
        let forces = self.works.iter().any(|work| matches!(work, Work::Force(_)));
        let unknown = if forces { begun.len() - sent.len() } else { 0 };
        assert!(lost <= unknown, "{lost} messages were lost: {logs:?}");
        for log in &logs {
            let unmarked = log.seen.iter().filter(|seen| !seen.is_marked).collect::<Vec<_>>();
            assert!(unmarked.is_sorted_by_key(|seen| seen.position), "not in order: {logs:?}");
        }
        let mut in_order = released;
        in_order.sort_unstable_by_key(|seen| seen.position);
        for pair in in_order.windows(2) {
            assert!(pair[0].position < pair[1].position, "two at one position: {logs:?}");
        }
        in_order.sort_by_key(|seen| seen.number / PER_SENDER);
        assert!(in_order.is_sorted_by_key(|seen| seen.number), "not first in, first out: {logs:?}");
    }
}

/// A ring, one who is to send and one who is to receive in it.
struct Pair {
    ring: Ring<[u8]>,
    producer: Producer<[u8]>,
    consumer: Consumer<[u8]>,
}

impl Plan {
    /// The ring, and two that take part in it and live for ever.
    fn pair(self) -> Pair {
        let begun = thread::spawn(move || {
            let (ring, life) = (self.begin(), Life::endless());
            let producer = ring.producer(&life).expect("a place");
            let consumer = ring.consumer(&life).expect("a place");
            Pair { ring, producer, consumer }
        });
        begun.join().unwrap()
    }

    /// Runs a model of a consumer that hands its first message to another thread, which
    /// releases it, and goes on to receive, so that the slot comes to the sender.
    pub fn run_released_elsewhere(self) {
        assert_eq!(self.waiting, 1);
        model(self.preemptions, move || {
            let Pair { mut producer, mut consumer, .. } = self.pair();
            let sender = thread::spawn(move || {
                for number in 0..3 {
                    send(&mut producer, Work::Send(1), number, &Life::endless(), &mut Log::default());
                }
            });
            let receiver = thread::spawn(move || {
                let first = consumer.try_recv_owned().expect("the message that waits");
                let releasing = thread::spawn(move || {
                    let numbers = first.iter().map(|view| Seen::of(&view).number);
                    assert_eq!(numbers.collect::<Vec<_>>(), [FIRST]);
                    first.release();
                });
                let mut log = Log::default();
                while log.released() < 2 {
                    match consumer.try_recv() {
                        Ok(message) => {
                            let seen = Seen::of(&message.view());
                            log.seen.push(Seen { is_released: true, ..seen });
                        }
                        Err(RecvError::Empty | RecvError::HoldsAll) => yield_now(),
                        Err(error) => panic!("{error}"),
                    }
                }
                assert!(log.seen.iter().map(|seen| seen.number).eq(0..2), "{log:?}");
                releasing.join().unwrap();
            });
            sender.join().unwrap();
            receiver.join().unwrap();
        });
    }

    /// Runs a model of two that send, one of which then receives all up to its own message:
    /// the ring is never empty before that.
    pub fn run_sent_and_received(self) {
        model(self.preemptions, move || {
            let Pair { ring, mut producer, mut consumer } = self.pair();
            let begun = thread::spawn(move || ring.producer(&Life::endless()).expect("a place"));
            let mut other = begun.join().unwrap();
            let first = thread::spawn(move || {
                for number in PER_SENDER..PER_SENDER + 2 {
                    send(&mut other, Work::Send(1), number, &Life::endless(), &mut Log::default());
                }
            });
            let second = thread::spawn(move || {
                let (life, mut log) = (Life::endless(), Log::default());
                send(&mut producer, Work::Send(1), 0, &life, &mut log);
                while log.seen.last().is_none_or(|seen| seen.number != 0) {
                    receive(&mut consumer, &life, &mut log);
                    assert_eq!(log.blocked, 0, "empty behind a message that was sent before");
                }
            });
            first.join().unwrap();
            second.join().unwrap();
        });
    }
}
