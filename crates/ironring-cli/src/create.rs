//! `ironring create`.

use ironring::{Options, spsc::Ring};

use crate::{
    args::{Create, Kind},
    failure::Failure,
};

pub(crate) fn run(args: &Create) -> Result<(), Failure> {
    let mut options = match (args.bytes, args.messages) {
        (Some(bytes), _) => Options::bytes(bytes.as_u64()),
        (None, messages) => Options::messages(messages.unwrap_or(0)),
    }
    .mode(args.mode)
    .delivery(args.delivery.into());
    if let Some(longest) = args.max_message {
        options = options.max_message(longest.as_u64());
    }
    match args.kind {
        Kind::Spsc => Ring::<[u8]>::create(&args.name, &options)?,
    };
    Ok(())
}
