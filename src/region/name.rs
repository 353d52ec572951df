//! A ring's name, and whose the ring may be.

use std::{
    fs::Metadata,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{Plan, RegionFile, meaning::Meaning, user};
use crate::error::Error;

/// A ring's name, and who besides this process's user may have put it there.
///
/// Wherever a ring is named, a path or a string does, and stands for a ring of this process's
/// own (effective) user, in directories in which nobody but that user and root can rename or remove.
/// Anything else is refused, and is to be had by asking for it, by this type. For those who have
/// access to a ring may write anything to it: nobody should open a stranger's by mistake.
///
/// What asks for nothing that is there changes nothing: a ring of one's own is opened in any case.
/// Rings that were passed on by a descriptor (`fd:`, `unix:`) have no path, and are taken as they are.
///
/// ```
/// use ironring::{Name, Options, spsc};
///
/// let dir = tempfile::tempdir()?;
/// let ticks = dir.path().join("ticks");
/// spsc::Ring::<u64>::create(&ticks, &Options::messages(8).mode(0o666))?;
///
/// // One who is not user 1000 gets at user 1000's ring, or at one of its own.
/// spsc::Ring::<u64>::open(Name::new(&ticks).owned_by(1000))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    path: PathBuf,
    allowed: Allowed,
}

/// What a name asks for beyond its own user's rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    owner: Owner,
    any_directory: bool,
}

/// Whose a ring may be besides one's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Owner {
    #[default]
    Nobody,
    User(u32),
    Anybody,
}

impl Name {
    /// The name that stands for a ring of one's own, as a path or a string does.
    pub fn new(name: impl AsRef<Path>) -> Self {
        Self { path: name.as_ref().to_owned(), allowed: Allowed::default() }
    }

    /// Lets the ring, and directories on the way to it, also be the user's of the number `uid`: who
    /// opens it trusts that user as it trusts itself with what comes out of the ring, and whomever
    /// that user let in by the ring's mode. Root's rings are another user's, too.
    ///
    /// ```
    /// use ironring::{Error, Name, spsc::Ring};
    ///
    /// let name = Name::new("/run/feed/ticks").owned_by(990);
    /// assert!(matches!(Ring::<u64>::open(name), Err(Error::NotFound { .. })));
    /// ```
    pub const fn owned_by(mut self, uid: u32) -> Self {
        self.allowed.owner = Owner::User(uid);
        self
    }

    /// Lets the ring, and directories on the way to it, be anybody's.
    ///
    /// ```
    /// use ironring::{Name, Observer, Options, spsc};
    ///
    /// let dir = tempfile::tempdir()?;
    /// let path = dir.path().join("orders");
    /// spsc::Ring::<[u8]>::create(&path, &Options::bytes(4096))?;
    /// // As for root, who looks after the rings of all.
    /// let observer = Observer::open(Name::new(&path).owned_by_anybody())?;
    /// assert_eq!(observer.usage()?.messages, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn owned_by_anybody(mut self) -> Self {
        self.allowed.owner = Owner::Anybody;
        self
    }

    /// Lets the ring lie where others may rename and remove: they can put another ring of an owner
    /// that is allowed in its place, or none, at any time.
    ///
    /// ```
    /// use std::{fs::Permissions, os::unix::fs::PermissionsExt};
    ///
    /// use ironring::{Error, Name, Options, spsc::Ring};
    ///
    /// let dir = tempfile::tempdir()?;
    /// std::fs::set_permissions(dir.path(), Permissions::from_mode(0o770))?;
    /// let path = dir.path().join("ring");
    /// let options = Options::bytes(4096);
    /// let refused = Ring::<[u8]>::create(&path, &options).expect_err("the group can remove it");
    /// assert!(matches!(refused, Error::UnsafeDirectory { path, .. } if path == dir.path()));
    /// Ring::<[u8]>::create(Name::new(&path).in_any_directory(), &options)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn in_any_directory(mut self) -> Self {
        self.allowed.any_directory = true;
        self
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn allowed(&self) -> Allowed {
        self.allowed
    }

    /// Opens what the name stands for.
    pub(super) fn open(&self, write: bool) -> Result<RegionFile, Error> {
        Meaning::of(&self.path)?.open(self.allowed, write)
    }

    /// Makes a region of that name.
    pub(super) fn create(&self, plan: &Plan) -> Result<RegionFile, Error> {
        Meaning::of(&self.path)?.create(self.allowed, plan)
    }
}

impl<P: AsRef<Path>> From<P> for Name {
    fn from(name: P) -> Self {
        Self::new(name)
    }
}

impl From<&Self> for Name {
    fn from(name: &Self) -> Self {
        name.clone()
    }
}

impl Allowed {
    /// Whether directories are taken as they are.
    pub(super) const fn is_any_directory(self) -> bool {
        self.any_directory
    }

    /// Whether what is the user's of the number `owner` may be a ring, or the private directory of one.
    pub(super) fn has_owner(self, owner: u32) -> bool {
        user::is_own(owner)
            || match self.owner {
                Owner::Nobody => false,
                Owner::User(uid) => user::is(owner, uid),
                Owner::Anybody => true,
            }
    }

    /// Whether the user of the number `owner` may rename and remove on the way to a ring.
    pub(super) fn is_trusted(self, owner: u32) -> bool {
        owner == user::ROOT || self.has_owner(owner)
    }

    /// Checks whose the ring at `name` is, as its file says.
    pub(super) fn check(self, name: &Path, found: &Metadata) -> Result<(), Error> {
        self.check_owner(name, found.uid())
    }

    /// Checks that a ring of the user `owner` may be one's at `name`.
    pub(super) fn check_owner(self, name: &Path, owner: u32) -> Result<(), Error> {
        if self.has_owner(owner) {
            return Ok(());
        }
        let expected = match self.owner {
            Owner::User(uid) => format!("you (user {}) or user {uid}", user::effective()),
            _ => format!("you (user {})", user::effective()),
        };
        Err(Error::OtherOwner { path: name.to_owned(), owner, expected })
    }
}
