package agent

import (
	"sync"

	"steth/agent/api"
	"steth/rpc"
)

// jobs counts what runs and refuses what would be too much.
type jobs struct {
	limits api.Limits

	mu      sync.Mutex // guards all below
	running int
	of      map[string]int // by console
}

func newJobs(limits api.Limits) *jobs { return &jobs{limits: limits, of: map[string]int{}} }

// console names one running console: both its sessions share the id, which is
// worth something only beside the certificate that it came with.
func console(p rpc.Peer) string { return p.Serial + "/" + p.Console }

// admit counts a job of a console until release is called.
func (j *jobs) admit(console string) (release func(), err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if limit := j.limits.Jobs; limit > 0 && j.running >= limit {
		return nil, rpc.Errorf(rpc.ResourceExhausted, "this agent runs %d jobs, as many as it may (limits.jobs): end one or ask again later", limit)
	}
	if limit := j.limits.JobsPerConsole; limit > 0 && j.of[console] >= limit {
		return nil, rpc.Errorf(rpc.ResourceExhausted, "this console runs %d jobs on this agent, as many as it may (limits.jobs_per_console): close one", limit)
	}
	j.running++
	j.of[console]++
	return func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.running--
		if j.of[console]--; j.of[console] == 0 {
			delete(j.of, console)
		}
	}, nil
}

func (j *jobs) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.running
}
