//! What headers before a header say about it: PAX records, and GNU's long names.

use super::TarError;
use super::overlay::is_of_overlay;
use super::text::text;

/// What a header gets from those before it.
#[derive(Default)]
pub(super) struct Extension {
    pax: Option<Pax>,
    long_path: Option<String>,
    long_link: Option<String>,
}

/// The records of a PAX header.
#[derive(Default)]
struct Pax {
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    sparse: Sparse,
}

/// What PAX records say of a sparse file of GNU's.
#[derive(Default)]
struct Sparse {
    /// Whether they say anything at all.
    any: bool,
    major: Vec<u8>,
    minor: Vec<u8>,
    /// Whether there is a map of its parts in one record.
    map: bool,
    /// Whether there are records of single parts.
    parts: bool,
    /// The name that it has, where `path` is one made up.
    path: Option<String>,
}

impl Extension {
    /// The most bytes of one such header, as Go has it.
    pub(super) const MAX_BYTES: usize = 1024 * 1024;

    pub(super) fn is_empty(&self) -> bool {
        self.pax.is_none() && self.long_path.is_none() && self.long_link.is_none()
    }

    pub(super) fn set_long_path(&mut self, content: &[u8]) -> Result<(), TarError> {
        set_long(&mut self.long_path, content)
    }

    pub(super) fn set_long_link(&mut self, content: &[u8]) -> Result<(), TarError> {
        set_long(&mut self.long_link, content)
    }

    pub(super) fn set_pax(&mut self, content: &[u8]) -> Result<(), TarError> {
        if self.pax.is_some() {
            return Err(TarError::Name);
        }
        let mut pax = Pax::default();
        let mut records = Records(content);
        while let Some((key, value)) = records.next()? {
            pax.set(key, value)?;
        }
        pax.sparse.check()?;
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
            check_attribute(key)?;
        }
        Ok(())
    }

    /// The path, unless it is that of the header.
    pub(super) fn path(&self) -> Result<Option<&str>, TarError> {
        let pax = self.pax.as_ref();
        let of_pax = pax.and_then(|pax| pax.sparse.path.as_deref().or(pax.path.as_deref()));
        the_same(self.long_path.as_deref(), of_pax)
    }

    /// The target of a link, unless it is that of the header.
    pub(super) fn link(&self) -> Result<Option<&str>, TarError> {
        let of_pax = self.pax.as_ref().and_then(|pax| pax.link.as_deref());
        the_same(self.long_link.as_deref(), of_pax)
    }

    pub(super) fn size(&self) -> Option<u64> {
        self.pax.as_ref()?.size
    }

    pub(super) fn is_sparse(&self) -> bool {
        self.pax.as_ref().is_some_and(|pax| pax.sparse.any)
    }
}

/// GNU's long name. Go takes an empty one for none at all, others for a name; and of two some take the first.
fn set_long(long: &mut Option<String>, content: &[u8]) -> Result<(), TarError> {
    let name = text(content);
    if name.is_empty() || long.replace(name).is_some() {
        return Err(TarError::Name);
    }
    Ok(())
}

/// GNU's name and PAX's, which programs prefer in one or the other way.
fn the_same<'a>(gnu: Option<&'a str>, pax: Option<&'a str>) -> Result<Option<&'a str>, TarError> {
    match (gnu, pax) {
        (Some(gnu), Some(pax)) if gnu != pax => Err(TarError::Name),
        _ => Ok(gnu.or(pax)),
    }
}

const SPARSE: &[u8] = b"GNU.sparse.";
/// What the keys of extended attributes begin with. Runtimes know no others.
const ATTRIBUTE: &[u8] = b"SCHILY.xattr.";

fn check_attribute(key: &[u8]) -> Result<(), TarError> {
    match key.strip_prefix(ATTRIBUTE) {
        Some(attribute) if is_of_overlay(attribute) => Err(TarError::Overlay),
        _ => Ok(()),
    }
}

impl Pax {
    /// Takes one record; an empty value takes back what was said before.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarError> {
        match key {
            b"path" => self.path = name(value)?,
            b"linkpath" => self.link = name(value)?,
            b"size" if value.is_empty() => self.size = None,
            b"size" => self.size = Some(decimal(value).ok_or(TarError::Number)?),
            _ => match key.strip_prefix(SPARSE) {
                Some(key) => self.sparse.set(key, value)?,
                None => check_attribute(key)?,
            },
        }
        Ok(())
    }
}

impl Sparse {
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), TarError> {
        self.any = true;
        match key {
            b"major" => self.major = value.to_vec(),
            b"minor" => self.minor = value.to_vec(),
            b"map" => self.map = !value.is_empty(),
            b"offset" | b"numbytes" => self.parts |= !value.is_empty(),
            b"name" => self.path = name(value)?,
            _ => {}
        }
        Ok(())
    }

    /// Go heeds these records only where they are of one of the three forms that GNU tar has ever written: 0.0 and 0.1 with
    /// their parts, 1.0 with its version. Else it takes the file for a whole one under its other name.
    fn check(&self) -> Result<(), TarError> {
        let is_known = match (self.major.as_slice(), self.minor.as_slice()) {
            (b"0", b"0" | b"1") | (b"1", b"0") => true,
            (b"", b"") => self.map || self.parts,
            _ => false,
        };
        if self.any && !is_known {
            return Err(TarError::Sparse);
        }
        Ok(())
    }
}

fn name(value: &[u8]) -> Result<Option<String>, TarError> {
    match value {
        [] => Ok(None),
        _ if value.contains(&0) => Err(TarError::Extension),
        _ => Ok(Some(text(value))),
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
