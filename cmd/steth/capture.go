package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"steth/agent/api"
	"steth/evidence"
	"steth/feed"
	"steth/internal/safetext"
	"steth/openstack"
	"steth/packets"
	"steth/probes"
	"steth/probes/capture"
)

// captureFlags are the arguments of `steth capture`.
type captureFlags struct {
	port, node string
	devices    []string
	filter     string
	vlan       int
	seconds    int
	packets    int64
	snap       int
	write      string
}

func captureCommand(f *flags) *cobra.Command {
	var c captureFlags
	cmd := &cobra.Command{
		Use:   "capture --port PORT | --node NODE --device DEVICE",
		Short: "Capture packets of a device, into a file or as rows",
		Long: `Capture on the devices of a port, or on any device of a node. With -w the packets
go to a pcapng file with one interface for each device; without it they are
printed as rows. It ends after --seconds or --packets, or with ctrl+c.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return captureRun(cmd.Context(), *f, c) },
	}
	p := cmd.Flags()
	p.StringVar(&c.port, "port", "", "port whose device to capture on: name or id")
	p.StringVar(&c.node, "node", "", "node to capture on")
	p.StringArrayVar(&c.devices, "device", nil, "device, NAMESPACE/DEVICE inside a namespace; may be given again (default the port's tap)")
	p.StringVar(&c.filter, "filter", "", "what to keep, in tcpdump's words")
	p.IntVar(&c.vlan, "vlan", 0, "follow this VLAN id only")
	p.IntVar(&c.seconds, "seconds", 0, "end after so many seconds")
	p.Int64Var(&c.packets, "packets", 0, "end each device after so many packets")
	p.IntVar(&c.snap, "snap", api.SnapHeaders, "bytes kept of each packet; 65535 for whole packets")
	p.StringVarP(&c.write, "write", "w", "", "pcapng file to write; - for standard output")
	return cmd
}

func captureRun(ctx context.Context, f flags, c captureFlags) error {
	w, err := newWorld(f)
	if err != nil {
		return err
	}
	defer w.Close()
	host, devices, err := w.captureAt(ctx, c)
	if err != nil {
		return err
	}
	// Arguments are checked before a file is made or an agent is asked.
	abouts := make([]feed.About, len(devices))
	for i, d := range devices {
		if err := capture.Request(d, c.filter, c.vlan, c.snap, c.packets, c.seconds).Validate(); err != nil {
			return usageError{err}
		}
		where, err := probes.ParseWhere(d)
		if err != nil {
			return usageError{err}
		}
		abouts[i] = feed.About{Host: host, Netns: where.Netns, Device: where.Device, Filter: c.filter, Shape: feed.Packets}
	}
	out, err := newCaptureOutput(c.write, abouts)
	if err != nil {
		return err
	}
	return errors.Join(w.captureAll(ctx, host, devices, c, out), out.close())
}

// captureAt works out the host and the devices.
func (w *world) captureAt(ctx context.Context, c captureFlags) (host string, devices []string, err error) {
	switch {
	case (c.port == "") == (c.node == ""):
		return "", nil, usage("give either --port or --node")
	case c.node != "" && len(c.devices) == 0:
		return "", nil, usage("--node needs --device; `steth probe run node.links --node %s` lists the devices", c.node)
	case c.node != "":
		t, err := w.resolve(ctx, openstack.KindNode, c.node)
		return t.ID, c.devices, err
	}
	t, err := w.resolve(ctx, openstack.KindPort, c.port)
	if err != nil {
		return "", nil, err
	}
	form, err := capture.Device.Form(ctx, w.env(), t)
	for _, a := range form {
		switch a.Name {
		case "host":
			host = a.Default
		case "device":
			devices = []string{a.Default}
		}
	}
	if len(c.devices) > 0 {
		devices = c.devices
	}
	if host == "" || devices[0] == "" {
		return "", nil, err
	}
	return host, devices, nil
}

// captureOutput is where packets go: a pcapng file, or rows on standard output.
// Several captures may write to it at once.
type captureOutput struct {
	mu   sync.Mutex
	file *os.File // nil for rows
	pcap *packets.Writer
	rows *bufio.Writer
	many bool
	line []byte
}

func newCaptureOutput(path string, abouts []feed.About) (*captureOutput, error) {
	o := &captureOutput{many: len(abouts) > 1, rows: bufio.NewWriter(os.Stdout)}
	if path == "" {
		return o, nil
	}
	o.file = os.Stdout
	if path != "-" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return nil, fmt.Errorf("write packets: %w", err)
		}
		o.file = f
	}
	ifs := make([]packets.Interface, len(abouts))
	for i, a := range abouts {
		ifs[i] = evidence.Interface(a)
	}
	var err error
	o.pcap, err = packets.NewWriter(o.file, ifs)
	return o, err
}

func (o *captureOutput) take(i int, device string, p *packets.Packet) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pcap != nil {
		return o.pcap.Write(i, p)
	}
	o.line = time.Unix(0, p.Time).AppendFormat(o.line[:0], "15:04:05.000000 ")
	if o.many {
		o.line = append(append(o.line, device...), ' ')
	}
	o.line = append(packets.Summarise(o.line, p), '\n')
	_, err := o.rows.Write(o.line)
	return err
}

// idle is called when no packet waits, so that rows show at once.
func (o *captureOutput) idle() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pcap != nil {
		return nil
	}
	return o.rows.Flush()
}

func (o *captureOutput) close() error {
	if o.pcap == nil {
		return o.rows.Flush()
	}
	return errors.Join(o.pcap.Flush(), o.file.Close())
}

// tail is how long a capture goes on after ctrl+c: what passed before the key
// is on its way still, in the ring (20 ms), the agent's buffers (20 ms) and on
// the network.
const tail = 150 * time.Millisecond

// captureAll runs all captures of a host into one output and reports counts.
func (w *world) captureAll(asked context.Context, host string, devices []string, c captureFlags, out *captureOutput) error {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(asked))
	defer cancel(nil)
	defer context.AfterFunc(asked, func() {
		time.AfterFunc(tail, func() { cancel(context.Cause(asked)) })
	})()
	streams := make([]probes.Stream, len(devices))
	for i, d := range devices {
		s, err := w.env().Agents.Call(ctx, host, api.ToolCapture, capture.Request(d, c.filter, c.vlan, c.snap, c.packets, c.seconds))
		if err != nil {
			return fmt.Errorf("capture on %s: %w", d, err) // which names the host
		}
		defer s.Close()
		defer context.AfterFunc(ctx, func() { s.Close() })()
		streams[i] = s
	}
	results := make([]capture.Counts, len(devices))
	errs := make([]error, len(devices))
	done := make(chan int)
	for i, s := range streams {
		var started sync.Once
		go func() {
			known, _ := w.env().Agents.Offset(host)
			offset := int64(known)
			results[i], errs[i] = capture.Follow(s, func(p packets.Packet) error {
				p.Time -= offset
				return out.take(i, devices[i], &p)
			}, func(c capture.Counts) {
				if c.Started && c.Packets == 0 {
					started.Do(func() { fmt.Fprintf(os.Stderr, "capture started on %s\n", safetext.Clean(devices[i]+" of "+host)) })
				}
			})
			done <- i
		}()
	}
	flush := time.NewTicker(50 * time.Millisecond)
	defer flush.Stop()
	for left := len(streams); left > 0; {
		select {
		case i := <-done:
			left--
			if errs[i] != nil && ctx.Err() == nil {
				errs[i] = fmt.Errorf("capture on %s of %s: %w", devices[i], host, errs[i])
				cancel(errs[i])
			}
		case <-flush.C:
			if err := out.idle(); err != nil {
				cancel(err)
			}
		}
	}
	for i, d := range devices {
		if !results[i].Started {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s on %s: %d packets, dropped %d by the kernel, %d by the agent\n",
			safetext.Clean(d), safetext.Clean(host), results[i].Packets, results[i].Kernel, results[i].Queue)
		if out.pcap != nil {
			lost := results[i].Kernel + results[i].Queue
			if err := out.pcap.Stats(i, results[i].Packets+lost, lost); err != nil {
				return err
			}
		}
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// entryText is an entry of a feed as one line of a terminal.
func entryText(a feed.About, e *feed.Entry) string {
	if a.Shape == feed.Packets {
		buf := time.Unix(0, e.Time).AppendFormat(nil, "15:04:05.000000 ")
		return string(packets.Summarise(buf, &e.Packet))
	}
	return e.Text
}
