//! The JSON of a report: what `docs/BENCH-JSON.md` promises.

use ironring_bench::report::{Measured, Report};
use serde_json::{Value, json};

/// Made by hand, to hold every field: nothing in it was measured.
const EVERY_FIELD: &str = include_str!("every-field.json");

fn rows(json: &Value, measure: &str) -> Vec<Value> {
    let rows = json["results"].as_array().expect("rows");
    rows.iter().filter(|row| row["measure"] == measure).cloned().collect()
}

/// Every field of `expected` is in `found`; gives the path of one that is not.
fn missing(expected: &Value, found: &Value, path: &str) -> Option<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            expected.iter().find_map(|(name, value)| match found.get(name) {
                Some(there) => missing(value, there, &format!("{path}.{name}")),
                None => Some(format!("{path}.{name}")),
            })
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            expected.iter().zip(found).find_map(|(one, there)| missing(one, there, &format!("{path}[]")))
        }
        (Value::Number(expected), Value::Number(found)) if expected.as_f64() == found.as_f64() => None,
        _ if expected == found => None,
        _ => Some(format!("{path}: {expected} became {found}")),
    }
}

#[test]
fn every_field_survives_reading_and_writing() {
    let report = Report::from_json(EVERY_FIELD).expect("a report");
    let written = report.to_json();
    assert_eq!(Report::from_json(&written).expect("a report"), report);
    let (before, after) = (serde_json::from_str(EVERY_FIELD), serde_json::from_str(&written));
    let (before, after): (Value, Value) = (before.expect("JSON"), after.expect("JSON"));
    assert_eq!(missing(&before, &after, ""), None, "lost by reading and writing");
    assert_eq!(missing(&after, &before, ""), None, "the fixture does not hold every field");
}

#[test]
fn rows_have_the_fields_that_readers_rely_on() {
    let report = Report::from_json(EVERY_FIELD).expect("a report");
    let json: Value = serde_json::from_str(&report.to_json()).expect("JSON");
    assert_eq!(json["schema"], json!(1));
    let common = ["transport", "measure", "wait", "size", "floor_ns", "low", "high", "repeats"];
    let latency = ["p50_ns", "p90_ns", "p99_ns", "p999_ns", "p9999_ns", "max_ns", "samples"];
    let throughput = ["batch", "producers", "consumers", "msgs_per_s", "bytes_per_s", "cpu_s_per_million"];
    for (measure, fields) in [
        ("latency", &latency[..]),
        ("throughput", &throughput[..]),
        ("open-loop", &[&latency[..], &["offered_per_s", "achieved_per_s", "saturated"]].concat()[..]),
        ("survivors", &[&latency[..], &["victim", "every_ms", "recovery_ms", "timeline"]].concat()[..]),
    ] {
        let rows = rows(&json, measure);
        assert!(!rows.is_empty(), "the fixture has no row of {measure}");
        for (row, field) in
            rows.iter().flat_map(|row| common.iter().chain(fields).map(move |field| (row, field)))
        {
            assert!(!row[field].is_null(), "a row of {measure} has no {field}: {row}");
        }
    }
}

#[test]
fn fields_of_a_later_version_are_passed_over() {
    let mut json: Value = serde_json::from_str(EVERY_FIELD).expect("JSON");
    json["news"] = json!({"a": 1});
    for part in ["machine", "settings"] {
        json[part]["news"] = json!("a");
    }
    for list in ["results", "transports", "left_out"] {
        json[list][0]["news"] = json!([1, 2]);
    }
    json["results"][0]["repeats"][0]["news"] = json!(0.5);
    let report = Report::from_json(&json.to_string()).expect("a report");
    assert_eq!(report, Report::from_json(EVERY_FIELD).expect("a report"));
}

#[test]
fn another_schema_is_refused_by_its_number() {
    let text = EVERY_FIELD.replacen("\"schema\": 1", "\"schema\": 2", 1);
    let error = Report::from_json(&text).expect_err("another schema").to_string();
    assert_eq!(
        error,
        "found schema 2, expected schema 1: read it with the version of ironring that wrote it, or measure \
         again with this one"
    );
}

#[test]
fn what_is_no_report_is_refused() {
    for text in ["", "{}", "[]", "{\"schema\": 1}", &EVERY_FIELD[..EVERY_FIELD.len() / 2]] {
        let error = Report::from_json(text).expect_err("no report").to_string();
        assert!(error.starts_with("not a report of `ironring bench`"), "{error}");
    }
}

#[test]
fn a_row_keeps_what_was_measured() {
    let report = Report::from_json(EVERY_FIELD).expect("a report");
    let Measured::Latency(latency) = &report.results[0].measured else {
        panic!("the first row is of latency")
    };
    assert_eq!(latency.summary.repeats.len(), 3);
    assert_eq!(report.results[0].measured.values("p50_ns"), [60.5, 61.0], "one repeat of three moved");
}

#[test]
fn every_field_is_documented() {
    fn names<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                into.push(name);
                names(value, into);
            }),
            Value::Array(values) => values.iter().for_each(|value| names(value, into)),
            _ => {}
        }
    }
    let (page, json) = (include_str!("../../../docs/BENCH-JSON.md"), serde_json::from_str(EVERY_FIELD));
    let json: Value = json.expect("JSON");
    let mut all = Vec::new();
    names(&json, &mut all);
    // By a word of its own, whatever is around it. One is named by whoever runs the benchmark.
    let words: Vec<&str> = page.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    all.retain(|name| !words.contains(name) && *name != "made by");
    assert_eq!(all, [""; 0], "not on the page");
}
