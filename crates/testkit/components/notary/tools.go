//go:build tools

// Package tools pins the notary client and server that the test kit builds.
package tools

import (
	_ "github.com/theupdateframework/notary/cmd/notary"
	_ "github.com/theupdateframework/notary/cmd/notary-server"
)
