//! Two processes and a ring between them; the receiving one is killed in the middle, and
//! its successor goes on: `cargo run --example two_processes`.

use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use ironring::{Options, RecvError, State, spsc};

const MESSAGES: u32 = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(ring) = env::args_os().nth(1) {
        return receive(&spsc::Ring::open(ring)?);
    }
    let dir = env::temp_dir().join(format!("ironring-example-{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let path = dir.join("ring");
    let ring = spsc::Ring::<[u8]>::create(&path, &Options::bytes(4096))?;
    let start = || -> std::io::Result<Child> {
        Command::new(env::current_exe()?).arg(&path).stdin(Stdio::null()).spawn()
    };

    let mut first = start()?;
    let mut producer = ring.producer()?;
    for number in 0..MESSAGES {
        producer.set_tag(number).send(format!("message {number}").as_bytes())?;
        if number == MESSAGES / 2 {
            std::thread::sleep(Duration::from_millis(50));
            first.kill()?; // SIGKILL, wherever it is
            first.wait()?;
            println!("-- killed the receiver");
        }
    }
    drop(producer);
    let second = start()?.wait()?;
    ironring::remove(&path)?;
    std::fs::remove_dir(&dir)?;
    assert!(second.success());
    Ok(())
}

/// Prints messages until the sender is gone and the ring is empty.
fn receive(ring: &spsc::Ring<[u8]>) -> Result<(), Box<dyn std::error::Error>> {
    let mut consumer = ring.consumer()?;
    loop {
        // Asked before the look: what was sent before the end is still received.
        let ended = matches!(consumer.producer()?.state, State::Detached | State::Died);
        match consumer.recv_by(Duration::from_millis(5)) {
            Ok(message) => {
                let again = if message.is_redelivered() { " (again)" } else { "" };
                println!("{}{again}", String::from_utf8_lossy(&message.to_vec()));
                std::thread::sleep(Duration::from_millis(5)); // at work, while it holds the message
            }
            Err(RecvError::TimedOut) if ended => return Ok(()),
            Err(RecvError::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
