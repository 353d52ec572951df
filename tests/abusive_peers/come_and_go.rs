//! One that attaches and leaves, or attaches and is killed, again and again.

use std::time::{Duration, Instant};

use ironring::{Error, RecvError, Ring, Wait, WhenAlone, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::{Args, Role, rng::fastrand::Rng, roles::RoleFn};

use crate::{
    account::{Book, DONE, HAD, MARKED, NO_PLACE, REFUSED},
    crowd::{Crowd, Crowded},
    honest::{PATIENCE, TICK, by_its_deadline},
    trials::Tests,
};

pub(crate) const ROLES: &[(&str, RoleFn)] =
    &[("spsc::come_and_go", come_and_go::<Spsc>), ("mpmc::come_and_go", come_and_go::<Mpmc>)];

pub(crate) const TESTS: Tests = &[
    ("spsc: who comes and goes in a loop takes nobody's place or message", || comes_and_goes::<Spsc>(false)),
    ("mpmc: who comes and goes in a loop takes nobody's place or message", || comes_and_goes::<Mpmc>(false)),
    ("spsc: who is killed in a loop takes nobody's place or message", || comes_and_goes::<Spsc>(true)),
    ("mpmc: who is killed in a loop takes nobody's place or message", || comes_and_goes::<Mpmc>(true)),
    ("spsc: wake-ups for nothing move no deadline", wakes_for_nothing::<Spsc>),
    ("mpmc: wake-ups for nothing move no deadline", wakes_for_nothing::<Mpmc>),
];

/// How often it comes, at least.
const TIMES: u64 = 300;

/// Role: a process after the other comes in one role and in the other, takes a message that it never
/// releases, and leaves, or is killed somewhere between.
fn come_and_go<A: Crowded>(mut args: Args) {
    let book: &'static Book = Box::leak(Box::new(Book::given(&mut args)));
    let ring = Ring::<u64, A>::open(args.parse::<String>("path")).expect("the ring");
    let dies: bool = args.parse("dies");
    let mut rng = Rng::with_seed(1);
    loop {
        let ring = ring.clone();
        let mut child = Role::new("one of many").forked(move |_| come(book, &ring)).spawn().expect("a fork");
        if dies {
            let until = Instant::now() + Duration::from_micros(rng.u64(..2000));
            while Instant::now() < until {
                std::hint::spin_loop();
            }
            child.kill();
        } else {
            assert!(child.wait().success(), "a guest found something wrong");
        }
        book.add(DONE, 1);
    }
}

fn come<A: Crowded>(book: &Book, ring: &Ring<u64, A>) {
    for _ in 0..4 {
        let producer = had(book, ring.producer());
        let mut consumer = had(book, ring.consumer());
        if let Some(message) = consumer.as_mut().and_then(|consumer| consumer.try_recv().ok()) {
            // Somebody else is to have it, marked.
            message.hand_back();
        }
        drop((producer, consumer));
    }
}

fn had<T>(book: &Book, attached: Result<T, Error>) -> Option<T> {
    match attached {
        Ok(handle) => {
            book.add(HAD, 1);
            Some(handle)
        }
        Err(Error::Busy { .. } | Error::NoPlace { .. }) => {
            book.add(REFUSED, 1);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn comes_and_goes<A: Crowded>(dies: bool) {
    for leaves in [false, true] {
        // Those who stay have places of their own; those who leave contend for theirs.
        let mut crowd = Crowd::<A>::new(A::HONEST + if leaves { 0 } else { 1 });
        crowd.gather(leaves);
        let mut abuser = crowd.role("come_and_go").arg(dies).spawn().expect("a process");
        crowd.until("some visits", |book| book.get(DONE) >= TIMES / 10);
        let before = crowd.sizes();
        crowd.until("many visits", |book| book.get(DONE) >= TIMES);
        crowd.until_more(100);
        crowd.must_be_as_small(&before);
        assert_eq!(abuser.wait_timeout(Duration::ZERO), None, "it has found something wrong");
        abuser.kill();
        let [had, refused, kept_out, marked] =
            [HAD, REFUSED, NO_PLACE, MARKED].map(|word| crowd.book.get(word));
        println!(
            "{}: dies {dies}, leaves {leaves}: it had {had} places and was refused {refused}, others {kept_out}; {marked} came marked",
            A::NAME
        );
        if !leaves && A::HAS_ROLES {
            assert_eq!((had, kept_out), (0, 0), "the roles are taken");
        } else {
            assert!(had > TIMES / 10, "it had no place");
            assert!(leaves || kept_out == 0, "a place was taken from who had it");
        }
        crowd.end();
    }
}

fn wakes_for_nothing<A: Crowded>() {
    let mut crowd = Crowd::<A>::new(A::HONEST);
    // The other role is free.
    let mut consumer = crowd.ring.consumer().expect("a place");
    consumer.set_wait(Wait::Park);
    let mut abuser = crowd.role("come_and_go").arg(false).spawn().expect("a process");
    let until = crowd.book.get(DONE) + 100;
    while crowd.book.get(DONE) < until {
        let timed_out = |result: &Result<_, _>| matches!(result, Err(RecvError::TimedOut));
        let nothing = by_its_deadline(TICK, timed_out, || consumer.recv_by(TICK));
        assert_eq!(nothing.err(), Some(RecvError::TimedOut));
    }
    assert_eq!(abuser.wait_timeout(Duration::ZERO), None, "it has found something wrong");
    abuser.kill();
    // Whoever chose to end when it is alone does, as somebody was there.
    consumer.set_when_alone(WhenAlone::Disconnect);
    assert_eq!(consumer.recv_by(PATIENCE).err(), Some(RecvError::Disconnected));
    drop(consumer);
    crowd.gather(true);
    crowd.until_more(100);
    crowd.end();
}
