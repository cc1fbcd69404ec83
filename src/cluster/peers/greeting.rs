//! How two nodes know each other, before anything else is said on a connection: each proves that it knows the cluster's
//! secret, and neither says it. Knows no HTTP.
//!
//! ```text
//! dialler   ─▶  `sendit/1`, its id, 32 random bytes
//! listener  ─▶  its id, 32 random bytes, its proof
//! dialler   ─▶  its proof, or 32 zeros where it does not believe the listener's
//! ```
//!
//! A proof is an HMAC-SHA256 by the secret over who proves it, and both ids and all random bytes: so it is good for this one
//! connection, and neither what one has said elsewhere nor what the other says here can take its place.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::cluster::{NodeId, Secret};

/// How long a greeting may take: it is two small messages each way, at most.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long its first message may, which every node says at once.
const FIRST_DEADLINE: Duration = Duration::from_secs(1);

/// What a dialler begins with; whoever says anything else is no node, and is told nothing.
const MAGIC: [u8; 8] = *b"sendit/1";

const PROOF: usize = 32;

/// What a dialler says instead of its proof.
const DISBELIEF: [u8; PROOF] = [0; PROOF];

/// Why a greeting came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Greeted {
    /// Nobody answers there, or not in time.
    #[error("it cannot be reached: {0}")]
    Nobody(#[from] io::Error),
    /// What is there says something else.
    #[error("it is no server of a cluster")]
    Stranger,
    /// Of the two one does not know the cluster's secret.
    #[error("it does not know the cluster's secret")]
    WrongSecret,
    /// A node of the cluster is there, but not the one that was expected.
    #[error("it is another server, {0}")]
    Other(NodeId),
}

impl Greeted {
    /// The same as a sentence about whoever is at `address`.
    #[must_use]
    pub fn sentence(&self, address: impl Into<SocketAddr>) -> String {
        let address = address.into();
        match self {
            Self::Nobody(cause) => format!("the server at `{address}` cannot be reached: {cause}"),
            Self::Stranger => format!("what is at `{address}` is no server of a cluster"),
            Self::WrongSecret => format!(
                "the server at `{address}` does not know the cluster's secret that this one has: give all servers the same"
            ),
            Self::Other(id) => format!("at `{address}` is another server than expected, `{id}`"),
        }
    }

    /// The same as a sentence about whoever has called from `ip`. None where that is nothing to look after: a node that
    /// leaves before its greeting is over has heard enough.
    pub(super) fn of_caller(&self, ip: IpAddr) -> Option<String> {
        match self {
            Self::Nobody(_) | Self::Other(_) => None,
            Self::Stranger => {
                Some(format!("what calls from `{ip}`, where other servers are awaited, is no server of a cluster"))
            }
            Self::WrongSecret => Some(format!(
                "a server that calls from `{ip}` does not know the cluster's secret that this one has: give all servers the same"
            )),
        }
    }
}

/// What each says of itself, good for one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    id: NodeId,
    nonce: [u8; 32],
}

impl Hello {
    const LEN: usize = 8 + 32;

    fn new(id: NodeId) -> Self {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).expect("the operating system gives randomness");
        Self { id, nonce }
    }

    fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.id.to_bytes());
        bytes[8..].copy_from_slice(&self.nonce);
        bytes
    }

    pub(super) fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        let (mut id, mut nonce) = ([0; 8], [0; 32]);
        id.copy_from_slice(&bytes[..8]);
        nonce.copy_from_slice(&bytes[8..]);
        Self { id: NodeId::from_random(id), nonce }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Dialler,
    Listener,
}

/// What both have said, and so what is proved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    pub(super) dialler: Hello,
    pub(super) listener: Hello,
}

impl Said {
    fn mac(&self, secret: &Secret, role: Role) -> Hmac<Sha256> {
        // Each part has one length, so no two statements are the same bytes.
        let role: &[u8] = match role {
            Role::Dialler => b"sendit peers: dialler\0\0",
            Role::Listener => b"sendit peers: listener\0",
        };
        let mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("HMAC takes keys of any length");
        mac.chain_update(role).chain_update(self.dialler.to_bytes()).chain_update(self.listener.to_bytes())
    }

    pub(super) fn proof(&self, secret: &Secret, role: Role) -> [u8; PROOF] {
        self.mac(secret, role).finalize().into_bytes().into()
    }

    /// Whether whoever has that role knows the secret; takes as long whatever is presented.
    pub(super) fn is_proved(&self, secret: &Secret, role: Role, proof: &[u8; PROOF]) -> bool {
        self.mac(secret, role).verify_slice(proof).is_ok()
    }
}

/// Greets whoever listens, and finds out who that is.
pub(super) async fn dial<S>(stream: &mut S, me: NodeId, secret: &Secret) -> Result<NodeId, Greeted>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    in_time(async {
        let dialler = Hello::new(me);
        stream.write_all(&[&MAGIC[..], &dialler.to_bytes()].concat()).await?;
        let listener = Hello::from_bytes(read(stream).await?);
        let said = Said { dialler, listener };
        if !said.is_proved(secret, Role::Listener, &read(stream).await?) {
            // So that both know. Where it fails, the other end has left.
            let _ = stream.write_all(&DISBELIEF).await;
            return Err(Greeted::WrongSecret);
        }
        stream.write_all(&said.proof(secret, Role::Dialler)).await?;
        Ok(listener.id)
    })
    .await
}

/// Answers who dials, and finds out who that is. Whoever is no node gets nothing.
pub(super) async fn answer<S>(stream: &mut S, me: NodeId, secret: &Secret) -> Result<NodeId, Greeted>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    in_time(async {
        let dialler = timeout(FIRST_DEADLINE, heard(stream)).await.map_err(late)??;
        let listener = Hello::new(me);
        let said = Said { dialler, listener };
        let proof = said.proof(secret, Role::Listener);
        stream.write_all(&[&listener.to_bytes()[..], &proof].concat()).await?;
        let is_proved = said.is_proved(secret, Role::Dialler, &read(stream).await?);
        if is_proved { Ok(dialler.id) } else { Err(Greeted::WrongSecret) }
    })
    .await
}

/// What a dialler begins with.
async fn heard(stream: &mut (impl AsyncRead + Unpin)) -> Result<Hello, Greeted> {
    if read(stream).await? != MAGIC {
        return Err(Greeted::Stranger);
    }
    Ok(Hello::from_bytes(read(stream).await?))
}

async fn in_time(greeting: impl Future<Output = Result<NodeId, Greeted>>) -> Result<NodeId, Greeted> {
    timeout(DEADLINE, greeting).await.map_err(late)?
}

fn late(_: Elapsed) -> Greeted {
    Greeted::Nobody(io::ErrorKind::TimedOut.into())
}

async fn read<const N: usize>(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
