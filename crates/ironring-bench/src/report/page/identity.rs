//! What a series looks like: the same transport has the same colour and marker in every plot,
//! the same way to wait the same line.

use plotters::style::RGBColor;

use crate::report::{Access, Form, Row};

/// What the lines and markers mean, for those who read the plots.
pub(super) const KEY: &str = "\
In plots each transport has one colour. Lines drawn through are of those who spin while they wait, dashed lines of \
those who spin and then sleep, dotted lines of those who sleep or block. Hollow markers are of typed messages, \
squares of messages in place.";

/// Each can be told from a white and from a near-black ground by at least 3 to 1.
const COLOURS: [RGBColor; 10] = [
    RGBColor(0x2b, 0x7b, 0xba),
    RGBColor(0xd9, 0x73, 0x0d),
    RGBColor(0x1e, 0x9e, 0x50),
    RGBColor(0x94, 0x60, 0xd6),
    RGBColor(0xd6, 0x45, 0x45),
    RGBColor(0x15, 0x9a, 0x9c),
    RGBColor(0xa0, 0x70, 0x3f),
    RGBColor(0xd1, 0x55, 0x9b),
    RGBColor(0x7a, 0x80, 0x8a),
    RGBColor(0x8a, 0x8a, 0x1f),
];

/// The transports with a look of their own, which no other has; the rest share.
const TRANSPORTS: [&str; 25] = [
    "ironring-spsc",
    "ironring-mpmc",
    "pipe",
    "unix-stream",
    "tcp",
    "unix-seqpacket",
    "fifo",
    "unix-dgram",
    "posix-mq",
    "sysv-mq",
    "rtrb",
    "crossbeam-arrayqueue",
    "crossbeam-channel",
    "iceoryx2",
    "disruptor",
    "shmem-ipc",
    "ipc-channel",
    "cloudtoid",
    "eventfd",
    "futex",
    "zeromq",
    "nng",
    "boost-interprocess",
    "rte-ring",
    "floor",
];

/// What marks a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Triangle,
    Cross,
    Square,
}

/// A line: lengths of its dashes and of the gaps between them, in pixels; none if it is drawn through.
pub(super) type Dashes = Option<(i32, i32)>;

/// What a series looks like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Look {
    pub(super) colour: RGBColor,
    pub(super) marker: Marker,
    pub(super) dashes: Dashes,
    /// Whether markers are filled.
    pub(super) filled: bool,
}

impl Look {
    /// The look of a row: typed messages have hollow markers, those in place squares.
    pub(super) fn of(row: &Row) -> Self {
        let known = TRANSPORTS.iter().position(|name| *name == row.transport);
        let place = known.unwrap_or_else(|| row.transport.bytes().map(usize::from).sum());
        let marker = match row.access {
            Access::Copied => [Marker::Circle, Marker::Triangle, Marker::Cross][place / COLOURS.len() % 3],
            Access::InPlace => Marker::Square,
        };
        let dashes = match row.wait.as_str() {
            "spin-then-park" => Some((9, 4)),
            "park" | "block" => Some((2, 4)),
            _ => None,
        };
        // Shifted, so that those who compete most are not alike.
        let colour = COLOURS[(place + place / COLOURS.len() * 5) % COLOURS.len()];
        Self { colour, marker, dashes, filled: row.form == Form::Bytes }
    }

    /// The colour as CSS writes it.
    pub(super) fn css(&self) -> String {
        let RGBColor(red, green, blue) = self.colour;
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}
