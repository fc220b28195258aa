//go:build tools

// Package tools pins the registry client that the test kit builds.
package tools

import _ "github.com/google/go-containerregistry/cmd/crane"
