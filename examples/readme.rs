//! Sends a greeting through a ring, and receives it.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    use ironring::{Options, spsc};

    let ring = spsc::Ring::<[u8]>::open_or_create("greetings", &Options::bytes(64 << 10))?;
    let mut producer = ring.producer()?;
    producer.send(b"hello from one process")?;

    let mut consumer = ring.consumer()?; // in the same process or another
    println!("{}", String::from_utf8_lossy(&consumer.recv()?.to_vec()));
    Ok(())
}
