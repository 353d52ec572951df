//! Starts the command line in a directory of its own, and waits for what it does.

use std::{
    ffi::OsStr,
    fs::Permissions,
    io::{Read, Write},
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long anything may take before the test fails; nothing waits so long that works.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls `look` until it gives something.
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "did not happen: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The directory of bare names in one test.
pub(crate) struct Dir(tempfile::TempDir);

/// How a command ended.
pub(crate) struct Ended {
    /// The exit status; 128 more than the signal's number if one ended it.
    pub(crate) status: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Dir {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).expect("its mode set");
        Self(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ironring"));
        command.args(args).env("IRONRING_DIR", self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts `ironring` with the words of `args`, its input open.
    pub(crate) fn start(&self, args: &str) -> Running {
        Running::start(self.command(args.split_whitespace()).stdin(Stdio::piped()))
    }

    /// Runs `ironring` with the words of `args` to its end.
    pub(crate) fn run(&self, args: &str, input: impl AsRef<[u8]>) -> Ended {
        let mut running = self.start(args);
        let mut stdin = running.stdin.take().expect("its input");
        let input = input.as_ref();
        std::thread::scope(|scope| {
            // It may end before it has read everything.
            scope.spawn(move || drop(stdin.write_all(input)));
            running.finish()
        })
    }

    /// Runs what must succeed; gives what it wrote.
    pub(crate) fn must(&self, args: &str, input: impl AsRef<[u8]>) -> Vec<u8> {
        let ended = self.run(args, input);
        assert_eq!(ended.status, 0, "{args}: {}", ended.err);
        assert_eq!(ended.err, "", "{args}");
        ended.out
    }

    pub(crate) fn stat(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.must(&format!("stat --json {name}"), "")).expect("JSON")
    }

    /// Waits until `stat` tells of the ring what `is` looks for.
    pub(crate) fn wait_for_stat(&self, name: &str, what: &str, is: impl Fn(&serde_json::Value) -> bool) {
        wait_until(what, || (self.path(name).exists() && is(&self.stat(name))).then_some(()));
    }
}

/// A command that was started; killed if the test does not wait for it.
pub(crate) struct Running {
    child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    out: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
    err: Arc<Mutex<Vec<u8>>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the command line starts");
        let (out, err) = (Arc::default(), Arc::default());
        let mut readers = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            readers.push(collect(pipe, &out));
        }
        if let Some(pipe) = child.stderr.take() {
            readers.push(collect(pipe, &err));
        }
        Self { stdin: child.stdin.take(), child, out, readers, err }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().expect("an open input").write_all(bytes).expect("written");
    }

    /// Waits until it has written so much.
    pub(crate) fn wait_for_output(&self, expected: &[u8]) {
        let so_far = || self.out.lock().expect("the output").clone();
        wait_until(&format!("{:?} is written", String::from_utf8_lossy(expected)), || {
            (so_far().len() >= expected.len()).then_some(())
        });
        assert_eq!(String::from_utf8_lossy(&so_far()), String::from_utf8_lossy(expected));
    }

    pub(crate) fn wait_for_error(&self, part: &str) {
        wait_until(&format!("{part:?} is said"), || {
            String::from_utf8_lossy(&self.err.lock().expect("the output")).contains(part).then_some(())
        });
    }

    /// Sends it `signal`, such as `KILL`.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill").arg(format!("-{signal}")).arg(self.id().to_string()).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Closes its input, and waits until it ends.
    pub(crate) fn finish(mut self) -> Ended {
        drop(self.stdin.take());
        let child = &mut self.child;
        let status = wait_until("the command ends", || child.try_wait().expect("a child"));
        for reader in self.readers.drain(..) {
            reader.join().expect("its output");
        }
        Ended {
            status: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            out: std::mem::take(&mut self.out.lock().expect("the output")),
            err: String::from_utf8_lossy(&self.err.lock().expect("the output")).into_owned(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut pipe: impl Read + Send + 'static, to: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let to = Arc::clone(to);
    std::thread::spawn(move || {
        let mut buf = vec![0; 64 << 10];
        while let Ok(n @ 1..) = pipe.read(&mut buf) {
            to.lock().expect("the output").extend_from_slice(&buf[..n]);
        }
    })
}
