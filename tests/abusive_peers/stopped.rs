//! Participants that are stopped, wherever they are, and go on. `tests/stopped_participants` stops them
//! at every instruction.

use ironring::{Error, State, mpmc::Mpmc, spsc::Spsc};

use crate::{
    account::{NO_ROOM, RECEIVED, SENT},
    crowd::{Crowd, Crowded},
    trials::Tests,
};

pub(crate) const TESTS: Tests = &[
    ("spsc: who is stopped holds up the other side, by its deadlines", a_stream),
    ("mpmc: who is stopped holds up nobody", an_exchange),
];

/// How often each is stopped.
const STOPS: usize = 5;

fn a_stream() {
    let mut crowd = Crowd::<Spsc>::new(0);
    crowd.gather(false);
    for _ in 0..STOPS {
        let [producer, consumer] = [0, 1];
        stop(&mut crowd, consumer);
        // It may have taken its last message and not noted it.
        let no_room = crowd.book.get(NO_ROOM);
        crowd.until("deadlines that pass", |book| book.get(NO_ROOM) >= no_room + 3);
        let refused = crowd.ring.consumer().err();
        let pid = crowd.honest[consumer].pid().cast_unsigned();
        assert!(matches!(refused, Some(Error::Busy { holder, .. }) if holder.pid == pid), "{refused:?}");
        go_on(&mut crowd, consumer);

        stop(&mut crowd, producer);
        let sent = crowd.book.get(SENT);
        // It may have sent one that it has not counted.
        crowd.until("all that it has sent", |book| book.get(RECEIVED) >= sent);
        assert!(matches!(crowd.ring.producer(), Err(Error::Busy { .. })));
        go_on(&mut crowd, producer);
    }
    crowd.end();
}

fn an_exchange() {
    let mut crowd = Crowd::<Mpmc>::new(Mpmc::HONEST);
    crowd.gather(false);
    for _ in 0..STOPS {
        // One on each side works, and both of the others stand.
        for standing in [[0, 2], [1, 3]] {
            standing.iter().for_each(|number| stop(&mut crowd, *number));
            crowd.until_more(300);
            assert_eq!(crowd.ring.recover().expect("a whole ring"), [], "they live");
            assert!(matches!(crowd.ring.consumer(), Err(Error::NoPlace { .. })));
            let all = crowd.ring.participants().expect("a whole ring");
            assert!(all.iter().all(|one| one.presence.state == State::Attached), "{all:?}");
            standing.iter().for_each(|number| go_on(&mut crowd, *number));
        }
    }
    crowd.end();
}

fn stop<A: Crowded>(crowd: &mut Crowd<A>, number: usize) {
    crowd.honest[number].stop().expect("it lives");
}

/// Until it is at work again.
fn go_on<A: Crowded>(crowd: &mut Crowd<A>, number: usize) {
    crowd.honest[number].cont().expect("it lives");
    crowd.until_more(50);
}
