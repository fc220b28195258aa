//go:build tools

// Package tools pins the Helm 4 that the test kit builds.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
