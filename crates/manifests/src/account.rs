//! Service accounts, as far as they give pull secrets.

use std::sync::Arc;

use crate::ManifestError;
use crate::node::Node;
use crate::object::Object;

/// The names of the pull secrets of a service account, in its order.
pub(crate) fn pull_secrets(object: &Object) -> Result<Arc<[String]>, ManifestError> {
    let secrets = match object.node.get("imagePullSecrets") {
        None => &[][..],
        Some(list) => list
            .as_list()
            .ok_or_else(|| object.fault("imagePullSecrets", "a list of names"))?,
    };
    let name = |(index, secret): (usize, &Node)| {
        let name = secret
            .get("name")
            .and_then(Node::as_text)
            .map(str::to_owned);
        name.ok_or_else(|| {
            object.fault(
                &format!("imagePullSecrets[{index}].name"),
                "the name of a Secret",
            )
        })
    };
    secrets.iter().enumerate().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifest;

    fn account(fields: &str) -> Result<Arc<[String]>, String> {
        let text =
            format!("apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: default}}\n{fields}");
        let manifest = Manifest::read_from("account.yaml", text.as_bytes()).unwrap();
        pull_secrets(&Object::all_of(&manifest).unwrap()[0]).map_err(|error| error.to_string())
    }

    #[test]
    fn the_order_of_pull_secrets_is_kept() {
        assert_eq!(
            account("imagePullSecrets: [{name: z}, {name: a}]\n").unwrap()[..],
            ["z", "a"]
        );
        assert_eq!(account("secrets: [{name: token}]\n").unwrap()[..], [""; 0]);
    }

    #[test]
    fn a_malformed_account_is_refused_with_its_field() {
        for (fields, expected) in [
            (
                "imagePullSecrets: a\n",
                "account.yaml:4:1: ServiceAccount default: imagePullSecrets: expected a list of names",
            ),
            (
                "imagePullSecrets:\n- {name: a}\n- {nam: b}\n",
                "account.yaml:6:3: ServiceAccount default: imagePullSecrets[1].name: expected the name of a Secret",
            ),
        ] {
            assert_eq!(account(fields).unwrap_err(), expected);
        }
    }
}
