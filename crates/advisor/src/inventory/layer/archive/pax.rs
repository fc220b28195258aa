//! What headers before a header say about it: PAX records, and GNU's long names.

use super::TarError;
use super::header::text;

/// What a header gets from those before it.
#[derive(Default)]
pub(super) struct Extension {
    pax: Option<Pax>,
    long_path: Option<String>,
    long_link: Option<String>,
}

/// The records of a PAX header, of which the last before an entry counts.
#[derive(Default)]
struct Pax {
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    /// The name that GNU's sparse files have, where `path` is one made up.
    sparse_path: Option<String>,
    sparse: bool,
}

impl Extension {
    /// The most bytes of one such header, as Go has it.
    pub(super) const MAX_BYTES: usize = 1024 * 1024;

    pub(super) fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_path.is_none() && self.long_link.is_none()
    }

    pub(super) fn set_long_path(&mut self, content: &[u8]) {
        self.long_path = Some(text(content));
    }

    pub(super) fn set_long_link(&mut self, content: &[u8]) {
        self.long_link = Some(text(content));
    }

    pub(super) fn set_pax(&mut self, content: &[u8]) -> Result<(), TarError> {
        let mut pax = Pax::default();
        let mut records = Records(content);
        while let Some((key, value)) = records.next()? {
            pax.set(key, value)?;
        }
        self.pax = Some(pax);
        Ok(())
    }

    /// A global header may say what changes no entry: runtimes do not agree on whether it speaks of those that follow.
    pub(super) fn check_global(content: &[u8]) -> Result<(), TarError> {
        let mut records = Records(content);
        while let Some((key, _)) = records.next()? {
            if matches!(key, b"path" | b"linkpath" | b"size") || key.starts_with(SPARSE) {
                return Err(TarError::Global);
            }
        }
        Ok(())
    }

    /// The path, unless it is that of the header. GNU's long names come before PAX records.
    pub(super) fn path(&self) -> Option<&str> {
        let pax = self.pax.as_ref();
        let of_pax = pax.and_then(|pax| pax.sparse_path.as_deref().or(pax.path.as_deref()));
        self.long_path.as_deref().or(of_pax)
    }

    pub(super) fn link(&self) -> Option<&str> {
        let of_pax = self.pax.as_ref().and_then(|pax| pax.link.as_deref());
        self.long_link.as_deref().or(of_pax)
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.pax.as_ref()?.size
    }

    pub(super) fn is_sparse(&self) -> bool {
        self.pax.as_ref().is_some_and(|pax| pax.sparse)
    }
}

const SPARSE: &[u8] = b"GNU.sparse.";

impl Pax {
    /// Takes one record; an empty value takes back what was said before.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarError> {
        let name = || match value {
            [] => Ok(None),
            _ if value.contains(&0) => Err(TarError::Extension),
            _ => Ok(Some(text(value))),
        };
        match key {
            b"path" => self.path = name()?,
            b"linkpath" => self.link = name()?,
            b"size" if value.is_empty() => self.size = None,
            b"size" => self.size = Some(decimal(value).ok_or(TarError::Number)?),
            b"GNU.sparse.name" => self.sparse_path = name()?,
            _ => {}
        }
        self.sparse |= key.starts_with(SPARSE);
        Ok(())
    }
}

/// Records `LENGTH KEY=VALUE\n`, whose length counts all of it.
struct Records<'a>(&'a [u8]);

/// A key and its value.
type Record<'a> = (&'a [u8], &'a [u8]);

impl<'a> Records<'a> {
    fn next(&mut self) -> Result<Option<Record<'a>>, TarError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.record().map(Some).ok_or(TarError::Extension)
    }

    fn record(&mut self) -> Option<Record<'a>> {
        let space = self.0.iter().take(20).position(|byte| *byte == b' ')?;
        let length = usize::try_from(decimal(self.0.get(..space)?)?).ok()?;
        let (record, rest) = self.0.split_at_checked(length)?;
        let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
        let equals = record
            .iter()
            .position(|byte| *byte == b'=')
            .filter(|at| *at > 0)?;
        self.0 = rest;
        Some((record.get(..equals)?, record.get(equals + 1..)?))
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    let text = str::from_utf8(digits).ok()?;
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}
