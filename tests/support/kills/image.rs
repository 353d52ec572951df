//! The bytes of a region, to be looked at and put back.

use std::{fs::File, os::fd::AsFd, os::unix::fs::FileExt};

fn file_of(ring: &impl AsFd) -> File {
    File::from(ring.as_fd().try_clone_to_owned().expect("a descriptor"))
}

/// The region of `ring`, as it is now.
pub(crate) fn region_of(ring: &impl AsFd) -> Vec<u8> {
    let file = file_of(ring);
    let mut region = vec![0; file.metadata().expect("a length").len() as usize];
    file.read_exact_at(&mut region, 0).expect("the region");
    region
}

/// Makes the region of `ring`, which nobody uses, what `region` says.
pub(crate) fn put_back(ring: &impl AsFd, region: &[u8]) {
    file_of(ring).write_all_at(region, 0).expect("a region of the same length");
}
