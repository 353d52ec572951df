//! Many rings in a directory: of both kinds, with numbers and with bytes.

use std::path::{Path, PathBuf};

use ironring::{
    Algorithm, Consumer, Options, Producer, Receives, RecvError, Ring, Trust, Wary, WhenAlone, mpmc::Mpmc,
    spsc::Spsc,
};

/// Far more than the kernel lets a thread sleep on.
pub(crate) const RINGS: usize = 200;
/// A consumer of numbers, however they are sent.
pub(crate) trait Taking: Receives {
    fn take(&mut self) -> Result<u64, RecvError>;
    fn when_alone(&mut self, when_alone: WhenAlone);
}

impl<P: Trust, A: Algorithm> Taking for Consumer<u64, P, A> {
    fn take(&mut self) -> Result<u64, RecvError> {
        self.try_recv().map(|message| message.get())
    }

    fn when_alone(&mut self, when_alone: WhenAlone) {
        self.set_when_alone(when_alone);
    }
}

impl<P: Trust, A: Algorithm> Taking for Consumer<[u8], P, A> {
    fn take(&mut self) -> Result<u64, RecvError> {
        let bytes = self.try_recv()?.to_vec();
        Ok(u64::from_le_bytes(bytes.try_into().expect("a number")))
    }

    fn when_alone(&mut self, when_alone: WhenAlone) {
        self.set_when_alone(when_alone);
    }
}

pub(crate) trait Sending {
    fn send(&mut self, number: u64);
    fn close(&self);
}

impl<A: Algorithm> Sending for Producer<u64, Wary, A> {
    fn send(&mut self, number: u64) {
        Producer::send(self, &number).expect("room");
    }

    fn close(&self) {
        Producer::close(self);
    }
}

impl<A: Algorithm> Sending for Producer<[u8], Wary, A> {
    fn send(&mut self, number: u64) {
        Producer::send(self, &number.to_le_bytes()).expect("room");
    }

    fn close(&self) {
        Producer::close(self);
    }
}

/// Rings in a directory, one of each kind after another.
pub(crate) struct Rings(pub(crate) PathBuf);

impl Rings {
    pub(crate) fn create(dir: &Path) -> Self {
        for number in 0..RINGS {
            let (path, messages) = (dir.join(number.to_string()), Options::messages(8).max_message(8));
            match number % 4 {
                0 => drop(Ring::<u64, Spsc>::create(path, &Options::messages(8)).expect("a ring")),
                1 => drop(Ring::<u64, Mpmc>::create(path, &Options::messages(8)).expect("a ring")),
                2 => drop(Ring::<[u8], Spsc>::create(path, &Options::bytes(256)).expect("a ring")),
                _ => drop(Ring::<[u8], Mpmc>::create(path, &messages).expect("a ring")),
            }
        }
        Self(dir.to_owned())
    }

    fn receiver(&self, number: usize) -> Box<dyn Taking> {
        let path = self.0.join(number.to_string());
        match number % 4 {
            0 => Box::new(Ring::<u64, Spsc>::open(path).expect("it").consumer().expect("a place")),
            1 => Box::new(Ring::<u64, Mpmc>::open(path).expect("it").consumer().expect("a place")),
            2 => Box::new(Ring::<[u8], Spsc>::open(path).expect("it").consumer().expect("a place")),
            _ => Box::new(Ring::<[u8], Mpmc>::open(path).expect("it").consumer().expect("a place")),
        }
    }

    pub(crate) fn sender(&self, number: usize) -> Box<dyn Sending> {
        let path = self.0.join(number.to_string());
        match number % 4 {
            0 => Box::new(Ring::<u64, Spsc>::open(path).expect("it").producer().expect("a place")),
            1 => Box::new(Ring::<u64, Mpmc>::open(path).expect("it").producer().expect("a place")),
            2 => Box::new(Ring::<[u8], Spsc>::open(path).expect("it").producer().expect("a place")),
            _ => Box::new(Ring::<[u8], Mpmc>::open(path).expect("it").producer().expect("a place")),
        }
    }

    pub(crate) fn receivers(&self) -> Vec<Box<dyn Taking>> {
        (0..RINGS).map(|number| self.receiver(number)).collect()
    }
}
