//! Against the `yamux` crate, by which programs before ours speak: in either role, over connections that take little or much
//! at a time.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, split};
use tokio_util::compat::{FuturesAsyncReadCompatExt as _, TokioAsyncReadCompatExt as _};
use yamux::{Connection, Mode};

use super::*;

/// What one end does with a stream: it writes so much, in writes of so much, and then ends its direction, or gives up the stream.
#[derive(Clone, Copy, Debug)]
struct Part {
    len: usize,
    write: usize,
    resets: bool,
}

/// What an end has read, and whether it was told that the direction had ended.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    len: usize,
    has_ended: bool,
}

/// Whose end is the crate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Old {
    Opener,
    Acceptor,
}

/// The byte at this place of a direction.
fn byte(place: usize) -> u8 {
    u8::try_from(place % 251).unwrap_or_default()
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), part: Part) -> io::Result<()> {
    let bytes: Bytes = (0..part.len).map(byte).collect();
    for piece in bytes.chunks(part.write) {
        stream.write_all(piece).await?;
    }
    Ok(())
}

/// Reads all that comes, which has to be what [`write`] writes.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Seen {
    let (mut room, mut len) = (vec![0; 100_000], 0);
    loop {
        match stream.read(&mut room).await {
            Ok(0) => return Seen { len, has_ended: true },
            Ok(read) => {
                assert!(room[..read].iter().enumerate().all(|(place, found)| *found == byte(len + place)), "in order");
                len += read;
            }
            Err(_) => return Seen { len, has_ended: false },
        }
    }
}

/// Does one end's part, and says what was seen of the other's; nothing where the stream was given up.
async fn play(stream: impl AsyncRead + AsyncWrite, part: Part, other: Part) -> Option<Seen> {
    let (mut reading, mut writing) = split(Box::pin(stream));
    let writes = async {
        // Where the other end gives up it fails.
        let _ = write(&mut writing, part).await;
        // The crate ends a stream that it gives up, where the other direction has ended.
        if !part.resets && !other.resets {
            writing.shutdown().await.unwrap();
        }
    };
    if part.resets {
        writes.await;
        return None;
    }
    Some(tokio::join!(read(&mut reading), writes).0)
}

/// A stream's two parts, the opener's first.
type Parts = (Part, Part);

/// What is seen of each stream at both ends. The first byte of each direction is the stream's number.
type Reports = JoinSet<(usize, [Option<Option<Seen>>; 2])>;

fn open(
    parts: &[Parts],
    number: usize,
    mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    reports: &mut Reports,
) {
    let (part, other) = parts[number];
    reports.spawn(async move {
        stream.write_u8(u8::try_from(number).expect("few streams")).await.unwrap();
        // What is given up before anything of it was sent has never been.
        stream.read_u8().await.unwrap();
        (number, [Some(play(stream, part, other).await), None])
    });
}

fn accept(parts: &[Parts], mut stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, reports: &mut Reports) {
    let parts = parts.to_vec();
    reports.spawn(async move {
        let number = stream.read_u8().await.unwrap();
        stream.write_u8(number).await.unwrap();
        let number = usize::from(number);
        let (other, part) = parts[number];
        (number, [None, Some(play(stream, part, other).await)])
    });
}

/// Moves the crate's connection, and hands on the streams that its peer opens.
async fn moved(
    mut connection: Connection<tokio_util::compat::Compat<DuplexStream>>,
    accepted: mpsc::Sender<yamux::Stream>,
) {
    while let Some(Ok(stream)) = std::future::poll_fn(|cx| connection.poll_next_inbound(cx)).await {
        accepted.try_send(stream).expect("room for every stream of a test");
    }
}

async fn run(old: Old, room: usize, parts: &[Parts]) -> Vec<[Option<Option<Seen>>; 2]> {
    let (ours, theirs) = duplex(room);
    let (mut tasks, mut reports) = (JoinSet::new(), Reports::new());
    let mode = if old == Old::Opener { Mode::Server } else { Mode::Client };
    let mut connection = Connection::new(theirs.compat(), yamux::Config::default(), mode);
    match old {
        Old::Opener => {
            for number in 0..parts.len() {
                let stream = std::future::poll_fn(|cx| connection.poll_new_outbound(cx)).await.unwrap();
                open(parts, number, stream.compat(), &mut reports);
            }
            tasks.spawn(moved(connection, mpsc::channel(1).0));
            let (sender, mut accepted) = mpsc::channel(parts.len());
            let driver = accepting(ours, Upkeep::default());
            tasks.spawn(async move {
                let accept = move |stream| sender.try_send(stream).expect("room for every stream");
                driver.run(CancellationToken::new(), accept).await;
            });
            for _ in parts {
                accept(parts, accepted.recv().await.unwrap(), &mut reports);
            }
        }
        Old::Acceptor => {
            let (opener, driver) = opening(ours, Upkeep::default(), parts.len());
            tasks.spawn(async move { drop(driver.run(CancellationToken::new(), |_| ()).await) });
            let (sender, mut accepted) = mpsc::channel(parts.len());
            tasks.spawn(moved(connection, sender));
            for number in 0..parts.len() {
                open(parts, number, opener.open().await.unwrap(), &mut reports);
            }
            for _ in parts {
                accept(parts, accepted.recv().await.unwrap().compat(), &mut reports);
            }
        }
    }
    let mut seen: Vec<_> = parts.iter().map(|_| [None, None]).collect();
    while let Some(report) = reports.join_next().await {
        let (number, [opener, acceptor]) = report.unwrap();
        let [first, second] = &mut seen[number];
        *first = opener.or(first.take());
        *second = acceptor.or(second.take());
    }
    seen
}

/// What an end has to see of the other's part. The crate shows a reset as an end.
#[track_caller]
fn check(seen: Option<Seen>, own: Part, other: Part, is_crate: bool) {
    let Some(seen) = seen else { return assert!(own.resets) };
    assert_eq!(seen.len, other.len);
    if !is_crate {
        assert_eq!(seen.has_ended, !other.resets);
    }
}

fn part() -> impl Strategy<Value = Part> {
    let write = prop_oneof![1_usize..100, 100_usize..200_000];
    (0_usize..600_000, write, prop::bool::weighted(0.2))
        // Few of the smallest writes, which take long. Two ends that give up do not read, so a window holds what they write.
        .prop_map(|(len, write, resets)| {
            let len = len.min(write * 2_000);
            Part { len: if resets { len.min(200_000) } else { len }, write, resets }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Bytes pass both ways in order, ends as ends and resets as errors, whatever passes on other streams.
    #[test]
    fn bytes_pass_in_order_ends_as_ends_and_resets_as_errors(
        parts in vec((part(), part()), 1..8),
        room in prop_oneof![1_usize..100, 1_000_usize..200_000],
        is_opener in any::<bool>(),
    ) {
        let old = if is_opener { Old::Opener } else { Old::Acceptor };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let run = async { timeout(Duration::from_secs(60), run(old, room, &parts)).await };
        let seen = runtime.block_on(run).expect("nobody waits for ever");
        for ((first, second), [opener, acceptor]) in parts.into_iter().zip(seen) {
            check(opener.expect("it has run"), first, second, is_opener);
            check(acceptor.expect("it has run"), second, first, !is_opener);
        }
    }
}
