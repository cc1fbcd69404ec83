//! A stream of lines that a thread of its own writes: who reads it may be slow or stopped, and a disk full, and none of
//! that holds up the process. Knows no line's meaning.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How many bytes may wait to be written. What is beyond is dropped, and counted.
const MAX_WAITING: usize = 256 * 1024;

/// How much room is kept for what comes next. Twice, for there is what waits and what is being written.
const MAX_KEPT: usize = 32 * 1024;

/// How long the thread rests after it has written, so that of many lines each does not cost a call of its own.
const REST: Duration = Duration::from_millis(5);

/// Lines on their way out.
pub(crate) struct Sink(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Something waits to be written.
    filled: Condvar,
    /// Everything has been.
    emptied: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<u8>,
    /// Something was taken and is not yet written.
    writing: bool,
    /// How many lines were dropped of which nobody has been told.
    dropped: usize,
    /// The last line has been put.
    is_closed: bool,
}

impl Sink {
    /// Lines to `out`. Whenever something could be written after lines had been dropped, `tell` is told how many.
    pub(crate) fn start(out: impl Write + Send + 'static, tell: impl Fn(usize) + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::Builder::new().name("log".to_owned()).spawn(move || theirs.write(out, tell))?;
        Ok(Self(shared))
    }

    /// Takes a line, without its end. Never waits for anything to be written.
    pub(crate) fn put(&self, line: &[u8]) {
        let mut queue = self.0.queue();
        if queue.is_closed {
            return;
        }
        if queue.waiting.len() + line.len() >= MAX_WAITING {
            queue.dropped += 1;
            return;
        }
        // Otherwise the thread is at work or rests, and looks before it waits.
        let was_empty = queue.waiting.is_empty();
        queue.waiting.extend_from_slice(line);
        queue.waiting.push(b'\n');
        drop(queue);
        if was_empty {
            self.0.filled.notify_one();
        }
    }

    /// Waits until everything is written, for as long as `patience` lasts, and takes no further line: how many were dropped is
    /// told until then.
    pub(crate) fn close(&self, patience: Duration) {
        self.flush(patience);
        self.0.queue().is_closed = true;
    }

    fn flush(&self, patience: Duration) {
        let queue = self.0.queue();
        let busy = |queue: &mut Queue| queue.writing || !queue.waiting.is_empty();
        drop(self.0.emptied.wait_timeout_while(queue, patience, busy));
    }
}

impl Shared {
    // Held for a copy, never while something is written.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes for as long as the process lives.
    fn write(&self, mut out: impl Write, tell: impl Fn(usize)) {
        let mut batch = Vec::new();
        loop {
            self.next(&mut batch);
            let written = whole(&mut out, &batch);
            let dropped = self.dropped(&batch, written.is_ok());
            if dropped > 0 {
                tell(dropped);
            }
            self.wrote();
            thread::sleep(REST);
        }
    }

    /// Waits for what is next, and leaves the room of `batch` for what comes after.
    fn next(&self, batch: &mut Vec<u8>) {
        batch.clear();
        batch.shrink_to(MAX_KEPT);
        let is_empty = |queue: &mut Queue| queue.waiting.is_empty();
        let queue = self.filled.wait_while(self.queue(), is_empty);
        let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
        queue.writing = true;
        std::mem::swap(&mut queue.waiting, batch);
    }

    /// Notes what became of a batch. How many lines were dropped until now, where that can be told: somebody reads
    /// again, and there is room for it.
    fn dropped(&self, batch: &[u8], whole: bool) -> usize {
        let mut queue = self.queue();
        if !whole {
            queue.dropped += batch.split_inclusive(|byte| *byte == b'\n').count();
        }
        if whole && queue.waiting.len() < MAX_WAITING / 2 { std::mem::take(&mut queue.dropped) } else { 0 }
    }

    fn wrote(&self) {
        let mut queue = self.queue();
        queue.writing = false;
        if queue.waiting.is_empty() {
            self.emptied.notify_all();
        }
    }
}

/// Writes all of it, as the standard library does, and waits where somebody has made the stream one that does not.
fn whole(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(REST),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Hands each write over, and waits for what shall come of it.
    struct Stage(Sender<Vec<u8>>, Receiver<io::Result<usize>>);

    impl Write for Stage {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Where the test is over nobody cares.
            let _ = self.0.send(bytes.to_vec());
            self.1.recv().unwrap_or(Ok(bytes.len()))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_there_is_no_room_for_is_dropped_and_told() {
        let ((seen, written), (outcome, outcomes), (told, tellings)) = (channel(), channel(), channel());
        let tell = move |lines| told.send(lines).expect("the test listens");
        let sink = Sink::start(Stage(seen, outcomes), tell).unwrap();
        sink.put(b"first");
        assert_eq!(written.recv_timeout(PATIENCE).unwrap(), b"first\n");
        // Nobody reads.
        let line = b"x".repeat(1023);
        for _ in 0..300 {
            sink.put(&line);
        }
        assert_eq!(sink.0.queue().waiting.len(), MAX_WAITING);
        sink.flush(Duration::from_millis(1));
        // The disk is full, then half of what waits is taken, then the stream is busy, then all is taken.
        outcome.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        assert_eq!(written.recv_timeout(PATIENCE).unwrap().len(), MAX_WAITING);
        outcome.send(Ok(MAX_WAITING / 2)).unwrap();
        assert_eq!(written.recv_timeout(PATIENCE).unwrap().len(), MAX_WAITING / 2);
        outcome.send(Err(io::ErrorKind::WouldBlock.into())).unwrap();
        assert_eq!(written.recv_timeout(PATIENCE).unwrap().len(), MAX_WAITING / 2);
        assert!(tellings.try_recv().is_err());
        outcome.send(Ok(MAX_WAITING / 2)).unwrap();
        assert_eq!(tellings.recv_timeout(PATIENCE), Ok(300 - 256 + 1));
        sink.close(PATIENCE);
        sink.put(b"late");
        assert!(sink.0.queue().waiting.is_empty() && !sink.0.queue().writing);
    }
}
