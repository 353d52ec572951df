//! `ironring create`.

use ironring::{Options, Pages, mpmc, spsc};

use crate::{
    args::{Create, Kind},
    failure::{Failure, complain},
};

pub(crate) fn run(args: &Create) -> Result<(), Failure> {
    let mut options = match (args.bytes, args.messages) {
        (Some(bytes), _) => Options::bytes(bytes.as_u64()),
        (None, messages) => Options::messages(messages.unwrap_or(0)),
    }
    .mode(args.mode)
    .delivery(args.delivery.into())
    .checksums(args.checksums);
    if let Some(longest) = args.max_message {
        options = options.max_message(longest.as_u64());
    }
    options = args.memory.options(options);
    let placement = match args.kind {
        Kind::Spsc => {
            refuse_mpmc_options(args)?;
            spsc::Ring::<[u8]>::create(args.ring.name(), &options)?.placement()
        }
        Kind::Mpmc => {
            mpmc::Ring::<[u8]>::create(args.ring.name(), &with_mpmc_options(options, args))?.placement()
        }
    };
    if let Pages::Advised { huge } = placement.pages {
        let got = if huge == 0 { "none".to_owned() } else { format!("transparent ones for {huge} bytes") };
        complain(
            Some(args.ring.shown()),
            format!("no huge pages are reserved for it; the system gave {got}"),
        );
    }
    Ok(())
}

fn with_mpmc_options(mut options: Options, args: &Create) -> Options {
    if let Some(n) = args.participants {
        options = options.participants(n);
    }
    if let Some(n) = args.holding {
        options = options.holding(n);
    }
    if let Some(n) = args.batch {
        options = options.batch(n);
    }
    if let Some(n) = args.max_deliveries {
        options = options.max_deliveries(n);
    }
    options
}

fn refuse_mpmc_options(args: &Create) -> Result<(), Failure> {
    let given = [
        ("--participants", args.participants),
        ("--holding", args.holding),
        ("--batch", args.batch),
        ("--max-deliveries", args.max_deliveries),
    ];
    match given.iter().find(|(_, value)| value.is_some()) {
        None => Ok(()),
        Some((option, _)) => Err(Failure::Error(format!(
            "{option}: a ring of kind spsc has one sender and one receiver, and no such choice; leave it out, or \
             make a ring with --kind mpmc"
        ))),
    }
}
