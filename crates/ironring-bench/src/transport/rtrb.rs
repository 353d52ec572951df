//! rtrb, between two threads.

use std::io;

use super::{Idle, Receiver, Sender};

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
        Idle::Pauses(self.pauses).pause();
    }
}

impl<const W: usize> Sender for Rtrb<rtrb::Producer<[u64; W]>> {
    #[inline]
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let mut value = bytemuck::pod_read_unaligned(message);
        while let Err(rtrb::PushError::Full(same)) = self.side.push(value) {
            value = same;
            self.back_off();
        }
        Ok(())
    }

    #[inline]
    fn send_batch(&mut self, messages: &[u8], size: usize) -> io::Result<()> {
        let values: &[[u64; W]] = bytemuck::cast_slice(messages);
        loop {
            match self.side.write_chunk_uninit(messages.len() / size) {
                Ok(chunk) => {
                    chunk.fill_from_iter(values.iter().copied());
                    return Ok(());
                }
                Err(_) => self.back_off(),
            }
        }
    }
}

impl<const W: usize> Receiver for Rtrb<rtrb::Consumer<[u64; W]>> {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> io::Result<()> {
        loop {
            if let Ok(value) = self.side.pop() {
                into.copy_from_slice(bytemuck::bytes_of(&value));
                return Ok(());
            }
            self.back_off();
        }
    }

    #[inline]
    fn recv_batch(&mut self, into: &mut [u8], size: usize) -> io::Result<usize> {
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
            return Ok(there);
        }
    }
}
