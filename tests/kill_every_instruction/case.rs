//! The situations in which operations are cut short, and at which of their instructions.

use ironring::Delivery;

use crate::victims::{operation::Operation, rig::Setting, scene::State};

/// One of the situations in which an operation is cut short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) operation: Operation,
    pub(crate) setting: Setting,
    pub(crate) state: State,
}

/// What happens to a victim that has got somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is killed at once.
    AtOnce,
    /// It stands there while the survivors move the ring on by more than two laps.
    Overtaken,
}

impl End {
    pub(crate) const BOTH: [Self; 2] = [Self::AtOnce, Self::Overtaken];
}

impl Setting {
    /// All of them, where `delivery` matters or does not.
    pub(crate) fn all(with_delivery: bool) -> Vec<Self> {
        let mut all = Vec::new();
        for capacity in [2, 1024] {
            for holding in [1, 3] {
                for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
                    if with_delivery || delivery == Delivery::AtLeastOnce {
                        all.push(Self { capacity, holding, delivery });
                    }
                }
            }
        }
        all
    }

    /// More than two laps of the ring.
    pub(crate) fn laps(&self) -> u64 {
        2 * self.capacity + 1
    }
}
