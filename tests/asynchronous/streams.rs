//! Streams and sinks, on an executor that is not tokio.

use async_executor::Executor;
use futures_util::{SinkExt, StreamExt, TryStreamExt, stream};
use ironring::{Options, asynchronous as ring, mpmc, spsc};

const MESSAGES: u64 = 20_000;

fn message(number: u64) -> Vec<u8> {
    number.to_le_bytes()[..1 + number as usize % 8].to_vec()
}

pub(crate) fn on_a_small_executor() {
    let ring = spsc::Ring::<[u8]>::anonymous(&Options::bytes(256)).expect("a ring");
    let consumer = ring::Consumer::new(ring.consumer().expect("a consumer")).expect("a consumer");
    let producer = ring::Producer::new(ring.producer().expect("a producer")).expect("a producer");
    let executor = Executor::new();
    let sending = executor.spawn(async move {
        let all = stream::iter((0..MESSAGES).map(|number| Ok(message(number))));
        all.forward(producer.sink()).await.expect("all are sent");
        // Here it is dropped: nobody is left to send.
    });
    let receiving = executor.spawn(async move {
        let received: Vec<_> = consumer.messages().try_collect().await.expect("a sound ring");
        assert_eq!(received, (0..MESSAGES).map(message).collect::<Vec<_>>());
    });
    pollster::block_on(executor.run(async {
        sending.await;
        receiving.await;
    }));
}

pub(crate) fn owned_messages_come_again() {
    let ring = mpmc::Ring::<u64>::anonymous(&Options::messages(8).holding(4)).expect("a ring");
    let producer = ring::Producer::new(ring.producer().expect("a place")).expect("a producer");
    pollster::block_on(async {
        let consumer = ring::Consumer::new(ring.consumer().expect("a place")).expect("a consumer");
        let mut sink = producer.sink();
        for number in 0..3 {
            sink.send(number).await.expect("room");
        }
        let [first, second, third] = [
            consumer.recv_owned().await.expect("a message"),
            consumer.recv_owned().await.expect("a message"),
            consumer.recv_owned().await.expect("a message"),
        ];
        drop(second);
        // As a task that panics would.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _held = (first, third);
            std::panic::resume_unwind(Box::new(()));
        }));
        drop(consumer);
        let consumer = ring::Consumer::new(ring.consumer().expect("a place")).expect("a consumer");
        let mut messages = consumer.messages();
        for number in [0, 2] {
            assert_eq!(messages.next().await, Some(Ok(number)));
        }
        ring.close();
        assert_eq!(messages.next().await, None);
    });
}
