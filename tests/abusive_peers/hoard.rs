//! The role that takes as many places, and messages, as it is told or can, and keeps them.

use ironring::{Ring, mpmc::Mpmc, spsc::Spsc};
use ironring_testkit::{Args, Child, roles::RoleFn};

use crate::{
    account::{Book, DONE, HAD},
    crowd::{Crowd, Crowded},
    peer::Receiver,
    support::forks::idle,
};

pub(crate) const ROLES: &[(&str, RoleFn)] = &[("spsc::hoard", hoard::<Spsc>), ("mpmc::hoard", hoard::<Mpmc>)];

/// How a consumer keeps messages.
pub(crate) trait Keeps: Crowded + Sized {
    /// Takes as many as it may and can, for ever, and says how many.
    fn keep(consumer: &'static mut Receiver<Self>) -> u64;
}

impl Keeps for Spsc {
    fn keep(consumer: &'static mut Receiver<Self>) -> u64 {
        match consumer.try_recv() {
            Ok(message) => {
                std::mem::forget(message);
                1
            }
            Err(_) => 0,
        }
    }
}

impl Keeps for Mpmc {
    fn keep(consumer: &'static mut Receiver<Self>) -> u64 {
        std::iter::from_fn(|| consumer.try_recv_owned().ok().map(std::mem::forget)).count() as u64
    }
}

fn hoard<A: Keeps>(mut args: Args) {
    let book = Book::given(&mut args);
    let ring = Ring::<u64, A>::open(args.parse::<String>("path")).expect("the ring");
    let (producers, consumers): (usize, usize) = (args.parse("producers"), args.parse("consumers"));
    let keeps: bool = args.parse("keeps");
    let mut had = 0;
    for _ in 0..producers {
        had += u64::from(ring.producer().map(std::mem::forget).is_ok());
    }
    let mut kept = 0;
    for _ in 0..consumers {
        let Ok(consumer) = ring.consumer() else { break };
        had += 1;
        let consumer = Box::leak(Box::new(consumer));
        if keeps {
            kept += A::keep(consumer);
        }
    }
    book.add(DONE, kept);
    book.add(HAD, had);
    idle();
}

/// One that has got `places` places, and `messages` messages.
pub(crate) fn hoarder<A: Keeps>(
    crowd: &mut Crowd<A>,
    [producers, consumers]: [usize; 2],
    (places, messages): (u64, u64),
) -> Child {
    let role = crowd.role("hoard").arg(producers).arg(consumers).arg(messages > 0);
    let child = role.spawn().expect("a process");
    crowd.until("hoarded", |book| book.get(HAD) == places);
    assert_eq!(crowd.book.get(DONE), messages);
    child
}
