//! `ironring stat`, and what other commands show of a ring too.

use std::{
    fmt,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use bytesize::ByteSize;
use ironring::{Error, Kind, Observer, Pages, Presence, Role, State};
use serde::Serialize;

use crate::{
    args::Stat,
    failure::Failure,
    output::Output,
    participants::{Aside, Participant},
};

pub(crate) fn run(args: &Stat) -> Result<(), Failure> {
    let summary = Summary::of(&Observer::open(args.ring.name())?)?;
    let mut out = Output::new();
    if args.json {
        let json = serde_json::to_string_pretty(&summary).map_err(|e| Failure::Error(e.to_string()))?;
        out.write(json + "\n")?;
    } else {
        out.write(summary.to_string())?;
    }
    out.finish()?;
    summary.corrupt.map_or(Ok(()), |why| Err(Failure::Error(why)))
}

/// What there is to say about a ring without its messages.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    path: PathBuf,
    pub(crate) kind: String,
    /// In bytes, or in messages where they have one size.
    capacity: u64,
    capacity_bytes: u64,
    max_message: usize,
    /// Of typed messages only.
    message_size: Option<usize>,
    message_align: Option<usize>,
    type_tag: u64,
    delivery: String,
    checksums: bool,
    created_ns: u64,
    boot_id: String,
    /// Of which pages it is, and of which size reserved huge ones are.
    pages: String,
    huge_page_bytes: Option<u64>,
    populate: bool,
    lock: bool,
    node: Option<u32>,
    retired: bool,
    closed: bool,
    /// How often it was opened again after a close.
    session: u32,
    head: u64,
    tail: u64,
    received: u64,
    /// What was published and not released; none where the ring is corrupt.
    messages: Option<u64>,
    used_bytes: Option<u64>,
    corrupt: Option<String>,
    /// Of an spsc ring only.
    #[serde(flatten)]
    sides: Option<Sides>,
    /// Of an mpmc ring only.
    #[serde(flatten)]
    crowd: Option<Crowd>,
}

/// Who takes part in an spsc ring.
#[derive(Debug, Serialize)]
struct Sides {
    sender: Party,
    receiver: Party,
}

/// Who takes part in an mpmc ring.
#[derive(Debug, Serialize)]
struct Crowd {
    /// Slots with messages that a receiver may hold at once.
    holding: Option<u32>,
    /// None if as often as it takes.
    max_deliveries: Option<u32>,
    participants: Vec<Participant>,
    set_aside: Vec<Aside>,
}

/// One side of a ring.
#[derive(Debug, Serialize)]
pub(crate) struct Party {
    state: &'static str,
    pid: Option<u32>,
    since_ns: Option<u64>,
    attachments: u64,
}

impl Summary {
    pub(crate) fn of(ring: &Observer) -> Result<Self, Error> {
        let cursors = ring.cursors();
        let usage = ring.usage();
        let layout = ring.message_layout();
        let placement = ring.placement();
        Ok(Self {
            path: ring.path(),
            kind: ring.kind().to_string(),
            capacity: ring.capacity(),
            capacity_bytes: ring.data_len(),
            max_message: ring.max_message(),
            message_size: layout.map(|(size, _)| size),
            message_align: layout.map(|(_, align)| align),
            type_tag: ring.type_tag(),
            delivery: ring.delivery().to_string(),
            checksums: ring.has_checksums(),
            created_ns: ring.created(),
            boot_id: format!("{:032x}", u128::from_be_bytes(ring.boot_id())),
            pages: placement.pages.to_string(),
            huge_page_bytes: match placement.pages {
                Pages::Huge { size } => Some(size),
                _ => None,
            },
            populate: placement.populate,
            lock: placement.lock,
            node: placement.node,
            retired: ring.is_retired(),
            closed: ring.is_closed(),
            session: ring.session(),
            head: cursors.head,
            tail: cursors.tail,
            received: cursors.received,
            messages: usage.map(|usage| usage.messages).ok(),
            used_bytes: usage.map(|usage| usage.bytes).ok(),
            corrupt: usage.err().map(|corrupt| corrupt.to_string()),
            sides: match ring.kind() {
                Kind::Spsc => Some(Sides {
                    sender: Party::of(ring.presence(Role::Producer)?),
                    receiver: Party::of(ring.presence(Role::Consumer)?),
                }),
                _ => None,
            },
            crowd: match ring.kind() {
                Kind::Mpmc => Some(Crowd {
                    holding: ring.holding(),
                    max_deliveries: ring.max_deliveries(),
                    participants: Participant::all(ring)?,
                    set_aside: Aside::all(ring)?,
                }),
                _ => None,
            },
        })
    }

    /// Who sends and who receives, in a few words each.
    pub(crate) fn parties(&self) -> [String; 2] {
        if let Some(Sides { sender, receiver }) = &self.sides {
            return [sender.to_string(), receiver.to_string()];
        }
        [Role::Producer, Role::Consumer].map(|role| {
            let role = role.to_string();
            let places = self.crowd.iter().flat_map(|crowd| &crowd.participants);
            let attached = places.filter(|place| place.role.as_ref() == Some(&role) && place.is_attached());
            format!("{} attached", attached.count())
        })
    }

    /// How much of the ring is in use.
    pub(crate) fn used(&self) -> String {
        match (self.messages, self.used_bytes) {
            (Some(messages), Some(bytes)) => {
                let plural = if messages == 1 { "" } else { "s" };
                format!("{messages} message{plural}, {} of {}", size(bytes), size(self.capacity_bytes))
            }
            _ => self.corrupt.clone().unwrap_or_default(),
        }
    }
}

impl Party {
    pub(crate) fn of(presence: Presence) -> Self {
        let state = match presence.state {
            State::Never => "never",
            State::Attached => "attached",
            State::Detached => "detached",
            State::Died => "died",
            State::Recovered => "recovered",
        };
        // Attached, and it has not said yet who it is.
        let said = presence.holder.pid != 0;
        Self {
            state,
            pid: said.then_some(presence.holder.pid),
            since_ns: said.then_some(presence.holder.since),
            attachments: presence.attachments,
        }
    }

    pub(crate) fn is_attached(&self) -> bool {
        self.state == "attached"
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.state)?;
        match (self.pid, self.since_ns) {
            (Some(pid), Some(since)) if self.state != "never" => {
                write!(f, " (process {pid}, came {} ago)", age(since))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: String| writeln!(f, "{name:<12} {value}");
        line("path", self.path.display().to_string())?;
        line("kind", self.kind.clone())?;
        match (self.message_size, self.message_align) {
            (Some(bytes), Some(align)) => {
                line("messages", format!("of {bytes} bytes, aligned to {align}"))?;
                line("capacity", format!("{} messages, {}", self.capacity, size(self.capacity_bytes)))?;
            }
            _ if self.crowd.is_some() => {
                line("messages", format!("of up to {} bytes", self.max_message))?;
                line("capacity", format!("{} slots, {}", self.capacity, size(self.capacity_bytes)))?;
            }
            _ => {
                line("messages", format!("of up to {} bytes", self.max_message))?;
                line("capacity", format!("{} ({} bytes)", size(self.capacity_bytes), self.capacity))?;
            }
        }
        line("type tag", self.type_tag.to_string())?;
        line("delivery", self.delivery.clone())?;
        line("checksums", yes_or_no(self.checksums))?;
        line("created", format!("{} ago", age(self.created_ns)))?;
        line("boot id", self.boot_id.clone())?;
        line("pages", self.pages.clone())?;
        line("populated", yes_or_no(self.populate))?;
        line("locked", yes_or_no(self.lock))?;
        line("node", self.node.map_or("any".to_owned(), |node| node.to_string()))?;
        line("removed", yes_or_no(self.retired))?;
        line("closed", yes_or_no(self.closed))?;
        line("session", self.session.to_string())?;
        line("used", self.used())?;
        line("head", self.head.to_string())?;
        line("tail", self.tail.to_string())?;
        if let Some(Sides { sender, receiver }) = &self.sides {
            line("received", self.received.to_string())?;
            line("sender", sender.to_string())?;
            line("receiver", receiver.to_string())?;
        }
        let Some(crowd) = &self.crowd else { return Ok(()) };
        line("holding", format!("up to {} slots a receiver", crowd.holding.unwrap_or(0)))?;
        let most = crowd
            .max_deliveries
            .map_or("as often as it takes".to_owned(), |most| format!("up to {most} times"));
        line("delivered", most)?;
        let used: Vec<_> = crowd.participants.iter().filter(|place| !place.is_unused()).collect();
        line("places", format!("{}, {} of them used so far", crowd.participants.len(), used.len()))?;
        for place in used {
            line(&format!("  {}", place.number), place.line())?;
        }
        for aside in &crowd.set_aside {
            line("set aside", aside.line())?;
        }
        Ok(())
    }
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// How long ago a time was that is given in nanoseconds since 1970, in full seconds.
fn age(ns: u64) -> String {
    let then = SystemTime::UNIX_EPOCH + Duration::from_nanos(ns);
    format!("{} s", then.elapsed().unwrap_or_default().as_secs())
}
