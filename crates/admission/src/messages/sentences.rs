//! Every sentence about an image, in one place.

use cise_advisor::Unadvised;
use cise_advisor::assessment::{Assessment, Headline};
use cise_reference::Reference;
use cise_registry::Fault;
use cise_signature::{Refusal, RefusalKind, notary};
use jiff::Timestamp;

use crate::reason::{Reason, Step};
use crate::text::shown;

/// What a reason is about. Both texts are bounded already, and fit to be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub(crate) image: &'a str,
    pub(crate) namespace: &'a str,
}

pub(super) const FAULT: &str = "Deny, an internal error kept the request from being judged";
pub(crate) const FAULT_FOUND: &str = "a fault of this program; its log says more";
pub(super) const FAULT_REMEDY: &str = "try again, and report it if it lasts";
pub(super) const MIRRORED: &str =
    "this pod runs on its node already, from a file there: its images are not verified";

const AGAIN: &str =
    "try again: work that is under way goes on, and its result answers the next request";

/// How much is shown of what a peer, a parser or a policy says.
const MAX_DETAIL: usize = 600;
/// How much of one issue is shown.
const MAX_ISSUE: usize = 200;
/// How much of what kept an image from being judged: a digest, and what a registry or the system says.
const MAX_GAP: usize = 400;

/// What is wrong, in the product's words where it has some.
pub(crate) fn headline(reason: &Reason, about: About<'_>) -> String {
    let image = about.image;
    match reason {
        Reason::NoPolicies | Reason::NoEntryMatches { .. } => {
            format!("Deny, no image policies or cluster polices for {image}")
        }
        Reason::PolicyUnreadable { policy, .. } => format!("Deny, {policy} cannot be read"),
        Reason::NoImage => "Deny, no image is named".to_owned(),
        Reason::InvalidReference(_) => format!("Deny, \"{image}\" is no image reference"),
        Reason::Trust(refusal) => trust_headline(refusal.kind(), image),
        Reason::SignerSecret { .. } => trust_headline(RefusalKind::Untrusted, image),
        Reason::AdvisorNotConfigured { .. } => {
            "Vulnerability Advisor is not supported for images from this registry".to_owned()
        }
        Reason::Unadvised(Unadvised::Indexing(_)) => Headline::Unscanned.to_string(),
        Reason::AdvisorElsewhere { .. } | Reason::Unadvised(_) => {
            "Vulnerability Advisor is not available".to_owned()
        }
        Reason::AdvisorRules(_) => "Deny, `vulnerability` of the entry cannot be read".to_owned(),
        Reason::Vulnerable { headline, .. } => headline.to_string(),
        Reason::NotVerifiable(requirement) => format!("Deny, `{requirement}` is not supported"),
        Reason::SecretsUnreadable(_) => format!("Deny, failed to read the secrets for {image}"),
        Reason::Unresolved(_) => format!("Deny, failed to get the digest of {image}"),
        Reason::TagMoved { tag, named, .. } => format!("Deny, tag {tag} does not point to {named}"),
        Reason::DigestsDiffer { .. } => {
            format!("Deny, the requirements for {image} do not agree on one digest")
        }
        Reason::NotPinned => format!("Deny, {image} is not pinned to a digest"),
        Reason::Late { .. } => format!("Deny, {image} was not verified in time"),
        Reason::DigestUnknown => format!("Deny, the digest of {image} is not known"),
        Reason::NotChecked(_) | Reason::Internal => FAULT.to_owned(),
    }
}

/// What was found, which tells one cause from another.
pub(crate) fn found(reason: &Reason, about: About<'_>) -> String {
    let namespace = about.namespace;
    let found = match reason {
        Reason::NoPolicies => {
            format!("neither namespace {namespace} nor the cluster has an image policy")
        }
        Reason::NoEntryMatches { policies } => {
            format!(
                "no entry of {} matches {}",
                policies.join(", "),
                canonical(about.image)
            )
        }
        Reason::PolicyUnreadable { why, .. } => why.clone(),
        Reason::NoImage => "the image is missing or empty".to_owned(),
        Reason::InvalidReference(error) => error.to_string(),
        Reason::Trust(refusal) => refusal.to_string(),
        Reason::SignerSecret { namespace, error } => format!("in namespace {namespace}: {error}"),
        Reason::AdvisorNotConfigured { registry } => {
            format!("the configuration names no advisor for {registry}")
        }
        Reason::AdvisorElsewhere { registry } => format!(
            "the configuration names an advisor of somebody else for {registry}, and this version cannot ask it"
        ),
        Reason::Unadvised(error) => error.to_string(),
        Reason::AdvisorRules(error) => error.to_string(),
        Reason::Vulnerable {
            assessment,
            headline,
        } => found_by_advisor(assessment, *headline),
        Reason::NotVerifiable(requirement) => {
            format!("the entry requires `{requirement}`, which this version cannot verify")
        }
        Reason::SecretsUnreadable(error) => error.to_string(),
        Reason::Unresolved(error) => error.to_string(),
        Reason::TagMoved { tag, found, .. } => {
            format!("the policy allows tag {tag}, which points to {found} now")
        }
        Reason::DigestsDiffer { one, other } => format!("some hold for {one}, others for {other}"),
        Reason::NotPinned => {
            "the policy pins images, and this one was set after images were pinned".to_owned()
        }
        Reason::Late {
            step: Step::Secrets,
            place,
        } => {
            format!("the time of the request was over while reading secrets of namespace {place}")
        }
        Reason::DigestUnknown => {
            "the policy pins images, and nothing said which digest this one has".to_owned()
        }
        Reason::NotChecked(requirement) => format!("nothing was found out about `{requirement}`"),
        Reason::Internal => FAULT_FOUND.to_owned(),
    };
    match reason {
        // Its lines are bounded one by one.
        Reason::Vulnerable { .. } => found,
        _ => shown(&found, MAX_DETAIL).to_string(),
    }
}

/// What to do about it.
pub(crate) fn remedy(reason: &Reason, about: About<'_>) -> String {
    let namespace = about.namespace;
    match reason {
        Reason::NoPolicies => {
            format!(
                "create an ImagePolicy in namespace {namespace}, or a ClusterImagePolicy, with an entry for this image"
            )
        }
        Reason::NoEntryMatches { .. } => {
            "use an image that they allow, or add an entry for this one".to_owned()
        }
        Reason::PolicyUnreadable { policy, .. } => {
            format!(
                "correct or delete {policy}; until then nothing that it may be about is admitted"
            )
        }
        Reason::NoImage => "name an image".to_owned(),
        Reason::InvalidReference(_) => {
            "write it as [registry/]repository[:tag][@digest]".to_owned()
        }
        Reason::Trust(refusal) => trust_remedy(refusal).to_owned(),
        Reason::SignerSecret { namespace, .. } => format!(
            "kubectl create secret generic <secret_name> --namespace {namespace} --from-literal=name=<signer_name> --from-file=publicKey=<key.pub>"
        ),
        Reason::AdvisorNotConfigured { .. } => {
            "remove `va` from the entry, or name an advisor for this registry in the configuration"
                .to_owned()
        }
        Reason::AdvisorElsewhere { .. } => {
            "let the configuration name `builtin` for this registry".to_owned()
        }
        Reason::Unadvised(error) => advisor_remedy(error).to_owned(),
        Reason::AdvisorRules(_) => "correct the entry".to_owned(),
        Reason::Vulnerable {
            assessment,
            headline,
        } => assessment.remedy(*headline).to_string(),
        Reason::NotVerifiable(requirement) => {
            format!("remove `{requirement}` from the entry, or require `trust` instead")
        }
        Reason::SecretsUnreadable(_) => {
            "try again; if it lasts, look at where secrets are read from".to_owned()
        }
        Reason::Unresolved(error) => error
            .hint()
            .unwrap_or_else(|| fault_remedy(error.fault()))
            .to_owned(),
        Reason::TagMoved { .. } => {
            "name the digest that the tag points to, or add an entry that allows this digest"
                .to_owned()
        }
        Reason::DigestsDiffer { .. } => {
            "sign the digest that is in the registry, or name one for which all hold".to_owned()
        }
        Reason::NotPinned => {
            "let what sets this image name its digest, or set `mutateImage: false` in the entry"
                .to_owned()
        }
        Reason::Late { .. } => AGAIN.to_owned(),
        Reason::DigestUnknown => "name the image by digest".to_owned(),
        Reason::NotChecked(_) | Reason::Internal => FAULT_REMEDY.to_owned(),
    }
}

/// How many issues of an image a denial names.
const MAX_ISSUES: usize = 10;

/// The worst of what the advisor found, each on a line of its own.
fn found_by_advisor(assessment: &Assessment, headline: Headline) -> String {
    let lines = assessment.lines(headline, MAX_ISSUES);
    if lines.is_empty() {
        return format!("the status of the image is {}", assessment.status);
    }
    let limit = match headline {
        Headline::Incomplete => MAX_GAP,
        _ => MAX_ISSUE,
    };
    let lines = lines
        .iter()
        .map(|line| shown(&line.to_string(), limit).to_string());
    lines.collect::<Vec<_>>().join("\n  ")
}

/// The warning about an image that is admitted for having been admitted before.
pub(crate) fn already_admitted(assessment: &Assessment, until: Timestamp) -> String {
    let issues = assessment.active().count();
    let worst = assessment.active().next().map_or("", |issue| &*issue.id);
    let until = until.strftime("%Y-%m-%dT%H:%MZ");
    let worst = shown(worst, 24);
    format!(
        "admitted before, so new issues are forgiven until {until}: {issues}, the worst {worst}"
    )
}

fn advisor_remedy(error: &Unadvised) -> &'static str {
    if let Some(hint) = error.hint() {
        return hint;
    }
    match error {
        busy if busy.is_busy() => AGAIN,
        Unadvised::NoDatabase => {
            "build one with `cise db build`, and name it as `advisor.database` in the configuration or with --db"
        }
        Unadvised::Inventory(_) | Unadvised::Unproven(_) | Unadvised::Unseen(_) => {
            "look at the image's name, at the pull secrets, and at whether the registry answers"
        }
        Unadvised::NoPlatforms => {
            "try again; if it lasts, let CISE list and watch nodes, or name `advisor.platforms` in the configuration"
        }
        Unadvised::ManyPlatforms { .. } => {
            "name the platforms whose images may run as `advisor.platforms` in the configuration"
        }
        Unadvised::Unreachable { .. } => {
            "try again; if it lasts, look at the pods of the advisor and at what they log"
        }
        _ => AGAIN,
    }
}

/// The warning about an image that keeps its tag.
pub(super) fn loose(image: &str) -> String {
    format!(
        "the policy does not pin {}: another digest may run under this tag",
        shown(image, 55)
    )
}

pub(super) fn trust_headline(kind: RefusalKind, image: &str) -> String {
    let failed = "Deny, failed to get content trust information:";
    match kind {
        RefusalKind::Unsupported => {
            "Trust is not supported for images from this registry".to_owned()
        }
        RefusalKind::Untrusted => format!("{failed} No valid trust data for {}", subject(image)),
        RefusalKind::Undecided => format!("{failed} No answer about {}", subject(image)),
    }
}

fn trust_remedy(refusal: &Refusal) -> &'static str {
    let reason = match refusal {
        Refusal::ContentTrust(denial) => Some(denial.reason()),
        _ => None,
    };
    match (reason, refusal.kind()) {
        (Some(notary::Reason::Store(_)), _) => "look at where trusted roots are recorded",
        (Some(notary::Reason::Server(_)), _) => "correct the address of the trust server",
        (_, RefusalKind::Unsupported) => {
            "name the registry's trust server, or remove `trust` from the entry"
        }
        (_, RefusalKind::Untrusted) => {
            "run an image that is signed as the entry requires, or have this one signed"
        }
        (_, RefusalKind::Undecided) => AGAIN,
    }
}

fn fault_remedy(fault: Fault) -> &'static str {
    match fault {
        Fault::Credentials => {
            "look at the image's name, and at the pull secrets of the pod and of its service account"
        }
        Fault::Configuration => "correct what the configuration says about this registry",
        _ => AGAIN,
    }
}

/// The product names the tag; where there is none, the digest stands for it.
fn subject(image: &str) -> String {
    let Ok(reference) = Reference::parse(image) else {
        return image.to_owned();
    };
    let tag = reference.tag().map(|tag| tag.as_str().to_owned());
    tag.or_else(|| reference.digest().map(|digest| digest.as_str().to_owned()))
        .unwrap_or_default()
}

fn canonical(image: &str) -> String {
    Reference::parse(image).map_or_else(
        |_| image.to_owned(),
        |reference| reference.canonical().to_string(),
    )
}
