//! Every field of the identity, spoilt one at a time.

use std::{fs::File, path::PathBuf, sync::atomic::Ordering::Relaxed};

use bytemuck::{Pod, Zeroable};
use ironring::{Error, Options, Payload, spsc::Ring};
use tempfile::TempDir;

use crate::{
    Tests,
    cases::{ANY_RING, BYTE_RING, BYTES, Case, TYPED_RING, Told},
    support::{
        layout::{AT_CHECKSUM, AT_RETIRED, Field, IDENTITY, fnv1a},
        raw::Raw,
        shared_memory,
    },
};

pub(crate) const TESTS: Tests = &[
    ("spoilt_fields_of_a_byte_ring_are_named", spoilt_fields_of_a_byte_ring_are_named),
    ("spoilt_fields_of_a_typed_ring_are_named", spoilt_fields_of_a_typed_ring_are_named),
    ("spoilt_boot_id_is_named", spoilt_boot_id_is_named),
    ("spoilt_checksum_is_named", spoilt_checksum_is_named),
    ("sizes_whose_product_wraps_around_are_refused", sizes_whose_product_wraps_around_are_refused),
    ("every_spoilt_byte_of_the_identity_is_noticed", every_spoilt_byte_of_the_identity_is_noticed),
    ("documented_example_has_the_documented_checksum", documented_example_has_its_checksum),
    ("every_field_has_cases_and_no_byte_is_left_out", every_field_has_cases_and_no_byte_is_left_out),
    ("truncated_and_grown_files_are_refused", truncated_and_grown_files_are_refused),
    ("header_cut_off_anywhere_is_refused", header_cut_off_anywhere_is_refused),
];

const LAYOUT: &str = include_str!("../../docs/LAYOUT.md");

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Tick([u64; 3]);

/// A ring in a file, to be spoilt.
struct Victim {
    _dir: TempDir,
    path: PathBuf,
    raw: Raw,
    options: Options,
}

impl Victim {
    fn new<M: Payload + ?Sized>(options: Options) -> Self {
        let dir = shared_memory();
        let path = dir.path().join("ring");
        drop(Ring::<M>::create(&path, &options).expect("a ring"));
        let raw = Raw::open(&path);
        Self { _dir: dir, path, raw, options }
    }

    /// Every way to open it, and what each says.
    fn open<M: Payload + ?Sized>(&self) -> [Result<(), Error>; 4] {
        let file = || File::options().read(true).write(true).open(&self.path).expect("the file").into();
        [
            Ring::<M>::open(&self.path).map(drop),
            Ring::<M>::open_like(&self.path, &self.options).map(drop),
            Ring::<M>::open_or_create(&self.path, &self.options).map(drop),
            Ring::<M>::from_fd(file()).map(drop),
        ]
    }
}

fn field(name: &str) -> Field {
    *IDENTITY.iter().find(|field| field.name == name).expect("a field of the identity")
}

/// Whether `text` says `value`, in decimal or hexadecimal digits.
fn says(text: &str, value: u64) -> bool {
    text == value.to_string() || text == format!("{value:#x}")
}

fn spoil<M: Payload + ?Sized>(victim: &Victim, case: &Case) {
    let Field { name, at, len } = field(case.field);
    let whole = victim.raw.get(0, AT_RETIRED);
    victim.raw.set(at, &case.value.to_le_bytes()[..len]);

    for result in victim.open::<M>() {
        let error = result.expect_err(&format!("{name} = {:#x} without a checksum", case.value));
        let Error::Invalid { field, .. } = error else { panic!("{name} = {:#x}: {error}", case.value) };
        let expected = if let Told::Invalid(expected) = case.told { expected } else { "checksum" };
        assert_eq!(field, expected, "{name} = {:#x}", case.value);
    }

    victim.raw.mend_checksum();
    for (i, result) in victim.open::<M>().into_iter().enumerate() {
        let context = format!("{name} = {:#x}: {result:?}", case.value);
        match (case.told, result) {
            (Told::Invalid(expected), Err(error)) => told_of_field(&error, expected, case),
            (Told::Fine, Ok(())) => {}
            // Those who say what they expect are told of any difference.
            (Told::Fine, Err(Error::Mismatch { .. })) if i == 1 || i == 2 => {}
            (Told::Mismatch, Err(error @ Error::Mismatch { .. })) => {
                assert!(
                    error.to_string().starts_with("the ring has another message type: found "),
                    "{context}"
                );
            }
            _ => panic!("{context}"),
        }
    }
    victim.raw.set(0, &whole);
    for result in victim.open::<M>() {
        result.expect("whole again");
    }
}

fn told_of_field(error: &Error, expected_field: &str, case: &Case) {
    let Error::Invalid { field, found, expected } = error else { panic!("{error}") };
    assert_eq!(*field, expected_field, "{} = {:#x}", case.field, case.value);
    if expected_field == case.field {
        assert!(says(found, case.value), "{error} does not say {:#x}", case.value);
    }
    assert!(!expected.is_empty() && expected != found, "{error}");
    assert_eq!(error.to_string(), format!("not usable as a ring: {field} is {found}, expected {expected}"));
}

fn spoilt_fields_of_a_byte_ring_are_named() {
    let victim = Victim::new::<[u8]>(Options::bytes(BYTES));
    for case in ANY_RING.iter().chain(BYTE_RING) {
        spoil::<[u8]>(&victim, case);
    }
}

fn spoilt_fields_of_a_typed_ring_are_named() {
    // As long as the byte ring, so that the same wrong lengths are wrong.
    let victim = Victim::new::<Tick>(Options::messages(BYTES / 32));
    for case in ANY_RING.iter().chain(TYPED_RING) {
        spoil::<Tick>(&victim, case);
    }
}

fn spoilt_boot_id_is_named() {
    let victim = Victim::new::<[u8]>(Options::bytes(BYTES));
    let Field { at, len, .. } = field("boot_id");
    let whole = victim.raw.get(at, len);
    // Zeros are of a maker that could not read it: see tests/odd_places.
    let mut wrong: Vec<Vec<u8>> = vec![vec![1; len], vec![0xff; len], whole.iter().rev().copied().collect()];
    wrong.extend((0..len).map(|i| {
        let mut bytes = whole.clone();
        bytes[i] ^= 1;
        bytes
    }));
    for bytes in wrong {
        victim.raw.set(at, &bytes);
        victim.raw.mend_checksum();
        let error = Ring::<[u8]>::open(&victim.path).expect_err("a ring of another boot").to_string();
        let said: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(error.contains(&format!("boot_id is {said}, expected ")), "{error}");
        assert!(error.contains("the machine was restarted since"), "{error}");
    }
}

fn spoilt_checksum_is_named() {
    let victim = Victim::new::<[u8]>(Options::bytes(BYTES));
    let right = victim.raw.word(AT_CHECKSUM).load(Relaxed);
    assert_eq!(right, victim.raw.checksum(), "as docs/LAYOUT.md computes it");
    for wrong in [0, u64::MAX, right ^ 1, right.wrapping_add(1), right.wrapping_sub(1), right.swap_bytes()] {
        victim.raw.word(AT_CHECKSUM).store(wrong, Relaxed);
        let error = Ring::<[u8]>::open(&victim.path).expect_err("a wrong checksum").to_string();
        assert_eq!(error, format!("not usable as a ring: checksum is {wrong:#x}, expected {right:#x}"));
    }
}

fn sizes_whose_product_wraps_around_are_refused() {
    let victim = Victim::new::<Tick>(Options::messages(BYTES / 32));
    for (capacity, stride) in [(1_u64 << 40, 1_u64 << 24), (1 << 40, 1 << 32), (1 << 32, 1 << 32)] {
        victim.raw.set(field("capacity").at, &capacity.to_le_bytes());
        victim.raw.set(field("stride").at, &stride.to_le_bytes());
        victim.raw.set(field("region_len").at, &4096_u64.to_le_bytes());
        victim.raw.mend_checksum();
        for result in victim.open::<Tick>() {
            let error = result.expect_err("more than 2^64 bytes");
            assert!(matches!(error, Error::Invalid { field: "capacity", .. }), "{error}");
        }
    }
}

fn every_spoilt_byte_of_the_identity_is_noticed() {
    let victim = Victim::new::<[u8]>(Options::bytes(BYTES));
    for at in 0..AT_RETIRED {
        let byte = victim.raw.byte(at);
        let whole = byte.load(Relaxed);
        for wrong in [whole ^ 1, whole ^ 0x80, !whole] {
            byte.store(wrong, Relaxed);
            for result in victim.open::<[u8]>() {
                let error = result.expect_err(&format!("byte {at} is {wrong:#x} instead of {whole:#x}"));
                assert!(matches!(error, Error::Invalid { .. }), "byte {at}: {error}");
            }
        }
        byte.store(whole, Relaxed);
    }
    Ring::<[u8]>::open(&victim.path).expect("whole again");
}

fn every_field_has_cases_and_no_byte_is_left_out() {
    let mut next = 0;
    for field in IDENTITY {
        assert_eq!(field.at, next, "{}", field.name);
        next += field.len;
        let spoilt = |cases: &[Case]| cases.iter().filter(|case| case.field == field.name).count();
        // These three have tests of their own.
        if !["boot_id", "reserved", "checksum"].contains(&field.name) {
            assert!(
                spoilt(ANY_RING) >= 2 || (spoilt(BYTE_RING) >= 3 && spoilt(TYPED_RING) >= 3),
                "{}",
                field.name
            );
        }
    }
    assert_eq!(next, AT_RETIRED, "the identity ends where the life begins");
    for Field { name, at, len } in IDENTITY {
        let row = format!("| {at} | {len} | `{name}` |");
        assert!(LAYOUT.contains(&row), "docs/LAYOUT.md lacks {row}");
    }
}

fn documented_example_has_its_checksum() {
    let mut identity = [0_u8; AT_RETIRED];
    let (_, dump) = LAYOUT.split_once("```hexdump\n").expect("an example");
    for line in dump.lines().take_while(|line| *line != "```") {
        let mut numbers = line.split_whitespace();
        let at = usize::from_str_radix(numbers.next().expect("an offset"), 16).expect("hexadecimal");
        for (i, byte) in numbers.enumerate() {
            identity[at + i] = u8::from_str_radix(byte, 16).expect("a byte");
        }
    }
    let computed = fnv1a(identity[8..AT_CHECKSUM].iter().copied());
    assert_eq!(identity[AT_CHECKSUM..], computed.to_le_bytes());
    assert!(LAYOUT.contains(&format!("its checksum is `{computed:#x}`")));

    // It is what a ring of that geometry says, but for when and where it was made.
    let victim = Victim::new::<[u8]>(Options::bytes(BYTES));
    for name in ["created", "boot_id", "checksum"] {
        let Field { at, len, .. } = field(name);
        identity[at..at + len].copy_from_slice(&victim.raw.get(at, len));
    }
    assert_eq!(victim.raw.get(0, AT_RETIRED), identity);
}

fn truncated_and_grown_files_are_refused() {
    for bytes in [BYTES, 1 << 20] {
        let whole = 4096 + bytes;
        for wrong in [0, 1, 255, 4095, 4096, whole - 4096, whole - 1, whole + 1, whole + 4096, 2 * whole] {
            let victim = Victim::new::<[u8]>(Options::bytes(bytes));
            File::options()
                .write(true)
                .open(&victim.path)
                .and_then(|file| file.set_len(wrong))
                .expect("a length");
            for result in victim.open::<[u8]>() {
                let error = result.expect_err("a file of another length");
                let Error::Invalid { field, found, .. } = &error else {
                    panic!("{wrong} of {whole}: {error}")
                };
                assert_eq!((*field, found), ("the file's length", &wrong.to_string()), "{error}");
            }
        }
    }
}

fn header_cut_off_anywhere_is_refused() {
    for kept in (0..AT_RETIRED as u64).step_by(8) {
        let victim = Victim::new::<[u8]>(Options::bytes(BYTES));
        let file = File::options().write(true).open(&victim.path).expect("the file");
        file.set_len(kept).expect("a short file");
        file.set_len(4096 + BYTES).expect("its old length, and zeros");
        for result in victim.open::<[u8]>() {
            let error = result.expect_err(&format!("only {kept} bytes of the identity"));
            assert!(matches!(error, Error::Invalid { .. }), "{kept} bytes kept: {error}");
        }
    }
}
