//go:build tools

// Package tools pins the registry that the test kit builds.
package tools

import _ "github.com/distribution/distribution/v3/cmd/registry"
