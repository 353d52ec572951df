//! What carries messages in a measurement: one trait a side, and who implements it.

use ironring::spsc;

/// The sending side of a transport.
pub trait Sender {
    /// Sends a copy of `message`, waiting for room.
    fn send(&mut self, message: &[u8]);

    /// Sends copies of the messages of `size` bytes in `messages`, together where the
    /// transport can.
    fn send_batch(&mut self, messages: &[u8], size: usize);
}

/// The receiving side of a transport.
pub trait Receiver {
    /// Receives a message of `into.len()` bytes, waiting for it.
    fn recv(&mut self, into: &mut [u8]);

    /// Receives messages of `size` bytes, at least one and at most as many as `into` has
    /// room for; returns how many.
    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> usize;
}

impl Sender for spsc::Producer<[u8]> {
    #[inline]
    fn send(&mut self, message: &[u8]) {
        spsc::Producer::<[u8]>::send(self, message).expect("a ring in order");
    }

    #[inline]
    fn send_batch(&mut self, messages: &[u8], size: usize) {
        let mut left = messages;
        while !left.is_empty() {
            let (sent, _) = spsc::Producer::<[u8]>::send_batch(self, left.chunks_exact(size));
            left = &left[sent * size..];
            if !left.is_empty() {
                spsc::Producer::<[u8]>::send(self, &left[..size]).expect("a ring in order");
                left = &left[size..];
            }
        }
    }
}

impl Receiver for spsc::Consumer<[u8]> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) {
        self.recv_into(into).expect("a ring in order");
    }

    #[inline]
    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> usize {
        let mut batch = spsc::Consumer::recv_batch(self, into.len() / size).expect("a ring in order");
        for message in into.chunks_exact_mut(size) {
            match batch.next() {
                Some(view) => view.copy_to(message),
                None => break,
            };
        }
        batch.given()
    }
}

impl<const W: usize> Sender for spsc::Producer<[u64; W]> {
    #[inline]
    fn send(&mut self, message: &[u8]) {
        spsc::Producer::<[u64; W]>::send(self, bytemuck::from_bytes(message)).expect("a ring in order");
    }

    #[inline]
    fn send_batch(&mut self, messages: &[u8], _size: usize) {
        let mut left: &[[u64; W]] = bytemuck::cast_slice(messages);
        while let Some(next) = left.first() {
            let (sent, _) = spsc::Producer::<[u64; W]>::send_batch(self, left);
            if sent == 0 {
                spsc::Producer::<[u64; W]>::send(self, next).expect("a ring in order");
            }
            left = &left[sent.max(1)..];
        }
    }
}

impl<const W: usize> Receiver for spsc::Consumer<[u64; W]> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) {
        self.recv_into(bytemuck::from_bytes_mut(into)).expect("a ring in order");
    }

    #[inline]
    fn recv_batch(&mut self, into: &mut [u8], _size: usize) -> usize {
        self.recv_values(bytemuck::cast_slice_mut(into)).expect("a ring in order")
    }
}

/// A side of an rtrb ring, with the pauses between two looks that suit it best.
#[derive(Debug)]
pub struct Rtrb<H> {
    /// The side of the ring.
    pub side: H,
    /// Pauses between two looks at a ring that was empty or full.
    pub pauses: u32,
}

impl<H> Rtrb<H> {
    #[inline]
    fn back_off(&self) {
        for _ in 0..self.pauses {
            std::hint::spin_loop();
        }
    }
}

impl<const W: usize> Sender for Rtrb<rtrb::Producer<[u64; W]>> {
    #[inline]
    fn send(&mut self, message: &[u8]) {
        let mut value = bytemuck::pod_read_unaligned(message);
        while let Err(rtrb::PushError::Full(same)) = self.side.push(value) {
            value = same;
            self.back_off();
        }
    }

    #[inline]
    fn send_batch(&mut self, messages: &[u8], size: usize) {
        let values: &[[u64; W]] = bytemuck::cast_slice(messages);
        loop {
            match self.side.write_chunk_uninit(messages.len() / size) {
                Ok(chunk) => {
                    chunk.fill_from_iter(values.iter().copied());
                    return;
                }
                Err(_) => self.back_off(),
            }
        }
    }
}

impl<const W: usize> Receiver for Rtrb<rtrb::Consumer<[u64; W]>> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) {
        loop {
            if let Ok(value) = self.side.pop() {
                into.copy_from_slice(bytemuck::bytes_of(&value));
                return;
            }
            self.back_off();
        }
    }

    #[inline]
    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> usize {
        let values: &mut [[u64; W]] = bytemuck::cast_slice_mut(into);
        loop {
            let there = self.side.slots().min(values.len());
            if there == 0 {
                self.back_off();
                continue;
            }
            let chunk = self.side.read_chunk(there).expect("as many as there are");
            let (first, second) = chunk.as_slices();
            values[..first.len()].copy_from_slice(first);
            values[first.len()..there].copy_from_slice(second);
            chunk.commit_all();
            debug_assert_eq!(size, W * 8);
            return there;
        }
    }
}
