//! The certificate of the webhooks and its authority are replaced while pods are asked for.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use serde_json::{Value, json};

use crate::guarded::{Guarded, HOME};
use crate::load::Load;
use crate::server::eventually;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = HOUR.saturating_mul(24);

/// How an authority of CISE calls itself.
const AUTHORITY: &str = "CISE webhooks";

/// The name that the API server expects.
const SERVICE: &str = "cise.ibm-system.svc";

#[test]
fn certificates_are_replaced_under_load_and_no_request_is_lost() {
    let Some(cluster) = Guarded::start(&json!({})) else {
        return;
    };
    cluster.exempt("team", &[]);
    let load = Load::start(&cluster.api);
    an_old_certificate_is_replaced(&cluster);
    load.goes_on();
    another_authority_is_trusted_and_signs_when_all_have_heard_of_it(&cluster);
    load.goes_on();
    let failures = load.end();
    assert!(
        failures.is_empty(),
        "{failures:#?}\n{}",
        cluster.replicas.logs()
    );
}

/// Two thirds of its time are over.
fn an_old_certificate_is_replaced(cluster: &Guarded) {
    let kept = Kept::read(cluster);
    let now = SystemTime::now();
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec![SERVICE.to_owned()]).unwrap();
    parameters.not_before = (now - DAY * 60).into();
    parameters.not_after = (now + DAY * 20).into();
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let old = parameters.signed_by(&key, &kept.issuer()).unwrap().pem();
    Kept::put(
        cluster,
        &[("tls.crt", &old), ("tls.key", &key.serialize_pem())],
    );
    let given = [old, kept.of("tls.crt")];
    eventually(
        "the old certificate is replaced",
        || !given.contains(&Kept::read(cluster).of("tls.crt")),
        || cluster.replicas.logs(),
    );
    assert_eq!(
        Kept::read(cluster).of("authority.crt"),
        kept.of("authority.crt")
    );
}

/// It was made nearly an hour ago, as far as anybody can see, and so signs in a minute.
fn another_authority_is_trusted_and_signs_when_all_have_heard_of_it(cluster: &Guarded) {
    let kept = Kept::read(cluster);
    let begins = SystemTime::now() - HOUR * 2 + Duration::from_secs(60);
    let next = authority(KeyPair::generate().unwrap(), begins);
    let (certificate, key) = (next.pem(), next.key().serialize_pem());
    Kept::put(
        cluster,
        &[
            ("next-authority.crt", &certificate),
            ("next-authority.key", &key),
        ],
    );
    let both = format!("{}{certificate}", kept.of("authority.crt"));
    eventually(
        "both authorities are trusted",
        || trusted(cluster).iter().all(|bundle| *bundle == both),
        || cluster.replicas.logs(),
    );
    assert_eq!(
        Kept::read(cluster).of("authority.crt"),
        kept.of("authority.crt")
    );
    let all_show_it = || {
        let pods = cluster.pods();
        let addresses = pods
            .iter()
            .map(|pod| cluster.replica(pod).lock().unwrap().address());
        addresses
            .into_iter()
            .all(|address| shows_one_of(address.unwrap(), &certificate))
    };
    assert!(!all_show_it(), "the new authority does not sign yet");
    eventually("the new authority signs", all_show_it, || {
        cluster.replicas.logs()
    });
    let both = format!("{certificate}{}", kept.of("authority.crt"));
    eventually(
        "the former one is trusted still",
        || trusted(cluster).iter().all(|bundle| *bundle == both),
        || cluster.replicas.logs(),
    );
}

/// The Secret in which CISE keeps its certificates.
struct Kept(Value);

impl Kept {
    const PATH: &str = "/api/v1/namespaces/ibm-system/secrets/cise-certificates";

    fn read(cluster: &Guarded) -> Self {
        assert_eq!(HOME, "ibm-system");
        Self(cluster.api.get(Self::PATH).unwrap().into_object().unwrap())
    }

    fn of(&self, key: &str) -> String {
        let encoded = self.0["data"][key].as_str().unwrap();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    }

    fn put(cluster: &Guarded, values: &[(&str, &str)]) {
        let values = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into()));
        let data: serde_json::Map<String, Value> = values.collect();
        let changed = cluster.api.patch(Self::PATH, &json!({ "data": data }));
        changed.unwrap().into_object().unwrap();
    }

    /// The authority that signs, with its key.
    fn issuer(&self) -> Issuer<'static, KeyPair> {
        let key = KeyPair::from_pem(&self.of("authority.key")).unwrap();
        Issuer::new(authority_parameters(SystemTime::now()), key)
    }
}

fn authority(key: KeyPair, begins: SystemTime) -> CertifiedIssuer<'static, KeyPair> {
    CertifiedIssuer::self_signed(authority_parameters(begins), key).unwrap()
}

fn authority_parameters(begins: SystemTime) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.not_before = begins.into();
    parameters.not_after = (begins + DAY * 3 * 365).into();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, AUTHORITY);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    parameters
}

/// The authorities that the API server trusts, for each webhook.
fn trusted(cluster: &Guarded) -> Vec<String> {
    let kinds = [
        "mutatingwebhookconfiguration",
        "validatingwebhookconfiguration",
    ];
    let bundles = kinds.map(|kind| {
        cluster.kubectl(&format!(
            "get {kind} image-admission-config -o jsonpath={{.webhooks[*].clientConfig.caBundle}}"
        ))
    });
    let bundles = bundles
        .iter()
        .flat_map(|bundles| bundles.split_whitespace());
    bundles
        .map(|bundle| String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap())
        .collect()
}

/// Does the server at this address show a certificate of this authority?
fn shows_one_of(address: SocketAddr, authority: &str) -> bool {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(SERVICE).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    while connection.is_handshaking() {
        if connection.complete_io(&mut stream).is_err() {
            return false;
        }
    }
    true
}
