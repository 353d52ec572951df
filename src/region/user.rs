//! Which user this is, and whether another one is the same.

/// Who may do anything.
pub(super) const ROOT: u32 = 0;

/// The user whom this process acts as.
pub(super) fn effective() -> u32 {
    // SAFETY: has no preconditions and cannot fail.
    unsafe { libc::geteuid() }
}

/// Whether `user`, as the kernel tells of a file or of a peer, is who this process acts as.
pub(crate) fn is_own(user: u32) -> bool {
    is(user, effective())
}

/// Whether `user`, as the kernel tells of a file or of a peer, is the one of the number `wanted`.
///
/// In a user namespace, all who have no number there are told by one and the same: that is nobody's,
/// unless every user has a number.
pub(super) fn is(user: u32, wanted: u32) -> bool {
    user == wanted && (user != OF_THE_NAMELESS || all_have_numbers())
}

/// By what a name asks for what is the user's of that number.
pub(crate) fn how_to_ask(user: u32) -> String {
    if is(user, user) {
        format!("`Name::owned_by` (--owner {user} on the command line)")
    } else {
        "`Name::owned_by_anybody` (--owner any on the command line)".into()
    }
}

/// The number of those who have none (`/proc/sys/kernel/overflowuid`, which nobody changes).
const OF_THE_NAMELESS: u32 = 65534;

/// Whether this is a namespace in which no user is without a number.
fn all_have_numbers() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().eq(["0", "0", "4294967295"])
}
