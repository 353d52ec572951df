//! An area of cells of one length, each of which starts with words and has a body: both are found
//! at once.

use super::{Area, Span, WordRef};

/// An [`Area`] divided into cells.
#[derive(Debug)]
pub(crate) struct Cells {
    area: Area,
    /// The length of a cell in bytes.
    len: u64,
    count: u32,
    /// Where in a cell its body starts, which reaches to its end.
    body: u64,
    body_len: usize,
}

/// One of the [`Cells`], checked to exist: used with those only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    number: u32,
    /// Where in the area it starts.
    offset: u64,
}

impl Cells {
    /// The shortest cell in bytes.
    const MIN_LEN: u64 = 16;

    /// # Panics
    ///
    /// If cells of `len` bytes are too short, are no whole words, have no body at `body`, or
    /// `count` of them leave `area`.
    pub(crate) fn of(area: Area, len: u64, count: u32, body: u64) -> Self {
        assert!(len >= Self::MIN_LEN && len.is_multiple_of(8), "cells of {len} bytes");
        assert!(body <= len, "cells of {len} bytes with a body at {body}");
        assert!(area.span(0, len as usize * count as usize).is_some(), "{count} cells of {len} bytes");
        Self { area, len, count, body, body_len: (len - body) as usize }
    }

    #[inline(always)]
    pub(crate) fn get(&self, number: u32) -> Option<Cell> {
        if number >= self.count {
            return None;
        }
        Some(Cell { number, offset: u64::from(number) * self.len })
    }

    /// The word at `AT` in `cell`: one of those that each cell has.
    #[inline(always)]
    pub(crate) fn word<const AT: usize>(&self, cell: Cell) -> WordRef<'_> {
        const { assert!(AT as u64 + 8 <= Self::MIN_LEN && AT.is_multiple_of(8)) };
        // SAFETY: a cell of the area starts on a word of it, is no shorter than the shortest, and
        // the offset was just found to be that of a word of such a one.
        unsafe { self.area.word_within(cell.offset + AT as u64) }
    }

    /// The word at `offset` in `cell`, or `None` where none lies.
    #[inline(always)]
    pub(crate) fn checked_word(&self, cell: Cell, offset: u64) -> Option<WordRef<'_>> {
        if offset >= self.len || !offset.is_multiple_of(8) {
            return None;
        }
        // SAFETY: a cell starts on a word of the area and is a whole number of words long, so one
        // lies there.
        Some(unsafe { self.area.word_within(cell.offset + offset) })
    }

    /// The first `len` bytes of the body of `cell`, or `None` where it is shorter.
    #[inline(always)]
    pub(crate) fn body(&self, cell: Cell, len: usize) -> Option<Span> {
        if len > self.body_len {
            return None;
        }
        // SAFETY: the body is within the cell, which is within the area.
        Some(unsafe { self.area.span_within(cell.offset + self.body, len) })
    }

    /// The `len` bytes at `offset` in `cell`, or `None` where they are not all in it.
    #[inline(always)]
    pub(crate) fn part(&self, cell: Cell, offset: u64, len: usize) -> Option<Span> {
        if offset > self.len || len as u64 > self.len - offset {
            return None;
        }
        // SAFETY: just found to be within the cell, which is within the area.
        Some(unsafe { self.area.span_within(cell.offset + offset, len) })
    }

    /// The area that the cells lie in, for what is found in them.
    pub(crate) const fn area(&self) -> &Area {
        &self.area
    }
}

impl Cell {
    #[inline(always)]
    pub(crate) const fn number(self) -> u32 {
        self.number
    }
}
