//! The test kit's own HTTP requests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::authority::Identity;
use crate::{Error, background};

/// How long a component on this machine may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Sends requests to the components; trusts one authority, or speaks plain HTTP. Never goes through a proxy.
#[derive(Debug, Clone)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    /// A client that trusts the authority with this certificate (PEM), and no other.
    pub(crate) fn trusting(authority: Option<&str>) -> Result<Self, Error> {
        Self::of(tls(authority, None)?)
    }

    /// The same, which shows this certificate where it is asked for one.
    pub(crate) fn as_somebody(authority: &str, identity: &Identity) -> Result<Self, Error> {
        Self::of(tls(Some(authority), Some(identity))?)
    }

    fn of(tls: ClientConfig) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(ANSWER_WITHIN)
            .build();
        client
            .map(Self)
            .map_err(|error| Error::Tls(error.to_string()))
    }

    /// Sends a request and gives the headers of the answer where its status is a success.
    pub(crate) fn send(
        &self,
        method: &Method,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<HeaderMap, Error> {
        let (status, headers, body) = self.exchange(method, url, headers, body)?;
        if status.is_success() {
            return Ok(headers);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Err(Error::Answer {
            method: method.to_string(),
            url: url.to_owned(),
            status: status.as_u16(),
            body,
        })
    }

    /// Sends a request and gives the answer, whatever its status.
    pub(crate) fn exchange(
        &self,
        method: &Method,
        url: &str,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), Error> {
        let request = self
            .0
            .request(method.clone(), url)
            .headers(headers)
            .body(body);
        let exchange = background::wait_for(async move {
            let response = request.send().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok((status, headers, response.bytes().await?))
        });
        let exchange = exchange.ok_or_else(|| Error::Tls("the exchange panicked".to_owned()))?;
        exchange.map_err(|source| Error::Request {
            method: method.to_string(),
            url: url.to_owned(),
            source,
        })
    }

    /// The client underneath, for what runs in the background.
    pub(crate) fn inner(&self) -> &reqwest::Client {
        &self.0
    }
}

fn tls(authority: Option<&str>, identity: Option<&Identity>) -> Result<ClientConfig, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Tls(error.to_string());
    let mut roots = RootCertStore::empty();
    if let Some(pem) = authority {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = versions.map_err(|error| failed(&error))?;
    let config = config.with_root_certificates(roots);
    let Some(identity) = identity else {
        return Ok(config.with_no_client_auth());
    };
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
    let (certificate, key) = (
        certificate.map_err(|error| failed(&error))?,
        key.map_err(|error| failed(&error))?,
    );
    let config = config.with_client_auth_cert(vec![certificate], key);
    config.map_err(|error| failed(&error))
}
