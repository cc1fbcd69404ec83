//! Whether a greeting proves what it has to.

use proptest::prelude::*;
use tokio::io::{DuplexStream, duplex};
use tokio::time::Instant;

use super::*;

fn secret(byte: u8) -> Secret {
    Secret::new(&[byte; 32]).unwrap()
}

fn id(byte: u8) -> NodeId {
    NodeId::from_random([byte; 8])
}

fn hello() -> impl Strategy<Value = Hello> {
    any::<[u8; Hello::LEN]>().prop_map(Hello::from_bytes)
}

proptest! {
    #[test]
    fn what_is_said_is_read(bytes: [u8; Hello::LEN]) {
        prop_assert_eq!(Hello::from_bytes(bytes).to_bytes(), bytes);
    }

    #[test]
    fn a_proof_is_good_for_one_role_one_secret_and_what_was_said(
        dialler in hello(), listener in hello(), secret in any::<[u8; 32]>(), other in any::<[u8; 32]>(), bit in 0_usize..640,
    ) {
        prop_assume!(secret != other && dialler != listener);
        let (secret, other) = (Secret::new(&secret).unwrap(), Secret::new(&other).unwrap());
        let said = Said { dialler, listener };
        for (role, not) in [(Role::Dialler, Role::Listener), (Role::Listener, Role::Dialler)] {
            let proof = said.proof(&secret, role);
            prop_assert!(said.is_proved(&secret, role, &proof));
            prop_assert!(!said.is_proved(&secret, not, &proof));
            prop_assert!(!said.is_proved(&other, role, &proof));
            let swapped = Said { dialler: listener, listener: dialler };
            prop_assert!(!swapped.is_proved(&secret, role, &proof) && !swapped.is_proved(&secret, not, &proof));
            let mut bytes = [dialler.to_bytes(), listener.to_bytes()].concat();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let hello = |at: usize| Hello::from_bytes(bytes[at..at + Hello::LEN].try_into().unwrap());
            let changed = Said { dialler: hello(0), listener: hello(Hello::LEN) };
            prop_assert!(!changed.is_proved(&secret, role, &proof));
        }
    }

    #[test]
    fn no_proof_is_made_up(dialler in hello(), listener in hello(), proof: [u8; PROOF]) {
        let said = Said { dialler, listener };
        for proof in [proof, DISBELIEF] {
            prop_assert!(!said.is_proved(&secret(1), Role::Dialler, &proof));
            prop_assert!(!said.is_proved(&secret(1), Role::Listener, &proof));
        }
    }

    #[test]
    fn whatever_comes_is_refused(bytes: Vec<u8>, as_dialler: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (mut near, mut far) = duplex(64 * 1024);
            if as_dialler {
                far.write_all(&MAGIC).await.unwrap();
            }
            far.write_all(&bytes).await.unwrap();
            far.shutdown().await.unwrap();
            let greeted = if as_dialler {
                answer(&mut near, id(1), &secret(1)).await
            } else {
                dial(&mut near, id(1), &secret(1)).await
            };
            assert!(greeted.is_err());
        });
    }
}

async fn greet(dialler: Secret, listener: Secret) -> (Result<NodeId, Greeted>, Result<NodeId, Greeted>) {
    let (mut near, mut far) = duplex(1024);
    tokio::join!(dial(&mut near, id(1), &dialler), answer(&mut far, id(2), &listener))
}

#[tokio::test(start_paused = true)]
async fn each_learns_who_the_other_is() {
    let (dialled, answered) = greet(secret(1), secret(1)).await;
    assert_eq!((dialled.unwrap(), answered.unwrap()), (id(2), id(1)));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_known_at_both_ends() {
    let (dialled, answered) = greet(secret(1), secret(2)).await;
    assert!(matches!(dialled, Err(Greeted::WrongSecret)), "{dialled:?}");
    assert!(matches!(answered, Err(Greeted::WrongSecret)), "{answered:?}");
}

/// What `near` says comes back to it.
async fn reflect(far: &mut DuplexStream) {
    let (mut reader, mut writer) = tokio::io::split(far);
    let _ = tokio::io::copy(&mut reader, &mut writer).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_reflected_proves_nothing() {
    let (mut near, mut far) = duplex(1024);
    let (dialled, ()) = tokio::join!(
        async {
            let dialled = dial(&mut near, id(1), &secret(1)).await;
            drop(near);
            dialled
        },
        reflect(&mut far)
    );
    assert!(dialled.is_err(), "{dialled:?}");

    // A listener's own proof is not the dialler's.
    let (mut near, mut far) = duplex(1024);
    let hello = Hello::new(id(2));
    far.write_all(&[&MAGIC[..], &hello.to_bytes()].concat()).await.unwrap();
    let secret = secret(1);
    let (answered, ()) = tokio::join!(answer(&mut near, id(1), &secret), async {
        let _: [u8; Hello::LEN] = read(&mut far).await.unwrap();
        let proof: [u8; PROOF] = read(&mut far).await.unwrap();
        far.write_all(&proof).await.unwrap();
    });
    assert!(matches!(answered, Err(Greeted::WrongSecret)), "{answered:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_no_node_is_told_nothing() {
    let (mut near, mut far) = duplex(1024);
    far.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let answered = answer(&mut near, id(1), &secret(1)).await;
    assert!(matches!(answered, Err(Greeted::Stranger)), "{answered:?}");
    drop(near);
    let mut told = Vec::new();
    far.read_to_end(&mut told).await.unwrap();
    assert_eq!(told, b"");
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_given_up() {
    let first = [&MAGIC[..], &Hello::new(id(2)).to_bytes()].concat();
    for (role, said, bound) in [
        (Role::Listener, &first[..0], FIRST_DEADLINE),
        (Role::Listener, &first[..first.len() - 1], FIRST_DEADLINE),
        (Role::Listener, &first[..], DEADLINE),
        (Role::Dialler, &first[..0], DEADLINE),
    ] {
        let (mut near, mut far) = duplex(1024);
        far.write_all(said).await.unwrap();
        let before = Instant::now();
        let greeted = match role {
            Role::Listener => answer(&mut near, id(1), &secret(1)).await,
            Role::Dialler => dial(&mut near, id(1), &secret(1)).await,
        };
        assert!(matches!(&greeted, Err(Greeted::Nobody(cause)) if cause.kind() == io::ErrorKind::TimedOut));
        assert_eq!(before.elapsed(), bound, "{role:?} {}", said.len());
    }
}

#[test]
fn what_went_wrong_is_one_sentence() {
    let address = SocketAddr::from(([192, 0, 2, 1], 80));
    for greeted in [
        Greeted::Nobody(io::ErrorKind::ConnectionRefused.into()),
        Greeted::Stranger,
        Greeted::WrongSecret,
        Greeted::Other(id(3)),
    ] {
        let sentence = greeted.sentence(address);
        assert!(sentence.contains("`192.0.2.1:80`") && !sentence.contains('\n'), "{sentence}");
    }
}

#[test]
fn a_caller_is_told_of_where_somebody_has_to_look() {
    let ip = IpAddr::from([192, 0, 2, 1]);
    for (greeted, is_told) in [
        (Greeted::Nobody(io::ErrorKind::UnexpectedEof.into()), false),
        (Greeted::Nobody(io::ErrorKind::TimedOut.into()), false),
        (Greeted::Other(id(3)), false),
        (Greeted::Stranger, true),
        (Greeted::WrongSecret, true),
    ] {
        let sentence = greeted.of_caller(ip);
        assert_eq!(sentence.is_some(), is_told, "{greeted:?}");
        assert!(sentence.is_none_or(|sentence| sentence.contains("from `192.0.2.1`") && !sentence.contains("reached")));
    }
}
