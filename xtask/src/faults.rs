//! The fault proxy by hand: from what was typed to a plan. Knows nothing of how faults are done.

pub(crate) mod parse;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use argh::FromArgs;
use tokio::net::TcpListener;
use trials::faults::{Copy, Cut, Heads, Kills, Kind, Loss, Plan, Proxy, Shape, Then};

pub(crate) use parse::{Between, between};

use parse::List;

/// Run a proxy that does harm on purpose, until Ctrl-C; prints what it has done.
#[derive(FromArgs)]
#[argh(subcommand, name = "faults")]
pub(crate) struct Faults {
    /// address to listen on (default: 127.0.0.1:0)
    #[argh(option, default = "SocketAddr::from(([127, 0, 0, 1], 0))")]
    listen: SocketAddr,

    /// address to pass everything on to
    #[argh(option)]
    to: SocketAddr,

    /// number that all choices are made from (default: 1)
    #[argh(option, default = "1")]
    seed: u64,

    /// requests to lose at random: of `read`, `write`, `both` and `any`
    #[argh(option, from_str_fn(parse::losses))]
    kill: Option<List<Loss>>,

    /// how to lose them: of `fin`, `rst` and `hole` (default: fin,rst)
    #[argh(option, from_str_fn(parse::cuts))]
    by: Option<List<Cut>>,

    /// time between two losses (default: 50ms..2s)
    #[argh(option, from_str_fn(between))]
    every: Option<Between>,

    /// requests that all other faults apply to: of `read`, `write` and `other` (default: all)
    #[argh(option, from_str_fn(parse::kinds))]
    only: Option<List<Kind>>,

    /// delay each way, such as 50ms
    #[argh(option, from_str_fn(parse::duration))]
    delay: Option<Duration>,

    /// bytes a second each way
    #[argh(option)]
    bandwidth: Option<u64>,

    /// write each byte by itself
    #[argh(switch)]
    one_by_one: bool,

    /// what happens to a request after so many bytes of its body: such as 0:black-hole, 1000:stall, 64:fin, 64:rst
    #[argh(option, from_str_fn(parse::after))]
    up_after: Option<(u64, Then)>,

    /// the same for an answer
    #[argh(option, from_str_fn(parse::after))]
    down_after: Option<(u64, Then)>,

    /// cut each request at this age
    #[argh(option, from_str_fn(parse::duration))]
    max_age: Option<Duration>,

    /// chance that a request or its answer is cut within the first 64 bytes of its head or body, from 0 to 1
    #[argh(option, default = "0.0")]
    handshake_cuts: f64,

    /// chance that a request is answered with 503, from 0 to 1
    #[argh(option, default = "0.0")]
    refusals: f64,

    /// chance that a request is passed on 100 ms late, from 0 to 1
    #[argh(option, default = "0.0")]
    late: f64,

    /// send requests twice, and answer with the `first` or `second` answer
    #[argh(option, from_str_fn(parse::copy))]
    duplicate: Option<Copy>,

    /// hold heads of answers until the first byte of their body
    #[argh(switch)]
    hold_heads: bool,

    /// hold requests until they are whole; larger ones are answered with 413
    #[argh(option)]
    buffer_request: Option<usize>,

    /// hold answers until they are whole, or so many bytes have come
    #[argh(option)]
    buffer_response: Option<usize>,
}

impl Faults {
    /// Proxies until Ctrl-C.
    pub(crate) async fn run(&self) -> Result<()> {
        let listener =
            TcpListener::bind(self.listen).await.with_context(|| format!("cannot listen on `{}`", self.listen))?;
        let proxy = Proxy::start(listener, self.to, self.seed, self.plan())?;
        println!("Listening: {}\nseed {}", proxy.address(), self.seed);
        tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
        print!("{}", proxy.stop().await);
        Ok(())
    }

    fn plan(&self) -> Plan {
        let shape = |after| Shape {
            delay: self.delay.unwrap_or_default(),
            bandwidth: self.bandwidth,
            one_by_one: self.one_by_one,
            after,
        };
        Plan {
            kills: self.kill.as_ref().map(|kill| Kills {
                what: kill.0.clone(),
                how: self.by.as_ref().map_or_else(|| vec![Cut::Fin, Cut::Rst], |by| by.0.clone()),
                every: self.every.clone().map_or(trials::soak::EVERY, |every| every.0),
            }),
            only: self.only.as_ref().map(|only| only.0.clone()).unwrap_or_default(),
            up: shape(self.up_after),
            down: shape(self.down_after),
            max_age: self.max_age,
            handshake_cuts: self.handshake_cuts,
            refusals: self.refusals,
            late: self.late,
            duplicate: self.duplicate,
            heads: if self.hold_heads { Heads::Hold } else { Heads::Pass },
            buffer_request: self.buffer_request,
            buffer_response: self.buffer_response,
        }
    }
}
