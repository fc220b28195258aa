/// Whether deciding may change anything beyond the memory of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SideEffects {
    /// Trust may be recorded.
    Allowed,
    /// Nothing may be written: a dry run.
    Forbidden,
}
