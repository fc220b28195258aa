//! Where a server listens, and what certificate it shows.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cise_server::{CertificateFiles, Certificates, Metrics, SelfSigned};
use clap::{ArgGroup, Args};
use tokio::net::TcpListener;

use crate::failure::Failure;

/// How often files are looked at for changes.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Args, Debug)]
#[group(skip)]
#[command(group = ArgGroup::new("certificate").args(["tls_cert", "self_signed"]))]
pub(crate) struct TlsArgs {
    /// The certificate chain, in PEM; picked up when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "CISE_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// The private key, in PEM; picked up when it changes
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "CISE_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Make a certificate for localhost and the listening address, to try things out
    #[arg(long)]
    self_signed: bool,
    /// Where the authority of the self-signed certificate is written, in PEM
    #[arg(long, value_name = "FILE", requires = "self_signed")]
    write_ca: Option<PathBuf>,
}

/// Takes an address, so that nobody else does.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let failed = |error: io::Error| {
        let failure = Failure::new(format!("listening at {address} failed: {error}"));
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                failure.with_hint("another process listens there; choose another port")
            }
            io::ErrorKind::PermissionDenied => {
                failure.with_hint("ports below 1024 are reserved; choose another one")
            }
            _ => failure,
        }
    };
    TcpListener::bind(address).await.map_err(failed)
}

impl TlsArgs {
    /// The certificate that the command line names, if it names one.
    pub(crate) fn certificates(
        self,
        listen: IpAddr,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Arc<Certificates>>, Failure> {
        match (self.tls_cert, self.tls_key) {
            (Some(certificate), Some(key)) => from_files(certificate, key, metrics).map(Some),
            _ if self.self_signed => self_signed(listen, self.write_ca.as_deref()).map(Some),
            _ => Ok(None),
        }
    }
}

fn from_files(
    certificate: PathBuf,
    key: PathBuf,
    metrics: &Arc<Metrics>,
) -> Result<Arc<Certificates>, Failure> {
    let names = format!("{} and {}", certificate.display(), key.display());
    let files = CertificateFiles::open(certificate, key)
        .map_err(|error| Failure::from(error).about(&names))?;
    let certificates = files.certificates();
    tokio::spawn(files.follow(POLL_INTERVAL, Arc::clone(metrics)));
    Ok(certificates)
}

fn self_signed(listen: IpAddr, write_ca: Option<&Path>) -> Result<Arc<Certificates>, Failure> {
    let mut names = ["localhost", "127.0.0.1", "::1"]
        .map(str::to_owned)
        .to_vec();
    if !listen.is_unspecified() && !listen.is_loopback() {
        names.push(listen.to_string());
    }
    let made = SelfSigned::new(&names)?;
    if let Some(path) = write_ca {
        std::fs::write(path, &made.ca_pem).map_err(|error| {
            Failure::new(format!("{} cannot be written: {error}", path.display()))
        })?;
    }
    Ok(Arc::new(Certificates::new(made.identity()?)))
}
