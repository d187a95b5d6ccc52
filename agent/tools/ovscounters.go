package tools

import (
	"context"
	"fmt"
	"time"

	"steth/agent/api"
)

// ovsCounters reads the counters of ports from ovs-vswitchd by OpenFlow. Those in
// the database are up to 5 s old.
func ovsCounters() Tool { return Define(api.ToolOVSCounters, readySwitch, runOVSCounters) }

func runOVSCounters(ctx context.Context, node *Node, req api.OVSCountersRequest, sink Sink) error {
	sockets, err := node.switchSockets()
	if err != nil {
		return err
	}
	tick := time.NewTicker(req.Every)
	defer tick.Stop()
	for n := 1; ; n++ {
		var answer api.OVSCounters
		var failed error
		if err := node.Reads.do(ctx, func() { answer, failed = readCounters(ctx, sockets, req.Ports) }); err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
		answer.Time = node.now()
		if err := sink.Event(answer); err != nil {
			return err
		}
		if n == req.Count {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// readCounters reads the counters of ports as they are now. That a port or a
// bridge is gone is part of the answer.
func readCounters(ctx context.Context, sockets switchSockets, ports []api.OVSPortName) (api.OVSCounters, error) {
	numbers, err := portNumbers(ctx, sockets)
	if err != nil {
		return api.OVSCounters{}, err
	}
	bridges := map[string]map[uint32]api.OVSPortCounters{}
	failed := map[string]error{}
	for _, p := range ports {
		if bridges[p.Bridge] != nil || failed[p.Bridge] != nil {
			continue
		}
		if bridges[p.Bridge], err = readPorts(ctx, sockets, p.Bridge); err != nil {
			failed[p.Bridge] = err
		}
		if cause := context.Cause(ctx); cause != nil {
			return api.OVSCounters{}, cause
		}
	}
	out := api.OVSCounters{Ports: make([]api.OVSPortCounters, len(ports))}
	for i, p := range ports {
		number, known := numbers[p.Port]
		c, counted := bridges[p.Bridge][uint32(number)]
		switch {
		case failed[p.Bridge] != nil:
			c.Missing = clip(failed[p.Bridge].Error())
		case !known || number <= 0:
			c = api.OVSPortCounters{Missing: "Open vSwitch has no port " + p.Port}
		case !counted:
			c = api.OVSPortCounters{Missing: fmt.Sprintf("%s is not in %s", p.Port, p.Bridge)}
		}
		out.Ports[i] = c
	}
	return out, nil
}

// portNumbers are OpenFlow's numbers of all interfaces. They are asked for each
// time: a port that is added anew may have another.
func portNumbers(ctx context.Context, sockets switchSockets) (map[string]int, error) {
	conn, done, err := sockets.dial(ctx, ovsdbSocket)
	if err != nil {
		return nil, err
	}
	defer done()
	var rows []struct {
		Name   string        `json:"name"`
		OFPort ovsdbSet[int] `json:"ofport"`
	}
	if err := readOVSDB(ctx, conn, []selection{selectAll("Interface", "name", "ofport")}, []any{&rows}); err != nil {
		return nil, err
	}
	out := make(map[string]int, len(rows))
	for _, r := range rows {
		out[r.Name] = r.OFPort.first()
	}
	return out, nil
}

func readPorts(ctx context.Context, sockets switchSockets, bridge string) (map[uint32]api.OVSPortCounters, error) {
	conn, done, err := sockets.dial(ctx, sockets.bridge(bridge))
	if err != nil {
		return nil, err
	}
	defer done()
	o, err := openOpenFlow(conn)
	if err != nil {
		return nil, failf(ErrUnavailable, "speak OpenFlow with %s: %w", bridge, err)
	}
	out, err := o.ports(conn)
	if err != nil {
		return nil, failf(ErrUnavailable, "read the counters of %s: %w", bridge, err)
	}
	return out, nil
}
