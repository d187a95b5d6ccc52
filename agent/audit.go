package agent

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"steth/rpc"
)

// record is what the audit tells of one call.
type record struct {
	peer     rpc.Peer
	tool     string
	args     any // nil when the request could not be read
	start    time.Time
	accepted bool
	events   uint64
	bytes    uint64
	dropped  uint64
}

// write writes the record's one line. Names and arguments are a console's
// words; the handler of log quotes them.
func (r *record) write(ctx context.Context, log *slog.Logger, err error) {
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // rather than what it made of a tool
	}
	level, verdict := slog.LevelInfo, "accepted"
	if !r.accepted {
		level, verdict = slog.LevelWarn, "refused"
	}
	attrs := []slog.Attr{
		slog.String("verdict", verdict),
		slog.String("who", r.peer.Name),
		slog.String("role", r.peer.Role),
		slog.String("serial", r.peer.Serial),
		slog.String("console", r.peer.Console),
		slog.String("tool", cut(r.tool, 64)),
		slog.Any("args", abbreviate(r.args)),
		slog.Time("start", r.start),
		slog.Time("end", time.Now()),
		slog.String("result", rpc.CodeOf(err).String()),
		slog.Uint64("events", r.events),
		slog.Uint64("bytes", r.bytes),
		slog.Uint64("dropped", r.dropped),
	}
	if r.peer.Remote != nil {
		attrs = append(attrs, slog.String("from", r.peer.Remote.String()))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", cut(err.Error(), 512)))
	}
	log.LogAttrs(context.WithoutCancel(ctx), level, "call", attrs...)
}

// begin notes in the agent's log that a job runs now. The audit's line comes at
// the end, and never does when the agent is killed before.
func (r *record) begin(log *slog.Logger) {
	log.Info("job began", "who", r.peer.Name, "serial", r.peer.Serial, "console", r.peer.Console, "tool", r.tool, "args", abbreviate(r.args))
}

// How much of one argument a line tells.
const (
	auditText  = 256 // bytes of a string
	auditBytes = 64  // of binary data: the headers of a frame
	auditList  = 4   // of a list
)

// abbreviate returns the fields of a request that are set, by their names in
// lower case, each short enough for a log. The request need not be valid.
func abbreviate(args any) map[string]any {
	out := map[string]any{}
	v := reflect.ValueOf(args)
	if v.Kind() != reflect.Struct {
		return out
	}
	for i := range v.NumField() {
		if f := v.Field(i); !f.IsZero() {
			out[strings.ToLower(v.Type().Field(i).Name)] = brief(f)
		}
	}
	return out
}

// brief is a value short enough for a log. Types of requests don't contain
// themselves.
func brief(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case time.Duration:
		return x.String()
	case string:
		return cut(x, auditText)
	case []byte:
		return dump(x)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return brief(v.Elem())
	case reflect.Struct:
		return abbreviate(v.Interface())
	case reflect.Slice:
		var list []any
		for i := range min(v.Len(), auditList) {
			list = append(list, brief(v.Index(i)))
		}
		if more := v.Len() - len(list); more > 0 {
			list = append(list, fmt.Sprintf("... (%d more)", more))
		}
		return list
	}
	return v.Interface()
}

// dump is the beginning of binary data.
func dump(b []byte) string {
	text := hex.EncodeToString(b[:min(len(b), auditBytes)])
	if len(b) > auditBytes {
		text = fmt.Sprintf("%s... (%d bytes)", text, len(b))
	}
	return text
}

// cut shortens s to n bytes and says so.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return fmt.Sprintf("%s... (%d bytes)", strings.ToValidUTF8(s[:n], ""), len(s))
}
