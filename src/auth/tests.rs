//! Tokens from end to end: the verdicts on what other tools mint, what each claim may be, and properties.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const NOW: u64 = 1_800_000_000;

fn keys(secret: &str) -> Result<Keys, EmptySecret> {
    Key::new(secret.as_bytes()).map(|key| Keys::new(key, []))
}

/// A server's keys for the tests in which any will do.
fn any_keys() -> Keys {
    keys("a secret of thirty-two characters").unwrap()
}

/// Tokens and whether they are accepted, by the Go tool and here.
#[derive(Deserialize)]
struct Cases {
    now: u64,
    audience: String,
    #[serde(rename = "cases")]
    list: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    secret: String,
    token: String,
    go: bool,
    ours: bool,
}

fn cases() -> Cases {
    serde_json::from_str(include_str!("../../tests/data/jwt-cases.json")).unwrap()
}

#[test]
fn verdicts() {
    let Cases { now, audience, list } = cases();
    assert_eq!((audience.as_str(), list.len()), (Audience::Auth.as_str(), 81));
    for Case { name, secret, token, go, ours } in list {
        assert!(go || !ours, "{name}: accepted here, but not by the Go tool");
        let refusal = match keys(&secret) {
            Ok(keys) => verify(&keys, Audience::Auth, &token, now).err().map(|refusal| refusal.to_string()),
            Err(empty) => Some(empty.to_string()),
        };
        assert_eq!(refusal.is_none(), ours, "{name}: {refusal:?}");
    }
}

#[test]
fn the_same_token_as_the_go_tool_mints() {
    let Cases { now, list, .. } = cases();
    let Case { secret, token, .. } = list.into_iter().find(|case| case.name == "baseline").unwrap();
    assert_eq!(mint(&keys(&secret).unwrap(), &Claims::new(Audience::Auth, now)), token);
}

/// Every field set, and the JSON that it is.
#[test]
fn what_is_written() {
    let claims = Claims {
        subject: Some("blue".to_owned()),
        expiry: Some(2000),
        prefixes: vec!["team-*".parse().unwrap(), "foo".parse().unwrap()],
        ..Claims::new(Audience::Connect, 1000)
    };
    let json = r#"{"iss":"sendit","sub":"blue","aud":["connect"],"exp":2000,"nbf":100,"iat":1000,"prefixes":["team-*","foo"]}"#;
    assert_eq!(claims.to_json(), json);
}

/// Signs `members` beside a good issuer and audience, and reads that.
fn read(members: &str) -> Result<Claims, Refusal> {
    let json = format!(r#"{{"iss":"sendit","aud":"auth",{members}}}"#);
    let token = token::seal(&any_keys(), br#"{"alg":"HS256"}"#, json.as_bytes());
    verify(&any_keys(), Audience::Auth, &token, NOW)
}

#[track_caller]
fn check(members: &str, expected: Result<(), Refusal>) {
    assert_eq!(read(members).map(drop), expected, "{members}");
}

#[test]
fn dates() {
    check(r#""exp":1800000001,"nbf":1800000000,"iat":1900000000"#, Ok(()));
    check(r#""exp":null,"nbf":null,"iat":null"#, Ok(()));
    check(r#""exp":18.00000002e8,"nbf":1.8E+9,"iat":1.5"#, Ok(()));
    check(r#""exp":1800000001.5,"nbf":0"#, Ok(()));
    check(r#""exp":253402300799.9"#, Ok(()));
    check(r#""exp":1800000000"#, Err(Refusal::Expired { at: NOW }));
    check(r#""exp":1800000000.9"#, Err(Refusal::Expired { at: NOW }));
    // The nearest float is below 1800000001, but a parser may be one float off.
    check(r#""exp":1800000000.9999998807"#, Err(Refusal::Expired { at: NOW }));
    check(r#""nbf":1800000000.9"#, Ok(()));
    check(r#""exp":0.0"#, Err(Refusal::Expired { at: 0 }));
    check(r#""nbf":1800000001"#, Err(Refusal::NotYetValid { at: NOW + 1 }));
    check(r#""exp":253402300800"#, Err(Refusal::Date("exp")));
    check(r#""exp":1e300"#, Err(Refusal::Date("exp")));
    check(r#""exp":"1800000001""#, Err(Refusal::Date("exp")));
    check(r#""nbf":-1"#, Err(Refusal::Date("nbf")));
    check(r#""iat":[]"#, Err(Refusal::Date("iat")));
}

#[test]
fn texts() {
    check(r#""sub":"","jti":"a""#, Ok(()));
    check(r#""sub":null,"jti":null"#, Ok(()));
    check(r#""sub":1"#, Err(Refusal::Text("sub")));
    check(r#""jti":1"#, Err(Refusal::Text("jti")));
}

#[test]
fn names_in_another_case() {
    check(r#""other":1,"expires":1,"exp ":1"#, Ok(()));
    for name in ["ISS", "Sub", "aUd", "EXP", "\\u0045xp", "NBF", "IAT", "JTI", "Prefixes", "prefixeſ", "ıat"] {
        check(&format!(r#""{name}":null"#), Err(Refusal::Spelling));
    }
}

#[test]
fn a_limit_that_is_not_understood_allows_nothing() {
    for prefixes in ["null", "[]", "{}", "true", r#""team-*""#, r#"["team-*",1]"#, r#"["Team"]"#, r#"[["team-*"]]"#] {
        check(&format!(r#""prefixes":{prefixes}"#), Err(Refusal::Prefixes));
    }
}

#[track_caller]
fn check_allows(members: &str, prefix: &str, expected: bool) {
    assert_eq!(read(members).unwrap().allows(&prefix.parse().unwrap()), expected, "{members} on {prefix}");
}

#[test]
fn allowed_prefixes() {
    check_allows(r#""sub":"blue""#, "foo", true);
    check_allows(r#""prefixes":["team-*","foo"]"#, "foo", true);
    check_allows(r#""prefixes":["team-*","foo"]"#, "team-1", true);
    check_allows(r#""prefixes":["team-*","foo"]"#, "bar", false);
}

#[test]
fn a_token_is_good_for_its_audience_alone() {
    let token = mint(&any_keys(), &Claims::new(Audience::Auth, NOW));
    assert!(verify(&any_keys(), Audience::Auth, &token, NOW).is_ok());
    assert_eq!(verify(&any_keys(), Audience::Connect, &token, NOW), Err(Refusal::Audience(Audience::Connect)));
}

/// Claims that are valid at [`NOW`], in a token within the bound.
fn valid_claims() -> impl Strategy<Value = Claims> {
    let audience = prop_oneof![Just(Audience::Auth), Just(Audience::Connect)];
    let subject = proptest::option::of(any::<String>().prop_filter("short", |text| text.len() < 200));
    let dates = (
        proptest::option::of(0..=NOW),
        proptest::option::of(0..253_402_300_800_u64),
        proptest::option::of(NOW + 1..253_402_300_800),
    );
    let glob = "[a-z0-9*?-]{1,64}".prop_map(|text| text.parse().unwrap());
    let prefixes = proptest::collection::vec(glob, 0..8);
    let id = proptest::option::of(".{0,40}");
    (audience, subject, id, dates, prefixes).prop_map(|(audience, subject, id, dates, prefixes)| {
        let (not_before, issued_at, expiry) = dates;
        Claims { audience, subject, not_before, issued_at, expiry, id, prefixes }
    })
}

/// Texts that look like claims from afar.
fn json_like() -> impl Strategy<Value = String> {
    let piece = r#"[{}\[\],:"]|"(iss|aud|exp|prefixes)":|"sendit"|"auth"|null|-?[0-9]{1,3}(\.[0-9])?(e[0-9]{1,3})?|.."#;
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_minted_is_read_as_it_was(claims in valid_claims()) {
        let token = mint(&any_keys(), &claims);
        prop_assert_eq!(verify(&any_keys(), claims.audience, &token, NOW), Ok(claims));
    }

    #[test]
    fn a_token_changed_anywhere_is_refused(
        claims in valid_claims(), at in any::<prop::sample::Index>(), other in 0_u8..128,
    ) {
        let mut token = mint(&any_keys(), &claims).into_bytes();
        let at = at.index(token.len());
        let byte = &mut token[at];
        prop_assume!(*byte != other);
        *byte = other;
        let token = String::from_utf8(token).unwrap();
        prop_assert!(verify(&any_keys(), claims.audience, &token, NOW).is_err());
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), token in "[A-Za-z0-9_-]{0,9}\\.[A-Za-z0-9_-]{0,9}\\.[A-Za-z0-9_-]{43}") {
        prop_assert!(verify(&any_keys(), Audience::Auth, &text, NOW).is_err());
        prop_assert!(verify(&any_keys(), Audience::Auth, &token, NOW).is_err());
    }

    /// Bytes as they come are no claims; what looks like claims may be some.
    #[test]
    fn no_signed_text_makes_it_panic(bytes in any::<Vec<u8>>(), text in json_like()) {
        let sealed = |payload: &[u8]| token::seal(&any_keys(), br#"{"alg":"HS256"}"#, payload);
        prop_assert!(verify(&any_keys(), Audience::Auth, &sealed(&bytes), NOW).is_err());
        if let Ok(claims) = verify(&any_keys(), Audience::Auth, &sealed(text.as_bytes()), NOW) {
            prop_assert_eq!(claims.audience, Audience::Auth);
        }
    }
}
