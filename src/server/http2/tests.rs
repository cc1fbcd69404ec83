//! When a connection ends of which nobody makes an end, on a clock that is paused.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::time::sleep;

use super::*;
use crate::server::Config;
use crate::server::accept::HEAD_DEADLINE;

/// A frame. (RFC 9113, section 4.1)
pub(super) fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short one").to_be_bytes();
    [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat()
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_once_its_last_exchange_is_long_over() {
    let (begin, exchanges, waiting) = (Instant::now(), watch::Sender::new(0), Waiting::default());
    let exchanging = async {
        sleep(PING).await;
        let exchange = Exchange::begin(&exchanges);
        sleep(2 * IDLE).await;
        drop(exchange);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        last_call = idle(exchanges.subscribe(), &waiting) => assert_eq!(last_call, LAST_CALL),
        () = exchanging => {}
    }
    assert_eq!(begin.elapsed(), PING + 3 * IDLE);
}

/// Sends `bytes` behind the preface and then nothing. How long the server goes on with it.
async fn lasts(bytes: &[u8]) -> Duration {
    let (server, begin) = (Server::new(Config::new(None, || 0)), Instant::now());
    let (mut visitor, stream) = duplex(64 * 1024);
    visitor.write_all(&[PREFACE, bytes].concat()).await.expect("it is read");
    let nobody = Visitor::new(None, false);
    let serving = serve(stream, begin + HEAD_DEADLINE, nobody, Routes::of(&server), &server);
    let reading = async { drop(visitor.read_to_end(&mut Vec::new()).await) };
    let (_, ()) = tokio::join!(serving, reading);
    begin.elapsed()
}

#[tokio::test(start_paused = true)]
async fn half_a_head_is_waited_for_no_longer_than_one_of_http_1() {
    let settings = frame(4, 0, 0, &[]);
    // GET, http, `/` from the static table, and `a` as the host. (RFC 7541, appendix A)
    let request = [0x82, 0x86, 0x84, 0x41, 1, b'a'];
    let (whole, open) = (frame(1, 0x5, 1, &request), frame(1, 0x1, 1, &request));
    for begun in
        [&[][..], &settings[..5], &settings, &[&settings, &whole[..12]].concat(), &[&*settings, &open].concat()]
    {
        assert_eq!(lasts(begun).await, HEAD_DEADLINE, "{begun:?}");
    }
    let (second, third) = (frame(1, 0x1, 3, &request), frame(1, 0x5, 3, &request));
    assert_eq!(lasts(&[&*settings, &whole, &second].concat()).await, HEAD_DEADLINE);
    // What is whole is answered, and what comes of it then is another matter.
    assert!(lasts(&[&*settings, &whole, &third].concat()).await > 2 * HEAD_DEADLINE);
}
