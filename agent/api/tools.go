package api

// Port is the TCP port that every agent listens on.
const Port = 9698

// Role is what a console's certificate allows. Each role may do all that the
// roles before it may.
type Role string

// The roles, from the weakest to the strongest.
const (
	RoleViewer   Role = "viewer"   // reads facts
	RoleOperator Role = "operator" // captures packets, pings, loads a link within the limits
	RoleInjector Role = "injector" // sends frames as if from a server
	RoleAdmin    Role = "admin"    // changes links of a node
)

// Roles lists every role, from the weakest to the strongest.
func Roles() []Role { return []Role{RoleViewer, RoleOperator, RoleInjector, RoleAdmin} }

// Valid tells whether r is one of the roles.
func (r Role) Valid() bool { return r.rank() >= 0 }

// Allows tells whether a certificate of role r may do what needs role need.
// An unknown role allows nothing and is never allowed.
func (r Role) Allows(need Role) bool {
	return r.rank() >= 0 && need.rank() >= 0 && r.rank() >= need.rank()
}

func (r Role) rank() int {
	for i, known := range Roles() {
		if r == known {
			return i
		}
	}
	return -1
}

// Tool is one thing an agent can do on its node.
type Tool struct {
	Name string
	Role Role // the weakest role that may call it
	Bulk bool // sends data frames, so it is called on the bulk session
	What string
}

// The names of the tools, as they stand in a request.
const (
	ToolHello       = "hello"
	ToolLinks       = "links"
	ToolPing        = "ping"
	ToolIperfServer = "iperf.server"
	ToolIperfClient = "iperf.client"
	ToolCapture     = "capture"
	ToolInject      = "inject"
	ToolOVS         = "ovs"
	ToolOVSCounters = "ovs.counters"
)

// Tools is the one table of what can be asked and who may ask it.
func Tools() []Tool {
	return []Tool{
		{Name: ToolHello, Role: RoleViewer, What: "who the agent is, its clock, which tools are ready"},
		{Name: ToolLinks, Role: RoleViewer, What: "links, addresses and statistics of every network namespace"},
		{Name: ToolOVS, Role: RoleViewer, What: "bridges and ports of Open vSwitch, and what of them has failed"},
		{Name: ToolOVSCounters, Role: RoleViewer, What: "counters of ports of Open vSwitch, again and again"},
		{Name: ToolPing, Role: RoleOperator, What: "ICMP echo from the node or one of its namespaces"},
		{Name: ToolIperfServer, Role: RoleOperator, What: "iperf3 server for one test"},
		{Name: ToolIperfClient, Role: RoleOperator, What: "iperf3 client"},
		{Name: ToolCapture, Role: RoleOperator, Bulk: true, What: "packets of one device"},
		{Name: ToolInject, Role: RoleInjector, What: "send a frame on a device"},
	}
}

// FindTool returns the tool called name.
func FindTool(name string) (Tool, bool) {
	for _, t := range Tools() {
		if t.Name == name {
			return t, true
		}
	}
	return Tool{}, false
}
