//! The page, read back by a reader that is made from the format's description alone.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;

use super::count::BOUNDS;
use super::text::Page;
use super::*;

/// What stands in a line: a name, labels and a number.
type Sample = (String, Vec<(String, String)>, String);

/// Reads a line of a number.
fn sample(line: &str) -> Sample {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "_:".contains(c))).expect("a number follows the name");
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    if let Some(mut inside) = rest.strip_prefix('{') {
        while !inside.starts_with('}') {
            let (label, value) = inside.split_once("=\"").expect("a label has a value in quotes");
            let (value, after) = quoted(value);
            labels.push((label.to_owned(), value));
            inside = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &inside[1..];
    }
    (name.to_owned(), labels, rest.strip_prefix(' ').expect("a space").to_owned())
}

/// A value up to its closing quote, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    loop {
        match chars.next().expect("a closing quote") {
            (at, '"') => return (value, &text[at + 1..]),
            (_, '\\') => value.push(match chars.next().expect("what is escaped").1 {
                'n' => '\n',
                c => c,
            }),
            (_, c) => value.push(c),
        }
    }
}

/// The numbers of a page by name and label's value, where each family is told of first.
fn read(page: &str) -> HashMap<(String, String), String> {
    let (mut numbers, mut family) = (HashMap::new(), "");
    for line in page.lines() {
        if let Some(told) = line.strip_prefix("# ") {
            family = told.split(' ').nth(1).expect("a name");
            continue;
        }
        let (name, labels, number) = sample(line);
        assert!(number.parse::<f64>().is_ok(), "{line}");
        assert!(name.starts_with(family), "{name} in {family}");
        let value = labels.into_iter().map(|(_, value)| value).next().unwrap_or_default();
        assert_eq!(numbers.insert((name, value), number), None, "each stands once");
    }
    assert!(page.ends_with('\n'));
    numbers
}

#[track_caller]
fn check(page: &str, name: &str, value: &str, expected: &str) {
    let seen = read(page).get(&(name.to_owned(), value.to_owned())).cloned();
    assert_eq!(seen.as_deref(), Some(expected), "{name} {value}");
}

#[test]
fn what_is_counted_stands_on_the_page() {
    let metrics = Metrics::default();
    metrics.exchanges.count(Status::of(404));
    metrics.exchanges.count(Status::Unanswered);
    metrics.exchanges.count(Status::of(499));
    metrics.errors.count(Error::TargetTimeout);
    metrics.renewed.count(Wire::V2);
    metrics.refused.count(Refusal::Stopping);
    metrics.ended.count(Duration::from_micros(1_500));
    let cluster = Cluster { renewals: [7, 2], may_answer: true, ..Cluster::default() };
    let page = metrics.page(&Now { sessions: [3, 4], bytes: [5, u64::from(u32::MAX)], cluster, ..Now::default() });
    check(&page, "sendit_cluster_renewals_total", "failed", "2");
    check(&page, "sendit_cluster_may_answer", "", "1");
    check(&page, "sendit_exchanges_total", "4xx", "2");
    check(&page, "sendit_exchanges_total", "none", "1");
    check(&page, "sendit_exchanges_total", "2xx", "0");
    check(&page, "sendit_exchange_errors_total", "target-timeout", "1");
    check(&page, "sendit_carriers_renewed_total", "v2", "1");
    check(&page, "sendit_sessions_refused_total", "stopping", "1");
    check(&page, "sendit_sessions", "v2", "4");
    check(&page, "sendit_exchange_bytes_total", "down", "4294967295");
    check(&page, "sendit_exchange_duration_seconds_sum", "", "0.0015");
    check(&page, "sendit_exchange_duration_seconds_bucket", "0.001", "0");
    check(&page, "sendit_exchange_duration_seconds_bucket", "0.0025", "1");
    check(&page, "sendit_build_info", env!("CARGO_PKG_VERSION"), "1");
}

#[test]
fn classes_of_statuses() {
    for (status, class) in [
        (100, Status::Informational),
        (101, Status::Informational),
        (200, Status::Success),
        (399, Status::Redirection),
        (400, Status::Client),
        (500, Status::Server),
        (600, Status::Server),
        (0, Status::Server),
    ] {
        assert_eq!(Status::of(status), class, "{status}");
    }
}

/// However much is counted there are as many lines, and each family has those of its label.
#[test]
fn the_number_of_numbers_is_known() {
    let lines: usize = FAMILIES
        .iter()
        .map(|family| match (family.kind, family.label) {
            (Kind::Histogram, _) => BOUNDS.len() + 3,
            (_, Some((_, values))) => values.len(),
            (_, None) => 1,
        })
        .sum();
    let page = Metrics::default().page(&Now::default());
    assert_eq!(read(&page).len(), lines);
    let mut told: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    told.dedup();
    let named = FAMILIES.iter().map(|family| format!("{} {}", family.name, family.kind.word()));
    assert_eq!(told, named.collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn any_value_is_read_as_it_was(value in any::<String>(), number in any::<u32>()) {
        let mut page = Page::default();
        page.number("a_name", Some(("label", &value)), number);
        let text = page.into_text();
        prop_assert_eq!(text.matches('\n').count(), 1);
        let expected = ("a_name".to_owned(), vec![("label".to_owned(), value)], number.to_string());
        prop_assert_eq!(sample(text.strip_suffix('\n').unwrap()), expected);
    }

    #[test]
    fn buckets_hold_what_took_as_long_at_most(times in proptest::collection::vec(0_u64..400_000_000, 0..50)) {
        let metrics = Metrics::default();
        for micros in &times {
            metrics.answered.count(Duration::from_micros(*micros));
        }
        let numbers = read(&metrics.page(&Now::default()));
        let number = |name: &str, value: &str| {
            numbers[&(format!("sendit_exchange_answer_seconds_{name}"), value.to_owned())].parse::<f64>().unwrap()
        };
        let seconds = |micros| Duration::from_micros(micros).as_secs_f64();
        let near = |one: f64, other: f64| (one - other).abs() < 1e-6;
        for bound in BOUNDS {
            let expected = times.iter().filter(|micros| **micros <= bound).count();
            let expected = f64::from(u32::try_from(expected).unwrap());
            prop_assert!(near(number("bucket", &seconds(bound).to_string()), expected), "{bound}");
        }
        prop_assert!(near(number("sum", ""), seconds(times.iter().sum())));
        let all = f64::from(u32::try_from(times.len()).unwrap());
        prop_assert!(near(number("count", ""), all) && near(number("bucket", "+Inf"), all));
    }
}
