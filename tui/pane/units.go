package pane

import (
	"math"
	"strconv"
	"strings"
)

// number writes v with three significant digits: 0.61, 12.4, 942.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95 || v == math.Trunc(v) && a < 1000:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case a >= 0.00995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}

// si brings v to a multiple of a thousand and names it: 942000000 is 942 and M.
func si(v float64) (float64, string) {
	const prefixes = "kMGTP"
	i := 0
	for math.Abs(v) >= 999.5 && i < len(prefixes) {
		v /= 1000
		i++
	}
	if i == 0 {
		return v, ""
	}
	return v, prefixes[i-1 : i]
}

// rate writes entries a second: 5/s, 12.4k/s.
func rate(v float64) string {
	if v > 0 && v < 9.5 && v != math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', 1, 64) + "/s"
	}
	v, prefix := si(v)
	if prefix == "" {
		return strconv.FormatFloat(v, 'f', 0, 64) + "/s"
	}
	return strconv.FormatFloat(v, 'g', 3, 64) + prefix + "/s"
}

// quantity writes v, a round one, with its unit; bits and bytes get a prefix of
// the SI.
func quantity(v float64, unit string) string {
	prefix := ""
	if scaled(unit) {
		v, prefix = si(v)
	}
	return strings.TrimSpace(strconv.FormatFloat(v, 'g', 4, 64) + " " + prefix + unit)
}

// scaled says whether a unit takes the prefixes of the SI.
func scaled(unit string) bool {
	return strings.HasPrefix(unit, "bit") || strings.HasPrefix(unit, "byte") || strings.HasPrefix(unit, "B/") || strings.HasPrefix(unit, "packet")
}

// count groups the digits of n: 1,204.
func count(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// ceiling is the next round number at or above v: 1, 1.5, 2, 3, 5 or 8 times a
// power of ten, for the top of an axis.
func ceiling(v float64) float64 {
	if v <= 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 1.5, 2, 3, 5, 8} {
		if v <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}
