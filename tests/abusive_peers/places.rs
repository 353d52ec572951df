//! One that has all places of a ring.

use ironring::{Error, Ring, State, mpmc::Mpmc, spsc};

use crate::{
    crowd::{Crowd, Crowded},
    hoard::hoarder,
    peer::Kind,
    trials::Tests,
};

pub(crate) const TESTS: Tests = &[
    ("spsc: who has both roles keeps others out, and not beyond its death", both_roles),
    ("mpmc: who has all places keeps others out, and not beyond its death", all_places),
];

/// More than there are.
const TOO_MANY: usize = 20;

fn both_roles() {
    let mut crowd = Crowd::<spsc::Spsc>::new(0);
    let mut abuser = hoarder(&mut crowd, [1, 1], (2, 0));
    must_be_busy(&crowd.ring, abuser.pid());
    // Stopped is not dead.
    abuser.stop().expect("it lives");
    must_be_busy(&crowd.ring, abuser.pid());
    abuser.kill();
    crowd.must_be_free();
    crowd.gather(false);
    crowd.until_more(100);
    crowd.end();
}

fn must_be_busy(ring: &spsc::Ring<u64>, pid: i32) {
    let refused = [ring.producer().err(), ring.consumer().err()];
    for error in refused {
        let who = match error {
            Some(Error::Busy { holder, .. }) => holder.pid,
            other => panic!("the role is not taken: {other:?}"),
        };
        assert_eq!(who, pid.cast_unsigned());
    }
    for role in [ironring::Role::Producer, ironring::Role::Consumer] {
        assert_eq!(ring.presence(role).expect("it is asked").state, State::Attached);
    }
}

fn all_places() {
    let mut crowd = Crowd::<Mpmc>::new(Mpmc::HONEST + 3);
    crowd.gather(false);
    let mut abuser = hoarder(&mut crowd, [1, TOO_MANY], (3, 0));
    must_have_no_place(&crowd.ring);
    crowd.until_more(200);
    abuser.stop().expect("it lives");
    crowd.until_more(200);
    must_have_no_place(&crowd.ring);
    abuser.kill();
    // At once, and all of them.
    let freed: Vec<_> = (0..3).map(|_| crowd.ring.producer().expect("a place")).collect();
    must_have_no_place(&crowd.ring);
    drop(freed);
    crowd.until_more(200);
    crowd.end();
}

fn must_have_no_place<A: Kind>(ring: &Ring<u64, A>) {
    for refused in [ring.producer().err(), ring.consumer().err()] {
        let is_full =
            matches!(refused, Some(Error::NoPlace { participants }) if participants == Mpmc::HONEST + 3);
        assert!(is_full, "{refused:?}");
    }
}
