// Package capture asks what packets pass a place.
package capture
