//! What several replicas share: a lease and a certificate.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_kubernetes::{CertificateKeeper, Leadership};

use crate::environment::{Environment, HOME, eventually};

async fn candidate(environment: &Environment, me: &str) -> Arc<Leadership> {
    Arc::new(Leadership::new(
        &environment.cluster().await,
        "cise-test",
        me,
    ))
}

fn follow(candidate: &Arc<Leadership>) -> tokio::task::AbortHandle {
    let candidate = Arc::clone(candidate);
    tokio::spawn(async move { candidate.follow().await }).abort_handle()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_leads_and_another_follows_it_when_it_resigns_or_falls_silent() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let (a, b) = (
        candidate(&environment, "a").await,
        candidate(&environment, "b").await,
    );
    let (a_leads, b_leads) = (a.leads(), b.leads());
    let following = follow(&a);
    eventually("the first one leads", || *a_leads.borrow()).await;
    let other = follow(&b);
    following.abort();
    a.resign().await;
    assert!(!*a_leads.borrow());
    eventually("the other one leads", || *b_leads.borrow()).await;
    assert!(!*a_leads.borrow());

    other.abort();
    follow(&a);
    eventually("the lease of the silent one has run out", || {
        *a_leads.borrow()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_advisor_is_given_a_certificate_of_the_same_authority_where_it_has_a_secret() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let cluster = environment.cluster().await;
    let keeper = CertificateKeeper::new(&cluster, "own-certificates", "cise").with_companion(
        &cluster,
        "advisor-certificates".to_owned(),
        "cise-advisor.ibm-system.svc".to_owned(),
    );
    let (own, authorities) = (keeper.certificates(), keeper.authorities());
    let leads = tokio::sync::watch::channel(true).1;
    tokio::spawn(async move { keeper.follow(leads).await });
    eventually("there is a certificate", || own.borrow().is_some()).await;

    let get = ["-n", HOME, "get", "secret", "advisor-certificates"];
    let data = |key: &str| {
        let path = format!("jsonpath={{.data.{key}}}");
        environment.kubectl(&[&get[..], &["-o", &path]].concat())
    };
    let list = environment.kubectl(&["-n", HOME, "get", "secrets", "-o", "name"]);
    assert!(
        !list.contains("advisor-certificates"),
        "it is never made: {list}"
    );
    let create = ["-n", HOME, "create", "secret", "generic"];
    environment.kubectl(&[&create[..], &["advisor-certificates"]].concat());
    eventually("it is filled", || !data("tls\\.key").is_empty()).await;
    let authority = STANDARD.decode(data("ca\\.crt")).unwrap();
    let trusted = authorities.borrow().clone().unwrap();
    assert!(trusted.contains(std::str::from_utf8(&authority).unwrap()));
    let own = own.borrow().clone().unwrap();
    let given = STANDARD.decode(data("tls\\.crt")).unwrap();
    assert_ne!(own.chain.as_bytes(), given, "the webhooks keep theirs");

    let damage = r#"{"data":{"tls.crt":"aHVudGVyMg=="}}"#;
    let patch = ["-n", HOME, "patch", "secret", "advisor-certificates", "-p"];
    environment.kubectl(&[&patch[..], &[damage]].concat());
    eventually("it is filled again", || {
        !["aHVudGVyMg==", &STANDARD.encode(&given)].contains(&data("tls\\.crt").as_str())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_replicas_show_the_same_certificate_and_a_damaged_one_is_made_anew_by_the_leader() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let (leads, follower_leads) = (
        tokio::sync::watch::channel(true),
        tokio::sync::watch::channel(false),
    );
    let mut seen = Vec::new();
    for leads in [leads.1, follower_leads.1] {
        let keeper =
            CertificateKeeper::new(&environment.cluster().await, "shared-certificates", "cise");
        seen.push((keeper.certificates(), keeper.authorities()));
        tokio::spawn(async move { keeper.follow(leads).await });
    }
    let chains = || -> Vec<Option<String>> {
        let chain = |(certificate, _): &(tokio::sync::watch::Receiver<Option<Arc<_>>>, _)| {
            let certificate: Option<Arc<cise_kubernetes::ServingCertificate>> =
                certificate.borrow().clone();
            certificate.map(|certificate| certificate.chain.clone())
        };
        seen.iter().map(chain).collect()
    };
    let agree = || {
        let chains = chains();
        chains[0].is_some() && chains[0] == chains[1]
    };
    eventually("both have the same certificate", agree).await;
    let (before, authorities) = (chains()[0].clone(), seen[0].1.borrow().clone());
    let damage = r#"{"data":{"tls.key":"aHVudGVyMg=="}}"#;
    environment.kubectl(&[
        "-n",
        HOME,
        "patch",
        "secret",
        "shared-certificates",
        "-p",
        damage,
    ]);
    eventually("both have another certificate", || {
        chains()[0] != before && agree()
    })
    .await;
    assert_ne!(*seen[1].1.borrow(), authorities);
}
