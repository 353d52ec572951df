//! The SPSC ring as its users see it, in one process: over every kind of memory, with
//! byte messages and with typed ones.

#[path = "../support/mod.rs"]
mod support;

mod attaching;
mod bytes;
mod inputs;
mod model;
mod model_bytes;
mod model_typed;
mod offsets;
mod receiving;
mod staging;
mod told;
mod typed;

use ironring::{
    Options, Payload,
    spsc::{Consumer, Producer, Ring},
};
use support::backing::on_each as on_each_backing;

/// Both ends of a new ring.
fn ends<M: Payload + ?Sized>(options: &Options) -> (Producer<M>, Consumer<M>) {
    let ring = Ring::anonymous(options).expect("a ring");
    both(&ring)
}

fn both<M: Payload + ?Sized>(ring: &Ring<M>) -> (Producer<M>, Consumer<M>) {
    (ring.producer().expect("a producer"), ring.consumer().expect("a consumer"))
}
