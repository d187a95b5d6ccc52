package rpc

import (
	"fmt"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// Limits on CBOR from a peer. A frame's size bounds the bytes; these bound what
// few bytes can claim.
const (
	maxCBORNesting  = 16
	maxCBORElements = 65_536 // of one array or map
)

// codec holds the modes, which are immutable once built.
type codec struct {
	enc     cbor.UserBufferEncMode
	lenient cbor.DecMode // events: a field of a newer agent is skipped
	strict  cbor.DecMode // requests: a field that is not understood is refused
}

var codecs = sync.OnceValue(func() codec {
	opt := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		MaxNestedLevels:  maxCBORNesting,
		MaxArrayElements: maxCBORElements,
		MaxMapPairs:      maxCBORElements,
		TagsMd:           cbor.TagsForbidden,
		UTF8:             cbor.UTF8RejectInvalid,
		NaN:              cbor.NaNDecodeForbidden, // no measurement, and JSON can't say it
		Inf:              cbor.InfDecodeForbidden,
	}
	lenient, err := opt.DecMode()
	if err != nil {
		panic("rpc: CBOR options: " + err.Error())
	}
	opt.ExtraReturnErrors = cbor.ExtraDecErrorUnknownField
	strict, err := opt.DecMode()
	if err != nil {
		panic("rpc: CBOR options: " + err.Error())
	}
	enc, err := cbor.CoreDetEncOptions().UserBufferEncMode()
	if err != nil {
		panic("rpc: CBOR options: " + err.Error())
	}
	return codec{enc: enc, lenient: lenient, strict: strict}
})

// Decode reads one event into v, which is a pointer. It is strict about form
// (no duplicate keys, no tags, no indefinite lengths, valid UTF-8, finite
// numbers, bounded depth and counts, nothing after the value) and skips fields that v does not
// have, so that an older console understands a newer agent.
func Decode(raw cbor.RawMessage, v any) error {
	if err := codecs().lenient.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}

// decodeRequest is [Decode] for what a console sends. A field that the agent
// does not know is an error: it may have been a limit.
func decodeRequest(raw cbor.RawMessage, v any) error {
	return codecs().strict.Unmarshal(raw, v)
}
