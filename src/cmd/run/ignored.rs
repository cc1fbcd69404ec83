//! Which signals whoever started this process has it ignore, as `nohup` does with SIGHUP, and shells with SIGINT for what
//! they run in the background. There is no safe call for that, but Linux has it in a file.

/// A set of signals, as Linux writes one: a bit for each, from signal 1 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored(u64);

impl Ignored {
    /// Those of this process. None, where the system does not say.
    pub(super) fn by_this_process() -> Self {
        std::fs::read_to_string("/proc/self/status").ok().and_then(|status| Self::parse(&status)).unwrap_or_default()
    }

    fn parse(status: &str) -> Option<Self> {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok().map(Self)
    }

    pub(super) fn has(self, number: u8) -> bool {
        number.checked_sub(1).and_then(|bit| self.0.checked_shr(bit.into())).is_some_and(|rest| rest & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: &str, expected: &[u8]) {
        let ignored = Ignored::parse(status).unwrap_or_default();
        let seen: Vec<_> = (0..=u8::MAX).filter(|number| ignored.has(*number)).collect();
        assert_eq!(seen, expected, "{status:?}");
    }

    #[test]
    fn what_a_status_says() {
        check("Name:\tsendit\nSigBlk:\t0000000000000003\nSigIgn:\t0000000000001001\nSigCgt:\t04\n", &[1, 13]);
        check("SigIgn:\t8000000000000006\n", &[2, 3, 64]);
        check("SigIgn:\t0000000000000000\n", &[]);
        check("SigIgn:\tnone\n", &[]);
        check("Name:\tSigIgn: 1\n", &[]);
        check("", &[]);
    }
}
