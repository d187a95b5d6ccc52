package tools

import (
	"cmp"
	"context"
	"errors"
	"sync/atomic"
	"time"

	"steth/agent/api"
)

const (
	// queueLength is how many frames of records wait for a slow console, 8 MiB
	// in all. What comes when they are full is dropped and counted.
	queueLength = 128
	// statsEvery is how often the counters are told; dropsEvery while the
	// agent's queue drops.
	statsEvery = time.Second
	dropsEvery = 100 * time.Millisecond
)

// capture sends a device's packets as they are. Nothing here reads them:
// selection is the kernel's, by the filter.
//
// Two goroutines: one empties the ring into frames of records and never waits
// for the console, one sends the frames and tells the counters. Frames go round
// between them, so that nothing is allocated for a packet, and a packet's bytes
// are copied once.
func capture() Tool {
	return Define(api.ToolCapture, captureReady, runCapture)
}

func captureReady(node *Node) api.ToolState {
	state := readyWith("", "", capNetRaw(), capSysAdmin())(node)
	if state.Ready {
		if _, err := findProgram("tcpdump", "tcpdump"); err != nil {
			state.Reason = "only without filters: " + err.Error()
		}
	}
	return state
}

func runCapture(ctx context.Context, node *Node, req api.CaptureRequest, sink Sink) error {
	// A record must fit a data frame.
	snap := min(cmp.Or(req.Snap, api.SnapHeaders), api.MaxData-api.PacketHeader)
	dev, r, err := openCapture(ctx, node, req, snap)
	if err != nil {
		return err
	}
	defer r.close()

	ended := ctx
	if req.Seconds > 0 {
		var cancel context.CancelFunc
		ended, cancel = context.WithTimeoutCause(ctx, time.Duration(req.Seconds)*time.Second, errCaptureDone)
		defer cancel()
	}
	ended, end := context.WithCancelCause(ended)
	defer end(nil)

	c := &captureJob{
		ring: r, sink: sink, device: req.Device, offset: node.ClockOffset,
		packets: cmp.Or(uint64(req.Packets), 1<<63), bytes: cmp.Or(uint64(node.Limits.CaptureBytes), 1<<63),
		free: make(chan frame, queueLength), full: make(chan frame, queueLength),
	}
	for range queueLength {
		c.free <- frame{records: make([]byte, 0, api.MaxData)}
	}
	if err := sink.Event(api.CaptureEvent{
		Kind: api.CaptureStarted, Time: node.now(), Index: dev.index, MAC: dev.mac, LinkType: dev.dlt,
		Snap: snap, Offset: int64(node.ClockOffset),
	}); err != nil {
		return err
	}
	stop := context.AfterFunc(ended, r.wake)
	reader := start(func() error {
		defer close(c.full)
		return c.read()
	})
	defer func() { // in this order: the reader must be out of the ring before it is unmapped
		stop()
		r.wake()
		<-reader.done
	}()

	if err := c.send(ended, node.now); err != nil {
		return err
	}
	r.wake()
	if err := reader.wait(); err != nil {
		return err
	}
	if err := context.Cause(ended); err != nil && !errors.Is(err, errCaptureDone) {
		return err
	}
	return nil
}

// errCaptureDone ends a capture that has run for the seconds asked for.
var errCaptureDone = errors.New("the capture's time is over")

func openCapture(ctx context.Context, node *Node, req api.CaptureRequest, snap int) (device, *ring, error) {
	ns, err := node.netnsByName(req.Netns)
	if err != nil {
		return device{}, nil, err
	}
	nsFile, err := ns.open()
	if err != nil {
		return device{}, nil, err
	}
	defer nsFile.Close()

	var dev device
	err = onThread(func() (err error) {
		if err = enter(nsFile); err == nil {
			dev, err = findDevice(req.Netns, req.Device)
		}
		return err
	})
	if err != nil {
		return device{}, nil, err
	}
	want := filter{text: req.Filter, vlan: req.VLAN, dlt: dev.dlt, snap: uint32(snap), slots: node.Compiles, known: node.Compiled}
	if node.SessionPort != 0 && ns.inode == inspect("", ownNetns).inode {
		want.port = node.SessionPort
		if want.own, err = ownAddresses(); err != nil {
			return device{}, nil, err
		}
	}
	prog, err := want.compile(ctx)
	if err != nil {
		return device{}, nil, err
	}
	var r *ring
	err = onThread(func() (err error) {
		if err = enter(nsFile); err == nil {
			r, err = openRing(dev, prog, node.Ring)
		}
		return err
	})
	return dev, r, err
}

// frame is one data frame on its way to the console.
type frame struct {
	records []byte
	packets uint64
}

// captureJob is one running capture.
type captureJob struct {
	ring   *ring
	sink   Sink
	device string
	offset time.Duration

	packets, bytes uint64 // ends after so many

	free, full chan frame
	dropped    atomic.Uint64 // by the queue
}

// read empties the ring until it is woken, the capture has all it was asked
// for (nil) or the agent's limit is reached.
func (c *captureJob) read() error {
	var (
		cur     = <-c.free
		packets uint64
		bytes   uint64
	)
	// pass hands cur on when there is another frame to go on with.
	pass := func() bool {
		select {
		case next := <-c.free:
			c.full <- cur // has room for every frame there is
			cur = next
			return true
		default:
			return false
		}
	}
	each := func(p api.Packet) bool {
		if len(cur.records)+api.PacketHeader+len(p.Data) > api.MaxData && !pass() {
			c.dropped.Add(1)
			return true
		}
		p.Time += int64(c.offset)
		cur.records = api.AppendPacket(cur.records, p)
		cur.packets++
		packets++
		bytes += uint64(len(p.Data))
		return packets < c.packets && bytes < c.bytes
	}
	// Nothing waits longer than it must, not even behind a queue that was full.
	idle := func() (again bool) { return cur.packets > 0 && !pass() }
	for packets < c.packets && bytes < c.bytes {
		err := c.ring.take(each, idle)
		if errors.Is(err, errWoken) {
			break
		}
		if err != nil {
			return failf(ErrUnavailable, "capture on %s: wait for packets: %w", c.device, err)
		}
	}
	if cur.packets > 0 {
		c.full <- cur
	}
	if bytes >= c.bytes {
		return failf(ErrLimit, "capture on %s: %d bytes captured, as many as this agent grants (limits.capture_bytes)", c.device, bytes)
	}
	return nil
}

// send gives the frames to the console until the reader has closed the queue.
// ctx does not end it: what was captured until then is still sent, and the last
// counters are exact.
func (c *captureJob) send(ctx context.Context, now func() int64) error {
	var (
		total = api.CaptureEvent{Kind: api.CaptureStats}
		told  time.Time
		tick  = time.NewTicker(statsEvery)
	)
	defer tick.Stop()
	tell := func() error {
		s, err := c.ring.stats()
		if err != nil {
			return failf(ErrUnavailable, "capture on %s: read its counters: %w", c.device, err)
		}
		queue := c.dropped.Load()
		c.sink.AddDropped(s.dropped + queue - total.Queue)
		total.Seen += s.passed
		total.Kernel += s.dropped
		total.Freezes += s.freezes
		total.Queue = queue
		total.Time = now()
		told = time.Now()
		return c.sink.Event(total)
	}
	for {
		select {
		case f, more := <-c.full:
			if !more {
				return tell()
			}
			if err := c.sink.Data(f.records); err != nil {
				return err
			}
			total.Sent += f.packets
			total.BytesSent += uint64(len(f.records))
			f.records, f.packets = f.records[:0], 0
			c.free <- f
			if c.dropped.Load() != total.Queue && time.Since(told) >= dropsEvery {
				if err := tell(); err != nil {
					return err
				}
			}
		case <-tick.C:
			if err := tell(); err != nil {
				return err
			}
			if c.ring.gone() && context.Cause(ctx) == nil {
				return failf(ErrUnavailable, "capture on %s: the device has disappeared", c.device)
			}
		}
	}
}
