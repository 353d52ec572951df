//! What a participant that died left, and what became of it.

use std::fmt;

use crate::{Holder, Role};

/// The recovery of one participant that died: what it left, and what became of that.
///
/// ```
/// use ironring::{Options, mpmc};
///
/// let ring = mpmc::Ring::<[u8]>::anonymous(&Options::messages(8))?;
/// assert!(ring.recover()?.is_empty(), "nobody has died");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recovered {
    /// Its number among the ring's participants.
    pub participant: u32,
    /// What it was, as far as it had said.
    pub role: Option<Role>,
    /// What it had said of itself: its process id as it saw that itself, and since when it
    /// was attached.
    pub holder: Holder,
    /// What had become of the send or receive that it was in the middle of, if it was.
    pub interrupted: Option<Interrupted>,
    /// Messages that it had taken and not released, and that are delivered again.
    pub redelivered: u32,
    /// Messages that it had received and not released, and that are lost, where delivery is
    /// at most once.
    pub dropped: u32,
    /// Messages that had been delivered as often as `max_deliveries` allows, and are set
    /// aside.
    pub set_aside: u32,
}

/// What had become of a send or receive in whose middle a participant died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// It had taken place: the message is in the ring, or was taken from it.
    Done,
    /// It had not taken place: the message was not sent, or is still in the ring.
    Undone,
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "participant {}", self.participant)?;
        if let Some(role) = self.role {
            write!(f, ", a {role}")?;
        }
        write!(f, " of process {}, died", self.holder.pid)?;
        match self.interrupted {
            None => {}
            Some(Interrupted::Done) => f.write_str(" when a message had just passed")?,
            Some(Interrupted::Undone) => f.write_str(" before a message could pass")?,
        }
        for (count, fate) in
            [(self.redelivered, "delivered again"), (self.dropped, "dropped"), (self.set_aside, "set aside")]
        {
            match count {
                0 => {}
                1 => write!(f, "; 1 message {fate}")?,
                _ => write!(f, "; {count} messages {fate}")?,
            }
        }
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_messages_is_said_in_words() {
        let mut dead = Recovered {
            participant: 3,
            role: Some(Role::Consumer),
            holder: Holder { pid: 71, since: 0 },
            interrupted: None,
            redelivered: 0,
            dropped: 0,
            set_aside: 0,
        };
        let start = "participant 3, a consumer of process 71, died";
        assert_eq!(dead.to_string(), start);
        (dead.redelivered, dead.dropped, dead.set_aside) = (2, 1, 0);
        assert_eq!(dead.to_string(), format!("{start}; 2 messages delivered again; 1 message dropped"));
        dead = Recovered { interrupted: Some(Interrupted::Undone), redelivered: 0, dropped: 0, ..dead };
        assert_eq!(dead.to_string(), format!("{start} before a message could pass"));
    }
}
