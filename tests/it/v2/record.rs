//! The records of wire v2, written and read.

/// A record of any type and body.
pub(crate) fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&[kind], &length[..], body].concat()
}

pub(crate) fn data(bytes: &[u8]) -> Vec<u8> {
    record(0, bytes)
}

pub(crate) fn attached(offset: u64) -> Vec<u8> {
    record(1, &offset.to_be_bytes())
}

pub(crate) fn ack(offset: u64) -> Vec<u8> {
    record(2, &offset.to_be_bytes())
}

pub(crate) fn last(offset: u64) -> Vec<u8> {
    record(6, &offset.to_be_bytes())
}

pub(crate) fn skip(offset: u64) -> Vec<u8> {
    record(8, &offset.to_be_bytes())
}

/// A batch with so many bytes of the log, from `offset` on.
pub(crate) fn batch(offset: u64, bytes: &[u8]) -> Vec<u8> {
    [attached(0), ack(0), data(bytes), last(offset + bytes.len() as u64)].concat()
}

/// The records of a body that is whole.
pub(crate) fn records(mut body: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut records = Vec::new();
    while let [kind, high, middle, low, rest @ ..] = body {
        let length = u32::from_be_bytes([0, *high, *middle, *low]);
        let (record, after) = rest.split_at(usize::try_from(length).expect("short"));
        records.push((*kind, record.to_vec()));
        body = after;
    }
    assert!(body.is_empty(), "{body:?}");
    records
}

/// What the other end wants next, as the first record of each of its bodies says.
pub(crate) fn wanted(body: &[u8]) -> u64 {
    let records = records(body);
    let (kind, offset) = records.first().expect("a record");
    assert_eq!(*kind, 1, "ATTACHED comes first: {records:?}");
    u64::from_be_bytes(offset.as_slice().try_into().expect("8 bytes"))
}
