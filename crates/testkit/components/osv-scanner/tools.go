//go:build tools

// Package tools pins the scanner that findings are compared with.
package tools

import _ "github.com/google/osv-scanner/v2/cmd/osv-scanner"
