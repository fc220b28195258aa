//! The tree of a table's pages (file format, §1.6).

use super::SqliteError;
use super::file::{Page, Sqlite};
use super::record::{Record, Value, varint};

/// The page of the table of tables.
const SCHEMA: u32 = 1;

/// sqlite's own bound (`BTCURSOR_MAX_DEPTH`).
const MAX_DEPTH: u8 = 20;

/// sqlite's own bound unless it is built with another (`SQLITE_MAX_COLUMN`).
const MAX_COLUMNS: usize = 2000;

/// The most bytes of a row, which is held in memory: as many as of a file that is.
const MAX_ROW: u64 = 64 * 1024 * 1024;

const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// A row of a table.
pub(in crate::detector) struct Row<'r> {
    /// Its id, which counts up from row to row.
    pub(in crate::detector) id: i64,
    values: Vec<Value<'r>>,
}

impl<'r> Row<'r> {
    pub(super) fn new(id: i64, payload: &'r [u8]) -> Option<Self> {
        let mut record = Record::new(payload)?;
        let mut values = Vec::new();
        while !record.is_at_end() && values.len() < MAX_COLUMNS {
            values.push(record.next()?);
        }
        record.is_at_end().then_some(Self { id, values })
    }

    /// How many columns it has.
    pub(in crate::detector) fn columns(&self) -> usize {
        self.values.len()
    }

    /// The value of a column, counted from 0 on, where it is a blob.
    pub(in crate::detector) fn blob(&self, column: usize) -> Option<&'r [u8]> {
        match self.values.get(column) {
            Some(Value::Blob(blob)) => Some(blob),
            _ => None,
        }
    }

    fn text(&self, column: usize) -> Option<&'r [u8]> {
        match self.values.get(column) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn integer(&self, column: usize) -> Option<i64> {
        match self.values.get(column) {
            Some(Value::Integer(integer)) => Some(*integer),
            _ => None,
        }
    }
}

impl Sqlite<'_> {
    /// Visits the rows of a table in the order of their ids, each once.
    pub(in crate::detector) fn rows<E: From<SqliteError>>(
        &self,
        table: &'static str,
        visit: &mut dyn FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let root = self.root(table)?;
        Walk::new(self, visit).table(root)
    }

    /// The first page of a table. The columns of the table of tables are type, name, table, page and statement (file format,
    /// §2.6); names are compared in any case.
    pub(super) fn root(&self, table: &'static str) -> Result<u32, SqliteError> {
        let mut roots = Vec::new();
        let visit = &mut |row: &Row<'_>| {
            let is_it = row
                .text(1)
                .is_some_and(|name| name.eq_ignore_ascii_case(table.as_bytes()));
            if row.text(0) == Some(b"table") && is_it {
                roots.push(row.integer(3));
            }
            Ok::<_, SqliteError>(())
        };
        Walk::new(self, visit).table(SCHEMA)?;
        match roots.as_slice() {
            [Some(root)] => u32::try_from(*root).map_err(|_| SqliteError::NoTable(table)),
            _ => Err(SqliteError::NoTable(table)),
        }
    }
}

/// The walk through one table.
struct Walk<'s, 'a, 'v, E> {
    file: &'s Sqlite<'a>,
    visit: &'v mut dyn FnMut(&Row<'_>) -> Result<(), E>,
    /// Which pages were used, by number.
    used: Vec<bool>,
    /// How many bytes of payload there is still room for.
    room: u64,
    last: Option<i64>,
    /// The payload of a row that is spread over pages.
    spread: Vec<u8>,
}

impl<'s, 'a, 'v, E: From<SqliteError>> Walk<'s, 'a, 'v, E> {
    fn new(file: &'s Sqlite<'a>, visit: &'v mut dyn FnMut(&Row<'_>) -> Result<(), E>) -> Self {
        let pages = usize::try_from(file.pages).unwrap_or(usize::MAX);
        let used = vec![false; pages.saturating_add(1)];
        Self {
            file,
            visit,
            used,
            room: file.size(),
            last: None,
            spread: Vec::new(),
        }
    }

    fn table(mut self, root: u32) -> Result<(), E> {
        self.subtree(root, MAX_DEPTH)
    }

    fn subtree(&mut self, number: u32, depth: u8) -> Result<(), E> {
        let depth = depth.checked_sub(1).ok_or(SqliteError::TooDeep)?;
        let page = self.take(number)?;
        let node = Node::of(&page).ok_or(SqliteError::BadPage(number))?;
        for pointer in node.pointers {
            let cell = page.bytes.get(usize::from(u16::from_be_bytes(*pointer))..);
            let cell = cell.ok_or(SqliteError::BadPage(number))?;
            match node.kind {
                Kind::Interior { .. } => self.subtree(child(cell, number)?, depth)?,
                Kind::Leaf => self.row(cell, number)?,
            }
        }
        match node.kind {
            Kind::Interior { last } => self.subtree(last, depth),
            Kind::Leaf => Ok(()),
        }
    }

    /// A cell of a leaf: the size of the payload, the row's id, and as much of the payload as is kept here.
    fn row(&mut self, cell: &[u8], number: u32) -> Result<(), E> {
        let bad = || SqliteError::BadPage(number);
        let (size, rest) = varint(cell).ok_or_else(bad)?;
        let (id, rest) = varint(rest).ok_or_else(bad)?;
        let id = id.cast_signed();
        if self.last.replace(id).is_some_and(|last| last >= id) {
            return Err(SqliteError::OutOfOrder(id).into());
        }
        self.room = self.room.checked_sub(size).ok_or(SqliteError::Overlap)?;
        if size > MAX_ROW {
            return Err(SqliteError::LargeRow(id).into());
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let (local, rest) = rest.split_at_checked(self.local(size)).ok_or_else(bad)?;
        let mut spread = std::mem::take(&mut self.spread);
        let payload = if local.len() == size {
            local
        } else {
            spread.clear();
            spread.extend_from_slice(local);
            let first = rest.first_chunk().ok_or_else(bad)?;
            self.overflow(u32::from_be_bytes(*first), size, &mut spread)?;
            &spread
        };
        (self.visit)(&Row::new(id, payload).ok_or_else(bad)?)?;
        self.spread = spread;
        Ok(())
    }

    /// How much of a payload its leaf keeps (file format, §1.6): all of it if it is not too large, else so much that the last
    /// of its other pages is filled.
    fn local(&self, size: usize) -> usize {
        let usable = self.file.usable;
        let max = usable - 35;
        if size <= max {
            return size;
        }
        let min = (usable - 12) * 32 / 255 - 23;
        let filled = min + (size - min) % (usable - 4);
        if filled <= max { filled } else { min }
    }

    /// Follows a chain of pages until the payload has its size.
    fn overflow(
        &mut self,
        first: u32,
        size: usize,
        payload: &mut Vec<u8>,
    ) -> Result<(), SqliteError> {
        let mut next = first;
        while payload.len() < size {
            let page = self.take(next)?;
            let (following, content) = page
                .bytes
                .split_first_chunk()
                .ok_or(SqliteError::BadPage(next))?;
            next = u32::from_be_bytes(*following);
            payload.extend(content.iter().take(size - payload.len()));
        }
        match next {
            0 => Ok(()),
            more => Err(SqliteError::BadPage(more)),
        }
    }

    /// A page that was not used before.
    fn take(&mut self, number: u32) -> Result<Page<'a>, SqliteError> {
        let page = self.file.page(number)?;
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        let used = self
            .used
            .get_mut(index)
            .ok_or(SqliteError::BadPage(number))?;
        if std::mem::replace(used, true) {
            return Err(SqliteError::Cycle(number));
        }
        Ok(page)
    }
}

/// A page of a table.
struct Node<'p> {
    kind: Kind,
    /// Where on the page each cell begins.
    pointers: &'p [[u8; 2]],
}

enum Kind {
    /// Its cells point to pages, and so does its header, to the last.
    Interior { last: u32 },
    /// Its cells are rows.
    Leaf,
}

impl<'p> Node<'p> {
    fn of(page: &'p Page<'_>) -> Option<Self> {
        let bytes = page.bytes.get(page.header..)?;
        let ([kind, _, _, cells @ .., _, _, _], rest) = bytes.split_first_chunk::<8>()?;
        let cells = usize::from(u16::from_be_bytes(*cells));
        let (kind, rest) = match *kind {
            LEAF => (Kind::Leaf, rest),
            INTERIOR => {
                let (last, rest) = rest.split_first_chunk()?;
                (
                    Kind::Interior {
                        last: u32::from_be_bytes(*last),
                    },
                    rest,
                )
            }
            _ => return None,
        };
        let (pointers, _) = rest.get(..2 * cells)?.as_chunks();
        Some(Self { kind, pointers })
    }
}

/// The page that a cell of an interior page points to.
fn child(cell: &[u8], number: u32) -> Result<u32, SqliteError> {
    let child = cell.first_chunk().ok_or(SqliteError::BadPage(number))?;
    Ok(u32::from_be_bytes(*child))
}
