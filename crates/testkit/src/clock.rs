//! Machines whose clocks are wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::Error;
use crate::command::run;

/// A clock that is wrong, for programs that ask the C library for the time: those that are linked to it as they start, on Linux.
#[derive(Debug)]
pub struct WrongClock {
    library: PathBuf,
    _folder: TempDir,
}

impl WrongClock {
    /// Compiles it, with the C compiler that this repository needs anyway.
    pub fn make() -> Result<Self, Error> {
        let folder = crate::temporary_folder()?;
        let library = folder.path().join("clock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("native/clock.c");
        let mut compiler = Command::new("cc");
        compiler
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([&library, &source]);
        run(&mut compiler, "")?;
        Ok(Self {
            library,
            _folder: folder,
        })
    }

    /// Lets a program have it: ahead of the real clock by so many seconds, or behind it.
    pub fn set(&self, command: &mut Command, seconds: i64) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("SKEW_SECONDS", seconds.to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_program_is_told_a_time_that_is_ahead_or_behind() {
        let clock = WrongClock::make().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        for skew in [7200_i64, -7200] {
            let mut date = Command::new("date");
            clock.set(date.arg("+%s"), skew);
            let told: i64 = run(&mut date, "").unwrap().trim().parse().unwrap();
            let wrong = told - i64::try_from(now.as_secs()).unwrap();
            assert!(
                (wrong - skew).abs() < 600,
                "{wrong} where {skew} was wanted"
            );
        }
    }
}
