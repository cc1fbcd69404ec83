//! One request over plain HTTP, on a connection of its own, to a place that a person has named. Knows no path.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::http::request::Builder;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection may take, nearly always to the same machine.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// Why there is no answer.
pub(crate) enum Trouble {
    /// Nobody is there, or does not finish what it says.
    Absent(String),
    /// Somebody else is, and speaks no HTTP.
    Foreign,
}

/// What `address` answers to a request without a body: `most` bytes of it at most. Waits for the answer without end.
pub(crate) async fn ask(address: &str, request: Builder, most: usize) -> Result<(StatusCode, Bytes), Trouble> {
    let absent = |cause: &str| Trouble::Absent(cause.to_owned());
    let connected = timeout(CONNECT_DEADLINE, TcpStream::connect(address)).await;
    let stream = connected.map_err(|_| absent("it takes no connection"))?;
    let stream = stream.map_err(|error| absent(&error.kind().to_string()))?;
    let broken = |error: hyper::Error| {
        if error.is_parse() { Trouble::Foreign } else { absent("it does not finish what it says") }
    };
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = request.header("host", address).body(Full::new(Bytes::new()));
    let request = request.map_err(|error| absent(&error.to_string()))?;
    let answered = async move {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), most).collect().await;
        let body = body.map_err(|_| absent("it does not finish what it says"))?;
        Ok((status, body.to_bytes()))
    };
    // The connection ends after the answer: nobody is left who could ask for another.
    let (answered, _) = tokio::join!(answered, connection);
    answered
}
