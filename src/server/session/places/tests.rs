//! Who is held, and who gives up what for whom.

use std::future::pending;
use std::net::Ipv4Addr;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use super::*;

/// A visitor, and whether it has said all.
#[derive(Clone, Copy)]
struct SaidAll(bool);

impl Listens for SaidAll {
    async fn only_listens(&self) {
        if !self.0 {
            pending::<()>().await;
        }
    }
}

fn places(exchanges: usize, held: usize, of_token: Option<&Arc<Quota>>) -> Places {
    let limits = Limits { exchanges_per_session: exchanges, held_per_session: held, ..Limits::default() };
    Places::new(&limits, of_token.cloned())
}

/// What comes soon of those who wait.
async fn soon<T>(waiting: &mut FuturesUnordered<impl Future<Output = T>>) -> Vec<T> {
    let (end, mut came) = (Instant::now() + ROOM_DEADLINE * 3, Vec::new());
    while let Ok(Some(one)) = timeout_at(end, waiting.next()).await {
        came.push(one);
    }
    came
}

#[test]
fn a_place_is_free_where_it_is_one_of_all_that_it_is_made_of() {
    let [one, other] = [9, 10].map(|last| Some(IpAddr::from(Ipv4Addr::new(203, 0, 113, last))));
    for (exchanges, of_token, given) in [
        (4, 4, [true, true, false, true]),
        (2, 4, [true, false, false, true]),
        (4, 3, [true, true, false, true]),
        (4, 1, [true, false, false, false]),
    ] {
        let of_token = Quota::new(of_token);
        let places = places(exchanges, 0, Some(&of_token));
        let free: Vec<_> = [one, one, one, other].map(|address| places.free(address)).into();
        assert_eq!(free.iter().map(Option::is_some).collect::<Vec<_>>(), given, "{exchanges}");
        let taken = given.iter().filter(|given| **given).count();
        assert_eq!((places.taken(), of_token.taken()), (taken, taken), "who is given none takes nothing");
        drop(free);
        assert_eq!((places.taken(), of_token.taken()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_what_its_address_has_leaves_room_for_others() {
    let places = places(4, 4, None);
    let one = Some(IpAddr::from(Ipv4Addr::new(203, 0, 113, 9)));
    let mut waiting = FuturesUnordered::new();
    // Places, refusals and those who are held then.
    for (address, comes, has, refused, held) in
        [(one, 2, 2, 0, 0), (one, 4, 0, 2, 2), (None, 2, 2, 0, 2), (None, 3, 0, 1, 4)]
    {
        waiting.extend((0..comes).map(|_| places.place(address, &SaidAll(false))));
        let came = soon(&mut waiting).await;
        let given = came.iter().filter(|place| place.is_ok()).count();
        assert_eq!((given, came.len() - given, places.waiting()), (has, refused, held));
        came.into_iter().for_each(std::mem::forget);
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_said_all_is_held_for_as_long_as_others_are_not() {
    let places = places(0, 4, None);
    let place = |said_all| {
        let places = &places;
        async move { (said_all, places.place(None, &SaidAll(said_all)).await.err()) }
    };
    let mut waiting = FuturesUnordered::new();
    for (said_all, refused) in [(true, &[][..]), (false, &[false, true, true, true])] {
        waiting.extend((0..4).map(|_| place(said_all)));
        let mut came = soon(&mut waiting).await;
        came.sort_by_key(|(said_all, _)| *said_all);
        assert!(came.iter().all(|(_, fault)| *fault == Some(Fault::Limit)));
        assert_eq!(came.iter().map(|(said_all, _)| *said_all).collect::<Vec<_>>(), refused);
        assert_eq!(places.waiting(), 4);
    }
}

/// It may be another session's visitor that would go for it.
#[tokio::test(start_paused = true)]
async fn who_gets_no_place_displaces_nobody() {
    let of_token = Quota::new(4);
    let [full, other] = [(); 2].map(|()| places(2, 0, Some(&of_token)));
    let mut listening = FuturesUnordered::new();
    let mut kept = Vec::new();
    for _ in 0..2 {
        kept.push(full.place(None, &SaidAll(false)).await.ok());
        let Ok(place) = other.place(None, &SaidAll(false)).await else { panic!("it is free") };
        listening.push(async move {
            unless_told_to_go(&SaidAll(true), || place.of_token.iter(), Box::pin(pending::<()>())).await
        });
    }
    let mut refused = FuturesUnordered::from_iter([full.place(None, &SaidAll(false))]);
    assert!(soon(&mut listening).await.is_empty(), "they listen");
    assert!(matches!(&soon(&mut refused).await[..], [Err(Fault::Limit)]));
    assert!(soon(&mut listening).await.is_empty());
}
