//! Options that several commands have.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::Configuration;
use crate::failure::Failure;
use crate::listening::TlsArgs;
use crate::logs::LogLevel;

/// The option that commands share.
#[derive(Args, Debug)]
pub(crate) struct ConfigArg {
    /// The configuration: how registries and trust servers are reached
    #[arg(long, value_name = "FILE", env = "CISE_CONFIG")]
    config: Option<PathBuf>,
}

impl ConfigArg {
    pub(crate) fn read(&self) -> Result<Configuration, Failure> {
        Ok(Configuration::read(self.config.as_deref())?)
    }
}

/// The option of commands that judge by advisories.
#[derive(Args, Debug)]
pub(crate) struct DbArg {
    /// The advisory database; by default, the one that the configuration names
    #[arg(long, value_name = "FILE", env = "CISE_DB")]
    db: Option<PathBuf>,
}

impl DbArg {
    pub(crate) fn path(&self) -> Option<&Path> {
        self.db.as_deref()
    }
}

/// The options of commands that judge images, some of which keep more than the database.
#[derive(Args, Debug)]
pub(crate) struct JudgingArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    db: DbArg,
    /// The folder in which is kept what layers say, so that each is read once; by default, the one that the configuration names
    #[arg(long, value_name = "DIR", env = "CISE_LAYER_CACHE")]
    cache: Option<PathBuf>,
    /// The folder in which package databases are put for a moment that are too large to be held in memory; by default, the one that the
    /// configuration names, else their images cannot be judged
    #[arg(long, value_name = "DIR", env = "CISE_SCRATCH")]
    scratch: Option<PathBuf>,
}

impl JudgingArgs {
    /// The configuration, with what the command line says instead.
    pub(crate) fn read(&self) -> Result<Configuration, Failure> {
        let mut configuration = self.config.read()?;
        if let Some(folder) = &self.cache {
            configuration.advisor.keep_layers_in(folder);
        }
        if let Some(folder) = &self.scratch {
            configuration.advisor.put_large_files_into(folder);
        }
        Ok(configuration)
    }

    /// The advisory database, if the command line names one.
    pub(crate) fn database(&self) -> Option<&Path> {
        self.db.path()
    }
}

/// The options of commands that serve.
#[derive(Args, Debug)]
pub(crate) struct ServiceArgs {
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// How much the log says
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "CISE_LOG")]
    pub(crate) log_level: LogLevel,
}
