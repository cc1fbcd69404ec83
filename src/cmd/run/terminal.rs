//! The terminal that `run` shares with its program: who is in front on it, and how it is left behind.

#[cfg(unix)]
mod shared {
    use std::fs::File;

    use rustix::process::getpgrp;
    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

    /// The terminal as it was, to which dropping this returns it: a program that dies in the middle of drawing leaves one
    /// that shows nothing of what is typed.
    pub(crate) struct Terminal(Option<Termios>);

    impl Terminal {
        pub(crate) fn keep() -> Self {
            Self(in_front().and_then(|terminal| tcgetattr(terminal).ok()))
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            // Whoever is not in front would be stopped for it.
            if let (Some(modes), Some(terminal)) = (&self.0, in_front()) {
                let _ = tcsetattr(terminal, OptionalActions::Now, modes);
            }
        }
    }

    /// Whether what is pressed on a terminal reaches us, and all of our group.
    pub(crate) fn is_in_front() -> bool {
        in_front().is_some()
    }

    fn in_front() -> Option<File> {
        let terminal = File::open("/dev/tty").ok()?;
        (tcgetpgrp(&terminal).ok()? == getpgrp()).then_some(terminal)
    }
}

#[cfg(not(unix))]
mod shared {
    /// Consoles need nothing.
    pub(crate) struct Terminal;

    impl Terminal {
        pub(crate) fn keep() -> Self {
            Self
        }
    }

    /// A console brings Ctrl-C to each program.
    pub(crate) fn is_in_front() -> bool {
        true
    }
}

pub(super) use shared::{Terminal, is_in_front};
