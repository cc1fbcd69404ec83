//! JSON as the parts of a token must be: an object, of which any two readers make the same. Knows nothing of claims.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads `text` as one object, with white space around it at most. Nothing is skipped unread: at any depth invalid
/// UTF-8, a lone surrogate, a number out of range or a repeated key makes the whole no object, and so does nesting of
/// 128 levels, where the parser stops.
pub(super) fn object(text: &[u8]) -> Option<Map<String, Value>> {
    match serde_json::from_slice(text) {
        Ok(Strict(Value::Object(object))) => Some(object),
        Ok(_) | Err(_) => None,
    }
}

/// A [`Value`] in which no object had a key twice; `Value` itself takes the last one.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value without repeated keys")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, _>()? {
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("repeated key"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        assert_eq!(object(text.as_bytes()).as_ref(), expected.as_object(), "{text}");
    }

    #[test]
    fn objects() {
        check(" {} \r\n", &json!({}));
        check(
            r#"{"a":[null,true,1,-1,1.5,"\u0062"],"c":{"a":{}}}"#,
            &json!({ "a": [null, true, 1, -1, 1.5, "b"], "c": { "a": {} } }),
        );
        check(&nested(126), &nested(126).parse().unwrap());
    }

    #[track_caller]
    fn check_refused(text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        assert_eq!(object(text), None, "{}", String::from_utf8_lossy(text));
    }

    #[test]
    fn what_readers_could_disagree_on() {
        check_refused(r#"{"a":1,"a":1}"#);
        check_refused(r#"{"a":1,"\u0061":1}"#);
        check_refused(r#"{"x":[{"a":1,"a":1}]}"#);
        check_refused(b"{\"x\":\"\xff\"}");
        check_refused(b"{\"x\":[\"\xed\xa0\x80\"]}");
        check_refused(r#"{"x":["\ud800"]}"#);
        check_refused(r#"{"x":1e400}"#);
        check_refused(nested(127));
        check_refused(nested(2000));
    }

    #[test]
    fn no_objects() {
        for text in ["", "null", "1", "[]", r#""{}""#, "{}{}", "{},", "{} x", "\u{feff}{}", "{'a':1}", r#"{"a":01}"#] {
            check_refused(text);
        }
    }

    /// An object with `depth` arrays in it.
    fn nested(depth: usize) -> String {
        format!(r#"{{"x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
    }
}
