//! The answer that the client gives itself, on wire v1, where it cannot reach its target. A whole HTTP answer, for
//! that is what a Go server's hop understands; marked for a server of ours, which then answers in its own words.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::wire::{ERROR_HEADER, FAULT_KEY_HEADER};

/// How long the hop may take to hear the answer.
const DEADLINE: Duration = Duration::from_secs(10);

const BODY: &str = "the service behind this tunnel cannot be reached\n";

/// Answers the one request on `stream`, which then ends.
pub(in crate::client) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, fault_key: Option<&str>) {
    let mark = fault_key.map(|key| format!("{FAULT_KEY_HEADER}: {key}\r\n")).unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n\
         {ERROR_HEADER}: target-refused\r\n{mark}Connection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    let answered = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // What is still coming of the request is let pass, so that the answer is not lost with a reset.
        let mut rest = [0; 4096];
        while stream.read(&mut rest).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // A hop that does not listen has nobody to tell.
    let _ = timeout(DEADLINE, answered).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_answer_is_whole_and_marked() {
        let (mut hop, mut stream) = tokio::io::duplex(10_000);
        hop.write_all(b"POST / HTTP/1.1\r\n\r\n").await.unwrap();
        hop.shutdown().await.unwrap();
        refuse(&mut stream, Some("key")).await;
        let mut answer = String::new();
        hop.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nsendit-fault-key: key\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    }
}
