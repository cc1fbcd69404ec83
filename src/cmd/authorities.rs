//! The file of whoever vouches for a server with a certificate that the system does not know.

use super::exit::{Exit, Failure};
use super::file;
use crate::client::Authorities;

/// The authorities in a file, where one is named.
pub(crate) fn read(path: Option<String>) -> Result<Option<Authorities>, Failure> {
    let Some(path) = path else { return Ok(None) };
    let text = file::read(&path).map_err(|cause| Failure::file(format!("cannot read the file `{path}`: {cause}")))?;
    let found = Authorities::from_pem(&text).map_err(|cause| {
        Failure::new(Exit::Certificate, format!("the file `{path}` cannot be used: {cause}; give a PEM file"))
    })?;
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_vouches_for_nobody_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let certificate = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
        std::fs::write(path("good"), format!("# ours\n{certificate}")).unwrap();
        std::fs::write(path("other"), "no certificate").unwrap();
        std::fs::write(path("cut"), &certificate[..certificate.len() / 2]).unwrap();
        let check = |name: &str, expected: Option<(Exit, &str)>| {
            let sentence = |text: &str| text.replace("FILE", &format!("the file `{}`", path(name)));
            let expected = expected.map(|(exit, text)| Failure::new(exit, sentence(text)));
            assert_eq!(read(Some(path(name))).err(), expected);
        };
        check("good", None);
        check("gone", Some((Exit::File, "cannot read FILE: there is no such file or directory")));
        let none = "FILE cannot be used: there is no certificate of an authority in it; give a PEM file";
        check("other", Some((Exit::Certificate, none)));
        check("cut", Some((Exit::Certificate, none)));
    }
}
