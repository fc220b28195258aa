//go:build tools

// Package tools pins the program that inventories are compared with.
package tools

import _ "github.com/anchore/syft/cmd/syft"
