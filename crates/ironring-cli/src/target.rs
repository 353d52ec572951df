//! Which ring a command is about, and whose it may be.

use std::path::{Path, PathBuf};

use clap::Parser;
use ironring::Name;

const HEADING: &str = "Rings of other users";

/// A ring.
#[derive(Debug, Parser)]
pub(crate) struct Target {
    /// A bare name, or a path
    name: PathBuf,
    #[command(flatten)]
    allowed: Allowed,
}

/// Rings.
#[derive(Debug, Parser)]
pub(crate) struct Targets {
    /// Bare names, or paths
    #[arg(required = true, value_name = "NAME")]
    names: Vec<PathBuf>,
    #[command(flatten)]
    allowed: Allowed,
}

/// Whose it may be, and where.
#[derive(Debug, Parser)]
pub(crate) struct Allowed {
    /// The ring, and directories on the way to it, may also be user UID's, or `any` user's
    #[arg(long, value_name = "UID", value_parser = owner, help_heading = HEADING)]
    owner: Option<Owner>,
    /// It may lie where others can rename and remove it
    #[arg(long, help_heading = HEADING)]
    any_directory: bool,
}

#[derive(Clone, Copy, Debug)]
enum Owner {
    User(u32),
    Anybody,
}

impl Target {
    /// As it was given.
    pub(crate) fn shown(&self) -> &Path {
        &self.name
    }

    pub(crate) fn name(&self) -> Name {
        self.allowed.name(&self.name)
    }
}

impl Targets {
    /// Each one, as it was given and as it is asked for.
    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = (&Path, Name)> {
        self.names.iter().map(|name| (&**name, self.allowed.name(name)))
    }
}

impl Allowed {
    pub(crate) fn name(&self, name: &Path) -> Name {
        let mut name = Name::new(name);
        match self.owner {
            None => {}
            Some(Owner::User(uid)) => name = name.owned_by(uid),
            Some(Owner::Anybody) => name = name.owned_by_anybody(),
        }
        if self.any_directory { name.in_any_directory() } else { name }
    }
}

fn owner(text: &str) -> Result<Owner, String> {
    match text {
        "any" => Ok(Owner::Anybody),
        _ => text
            .parse()
            .map(Owner::User)
            .map_err(|_| "expected a user's number (`id -u USER`), or `any`".into()),
    }
}
