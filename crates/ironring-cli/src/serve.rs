//! `ironring serve`.

use std::{
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
    time::Duration,
};

use ironring::{Algorithm, Deadline, Peer, Ring};

use crate::{
    args::Serve,
    failure::{Failure, complain},
    open::{self, Opened},
};

pub(crate) fn run(args: &Serve) -> Result<(), Failure> {
    match open::open(&args.ring.name())? {
        Opened::Spsc(ring) => serve(&ring, args),
        Opened::Mpmc(ring) => serve(&ring, args),
    }
}

/// Removes the socket when it goes.
struct Socket<'a>(&'a Path);

impl Drop for Socket<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.0);
    }
}

fn serve<A: Algorithm>(ring: &Ring<[u8], A>, args: &Serve) -> Result<(), Failure> {
    let making = |e| Failure::Error(format!("making the socket {}: {e}", args.socket.display()));
    let listener = UnixListener::bind(&args.socket).map_err(making)?;
    let _socket = Socket(&args.socket);
    if !args.user.is_empty() {
        // Whoever connects is asked who it is.
        let all = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(&args.socket, all).map_err(making)?;
    }
    let admits = |peer: &Peer| peer.is_same_user() || args.user.contains(&peer.uid);
    let mut served = 0;
    while args.count.is_none_or(|count| served < count) {
        let (peer, _) =
            listener.accept().map_err(|e| Failure::Error(format!("waiting for the next to connect: {e}")))?;
        let deadline = Deadline::after(Duration::from_millis(args.timeout));
        match ring.serve(&peer, admits, deadline) {
            Ok(_) => served += 1,
            Err(error) => complain(Some(args.ring.shown()), error),
        }
    }
    Ok(())
}
