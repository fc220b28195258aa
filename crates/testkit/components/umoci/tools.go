//go:build tools

// Package tools pins the image tool that the test kit builds.
package tools

import _ "github.com/opencontainers/umoci/cmd/umoci"
