//! Where a victim stood in one run of its operation, so that the next is there at once.
//!
//! A single step costs two changes of process and a trap, and the point at which to kill lies
//! on average half an operation away. The trail of one run, stepped through, says which
//! instruction comes `k`-th. A breakpoint there takes the next victim to it at full speed, through
//! as many passes of that address as come before (in loops); or, where it is cheaper, one at an
//! address before it, and steps from there.

use std::collections::HashMap;
use std::io;

use crate::sys::{self, TraceRequest};
use crate::traced::Trap;
use crate::{Exit, Step, Traced};

/// `int3`, which traps.
const BREAKPOINT: u8 = 0xcc;

/// What passing a breakpoint costs, in steps.
const PASS: u64 = 3;

/// How a victim gets to an instruction.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// Where it stands there, and how often it was there before.
    address: u64,
    passes: u64,
    /// The point that a breakpoint is to take it to, and what that and the steps from there cost.
    from: usize,
    cost: u64,
}

/// The instructions of one run of an operation, in order.
///
/// ```no_run
/// use ironring_testkit::{Role, Step, Trail};
///
/// let trail = Trail::of(&mut Role::new("sender").spawn_traced()?)?;
/// let mut victim = Role::new("sender").spawn_traced()?;
/// assert_eq!(victim.follow(&trail, 100), Some(Step::Inside { taken: 100 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Trail {
    points: Vec<Point>,
    /// The points at which what was watched had just changed.
    changes: Vec<u64>,
}

impl Trail {
    /// Steps `victim` to the end of its operation.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Role, Trail};
    /// let trail = Trail::of(&mut Role::new("sender").spawn_traced()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the victim ended, if it did.
    ///
    /// # Panics
    ///
    /// If it is not inside an operation.
    pub fn of(victim: &mut Traced) -> Result<Trail, Exit> {
        Trail::of_watched(victim, || ())
    }

    /// Steps `victim` to the end of its operation, and looks at what others see after each
    /// instruction.
    ///
    /// ```no_run
    /// use ironring_testkit::{Ledger, Role, Trail};
    ///
    /// let ledger = Ledger::new(1)?;
    /// let mut victim = Role::new("sender").ledger(&ledger).spawn_traced()?;
    /// let trail = Trail::of_watched(&mut victim, || ledger.get(0))?;
    /// println!("stored to after {:?} instructions", trail.changes());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// How the victim ended, if it did.
    ///
    /// # Panics
    ///
    /// If it is not inside an operation.
    pub fn of_watched<T: PartialEq>(victim: &mut Traced, mut look: impl FnMut() -> T) -> Result<Trail, Exit> {
        let mut passed = HashMap::new();
        let mut points: Vec<Point> = Vec::new();
        let mut changes = Vec::new();
        let mut seen = look();
        loop {
            let address = sys::instruction_pointer(victim.pid());
            let count = passed.entry(address).or_insert(0);
            let (passes, cost) = (*count, *count * PASS);
            *count += 1;
            let stepped = points.last().map(|last| (last.from, last.cost + 1));
            let (from, cost) = stepped.filter(|(_, stepped)| *stepped < cost).unwrap_or((points.len(), cost));
            points.push(Point { address, passes, from, cost });
            match victim.step(1) {
                Step::Inside { .. } => {}
                Step::Ended { .. } => return Ok(Trail { points, changes }),
                Step::Died(exit) => return Err(exit),
            }
            let now = look();
            if now != seen {
                changes.push(points.len() as u64);
                seen = now;
            }
        }
    }

    /// The points at which what was watched had just changed, in order: see
    /// [`of_watched`](Trail::of_watched).
    ///
    /// ```no_run
    /// # use ironring_testkit::{Role, Trail};
    /// let trail = Trail::of(&mut Role::new("sender").spawn_traced()?)?;
    /// assert!(trail.changes().is_empty(), "nothing was watched");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn changes(&self) -> &[u64] {
        &self.changes
    }

    /// Every `stride`-th point, in order, and with them all [`changes`](Trail::changes) and the
    /// end. With a stride of 1, every point.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Role, Trail};
    /// let trail = Trail::of(&mut Role::new("sender").spawn_traced()?)?;
    /// assert_eq!(trail.points(1).len() as u64, trail.length() + 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If `stride` is 0.
    pub fn points(&self, stride: u64) -> Vec<u64> {
        assert!(stride > 0, "a stride of 0 stays where it is");
        let is_chosen = |k: &u64| {
            k.is_multiple_of(stride) || *k == self.length() || self.changes.binary_search(k).is_ok()
        };
        (0..=self.length()).filter(is_chosen).collect()
    }

    /// A fresh victim, from `spawn`, that has done the first `k` instructions of its operation.
    ///
    /// One that goes another way than the trail, as in the kernel's code that reads the clock, is
    /// replaced by one that is stepped.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Exit, Role, Trail};
    /// let spawn = || Role::new("sender").spawn_traced();
    /// let trail = Trail::of(&mut spawn()?)?;
    /// for k in trail.points(1) {
    ///     let mut victim = trail.bring(k, spawn)?;
    ///     // What the others do while it stands there.
    ///     assert_eq!(victim.kill(), Exit::KILLED);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `spawn`, and the [`Exit`] of a victim that died by itself.
    ///
    /// # Panics
    ///
    /// As [`Traced::follow`].
    pub fn bring(&self, k: u64, mut spawn: impl FnMut() -> io::Result<Traced>) -> io::Result<Traced> {
        let mut victim = spawn()?;
        match victim.follow(self, k) {
            Some(Step::Inside { .. }) => return Ok(victim),
            Some(Step::Died(exit)) => return Err(io::Error::other(exit)),
            Some(Step::Ended { .. }) | None => drop(victim),
        }
        let mut victim = spawn()?;
        match victim.step(k) {
            Step::Inside { .. } | Step::Ended { .. } => Ok(victim),
            Step::Died(exit) => Err(io::Error::other(exit)),
        }
    }

    /// How many instructions the operation takes, as [`Traced::count`] counts them.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Role, Trail};
    /// let trail = Trail::of(&mut Role::new("sender").spawn_traced()?)?;
    /// println!("{} instructions", trail.length());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn length(&self) -> u64 {
        self.points.len() as u64 - 1
    }
}

impl Traced {
    /// Lets it do the first `k` instructions of its operation, which are those of `trail`.
    ///
    /// The same as [`step`](Traced::step), many times faster. To be called at the beginning of the
    /// operation. `None` if it left the trail: it came to the operation's end, and not to an address
    /// on the way to the `k`-th instruction.
    ///
    /// ```no_run
    /// # use ironring_testkit::{Role, Trail};
    /// let trail = Trail::of(&mut Role::new("sender").spawn_traced()?)?;
    /// for k in 0..=trail.length() {
    ///     let mut victim = Role::new("sender").spawn_traced()?;
    ///     let _ = victim.follow(&trail, k);
    ///     victim.kill();
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If it is not at the beginning of the operation, or the trail has fewer than `k` instructions.
    pub fn follow(&mut self, trail: &Trail, k: u64) -> Option<Step> {
        let start = trail.points[0].address;
        let pid = self.pid();
        assert_eq!(sys::instruction_pointer(pid), start, "the victim is not where the trail begins");
        let from = trail.points[usize::try_from(k).expect("a point of the trail")].from;
        if from > 0 {
            match self.run_to(trail.points[from]) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(exit) => return Some(Step::Died(exit)),
            }
        }
        Some(match self.step(k - from as u64) {
            Step::Inside { .. } => Step::Inside { taken: k },
            Step::Ended { taken } => Step::Ended { taken: from as u64 + taken },
            Step::Died(exit) => Step::Died(exit),
        })
    }

    /// Lets it run at full speed to `point`; false if it came to the end instead.
    fn run_to(&mut self, point: Point) -> Result<bool, Exit> {
        let pid = self.pid();
        let Point { address, passes, .. } = point;
        // It may stand there now.
        let mut left = passes;
        let alive = |done: io::Result<()>| done.unwrap_or_else(|error| panic!("victim {pid}: {error}"));
        let code = sys::read_code(pid, address);
        let mut with_breakpoint = code;
        with_breakpoint[0] = BREAKPOINT;
        loop {
            if sys::instruction_pointer(pid) == address {
                if left == 0 {
                    return Ok(true);
                }
                left -= 1;
                match self.step(1) {
                    Step::Inside { .. } => continue,
                    Step::Ended { .. } => return Ok(false),
                    Step::Died(exit) => return Err(exit),
                }
            }
            alive(sys::write_code(pid, address, with_breakpoint));
            let came = self.run_to_trap_at(address + 1);
            if came.is_ok() {
                alive(sys::write_code(pid, address, code));
            }
            if !came? {
                self.inside = false;
                return Ok(false);
            }
            alive(sys::set_instruction_pointer(pid, address));
        }
    }

    /// Lets it run at full speed until a trap stops it at `address`; false if it came to the end
    /// instead.
    fn run_to_trap_at(&mut self, address: u64) -> Result<bool, Exit> {
        loop {
            match self.resume(TraceRequest::Continue)? {
                Trap::Begin | Trap::End if sys::instruction_pointer(self.pid()) == address => {
                    return Ok(true);
                }
                Trap::End => return Ok(false),
                _ => {}
            }
        }
    }
}
