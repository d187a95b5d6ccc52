package openstack

// Level is how well something is, from the API's facts alone.
type Level uint8

// The levels. None means that the question does not apply.
const (
	None Level = iota
	OK
	Suspicious
	Broken
	Unknown
)

// String is the level's word.
func (l Level) String() string {
	switch l {
	case OK:
		return "ok"
	case Suspicious:
		return "suspicious"
	case Broken:
		return "broken"
	case Unknown:
		return "unknown"
	default:
		return "none"
	}
}

// Health is a level with the one word that goes with its sign.
type Health struct {
	Level Level
	Word  string // ACTIVE, unbound, down...
}

// Column is one column of a kind's list, the same for the screen and the
// command line.
type Column struct {
	Key      string // lower case: the command line's name and the JSON key
	Title    string
	Width    int  // cells that it would like
	Priority int  // 0 is kept longest when the screen is narrow
	Wide     bool // only in the wide view
	Value    func(*Snapshot, Object) string
}

// Section is one part of a description.
type Section struct {
	Title string
	Rows  []Row
}

// Row is one line of a description. Its Health is None where there is nothing
// to judge.
type Row struct {
	Label  string
	Value  string
	Health Health
}

// Relation is an object that has to do with another, and how.
type Relation struct {
	Label  string // server, router, same host...
	Object Object
}

// Device is a network device in which a port's packets should be seen on its host.
type Device struct {
	Netns string // "" for the node's own
	Name  string
	What  string // one clause: "the server's tap"
}

// Columns lists the columns of a kind, in their order on the screen.
func Columns(kind Kind) []Column { return nil }

// State is how an object stands.
func State(o Object) Health { return Health{} }

// Resolve finds an object by id, name or the unique start of an id. The error
// names the candidates.
func (s *Snapshot) Resolve(kind Kind, nameOrID string) (Object, error) {
	o, _ := s.Get(kind, nameOrID)
	return o, nil
}

// Related lists what has to do with an object, closest first.
func (s *Snapshot) Related(o Object) []Relation { return nil }

// Describe is all there is to say about an object.
func (s *Snapshot) Describe(o Object) []Section { return nil }

// DisplayName is what a person would call an object.
func (s *Snapshot) DisplayName(o Object) string { return o.ObjectName() }

// Devices lists the devices of a port on its host, from the guest outwards.
func Devices(s *Snapshot, p Port) []Device { return nil }
