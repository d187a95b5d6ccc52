package tools

import "strings"

// validText makes UTF-8 of what others named or printed. CBOR carries no other
// text, so that one device of a stranger's would end a call about all. Control
// characters stay: to show them safely is the console's.
func validText(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
