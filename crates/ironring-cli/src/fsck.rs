//! `ironring fsck`.

use ironring::fsck::{Report, check, repair};
use serde::Serialize;

use crate::{args::Fsck, failure::Failure, output::Output};

pub(crate) fn run(args: &Fsck) -> Result<(), Failure> {
    let (done, report) = if args.repair {
        let repaired = repair(args.ring.name())?;
        (repaired.done, repaired.report)
    } else {
        (Vec::new(), check(args.ring.name())?)
    };
    let found = Found::of(done, &report);
    let mut out = Output::new();
    if args.json {
        let json = serde_json::to_string_pretty(&found).map_err(|e| Failure::Error(e.to_string()))?;
        out.write(json + "\n")?;
    } else {
        for step in &found.repaired {
            out.write(format!("repaired: {step}\n"))?;
        }
        out.write(report.to_string())?;
        if found.whole {
            out.write("whole\n")?;
        }
    }
    out.finish()?;
    if found.whole {
        return Ok(());
    }
    Err(Failure::Error(format!(
        "the ring is not whole: {} words are none that a participant leaves; {}",
        report.findings().len() + report.left_out(),
        if args.repair {
            "these cannot be set right: take what `ironring peek` shows, remove the ring, and make it anew"
        } else {
            "end who uses it and run `ironring fsck --repair`, or remove it"
        }
    )))
}

/// What a check found, for JSON.
#[derive(Debug, Serialize)]
struct Found {
    kind: String,
    whole: bool,
    repaired: Vec<String>,
    findings: Vec<Finding>,
    left_out: usize,
    notes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Finding {
    word: &'static str,
    at: String,
    found: String,
    expected: String,
}

impl Found {
    fn of(repaired: Vec<String>, report: &Report) -> Self {
        let findings = report.findings().iter().map(|finding| Finding {
            word: finding.word,
            at: finding.at.to_string(),
            found: finding.found.clone(),
            expected: finding.expected.clone(),
        });
        Self {
            kind: report.kind().to_string(),
            whole: report.is_whole(),
            repaired,
            findings: findings.collect(),
            left_out: report.left_out(),
            notes: report.notes().to_vec(),
        }
    }
}
