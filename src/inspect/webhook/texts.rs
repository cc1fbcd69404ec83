//! Texts at some places of a JSON object, as far as it goes: of a body that was cut all that stands before the cut is read.
//! Keeps nothing of what it passes over.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The most that is kept of a text, in characters.
const MAX_TEXT: usize = 200;

/// The texts at `places`, which are keys with dots between them. In a list the first object that has one decides.
pub(super) fn texts<const N: usize>(json: &[u8], places: [&str; N]) -> [Option<String>; N] {
    let mut found = places.map(|_| None);
    let mut reader = serde_json::Deserializer::from_slice(json);
    let place = Place { path: String::new(), places: &places, found: &mut found };
    // What is wrong further on takes nothing away from what was found.
    let _ = reader.deserialize_any(place);
    found
}

/// One value, at a place.
struct Place<'a> {
    path: String,
    places: &'a [&'a str],
    found: &'a mut [Option<String>],
}

impl Place<'_> {
    /// Whether anything that is looked for is here, or below.
    fn leads_on(&self, path: &str) -> bool {
        self.places
            .iter()
            .any(|place| place.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if let Some(at) = self.places.iter().position(|place| *place == self.path) {
            self.found[at].get_or_insert_with(|| text.chars().take(MAX_TEXT).collect());
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
            if self.leads_on(&path) {
                map.next_value_seed(Place { path, places: self.places, found: self.found })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list
            .next_element_seed(Place { path: self.path.clone(), places: self.places, found: self.found })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: [Option<&str>; 2]) {
        let found = texts(json.as_bytes(), ["type", "event.type"]);
        assert_eq!(found.each_ref().map(Option::as_deref), expected);
    }

    #[test]
    fn what_stands_at_a_place() {
        check(r#"{"a":{"type":"no"},"type":"x","event":{"b":[1,{"type":"no"}],"type":"y"}}"#, [Some("x"), Some("y")]);
        check(r#"{"type":7,"event":"z","event.type":"w"}"#, [None, Some("w")]);
        check(r#"[{"a":null,"b":-1,"c":1.5,"d":true},{"type":"x"},{"type":"y"}]"#, [Some("x"), None]);
        check(r#"{"type":"x","event":{"type":"y","text":"it ends h"#, [Some("x"), Some("y")]);
        check(r#"{"type":"x"} and more"#, [Some("x"), None]);
        check("", [None, None]);
        check("\"type\"", [None, None]);
    }

    #[test]
    fn little_is_kept() {
        let [found] = texts(format!(r#"{{"type":"{}"}}"#, "é".repeat(100_000)).as_bytes(), ["type"]);
        assert_eq!(found, Some("é".repeat(MAX_TEXT)));
    }

    #[test]
    fn depth_is_no_trouble() {
        let deep = format!(r#"{{"a":{0}{1},"type":"x"}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(texts(deep.as_bytes(), ["type"]), [Some("x".to_owned())]);
        let lists = "[".repeat(100_000);
        assert_eq!(texts(lists.as_bytes(), ["type"]), [None]);
    }
}
