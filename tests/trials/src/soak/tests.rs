//! The straight line through samples.

use super::growth;

#[track_caller]
fn check(samples: &[u64], expected: f64) {
    let grown = growth(samples);
    assert!((grown - expected).abs() < 0.01, "{samples:?}: {grown}");
}

#[test]
fn growth_is_that_of_the_line() {
    check(&[], 0.0);
    check(&[7], 0.0);
    check(&[7, 7, 7], 0.0);
    check(&[0, 10, 20, 30], 30.0);
    check(&[30, 20, 10, 0], -30.0);
    check(&[0, 100, 0, 100, 0], 0.0);
}
