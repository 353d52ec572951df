//! What concurrent callers of an exchange ring see is what they would see of a queue that does
//! one operation at a time: each takes effect at one instant between its call and its return,
//! also where it says that the ring is full or empty.
//!
//! Histories are recorded and checked, short ones by a search for an order of all operations
//! that explains them, long ones by conditions that every such order meets. The checkers are
//! tested first, on histories that are broken in one way each.

mod checkers;
mod conditions;
mod history;
mod recorded;
mod search;
