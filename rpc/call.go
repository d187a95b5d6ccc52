package rpc

// Call is the agent's side of one call, given to a [Handler]. Its methods may
// be used from several goroutines until ServeCall returns.
type Call struct{}

// Peer says who calls.
func (c *Call) Peer() Peer { return Peer{} }

// Tool is the name of what is called.
func (c *Call) Tool() string { return "" }

// Decode reads the request's arguments into args, which is a pointer. The
// error is of code [InvalidArgument].
func (c *Call) Decode(args any) error { return ErrUnimplemented }

// Event sends v as CBOR. It blocks while the console does not read, and fails
// once the call is cancelled.
func (c *Call) Event(v any) error { return ErrUnimplemented }

// Data sends p, at most [MaxData] bytes, as one data frame. It is p's reader
// only until it returns.
func (c *Call) Data(p []byte) error { return ErrUnimplemented }

// AddDropped adds to the number of dropped items that the end frame tells.
func (c *Call) AddDropped(n uint64) {}
