//! Why something failed at a directory, in words for who runs the server. Knows errors, and no connection.

use std::error::Error as StdError;

use instant_acme::Problem;

use super::Error;

/// How a directory says that it knows no such account. (RFC 8555, section 6.7)
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

impl From<instant_acme::Error> for Error {
    fn from(error: instant_acme::Error) -> Self {
        match error {
            instant_acme::Error::Api(problem) if problem.r#type.as_deref() == Some(NO_ACCOUNT) => Self::NoAccount,
            instant_acme::Error::Api(problem) => Self::Failed(of_problem(&problem)),
            instant_acme::Error::Timeout(_) => Self::Failed("the directory has not decided in time".to_owned()),
            instant_acme::Error::Json(_) => Self::Failed("it is no ACME directory that answers".to_owned()),
            other => Self::Failed(innermost(&other)),
        }
    }
}

/// What a directory says itself.
pub(super) fn of_problem(problem: &Problem) -> String {
    let each = problem.subproblems.iter().filter_map(|sub| sub.detail.as_deref());
    let said: Vec<&str> = problem.detail.as_deref().into_iter().chain(each).collect();
    match (said.is_empty(), &problem.r#type) {
        (false, _) => said.join("; "),
        (true, Some(kind)) => kind.clone(),
        (true, None) => "the directory does not say why".to_owned(),
    }
}

/// The bottom of an error: what stands above repeats it.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(problem: &str, expected: &Error) {
        let problem: Problem = serde_json::from_str(problem).unwrap();
        assert_eq!(&Error::from(instant_acme::Error::Api(problem)), expected);
    }

    #[test]
    fn what_a_directory_says_is_told() {
        let failed = |text: &str| Error::Failed(text.to_owned());
        check(&format!(r#"{{"type":"{NO_ACCOUNT}","detail":"x"}}"#), &Error::NoAccount);
        check(r#"{"type":"urn:x","detail":"too many"}"#, &failed("too many"));
        check(r#"{"type":"urn:x","detail":"two","subproblems":[{"detail":"a"},{"detail":"b"}]}"#, &failed("two; a; b"));
        check(r#"{"type":"urn:x"}"#, &failed("urn:x"));
        check("{}", &failed("the directory does not say why"));
    }
}
