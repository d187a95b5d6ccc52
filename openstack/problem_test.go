package openstack

import (
	"errors"
	"fmt"
	"testing"
)

func TestRefusedSignInIsPermanent(t *testing.T) {
	for err, want := range map[error]bool{refusedf(nil, "wrong password"): true, problemf(nil, "overloaded"): false} {
		p, ok := errors.AsType[interface {
			error
			Permanent() bool
		}](fmt.Errorf("sign in: %w", err))
		if !ok || p.Permanent() != want {
			t.Errorf("%v: permanent is %v, want %v", err, !want, want)
		}
	}
}
