//go:build !integration

package lab

import "errors"

// helper is a small program that a test runs in another process.
func helper(string, []string) error { return errors.New("helpers are for integration tests") }
