//! Who holds a prefix, who is to have it next, and who counts for whose limit.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::auth::Bearer;
use crate::mux::Upkeep;
use crate::pipe::{v1, v2};
use crate::server::Config;
use crate::server::Threads;
use crate::server::session::{Around, Link, Opening};
use crate::server::v1::Pairs;
use crate::server::v2::Attendance;
use crate::wire::v2::{Attempt, Secret};

fn opening(prefix: &str, owner: Option<u8>) -> Opening {
    let bearer = owner.map(|owner| Bearer { digest: [owner; 32], id: None, subject: None });
    Opening {
        prefix: prefix.parse().unwrap(),
        expiry: None,
        bearer,
        from: None,
        attempt: None,
        tells_waits: false,
        shared_places: None,
        hold: std::time::Duration::ZERO,
        target_timeout: None,
        rules: crate::proxy::Rules::default(),
    }
}

fn around() -> Around {
    let (tasks, closing) = (TaskTracker::new(), CancellationToken::new());
    Around {
        node: None,
        tasks,
        stopping: CancellationToken::new(),
        closing,
        limits: Limits::default(),
        clock: || 0,
        home: Threads::default().settle(),
        all: Arc::default(),
        metrics: Arc::default(),
    }
}

fn limits(sessions: usize) -> Limits {
    Limits { sessions, ..Limits::default() }
}

fn session(prefix: &str) -> Arc<Session> {
    let (around, (pipe, swapper)) = (around(), v1::pipe());
    let link = Link::V1(Pairs::new(swapper, around.tasks.clone(), Arc::default()));
    Arc::clone(Session::start(opening(prefix, Some(0)), pipe, link, Upkeep::default(), around).session())
}

fn lasting(prefix: &str, owner: Option<u8>) -> Arc<Session> {
    lasting_of(opening(prefix, owner))
}

fn lasting_of(opening: Opening) -> Arc<Session> {
    let (pipe, carriers) = v2::pipe(&v2::Budget::default());
    let attendance = Attendance::new(Secret::from_random([0; 32]), carriers, &Config::new(None, || 0), Arc::default());
    let link = Link::V2(Arc::new(attendance));
    Arc::clone(Session::start(opening, pipe, link, Upkeep::default(), around()).session())
}

#[track_caller]
fn check(registry: &Registry, holders: &[&Arc<Session>]) {
    for holder in holders {
        let held = registry.by_prefix(holder.prefix().as_str()).map(|session| session.id().clone());
        assert_eq!(held.as_ref(), Some(holder.id()));
        assert!(registry.by_id(holder.id()).is_some());
    }
    let maps = registry.maps();
    assert_eq!((maps.by_prefix.len(), maps.by_id.len(), maps.heirs.len()), (holders.len(), holders.len(), 0));
}

#[tokio::test(start_paused = true)]
async fn a_prefix_has_one_lease_and_it_frees_itself_alone() {
    let (registry, first, second, other) = (Registry::default(), session("foo"), session("foo"), session("bar"));
    let lease = registry.lease(Arc::clone(&first), None, &limits(2)).ok().unwrap();
    let kept = registry.lease(Arc::clone(&other), None, &limits(2)).ok().unwrap();
    assert_eq!(registry.lease(Arc::clone(&second), None, &limits(2)).err(), Some(Refused::InUse));
    assert_eq!(registry.lease(session("baz"), None, &limits(2)).err(), Some(Refused::TooMany));
    check(&registry, &[&first, &other]);
    drop(lease);
    check(&registry, &[&other]);
    let lease = registry.lease(Arc::clone(&second), None, &limits(2)).ok().unwrap();
    check(&registry, &[&second, &other]);
    drop((lease, kept));
    check(&registry, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_admitted_holds_no_prefix() {
    let (registry, first, second) = (Registry::default(), lasting("foo", Some(1)), lasting("foo", Some(1)));
    let lease = registry.lease(Arc::clone(&first), None, &limits(2)).ok().unwrap();
    let admitted = registry.admit(Arc::clone(&second), &limits(2)).ok().unwrap();
    assert_eq!(registry.by_prefix("foo").map(|session| session.id().clone()).as_ref(), Some(first.id()));
    assert!(registry.by_id(second.id()).is_some() && !first.ended().is_cancelled());
    assert_eq!(registry.admit(lasting("bar", None), &limits(2)).err(), Some(Refused::TooMany));
    drop(admitted);
    check(&registry, &[&first]);
    drop(lease);
    check(&registry, &[]);
}

#[tokio::test(start_paused = true)]
async fn a_prefix_goes_at_once_to_another_client_with_the_same_token() {
    let (registry, old, new) = (Registry::default(), lasting("foo", Some(1)), lasting("foo", Some(1)));
    let old_lease = registry.lease(Arc::clone(&old), None, &limits(1)).ok().unwrap();
    assert_eq!(
        registry.lease(lasting("foo", Some(2)), None, &limits(9)).err(),
        Some(Refused::InUse),
        "another's token"
    );
    assert_eq!(registry.lease(lasting("foo", None), None, &limits(9)).err(), Some(Refused::InUse), "no token");
    let lease = registry.lease(Arc::clone(&new), None, &limits(1)).ok().unwrap();
    assert!(registry.claim(&new));
    check(&registry, &[&new]);
    drop(old_lease);
    check(&registry, &[&new]);
    drop(lease);
    check(&registry, &[]);
}

/// Nobody but an `open` may be there.
#[tokio::test(start_paused = true)]
async fn an_heir_takes_nothing_before_its_first_carrier() {
    let (registry, old) = (Registry::default(), lasting("foo", Some(1)));
    let held = registry.lease(Arc::clone(&old), None, &limits(1)).ok().unwrap();
    let heirs: Vec<_> = (0..3).map(|_| lasting("foo", Some(1))).collect();
    let leases = heirs.iter().map(|heir| registry.lease(Arc::clone(heir), None, &limits(1)).ok().unwrap());
    let mut leases: Vec<_> = leases.collect();
    let holder = |registry: &Registry| registry.by_prefix("foo").map(|session| session.id().clone());
    assert_eq!(holder(&registry).as_ref(), Some(old.id()));
    let known = |session: &Arc<Session>| registry.by_id(session.id()).is_some();
    assert_eq!(heirs.iter().map(known).collect::<Vec<_>>(), [false, false, true], "there is one heir at a time");
    assert!(registry.claim(&old) && known(&old), "the carriers of the holder change nothing");
    drop(leases.pop());
    check(&registry, &[&old]);

    let heir = lasting("foo", Some(1));
    let lease = registry.lease(Arc::clone(&heir), None, &limits(1)).ok().unwrap();
    assert_eq!(registry.lease(lasting("bar", Some(1)), None, &limits(1)).err(), Some(Refused::TooMany));
    drop(held);
    check(&registry, &[&heir]);
    assert!(registry.claim(&heir));
    drop((lease, leases));
    check(&registry, &[]);
}

/// On a server without tokens a prefix is given up where its client is gone. It may come back.
#[tokio::test(start_paused = true)]
async fn an_heir_takes_nothing_from_who_has_come_back() {
    let (registry, old, heir) = (Registry::default(), lasting("foo", None), lasting("foo", None));
    let _held = registry.lease(Arc::clone(&old), None, &limits(1)).ok().unwrap();
    let lease = registry.lease(Arc::clone(&heir), None, &limits(1)).ok().unwrap();
    let Link::V2(attendance) = old.link() else { panic!("it is one of v2") };
    attendance.passed_by();
    assert!(!registry.claim(&heir));
    check(&registry, &[&old]);
    drop(lease);
    check(&registry, &[&old]);
}

/// An attempt of a client may arrive after a later one, or twice. Those of others say nothing of it.
#[tokio::test(start_paused = true)]
async fn an_attempt_takes_the_prefix_from_earlier_ones_alone() {
    let of = |nonce: &str, number| Some(Attempt { nonce: nonce.to_owned(), number });
    for owner in [Some(1), None] {
        for (old, new, yields) in [
            (of("a", 2), of("a", 1), false),
            (of("a", 2), of("a", 2), false),
            (of("a", 2), of("a", 3), true),
            (of("a", 2), of("b", 1), true),
            (of("a", 2), None, true),
            (None, of("a", 1), true),
        ] {
            let told = format!("{owner:?}: {old:?}, {new:?}");
            let attempted = |attempt| lasting_of(Opening { attempt, ..opening("foo", owner) });
            let registry = Registry::default();
            let _old = registry.lease(attempted(old.clone()), None, &limits(1)).ok().unwrap();
            let heir = registry.lease(attempted(new.clone()), None, &limits(1));
            assert_eq!(heir.is_ok(), yields, "{told}");
            // It is the same with who is to take the prefix over.
            if let (Ok(_heir), Some(Attempt { nonce, number })) = (heir, new) {
                let again = [number, number + 1].map(|number| of(&nonce, number));
                let taken = again.map(|again| registry.lease(attempted(again), None, &limits(1)).is_ok());
                assert_eq!(taken, [false, true], "{told}");
            }
        }
    }
    let (registry, attempt) = (Registry::default(), of("a", 2));
    let held = lasting_of(Opening { attempt: of("a", 1), ..opening("foo", Some(1)) });
    let _held = registry.lease(held, None, &limits(1)).ok().unwrap();
    let stranger = lasting_of(Opening { attempt, ..opening("foo", Some(2)) });
    assert_eq!(registry.lease(stranger, None, &limits(1)).err(), Some(Refused::InUse), "another's token");
}

/// Whom a session counts for: its token, or whom that names.
#[tokio::test(start_paused = true)]
async fn a_token_or_its_subject_has_its_share_and_takes_none_from_others() {
    let (registry, mut leases) = (Registry::default(), Vec::new());
    let limits = Limits { sessions_per_token: 2, ..Limits::default() };
    let mut check = |prefix: &str, owner: Option<u8>, subject: Option<&str>, refused| {
        let mut opening = opening(prefix, owner);
        if let Some(bearer) = &mut opening.bearer {
            bearer.subject = subject.map(str::to_owned);
        }
        let lease = registry.lease(lasting_of(opening), None, &limits);
        assert_eq!(lease.as_ref().err(), refused, "{prefix}");
        leases.extend(lease);
    };
    let full = Some(&Refused::TooManyOfToken);
    for (token, subject) in [(1, None), (2, Some("me")), (3, Some("you"))] {
        check(&format!("one-{token}"), Some(token), subject, None);
        check(&format!("two-{token}"), Some(token), subject, None);
        check(&format!("too-many-{token}"), Some(token), subject, full);
    }
    check("another-token-of-mine", Some(4), Some("me"), full);
    check("one-1", Some(1), None, None);
    for prefix in ["abc", "def", "ghi"] {
        check(prefix, None, None, None);
    }
}
