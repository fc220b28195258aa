//! What is to be done about a pod, and what is said of it.

use std::time::Duration;

use serde_json::{Value, json};

/// The address of the node, of a range for documentation (RFC 5737).
pub(super) const HOST_ADDRESS: &str = "192.0.2.1";

/// The next thing that a node does about a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nobody runs it yet.
    Bind,
    /// It is another's, or done.
    Leave,
    /// It has to run.
    Run,
    /// It has to end, and to be removed then.
    End,
}

/// How far a pod has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It runs, and cannot be asked yet, or no more.
    Unready,
    /// It runs, and answers.
    Ready,
    /// It has ended well.
    Succeeded,
    /// It has failed, and is not tried again.
    Failed,
}

/// What the node of this name does next about a pod.
pub(super) fn next(pod: &Value, node: &str) -> Step {
    let bound = text(pod, "/spec/nodeName");
    let is_deleted = pod.pointer("/metadata/deletionTimestamp").is_some();
    match text(pod, "/status/phase") {
        _ if is_deleted && bound == node => Step::End,
        _ if bound.is_empty() && !is_deleted => Step::Bind,
        "Succeeded" | "Failed" => Step::Leave,
        _ if bound == node && !is_mirror(pod) => Step::Run,
        _ => Step::Leave,
    }
}

/// A kubelet has written it down, and runs it without being told.
fn is_mirror(pod: &Value) -> bool {
    let annotations = pod.pointer("/metadata/annotations");
    annotations.is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some())
}

/// Whether the pod is meant to end by itself.
pub(super) fn has_an_end(pod: &Value) -> bool {
    text(pod, "/spec/restartPolicy") != "Always"
}

/// Whether its program is started again when it has failed.
pub(super) fn is_tried_again(pod: &Value) -> bool {
    text(pod, "/spec/restartPolicy") != "Never"
}

/// How long its program goes on after it was deleted, before it is asked to end: `lifecycle.preStop.sleep`.
pub(super) fn lingers_for(pod: &Value) -> Duration {
    let seconds = pod.pointer("/spec/containers/0/lifecycle/preStop/sleep/seconds");
    Duration::from_secs(seconds.and_then(Value::as_u64).unwrap_or_default())
}

/// How long its program may take to end.
pub(super) fn grace(pod: &Value) -> Duration {
    let seconds = pod.pointer("/metadata/deletionGracePeriodSeconds");
    Duration::from_secs(seconds.and_then(Value::as_u64).unwrap_or_default())
}

/// The status of a pod with this address, as a kubelet reports it.
pub(super) fn status(pod: &Value, address: &str, progress: Progress, now: &str) -> Value {
    let is_ready = progress == Progress::Ready;
    let condition = |kind: &str, holds: bool| {
        let status = if holds { "True" } else { "False" };
        json!({ "type": kind, "status": status, "lastTransitionTime": now })
    };
    let ended = |code: u8, reason: &str| json!({ "terminated": { "exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now } });
    let state = match progress {
        Progress::Succeeded => ended(0, "Completed"),
        Progress::Failed => ended(1, "Error"),
        Progress::Unready | Progress::Ready => json!({ "running": { "startedAt": now } }),
    };
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    let containers = containers.into_iter().flatten().map(|container| {
        json!({
            "name": container.get("name"), "image": container.get("image"), "imageID": "",
            "ready": is_ready, "started": is_ready, "restartCount": 0, "state": state,
        })
    });
    json!({
        "phase": match progress {
            Progress::Succeeded => "Succeeded",
            Progress::Failed => "Failed",
            Progress::Unready | Progress::Ready => "Running",
        },
        "hostIP": HOST_ADDRESS, "podIP": address, "podIPs": [{ "ip": address }],
        "startTime": text(pod, "/metadata/creationTimestamp"),
        "conditions": [
            condition("PodScheduled", true),
            condition("Initialized", true),
            condition("ContainersReady", is_ready),
            condition("Ready", is_ready),
        ],
        "containerStatuses": containers.collect::<Vec<_>>(),
    })
}

/// The text at a place; empty where there is none.
pub(super) fn text<'p>(object: &'p Value, pointer: &str) -> &'p str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_bound_run_and_removed_by_its_node_alone() {
        let pod = |metadata: Value, node: &str, phase: &str| json!({ "metadata": metadata, "spec": { "nodeName": node }, "status": { "phase": phase } });
        let deleted = || json!({ "deletionTimestamp": "2026-01-01T00:00:00Z" });
        let mirror = json!({ "annotations": { "kubernetes.io/config.mirror": "1" } });
        for (pod, expected) in [
            (pod(json!({}), "", "Pending"), Step::Bind),
            (pod(deleted(), "", "Pending"), Step::Leave),
            (pod(json!({}), "here", "Pending"), Step::Run),
            (pod(json!({}), "here", "Running"), Step::Run),
            (pod(json!({}), "here", "Succeeded"), Step::Leave),
            (pod(json!({}), "there", "Running"), Step::Leave),
            (pod(mirror, "here", "Pending"), Step::Leave),
            (pod(deleted(), "here", "Running"), Step::End),
            (pod(deleted(), "here", "Succeeded"), Step::End),
            (pod(deleted(), "there", "Running"), Step::Leave),
        ] {
            assert_eq!(next(&pod, "here"), expected, "{pod}");
        }
    }

    #[test]
    fn a_pod_that_failed_says_so_where_it_is_not_tried_again() {
        for (policy, expected) in [("Always", true), ("OnFailure", true), ("Never", false)] {
            let pod =
                json!({ "spec": { "restartPolicy": policy, "containers": [{ "name": "a" }] } });
            assert_eq!(is_tried_again(&pod), expected, "{policy}");
            let failed = status(&pod, "10.1.0.1", Progress::Failed, "now");
            assert_eq!(text(&failed, "/phase"), "Failed");
            let ended = "/containerStatuses/0/state/terminated/exitCode";
            assert_eq!(failed.pointer(ended), Some(&json!(1)));
        }
    }

    #[test]
    fn a_pod_goes_on_for_as_long_as_its_hook_sleeps() {
        let pod = json!({ "spec": { "containers": [{ "lifecycle": { "preStop": { "sleep": { "seconds": 5 } } } }] } });
        assert_eq!(lingers_for(&pod), Duration::from_secs(5));
        assert_eq!(lingers_for(&json!({})), Duration::ZERO);
    }
}
