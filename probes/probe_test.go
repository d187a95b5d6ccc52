package probes

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"steth/feed"
	"steth/openstack"
	"steth/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type sampleArgs struct {
	To    string        `arg:"to" help:"address" type:"ip" required:"true"`
	Count int           `arg:"count" help:"how many" default:"5" min:"1" max:"10"`
	Wait  time.Duration `arg:"wait" help:"how long" default:"200ms" min:"0.1" max:"60"`
	Rate  int64         `arg:"rate" help:"bits a second" type:"bits" default:"10M"`
	Mode  string        `arg:"mode" help:"which way" choices:"tcp,udp" default:"tcp"`
	DF    bool          `arg:"df" help:"no fragments" default:"false"`
}

func sample(run func(context.Context, *Job, sampleArgs) (Finding, error)) *Probe {
	return Define(Spec[sampleArgs]{
		Name: "test.sample", Ask: "Does it work?", Kinds: []openstack.Kind{openstack.KindPort}, Run: run,
		Fill: func(_ context.Context, _ Env, t Target, form Form) error {
			form.Default("to", "10.0.0.5")
			form.Choices("to", []string{"10.0.0.5", "10.0.0.6"})
			return nil
		},
	})
}

var port = Target{Kind: openstack.KindPort, ID: "8f2c1f6e", Name: "web-1"}

func finding(t *testing.T, r *Run) Finding {
	t.Helper()
	select {
	case <-r.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("the run did not end")
	}
	f, ok := r.Finding()
	if !ok {
		t.Fatal("the run is done and has no finding")
	}
	return f
}

func TestArgumentsAreDecoded(t *testing.T) {
	var got sampleArgs
	p := sample(func(_ context.Context, _ *Job, a sampleArgs) (Finding, error) {
		got = a
		return Finding{Verdict: OK, Code: "fine"}, nil
	})
	r, err := p.Start(t.Context(), Env{}, port, map[string]string{"to": "10.0.0.5", "count": "7", "rate": "2.5G", "df": "true"})
	if err != nil {
		t.Fatal(err)
	}
	f := finding(t, r)
	want := sampleArgs{"10.0.0.5", 7, 200 * time.Millisecond, 2_500_000_000, "tcp", true}
	if got != want {
		t.Errorf("arguments are %+v, want %+v", got, want)
	}
	if f.Probe != "test.sample" || f.Target != "web-1" || f.Inputs["wait"] != "200ms" || f.Started.IsZero() {
		t.Errorf("finding lacks what every finding has: %+v", f)
	}
}

func TestBadArgumentsNeverRun(t *testing.T) {
	p := sample(func(context.Context, *Job, sampleArgs) (Finding, error) {
		t.Error("the probe ran")
		return Finding{}, nil
	})
	for name, c := range map[string]struct {
		set  map[string]string
		want string
	}{
		"missing":           {nil, "to: a value is needed"},
		"with its mask":     {map[string]string{"to": "10.0.0.5/24"}, "with its mask"},
		"not an address":    {map[string]string{"to": "web-1"}, "not an IPv4 or IPv6 address"},
		"out of range":      {map[string]string{"to": "::1", "count": "11"}, "count: 11 is not within 1 to 10"},
		"no number":         {map[string]string{"to": "::1", "count": "many"}, "not a whole number"},
		"too short":         {map[string]string{"to": "::1", "wait": "1ms"}, "not within 100ms to 1m0s"},
		"no rate":           {map[string]string{"to": "::1", "rate": "fast"}, "not a rate"},
		"not a choice":      {map[string]string{"to": "::1", "mode": "sctp"}, "not one of tcp, udp"},
		"no such argument":  {map[string]string{"to": "::1", "cuont": "1"}, `no argument "cuont"`},
		"neither yes or no": {map[string]string{"to": "::1", "df": "perhaps"}, "neither true nor false"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.Start(t.Context(), Env{}, port, c.set)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestErrorIsNeverFail(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want string
		is   Verdict
	}{
		"role":      {rpc.Errorf(rpc.PermissionDenied, "no"), CodeDenied, Error},
		"argument":  {rpc.Errorf(rpc.InvalidArgument, "no"), CodeBadArgument, Error},
		"program":   {rpc.Errorf(rpc.NotReady, "no iperf3"), CodeNotReady, Error},
		"busy":      {rpc.Errorf(rpc.ResourceExhausted, "no"), CodeLimit, Error},
		"away":      {rpc.Errorf(rpc.Unavailable, "no"), CodeUnreachable, Error},
		"cut":       {rpc.ErrUnexpectedEnd, CodeUnreachable, Error},
		"something": {errors.New("what"), CodeCouldNotRun, Error},
		"no stop":   {rpc.ErrCancelled, CodeCouldNotRun, Error}, // nobody here stopped it
	} {
		t.Run(name, func(t *testing.T) {
			p := sample(func(context.Context, *Job, sampleArgs) (Finding, error) { return Finding{}, c.err })
			r, err := p.Start(t.Context(), Env{}, port, map[string]string{"to": "::1"})
			if err != nil {
				t.Fatal(err)
			}
			if f := finding(t, r); f.Verdict != c.is || f.Code != c.want || f.Reason == "" {
				t.Errorf("got %s %s %q, want %s %s", f.Verdict, f.Code, f.Reason, c.is, c.want)
			}
		})
	}
}

// ended is a stream that ends with an error.
type ended struct{ err error }

func (e ended) Next() (rpc.Message, error) { return rpc.Message{}, e.err }
func (e ended) Close() error               { return nil }

// agents gives every call the same stream.
type agents struct{ stream Stream }

func (a agents) Call(context.Context, string, string, any) (Stream, error) { return a.stream, nil }
func (a agents) Address(context.Context, string) (string, error)           { return "", nil }
func (a agents) Offset(string) (offset, spread time.Duration)              { return 0, 0 }

func TestAgentThatGoesAwayIsNoStop(t *testing.T) {
	for name, err := range map[string]error{"it stops": rpc.ErrCancelled, "it is killed": rpc.ErrUnexpectedEnd, "its session breaks": rpc.ErrUnavailable} {
		t.Run(name, func(t *testing.T) {
			p := sample(func(ctx context.Context, job *Job, _ sampleArgs) (Finding, error) {
				s, err := job.Call(ctx, "cmp1", "ping", nil)
				if err != nil {
					return Finding{}, err
				}
				defer s.Close()
				_, err = s.Next()
				return Finding{}, err
			})
			r, err := p.Start(t.Context(), Env{Agents: agents{ended{err}}}, port, map[string]string{"to": "::1"})
			if err != nil {
				t.Fatal(err)
			}
			f := finding(t, r)
			if f.Verdict != Error || f.Code != CodeUnreachable || !strings.Contains(f.Reason, "ping on cmp1: the agent went away") {
				t.Errorf("got %s %s %q", f.Verdict, f.Code, f.Reason)
			}
		})
	}
}

func TestPanicIsAnError(t *testing.T) {
	p := sample(func(context.Context, *Job, sampleArgs) (Finding, error) { panic("boom") })
	r, err := p.Start(t.Context(), Env{}, port, map[string]string{"to": "::1"})
	if err != nil {
		t.Fatal(err)
	}
	if f := finding(t, r); f.Verdict != Error || !strings.Contains(f.Reason, "boom") {
		t.Errorf("got %+v", f)
	}
}

// What an agent says may be a megabyte; a finding is a sentence.
func TestReasonIsASentence(t *testing.T) {
	p := sample(func(context.Context, *Job, sampleArgs) (Finding, error) {
		return Finding{Verdict: Warn, Reason: strings.Repeat("ä", 1<<20)}, nil
	})
	r, err := p.Start(t.Context(), Env{}, port, map[string]string{"to": "::1"})
	if err != nil {
		t.Fatal(err)
	}
	if f := finding(t, r); len(f.Reason) > 5000 || !utf8.ValidString(f.Reason) || !strings.HasSuffix(f.Reason, "…") {
		t.Errorf("a reason of %d bytes", len(f.Reason))
	}
}

func TestStopEndsTheRunAndItsFeeds(t *testing.T) {
	p := sample(func(ctx context.Context, job *Job, _ sampleArgs) (Finding, error) {
		if _, err := job.Feed(feed.About{Title: "sample"}); err != nil {
			return Finding{}, err
		}
		<-ctx.Done()
		return Finding{}, context.Cause(ctx)
	})
	r, err := p.Start(t.Context(), Env{}, port, map[string]string{"to": "::1"})
	if err != nil {
		t.Fatal(err)
	}
	r.Stop()
	if f := finding(t, r); f.Verdict != Skip || f.Code != CodeStopped {
		t.Errorf("got %+v", f)
	}
	for _, f := range r.Feeds() {
		if f.State().Live {
			t.Error("a feed outlived its run")
		}
		f.Close()
	}
}

func TestShellCommandDoesTheSame(t *testing.T) {
	p := sample(nil)
	got := p.Command(port, map[string]string{"to": "10.0.0.5", "count": "5", "mode": "it's"})
	want := `steth probe run test.sample --port 8f2c1f6e --set to=10.0.0.5 --set 'mode=it'\''s'`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestForm(t *testing.T) {
	form, err := sample(nil).Form(t.Context(), Env{}, port)
	if err != nil {
		t.Fatal(err)
	}
	if form[0].Default != "10.0.0.5" || len(form[0].Choices) != 2 || form[0].Closed {
		t.Errorf("first argument is %+v", form[0])
	}
	if again := sample(nil).Args(); again[0].Default != "" {
		t.Error("filling a form changed the probe")
	}
}

func TestBits(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "500k": 500_000, "10M": 10_000_000, "2.5G": 2_500_000_000, "1T": 1_000_000_000_000} {
		if got, err := ParseBits(text); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "M", "-1", "1e300", "10MM", "NaN"} {
		if got, err := ParseBits(text); err == nil {
			t.Errorf("%q was taken for %d", text, got)
		}
	}
	for v, want := range map[float64]string{0: "0 bit/s", 999: "999 bit/s", 1000: "1.00 kbit/s", 9.4e9: "9.40 Gbit/s", 12.34e6: "12.3 Mbit/s", 999.9e6: "1.00 Gbit/s"} {
		if got := FormatBits(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}

func TestWhere(t *testing.T) {
	for text, want := range map[string]Where{
		"tap0":                 {"", "tap0"},
		"qdhcp-1/tap8f2c1f6e-": {"qdhcp-1", "tap8f2c1f6e-"},
	} {
		if got, err := ParseWhere(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "/", "a/b/c", "-i", "ns/-i", "sixteen-letters-", "tap 0", "ns:x/y"} {
		if got, err := ParseWhere(text); err == nil {
			t.Errorf("%q was taken for %+v", text, got)
		}
	}
}
