package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Open vSwitch is asked over its own sockets, not by its programs: where it runs
// in a container the node has the sockets and not the programs, and one
// transaction is one moment of the database.

// maxOVSDB bounds an answer of the database, in bytes: a node has some thousand
// ports of a kilobyte each.
const maxOVSDB = 32 << 20

// selection reads columns of all rows of a table.
type selection struct {
	Op      string   `json:"op"`
	Table   string   `json:"table"`
	Where   []any    `json:"where"`
	Columns []string `json:"columns"`
}

func selectAll(table string, columns ...string) selection {
	return selection{Op: "select", Table: table, Where: []any{}, Columns: columns}
}

// ovsdbRequest and ovsdbMessage are JSON-RPC as RFC 7047 has it, section 4.
type ovsdbRequest struct {
	ID     int    `json:"id"`
	Method string `json:"method"`
	Params []any  `json:"params"`
}

type ovsdbMessage struct {
	ID     json.RawMessage   `json:"id"`
	Method string            `json:"method"`
	Error  json.RawMessage   `json:"error"`
	Result []json.RawMessage `json:"result"`
}

// readOVSDB reads tables in one transaction, and each one's rows into what stands
// beside it: pointers to slices.
func readOVSDB(ctx context.Context, conn io.ReadWriter, tables []selection, into []any) error {
	req := ovsdbRequest{ID: 1, Method: "transact", Params: []any{"Open_vSwitch"}}
	for _, t := range tables {
		req.Params = append(req.Params, t)
	}
	b, err := json.Marshal(req)
	if err != nil {
		return err
	}
	if _, err := conn.Write(b); err != nil {
		return ovsdbFailed(ctx, err)
	}
	limited := &io.LimitedReader{R: conn, N: maxOVSDB}
	answer := json.NewDecoder(limited)
	for {
		var m ovsdbMessage
		switch err := answer.Decode(&m); {
		case err != nil && limited.N <= 0:
			return failf(ErrLimit, "read OVSDB: the answer is larger than %d MiB", maxOVSDB>>20)
		case err != nil:
			return ovsdbFailed(ctx, err)
		case m.Method != "": // an echo or a notification; we stay too short to answer
			continue
		case string(m.ID) != "1":
			return failf(ErrUnavailable, "read OVSDB: an answer to %.20q, which was not asked", m.ID)
		}
		return readResults(m, tables, into)
	}
}

func ovsdbFailed(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return failf(ErrTimeout, "read OVSDB: no answer within %v", ovsPatience)
	}
	return failf(ErrUnavailable, "read OVSDB: %w", err)
}

func readResults(m ovsdbMessage, tables []selection, into []any) error {
	if len(m.Error) > 0 && string(m.Error) != "null" {
		return failf(ErrUnavailable, "read OVSDB: %s", clip(string(m.Error)))
	}
	for i, t := range tables {
		var result struct {
			Rows    json.RawMessage `json:"rows"`
			Error   string          `json:"error"`
			Details string          `json:"details"`
		}
		if i >= len(m.Result) {
			return failf(ErrUnavailable, "read OVSDB: no answer about table %s", t.Table)
		}
		if err := json.Unmarshal(m.Result[i], &result); err != nil {
			return failf(ErrUnavailable, "read OVSDB: table %s: %w", t.Table, err)
		}
		if result.Error != "" {
			return failf(ErrUnavailable, "read OVSDB: table %s: %s", t.Table, clip(result.Error+" "+result.Details))
		}
		if err := json.Unmarshal(result.Rows, into[i]); err != nil {
			return failf(ErrUnavailable, "read OVSDB: table %s: %w", t.Table, err)
		}
	}
	return nil
}

// clip bounds a text of others that is told on.
func clip(s string) string {
	const most = 512
	if len(s) > most {
		s = validText(s[:most]) + "…"
	}
	return s
}

// The values of OVSDB, RFC 7047 section 5.1.
type (
	// ovsdbSet is ["set", [...]], or the one value that is in it.
	ovsdbSet[T any] []T
	// ovsdbMap is ["map", [[key, value], ...]].
	ovsdbMap[V any] map[string]V
	// ovsdbUUID is ["uuid", "..."].
	ovsdbUUID string
)

// tagged reads [tag, value]; false where data is something else.
func tagged(data []byte, tag string) (json.RawMessage, bool) {
	if data = bytes.TrimSpace(data); len(data) == 0 || data[0] != '[' {
		return nil, false
	}
	var pair []json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil || len(pair) != 2 || string(pair[0]) != strconv.Quote(tag) {
		return nil, false
	}
	return pair[1], true
}

func (s *ovsdbSet[T]) UnmarshalJSON(data []byte) error {
	*s = nil
	if list, ok := tagged(data, "set"); ok {
		var all []T
		if err := json.Unmarshal(list, &all); err != nil {
			return err
		}
		*s = all
		return nil
	}
	var one T
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*s = ovsdbSet[T]{one}
	return nil
}

// first is the value of a set of at most one, zero where it's empty.
func (s ovsdbSet[T]) first() T {
	var none T
	if len(s) == 0 {
		return none
	}
	return s[0]
}

func (m *ovsdbMap[V]) UnmarshalJSON(data []byte) error {
	list, ok := tagged(data, "map")
	if !ok {
		return fmt.Errorf("%.40q is not a map", data)
	}
	var pairs [][2]json.RawMessage
	if err := json.Unmarshal(list, &pairs); err != nil {
		return err
	}
	out := make(ovsdbMap[V], len(pairs))
	for _, p := range pairs {
		var key string
		var value V
		if err := errors.Join(json.Unmarshal(p[0], &key), json.Unmarshal(p[1], &value)); err != nil {
			return err
		}
		out[key] = value
	}
	*m = out
	return nil
}

func (u *ovsdbUUID) UnmarshalJSON(data []byte) error {
	value, ok := tagged(data, "uuid")
	if !ok {
		return fmt.Errorf("%.40q is not a uuid", data)
	}
	return json.Unmarshal(value, (*string)(u))
}
