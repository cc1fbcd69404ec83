//! Sizes and lengths of time as a line has room for them: three digits that count, and a unit. Knows nothing of what is
//! measured.

use std::time::Duration;

/// `999 B`, `1.2 kB`, `34 MB`: in thousands, as file managers and networks count; at most seven characters.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    // In tenths, rounded down, so that nothing is told that did not come.
    let (mut tenths, mut unit) = (bytes / 100, 0);
    while tenths >= 10_000 {
        tenths /= 1_000;
        unit += 1;
    }
    format!("{} {}", three(tenths), UNITS[unit])
}

/// `0.4 ms`, `12 ms`, `1.8 s`, `75 s`, `12 min`, `3.5 h`; at most seven characters up to a year.
pub(crate) fn took(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", three(u64::try_from(time.as_micros() / 100).unwrap_or_default())),
        1..120 => format!("{} s", three(u64::try_from(time.as_millis() / 100).unwrap_or_default())),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", three(seconds / 360)),
    }
}

/// A number of tenths, with one behind the point below ten.
fn three(tenths: u64) -> String {
    if tenths < 100 { format!("{}.{}", tenths / 10, tenths % 10) } else { (tenths / 10).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_299, "1.2 kB"),
            (10_000, "10 kB"),
            (999_999, "999 kB"),
            (1_000_000, "1.0 MB"),
            (10 << 30, "10 GB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn times() {
        for (micros, expected) in [
            (0, "0.0 ms"),
            (1_850, "1.8 ms"),
            (12_345, "12 ms"),
            (999_999, "999 ms"),
            (1_000_000, "1.0 s"),
            (119_900_000, "119 s"),
            (120_000_000, "2 min"),
            (7_199_000_000, "119 min"),
            (7_200_000_000, "2.0 h"),
            (86_400_000_000, "24 h"),
        ] {
            assert_eq!(took(Duration::from_micros(micros)), expected);
        }
    }
}
