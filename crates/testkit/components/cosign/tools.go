//go:build tools

// Package tools pins the program with which people sign images and attach attestations to them.
package tools

import _ "github.com/sigstore/cosign/v3/cmd/cosign"
