//! `ironring list`.

use ironring::{Error, Observer};

use crate::{
    failure::Failure,
    output::{Output, table},
    stat::Summary,
    target::Allowed,
};

pub(crate) fn run(allowed: &Allowed) -> Result<(), Failure> {
    let mut rows = vec![["NAME", "KIND", "USED", "SENDER", "RECEIVER"].map(str::to_owned).to_vec()];
    for name in ironring::names()? {
        let shown = name.display().to_string();
        match Observer::open(allowed.name(&name)).and_then(|ring| Summary::of(&ring)) {
            Ok(ring) => {
                let used = ring.used();
                let [sender, receiver] = ring.parties();
                rows.push(vec![shown, ring.kind, used, sender, receiver]);
            }
            // Removed since the names were read.
            Err(Error::NotFound { .. }) => {}
            Err(error) => rows.push(vec![shown, "?".into(), error.to_string()]),
        }
    }
    let mut out = Output::new();
    out.write(table(&rows))?;
    out.finish()
}
