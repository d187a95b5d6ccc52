package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"steth/openstack"
	"steth/probes/follow"
)

const (
	captureEnding = ".pcapng"
	sidecarEnding = ".path.json"
)

// Sidecar names the file that tells of the path whose packets are in a pcapng
// file: x.path.json of x.pcapng.
func Sidecar(capture string) string {
	return strings.TrimSuffix(capture, captureEnding) + sidecarEnding
}

// SavePath writes a session to two new files, base with .pcapng and with
// .path.json, and returns the first one's path. The pcapng file has an interface
// for each capture; the sidecar has what else is needed to show the same without
// the cloud and its agents: the path, what was found, the clocks, and the part of
// the inventory that the path touches. The session may go on meanwhile. Files that
// are there already are never touched.
func SavePath(ctx context.Context, base string, s *follow.Session, inventory *openstack.Snapshot) (path string, err error) {
	side := tell(s, inventory)
	path, err = create(base, captureEnding, func(w io.Writer) error { return writePackets(ctx, w, s.Feeds()) })
	if err != nil {
		return "", err
	}
	if err := side.create(Sidecar(path)); err != nil {
		return "", fmt.Errorf("save %s, without which %s can't be replayed: %w", Sidecar(path), path, err)
	}
	return path, nil
}

// WritePath writes a session to a pcapng file that was opened before, and its
// sidecar beside it, in place of one that is there. What is no regular file, a
// pipe to Wireshark for example, has no sidecar. The caller closes file.
func WritePath(ctx context.Context, file *os.File, s *follow.Session, inventory *openstack.Snapshot) error {
	side := tell(s, inventory)
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return writePackets(ctx, file, s.Feeds())
	}
	name := Sidecar(file.Name())
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // it would tell of other packets
	}
	if err := writePackets(ctx, file, s.Feeds()); err != nil {
		return err
	}
	return side.create(name)
}

// tell is what a sidecar says of a session. It is asked before the packets are
// written, so that the file has all packets that it tells of.
func tell(s *follow.Session, inventory *openstack.Snapshot) *sidecar {
	r := s.Recording()
	return &sidecar{Version: sidecarVersion, Saved: time.Now().UTC(), Recording: r, Inventory: excerpt(inventory.Excerpt(r.Path))}
}
