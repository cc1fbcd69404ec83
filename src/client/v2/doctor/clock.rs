//! How far another machine's clock is from this one's, told from the `Date` headers of its answers. Pure.

use std::time::Duration;

use serde::Serialize;

/// By how much the other clock is ahead; behind where it is negative. A `Date` has whole seconds and an answer takes
/// its time, so it is no number but a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// At least so many milliseconds.
    pub from_ms: i64,
    /// Less than so many milliseconds.
    pub to_ms: i64,
}

/// An answer: when its request was sent and it came, by this clock, and the second that it was dated with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dated {
    sent: Duration,
    came: Duration,
    date: u64,
}

impl Dated {
    /// An answer with this `Date`; none where it is no date.
    pub(super) fn of(sent: Duration, came: Duration, date: &str) -> Option<Self> {
        seconds(date).map(|date| Self { sent, came, date })
    }

    /// It was dated between the two moments, in the course of that second.
    pub(super) fn difference(self) -> Difference {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let date = millis(Duration::from_secs(self.date));
        Difference { from_ms: date - millis(self.came), to_ms: date + 1_000 - millis(self.sent) }
    }
}

impl Difference {
    /// What two answers of one clock agree on; where they do not, what the later says.
    pub(super) fn and(self, later: Self) -> Self {
        let both = Self { from_ms: self.from_ms.max(later.from_ms), to_ms: self.to_ms.min(later.to_ms) };
        if both.from_ms < both.to_ms { both } else { later }
    }
}

/// The Unix second that an HTTP date says. [RFC 9110], 5.6.7: "IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT"; a
/// date in one of the obsolete forms is no date here.
///
/// [RFC 9110]: https://www.rfc-editor.org/rfc/rfc9110
pub(super) fn seconds(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = date.split(' ').collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let time: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = time[..] else { return None };
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Years that begin in March have their leap day last.
    let (shifted, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (months * 153 + 2) / 5 + day - 1;
    Some((days - DAYS_TO_1970) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// From 1 March of the year 0 to 1 January 1970.
const DAYS_TO_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn date(text: &str, expected: Option<u64>) {
        assert_eq!(seconds(text), expected, "{text}");
    }

    #[test]
    fn dates() {
        date("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        date("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        date("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199));
        date("Fri, 01 Mar 2024 00:00:00 GMT", Some(1_709_251_200));
        date("Wed, 31 Dec 2025 12:00:00 GMT", Some(1_767_182_400));
        date("Sunday, 06-Nov-94 08:49:37 GMT", None);
        date("Sun, 06 Nov 1994 08:49:37 CET", None);
        date("Sun, 00 Nov 1994 08:49:37 GMT", None);
        date("Sun, 06 Nov 18446744073709551615 08:49:37 GMT", None);
        date("", None);
    }

    #[track_caller]
    fn check(answers: &[(u64, u64, u64)], expected: Option<(i64, i64)>) {
        let dated =
            |&(sent, came, date)| Dated { sent: Duration::from_millis(sent), came: Duration::from_millis(came), date };
        let seen = answers.iter().map(|answer| dated(answer).difference()).reduce(Difference::and);
        assert_eq!(seen.map(|seen| (seen.from_ms, seen.to_ms)), expected, "{answers:?}");
    }

    #[test]
    fn differences() {
        check(&[], None);
        check(&[(10_500, 10_510, 10)], Some((-510, 500)));
        check(&[(10_500, 10_510, 10), (11_100, 11_110, 11)], Some((-110, 500)));
        check(&[(10_500, 10_510, 70)], Some((59_490, 60_500)));
        check(&[(10_500, 10_510, 7)], Some((-3_510, -2_500)));
        check(&[(10_500, 10_510, 10), (10_500, 10_510, 70)], Some((59_490, 60_500)));
    }
}
