//! The arguments, and what `--help` says.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use clap::{Parser, Subcommand, ValueEnum};
use ironring::{Delivery, HugePages, Options, Wait};

use crate::{
    bench::{BENCH, Bench},
    target::{Allowed, Target, Targets},
};

const STATUSES: &str = "\
Exit status:
    0  done
    1  an error, named on standard error; fsck: the ring is not whole; bench: a transport failed
    2  wrong arguments
    3  recv: a sender was killed instead of finishing
    4  send, recv: the ring was removed while it was in use
    5  send, recv: --timeout is over
  141  standard output was closed, as by `head`
  128 + N  ended by signal N, such as 130 by Ctrl-C

NAME is a bare name, for a ring in $IRONRING_DIR (by default /dev/shm/ironring-UID),
a path with a slash, shm:NAME as for shm_open, sysv:KEY or sysv-id:ID for a System V segment,
fd:N for an inherited descriptor, or unix:SOCKET for what is served there. It is to be a ring
of this user's, where nobody else but root can rename or remove it; others are opened only with
--owner and --any-directory. Sizes are numbers of bytes, or such as 64KiB, 1MiB, 10MB.";

/// Rings of messages in memory that processes share.
#[derive(Debug, Parser)]
#[command(name = "ironring", version, after_help = STATUSES, max_term_width = 90)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes a ring; the name must be free
    Create(Create),
    /// Sends each line of standard input as a message
    #[command(long_about = SEND)]
    Send(Send),
    /// Writes the messages of a ring to standard output as they come
    #[command(long_about = RECV)]
    Recv(Recv),
    /// Tells what a ring is and who uses it
    Stat(Stat),
    /// Writes the messages that are in a ring to standard output, and leaves them there
    Peek(Peek),
    /// Shows a ring's header words and messages, in hexadecimal
    Dump(Target),
    /// Lists the rings that have a bare name
    List(Allowed),
    /// Sets right what killed participants of an mpmc ring left, and tells what that was
    #[command(long_about = RECOVER)]
    Recover(Target),
    /// Shows or takes messages of an mpmc ring that were delivered too often
    #[command(long_about = ASIDE)]
    Aside(Aside),
    /// Checks that a ring is whole
    #[command(long_about = FSCK)]
    Fsck(Fsck),
    /// Closes rings: nobody can send any more, and receivers end when they are empty
    #[command(long_about = CLOSE)]
    Close(Targets),
    /// Opens closed rings again, for those who attach from then on
    Reopen(Targets),
    /// Removes rings; who uses one learns of it
    Remove(Targets),
    /// Gives a ring to those who connect to a socket, as `send unix:SOCKET` does
    #[command(long_about = SERVE)]
    Serve(Serve),
    /// Takes rings over that are from before the machine was restarted
    #[command(long_about = SALVAGE)]
    Salvage(Targets),
    /// Measures how fast messages get from process to process, beside what else there is
    #[command(long_about = BENCH)]
    Bench(Bench),
}

impl Command {
    /// The name of the ring that it is about, if that is one.
    pub(crate) fn ring(&self) -> Option<&Path> {
        match self {
            Self::Create(args) => Some(args.ring.shown()),
            Self::Send(args) => Some(args.ring.shown()),
            Self::Recv(args) => Some(args.ring.shown()),
            Self::Stat(args) => Some(args.ring.shown()),
            Self::Peek(args) => Some(args.ring.shown()),
            Self::Dump(ring) | Self::Recover(ring) => Some(ring.shown()),
            Self::Aside(args) => Some(args.ring.shown()),
            Self::Fsck(args) => Some(args.ring.shown()),
            Self::Serve(args) => Some(args.ring.shown()),
            Self::List(_)
            | Self::Salvage(_)
            | Self::Close(_)
            | Self::Reopen(_)
            | Self::Remove(_)
            | Self::Bench(_) => None,
        }
    }
}

const SERVE: &str = "\
Gives a ring to processes that connect to a unix socket, which is made and must not be there:
each gets the ring's descriptor, and needs no right to its file. By default only those of
the same user. Ends by a signal, or after --count of them; the socket is removed then.

The other side names the ring unix:SOCKET.";

const SALVAGE: &str = "\
Takes rings over, in files on disk, that were made before the machine was restarted or
crashed. They are refused otherwise: what had not been written to disk is lost. Checks that
the ring is whole, and leaves it refused if not; the contents of messages cannot be checked.
What receivers of then held is received again.";

const SEND: &str = "\
Sends each line of standard input as a message, its newline included; a last line
without one is sent as it is. Waits while the ring is full. A ring that is not there is
made: 1024 KiB, for lines of up to 524,280 bytes. An spsc ring has one sender at
a time, an mpmc ring any number; lines that fit one slot of it together go to one
receiver. The ring that is made is one of kind spsc.";

const RECV: &str = "\
Writes the messages of a ring to standard output as they are. Ends when a sender has
come, none is attached any more, and the ring is empty; a sender that came and went
before counts, unless its end was reported before; and when the ring is closed and empty,
also with --follow. A ring that is not there is made as
`send` makes it, so that either may be started first. An spsc ring has one receiver at a
time, an mpmc ring any number: each message goes to one of them, and none ends while
another still holds messages, which come to it if that one is killed.

A message leaves the ring when it is written. Ended in between, by a signal, it is
received again (or not, in a ring of at-most-once delivery).";

const CLOSE: &str = "\
Closes rings. Who sends is told so, and has its message back; who receives gets what is in
the ring, and then ends, with status 0. A closed ring stays closed until `reopen`, whoever
opens it meanwhile.";

const RECOVER: &str = "\
Sets right what killed participants of an mpmc ring left, and tells what that was, a line
each. Receivers do so by themselves, and nobody waits for it.";

const ASIDE: &str = "\
Lists the messages of an mpmc ring that were delivered as often as its --max-deliveries
allows, and whose receiver died each time. With --take, writes those of one position to
standard output; they have left the ring when they are written.";

const FSCK: &str = "\
Checks that a ring is whole: that each slot is in one place, that turns and cursors agree,
and that each word is one that somebody writes. It looks on only, also at a ring in use.
What a killed participant leaves is whole. Exit status 0 if it is whole, 1 if not.

With --repair it first sets right what it can, in an mpmc ring that nobody uses: no message
that is well-formed is lost, and none is made up. It refuses while anybody is attached.";

#[derive(Debug, Parser)]
pub(crate) struct Create {
    #[command(flatten)]
    pub(crate) ring: Target,
    /// Which algorithm: spsc has one sender and one receiver at a time, mpmc any number
    #[arg(long, value_enum)]
    pub(crate) kind: Kind,
    /// The size of the data area, rounded up to a power of two
    #[arg(long, value_name = "SIZE", required_unless_present = "messages", conflicts_with = "messages")]
    pub(crate) bytes: Option<ByteSize>,
    /// Room for so many messages of the greatest length
    #[arg(long, value_name = "N")]
    pub(crate) messages: Option<u64>,
    /// The longest message [default: half the data area; with --messages, 4096 bytes]
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_message: Option<ByteSize>,
    /// Who may use it, as in chmod
    #[arg(long, default_value = "600", value_parser = octal)]
    pub(crate) mode: u32,
    /// What happens to messages that a receiver held when it died
    #[arg(long, value_enum, default_value = "at-least-once")]
    pub(crate) delivery: DeliveryArg,
    /// mpmc: how many senders and receivers there may be at once [default: 16]
    #[arg(long, value_name = "N")]
    pub(crate) participants: Option<u32>,
    /// mpmc: how many slots with messages a receiver may hold at once [default: 3]
    #[arg(long, value_name = "N")]
    pub(crate) holding: Option<u32>,
    /// mpmc: how many messages of the greatest length a slot has room for [default: 1]
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<u32>,
    /// mpmc: how often a message may be delivered before it is set aside [default: as often as it takes]
    #[arg(long, value_name = "N")]
    pub(crate) max_deliveries: Option<u32>,
    /// Each message gets a checksum: a ring on disk is then proved, and opened, after a crash of the machine
    #[arg(long)]
    pub(crate) checksums: bool,
    #[command(flatten)]
    pub(crate) memory: Memory,
}

/// What memory a ring is made of.
#[derive(Debug, Parser)]
#[command(next_help_heading = "Memory")]
pub(crate) struct Memory {
    /// Pages of 2 MiB or so, for large rings [default: as the system does by itself]
    #[arg(long, value_enum, value_name = "WHETHER")]
    huge_pages: Option<HugePagesArg>,
    /// Whoever attaches has all pages in reach at once: spares the first messages
    #[arg(long)]
    populate: bool,
    /// It is never swapped out; whoever attaches needs leave for it (ulimit -l)
    #[arg(long)]
    lock: bool,
    /// Binds the memory to NUMA node N
    #[arg(long, value_name = "N")]
    node: Option<u32>,
}

impl Memory {
    pub(crate) fn options(&self, options: Options) -> Options {
        let mut options = options.populate(self.populate).lock(self.lock);
        if let Some(huge_pages) = self.huge_pages {
            options = options.huge_pages(match huge_pages {
                HugePagesArg::Require => HugePages::Require,
                HugePagesArg::Prefer => HugePages::Prefer,
                HugePagesArg::Never => HugePages::Never,
            });
        }
        self.node.map_or(options, |node| options.node(node))
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum HugePagesArg {
    /// Reserved ones, or no ring: NAME is a path on a hugetlbfs
    Require,
    /// Reserved ones, else those that the system may find, else none: it says so
    Prefer,
    /// None, even where the system gives them by itself
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    Spsc,
    Mpmc,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DeliveryArg {
    /// They are delivered again
    AtLeastOnce,
    /// They are dropped
    AtMostOnce,
}

impl From<DeliveryArg> for Delivery {
    fn from(arg: DeliveryArg) -> Self {
        match arg {
            DeliveryArg::AtLeastOnce => Self::AtLeastOnce,
            DeliveryArg::AtMostOnce => Self::AtMostOnce,
        }
    }
}

#[derive(Debug, Parser)]
pub(crate) struct Send {
    #[command(flatten)]
    pub(crate) ring: Target,
    /// Sends pieces of SIZE bytes instead of lines; each waits until it is full, but the last
    #[arg(long, value_name = "SIZE")]
    pub(crate) chunk: Option<ByteSize>,
    /// mpmc: never waits; in a full ring each line takes the place of the oldest messages
    #[arg(long, conflicts_with = "chunk")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

/// How `send` waits for room, and `recv` for messages.
#[derive(Debug, Parser)]
pub(crate) struct Waiting {
    /// Gives up, with status 5, when it has waited for MS milliseconds at a time
    #[arg(long, value_name = "MS")]
    timeout: Option<u64>,
    /// How to pass the time
    #[arg(long, value_enum, default_value = "spin-then-park")]
    wait: WaitArg,
}

impl Waiting {
    /// The longest wait at a time.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout.map(Duration::from_millis)
    }

    pub(crate) fn strategy(&self) -> Wait {
        match self.wait {
            WaitArg::Spin => Wait::Spin,
            WaitArg::SpinThenPark => Wait::SpinThenPark,
            WaitArg::Park => Wait::Park,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WaitArg {
    /// Looks again and again: takes a core
    Spin,
    /// Looks again for some microseconds where that pays, then sleeps
    SpinThenPark,
    /// Sleeps at once
    Park,
}

#[derive(Debug, Parser)]
pub(crate) struct Recv {
    #[command(flatten)]
    pub(crate) ring: Target,
    /// Ends after N messages
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Ends when no message has come for MS milliseconds, with status 0
    #[arg(long, value_name = "MS")]
    pub(crate) idle_exit: Option<u64>,
    /// Waits for the next sender when one has ended
    #[arg(long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) waiting: Waiting,
}

#[derive(Debug, Parser)]
pub(crate) struct Stat {
    #[command(flatten)]
    pub(crate) ring: Target,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Parser)]
pub(crate) struct Peek {
    #[command(flatten)]
    pub(crate) ring: Target,
    /// The first N messages only
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<usize>,
}

#[derive(Debug, Parser)]
pub(crate) struct Aside {
    #[command(flatten)]
    pub(crate) ring: Target,
    /// Takes the messages that were at this position
    #[arg(long, value_name = "POSITION")]
    pub(crate) take: Option<u64>,
}

#[derive(Debug, Parser)]
pub(crate) struct Fsck {
    #[command(flatten)]
    pub(crate) ring: Target,
    /// Sets right what can be, in a ring that nobody uses
    #[arg(long)]
    pub(crate) repair: bool,
    /// One JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Parser)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) ring: Target,
    /// The path of the socket
    pub(crate) socket: PathBuf,
    /// Users, by number, that get it too
    #[arg(long, value_name = "UID")]
    pub(crate) user: Vec<u32>,
    /// Ends when N have it
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// How long one may take, in milliseconds
    #[arg(long, value_name = "MS", default_value = "5000")]
    pub(crate) timeout: u64,
}

fn octal(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "expected an octal number up to 777, such as 600 or 660".to_owned())
}
