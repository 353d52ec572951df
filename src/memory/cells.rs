//! An area of cells of one length, each of which starts with words that are found at once.

use super::{Area, Span, WordRef};

/// An [`Area`] divided into cells.
#[derive(Debug)]
pub(crate) struct Cells {
    area: Area,
    /// The length of a cell in bytes.
    len: u64,
    count: u32,
}

/// One of the [`Cells`], checked to exist: used with those only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    number: u32,
    span: Span,
}

impl Cells {
    /// The shortest cell in bytes.
    const MIN_LEN: u64 = 16;

    /// # Panics
    ///
    /// If cells of `len` bytes are too short, are no whole words, or `count` of them leave `area`.
    pub(crate) fn of(area: Area, len: u64, count: u32) -> Self {
        assert!(len >= Self::MIN_LEN && len.is_multiple_of(8), "cells of {len} bytes");
        assert!(area.span(0, len as usize * count as usize).is_some(), "{count} cells of {len} bytes");
        Self { area, len, count }
    }

    #[inline(always)]
    pub(crate) fn get(&self, number: u32) -> Option<Cell> {
        if number >= self.count {
            return None;
        }
        let (offset, len) = (u64::from(number) * self.len, self.len as usize);
        // SAFETY: it is one of the cells that were found to lie within the area.
        Some(Cell { number, span: unsafe { self.area.span_within(offset, len) } })
    }

    /// The word at `AT` in `cell`: one of those that each cell has.
    #[inline(always)]
    pub(crate) fn word<const AT: usize>(&self, cell: Cell) -> WordRef<'_> {
        const { assert!(AT as u64 + 8 <= Self::MIN_LEN && AT.is_multiple_of(8)) };
        // SAFETY: a cell starts on a word of the area, is no shorter than the shortest, and the
        // offset was just found to be that of a word of such a one.
        unsafe { self.area.word_within(cell.span, AT) }
    }

    /// The word at `offset` in `cell`, or `None` where none lies.
    #[inline(always)]
    pub(crate) fn checked_word(&self, cell: Cell, offset: u64) -> Option<WordRef<'_>> {
        self.area.word_in(cell.span, offset)
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

    /// The `len` bytes at `offset` in it, or `None` where they are not all in it.
    #[inline(always)]
    pub(crate) fn part(self, offset: u64, len: usize) -> Option<Span> {
        self.span.part(offset, len)
    }
}
