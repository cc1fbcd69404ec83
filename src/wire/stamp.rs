//! How a time is written. Knows no clock.

use std::time::Duration;

/// A time since 1970 as RFC 3339 writes it, in UTC and with microseconds; `2026-11-25T20:57:38.938203Z`. Good until the
/// year 9999.
#[must_use]
pub fn stamp(since_1970: Duration) -> [u8; 27] {
    let seconds = since_1970.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let mut stamp = *b"0000-00-00T00:00:00.000000Z";
    let digits = [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, seconds / 3_600 % 24),
        (14..16, seconds / 60 % 60),
        (17..19, seconds % 60),
        (20..26, since_1970.subsec_micros().into()),
    ];
    for (place, mut value) in digits {
        for digit in stamp[place].iter_mut().rev() {
            *digit += u8::try_from(value % 10).unwrap_or_default();
            value /= 10;
        }
    }
    stamp
}

/// Year, month and day of a day since 1970, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Counted from March of the year 0 on, so that a leap day is the last of its year, in eras of 400 years.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months have 153 days in five, beginning with March.
    let since_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * since_march + 2) / 5 + 1;
    let month = if since_march < 10 { since_march + 3 } else { since_march - 9 };
    (400 * era + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: u64, micros: u32, expected: &str) {
        let stamp = stamp(Duration::new(seconds, micros * 1_000 + 999));
        assert_eq!(std::str::from_utf8(&stamp).expect("ASCII"), expected);
    }

    #[test]
    fn stamps() {
        check(0, 0, "1970-01-01T00:00:00.000000Z");
        check(951_782_399, 999_999, "2000-02-28T23:59:59.999999Z");
        check(951_782_400, 1, "2000-02-29T00:00:00.000001Z");
        check(1_709_251_199, 0, "2024-02-29T23:59:59.000000Z");
        check(1_709_251_200, 0, "2024-03-01T00:00:00.000000Z");
        check(1_764_104_258, 938_203, "2025-11-25T20:57:38.938203Z");
        check(4_107_542_400, 0, "2100-03-01T00:00:00.000000Z");
        check(253_402_300_799, 0, "9999-12-31T23:59:59.000000Z");
    }

    #[test]
    fn each_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..200_000 {
            assert_eq!(date(days), (year, month, day), "{days}");
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u64::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }
}
