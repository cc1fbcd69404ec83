//! The soak: the mixed load under kills for as long as is wanted. Prints seed and figures; wrong bytes fail it, and on
//! a wire that survives kills so does each failed exchange.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use argh::FromArgs;
use tokio::net::TcpListener;
use tokio::time::Instant;
use trials::faults::{Cut, Kills, Loss, Plan, Proxy};
use trials::load::{Figures, Mix, Public, Receipts, Target, run};
use trials::program::{Client, Program, Server};

use crate::faults::EVERY;
use crate::program;

/// Visitors at a time.
const AT_ONCE: u64 = 100;

/// The part of the time that passes without kills, to compare with.
const QUIET: f64 = 0.1;

/// Run a mixed load through a tunnel whose requests are killed at random.
#[derive(FromArgs)]
#[argh(subcommand, name = "soak")]
pub(crate) struct Soak {
    /// how long; a part of a minute is fine (default: 10)
    #[argh(option, default = "10.0")]
    minutes: f64,

    /// number that all choices are made from (default: 1)
    #[argh(option, default = "1")]
    seed: u64,

    /// wire that is expected, `v1` or `v2`: on v1 a kill fails what is in flight, loudly (default: v1)
    #[argh(option, default = "Wire::V1")]
    wire: Wire,

    /// flag of the client; can be repeated
    #[argh(option)]
    flag: Vec<String>,
}

/// What may be expected of a tunnel.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    /// A kill fails what is in flight.
    V1,
    /// A kill is not seen.
    V2,
}

impl std::str::FromStr for Wire {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            _ => Err(format!("`{text}` is neither `v1` nor `v2`")),
        }
    }
}

/// Everything that takes part.
struct Stage {
    target: Target,
    server: Server,
    proxy: Proxy,
    client: Program,
    public: Public,
}

impl Soak {
    /// Loads, kills, prints, and judges.
    pub(crate) async fn run(&self) -> Result<()> {
        let stage = self.stage(&program::release()?).await?;
        println!("seed {}, {} min, {AT_ONCE} exchanges at a time", self.seed, self.minutes);
        let whole = Duration::from_secs_f64(self.minutes * 60.0);
        let (quiet, kills) = (whole.mul_f64(QUIET), whole.mul_f64(1.0 - QUIET));
        stage.print_memory("at the beginning");
        let mut mix = Mix { at_once: AT_ONCE, seed: self.seed, first_id: 0, lasts: quiet };
        let calm = run(&mix, &stage.public).await;
        println!("\nwithout kills, {:.0} s\n{calm}", quiet.as_secs_f64());
        stage.print_memory("before the kills");
        stage.proxy.change(Plan { kills: Some(everything()), ..Plan::default() });
        // Beyond all that the calm part has used, its unfinished ones included.
        mix = Mix { first_id: calm.exchanges + AT_ONCE, seed: !self.seed, lasts: kills, ..mix };
        let shaken = run(&mix, &stage.public).await;
        println!("\nunder kills, {:.0} s\n{shaken}", kills.as_secs_f64());
        stage.print_memory("at the end");
        let Stage { target, proxy, .. } = stage;
        let receipts = target.ledger().receipts();
        println!("\nthe target\n{}\nthe fault proxy\n{}", told(&receipts), proxy.stop().await);
        self.judge(&calm, &shaken, &receipts)
    }

    async fn stage(&self, binary: &Path) -> Result<Stage> {
        let target = Target::start(TcpListener::bind("127.0.0.1:0").await?)?;
        let server = Server::start(binary).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let proxy = Proxy::start(listener, server.address, self.seed, Plan::default())?;
        let flags: Vec<&str> = self.flag.iter().map(String::as_str).collect();
        let prefix = "/soak".to_owned();
        let source = format!("http://{}{prefix}", proxy.address());
        let client = Client { source, target: target.address, http_proxy: None, flags: &flags }.start(binary)?;
        let deadline = Instant::now() + Duration::from_secs(20);
        client.printed(deadline, "was ready", |output| output.contains("Ready; Forwarding")).await?;
        let public = Public { address: server.address, prefix };
        Ok(Stage { target, server, proxy, client, public })
    }

    fn judge(&self, calm: &Figures, shaken: &Figures, receipts: &Receipts) -> Result<()> {
        let wrong = calm.wrong + shaken.wrong + receipts.wrong;
        ensure!(wrong == 0, "{wrong} exchanges had wrong bytes or a silent end");
        ensure!(receipts.twice == 0, "{} exchanges were delivered more than once", receipts.twice);
        let hung = calm.hung + shaken.hung;
        ensure!(hung == 0, "{hung} exchanges hung");
        ensure!(calm.failed == 0, "{} exchanges failed without kills", calm.failed);
        ensure!(calm.exchanges > 0 && shaken.exchanges > 0, "there was no load");
        ensure!(self.wire == Wire::V1 || shaken.failed == 0, "{} exchanges failed under kills", shaken.failed);
        Ok(())
    }
}

impl Stage {
    fn print_memory(&self, when: &str) {
        let memory = |program: &Program| program.memory().map_or_else(|| "?".to_owned(), |kib| format!("{kib} KiB"));
        println!("memory {when}: server {}, client {}", memory(&self.server.program), memory(&self.client));
    }
}

fn everything() -> Kills {
    Kills { what: vec![Loss::Read, Loss::Write, Loss::Both], how: vec![Cut::Fin, Cut::Rst], every: EVERY }
}

fn told(receipts: &Receipts) -> String {
    let Receipts { delivered, twice, wrong, cut, complaints } = receipts;
    let mut text = format!(
        "{:32} {delivered:10}\n{:32} {twice:10}\n{:32} {wrong:10}\n{:32} {cut:10}\n",
        "exchanges delivered", "delivered more than once", "wrong bytes or silent ends", "cut, and seen to be"
    );
    for complaint in complaints {
        text.extend(["  ", complaint, "\n"]);
    }
    text
}
