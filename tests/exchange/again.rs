//! What a consumer did not release comes again, next, whichever way it is received.

use ironring::{
    Options,
    mpmc::{Consumer, Ring},
};

use crate::support::backing::on_each;

/// Runs `test` on a ring in each kind of memory.
fn on_rings(test: impl Fn(Ring<u64>)) {
    on_each(&Options::messages(8).batch(4).holding(2), test);
}

#[test]
fn what_is_handed_back_comes_next_whichever_way_it_is_received() {
    let ways: [fn(&mut Consumer<u64>) -> u64; 4] = [
        |consumer| consumer.try_recv().expect("a value").get(),
        |consumer| consumer.recv_value().expect("a value"),
        |consumer| {
            let mut values = [0];
            assert_eq!(consumer.recv_values(&mut values), Ok(1));
            values[0]
        },
        |consumer| {
            let messages = consumer.recv_owned().expect("values");
            let first = messages.iter().next().expect("a value").get();
            messages.release();
            first
        },
    ];
    for way in ways {
        on_rings(|ring| {
            let (mut producer, mut consumer) =
                (ring.producer().expect("place"), ring.consumer().expect("place"));
            for value in 1..4 {
                producer.try_send(&value).expect("room");
            }
            consumer.try_recv().expect("a value").hand_back();
            assert_eq!([way(&mut consumer), way(&mut consumer), way(&mut consumer)], [1, 2, 3]);
        });
    }
}

/// A slot of which some values were copied out goes to the next consumer without these.
#[test]
fn values_that_were_copied_out_do_not_come_again() {
    on_rings(|ring| {
        let mut producer = ring.producer().expect("place");
        producer.send_batch(&[1, 2, 3, 4]).1.expect("room");
        for expected in 1..=4 {
            let mut consumer = ring.consumer().expect("place");
            let mut values = [0];
            assert_eq!(consumer.recv_values(&mut values), Ok(1));
            assert_eq!(values, [expected]);
        }
        assert!(ring.consumer().expect("place").is_empty());
    });
}

/// How often messages were delivered is known also of those that are left in a slot of which some
/// were released, and to the next consumer.
#[test]
fn deliveries_are_counted_on_where_some_of_a_slot_were_released() {
    on_rings(|ring| {
        let mut producer = ring.producer().expect("place");
        producer.send_batch(&[1, 2]).1.expect("room");
        let mut consumer = ring.consumer().expect("place");
        consumer.try_recv().expect("a value").hand_back();
        consumer.try_recv().expect("a value").hand_back();
        let first = consumer.try_recv().expect("a value");
        assert_eq!((first.get(), first.deliveries()), (1, 3));
        first.release();
        drop(consumer);
        let mut consumer = ring.consumer().expect("place");
        let second = consumer.try_recv().expect("a value");
        assert_eq!((second.get(), second.deliveries()), (2, 4));
    });
}
