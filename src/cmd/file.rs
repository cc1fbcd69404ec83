//! What is in a file that a person names. Knows nothing of what that may be.

use std::fs::{File, metadata};
use std::io::Read as _;
use std::path::Path;

use super::exit::reason;

/// The most that is read of one: room for ten thousand digests of revoked tokens, or any system's certificate authorities.
const MAX_FILE: u64 = 1024 * 1024;

/// All that is in a file, or why that is nothing that could be used.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    match metadata(path) {
        // Opening a pipe waits for who writes into it, and a device may never end.
        Ok(found) if !found.is_file() && !found.is_dir() => return Err("it is no regular file".to_owned()),
        _ => {}
    }
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content));
    match read {
        Err(cause) => Err(reason(&cause)),
        Ok(_) if content.len() as u64 > MAX_FILE => Err("it is larger than 1 MiB".to_owned()),
        Ok(_) => Ok(content),
    }
}
