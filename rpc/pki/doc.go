// Package pki makes and judges the certificates of both sides.
package pki
