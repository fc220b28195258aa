//go:build tools

// Package tools pins the cert-manager whose controllers the test kit builds.
package tools

import _ "github.com/cert-manager/cert-manager/pkg/controller"
