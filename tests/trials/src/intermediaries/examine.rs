//! A doctor through one intermediary, and a tunnel after it, to see whether it does what the doctor foretold.

use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use super::{Intermediary, PATIENCE};
use crate::load::Target;
use crate::program::{Client, Server, Trouble, command};

/// How long a doctor may take, on a machine that does much else.
const DOCTOR: Duration = Duration::from_secs(40);

/// What a doctor printed, and what the tunnel did.
#[derive(Debug)]
pub struct Examination {
    /// The doctor's exit code.
    pub code: Option<i32>,
    /// What it printed on standard output.
    pub report: String,
    /// What it printed on standard error.
    pub said: String,
    /// The line in which the client says how the link is carried.
    pub link: String,
}

impl Intermediary {
    /// Examines the way through this intermediary, with lines of configuration besides. Each step has a deadline;
    /// cancelling it ends all programs.
    ///
    /// # Errors
    /// Where a program does not start, or the client does not say how the link is carried.
    pub async fn examine(&self, binary: &Path, flags: &[&str], lines: &[String]) -> Result<Examination, Trouble> {
        let target = Target::start(TcpListener::bind("127.0.0.1:0").await?)?;
        let server = Server::start(binary).await?;
        let running = self.start_with(server.address, lines).await?;
        let source = format!("http://{}/examined", running.public());
        let mut doctor = command(binary);
        doctor.arg("doctor").args(flags).arg(&source).kill_on_drop(true);
        if let Some(proxy) = running.http_proxy() {
            doctor.env("HTTP_PROXY", &proxy).env("http_proxy", &proxy);
        }
        let examined =
            timeout(DOCTOR, doctor.output()).await.map_err(|_| std::io::Error::other("the doctor has not ended"))??;
        let http_proxy = running.http_proxy();
        let client = Client { source, target: target.address, http_proxy, flags: &[] }.start(binary)?;
        let told = |output: &str| output.lines().any(|line| line.starts_with("wire "));
        let output = client.printed(Instant::now() + PATIENCE, "said how the link is carried", told).await?;
        let link = output.lines().find(|line| line.starts_with("wire ")).unwrap_or_default().to_owned();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ok(Examination {
            code: examined.status.code(),
            report: text(&examined.stdout),
            said: text(&examined.stderr),
            link,
        })
    }
}
