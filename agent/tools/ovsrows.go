package tools

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"

	"steth/agent/api"
)

// ovsRows are the tables as they were at one moment.
type ovsRows struct {
	Switches    []switchRow
	Bridges     []bridgeRow
	Ports       []portRow
	Interfaces  []interfaceRow
	Controllers []controllerRow
}

type switchRow struct {
	Version     ovsdbSet[string] `json:"ovs_version"`
	ExternalIDs ovsdbMap[string] `json:"external_ids"`
	Next        int64            `json:"next_cfg"`
	Current     int64            `json:"cur_cfg"`
}

type bridgeRow struct {
	Name       string              `json:"name"`
	DatapathID ovsdbSet[string]    `json:"datapath_id"`
	Datapath   string              `json:"datapath_type"`
	FailMode   ovsdbSet[string]    `json:"fail_mode"`
	Protocols  ovsdbSet[string]    `json:"protocols"`
	Controller ovsdbSet[ovsdbUUID] `json:"controller"`
	Ports      ovsdbSet[ovsdbUUID] `json:"ports"`
}

type portRow struct {
	UUID        ovsdbUUID           `json:"_uuid"`
	Name        string              `json:"name"`
	Tag         ovsdbSet[int]       `json:"tag"`
	VLANMode    ovsdbSet[string]    `json:"vlan_mode"`
	Trunks      ovsdbSet[int]       `json:"trunks"`
	Interfaces  ovsdbSet[ovsdbUUID] `json:"interfaces"`
	OtherConfig ovsdbMap[string]    `json:"other_config"`
}

type interfaceRow struct {
	UUID        ovsdbUUID        `json:"_uuid"`
	Name        string           `json:"name"`
	Type        string           `json:"type"`
	OFPort      ovsdbSet[int]    `json:"ofport"`
	Error       ovsdbSet[string] `json:"error"`
	Admin       ovsdbSet[string] `json:"admin_state"`
	LinkState   ovsdbSet[string] `json:"link_state"`
	MAC         ovsdbSet[string] `json:"mac_in_use"`
	MTU         ovsdbSet[int]    `json:"mtu"`
	ExternalIDs ovsdbMap[string] `json:"external_ids"`
	Options     ovsdbMap[string] `json:"options"`
	Statistics  ovsdbMap[int64]  `json:"statistics"`
}

type controllerRow struct {
	UUID      ovsdbUUID `json:"_uuid"`
	Target    string    `json:"target"`
	Connected bool      `json:"is_connected"`
}

// readSwitch reads the tables of the database.
func readSwitch(ctx context.Context, sockets switchSockets) (rows ovsRows, err error) {
	conn, done, err := sockets.dial(ctx, ovsdbSocket)
	if err != nil {
		return rows, err
	}
	defer done()
	err = rows.read(ctx, conn)
	return rows, err
}

// read reads the tables. Columns are asked for one by one, and of options and
// external_ids only known keys go on to the console: others hold secrets, such
// as options:psk, a key of IPsec (ovs-vswitchd.conf.db(5)).
func (r *ovsRows) read(ctx context.Context, conn io.ReadWriter) error {
	return readOVSDB(ctx, conn, []selection{
		selectAll("Open_vSwitch", "ovs_version", "external_ids", "next_cfg", "cur_cfg"),
		selectAll("Bridge", "name", "datapath_id", "datapath_type", "fail_mode", "protocols", "controller", "ports"),
		selectAll("Port", "_uuid", "name", "tag", "vlan_mode", "trunks", "interfaces", "other_config"),
		selectAll("Interface", "_uuid", "name", "type", "ofport", "error", "admin_state", "link_state", "mac_in_use", "mtu", "external_ids", "options", "statistics"),
		selectAll("Controller", "_uuid", "target", "is_connected"),
	}, []any{&r.Switches, &r.Bridges, &r.Ports, &r.Interfaces, &r.Controllers})
}

func (r ovsRows) about(socket string) api.OVSSwitch {
	out := api.OVSSwitch{Socket: socket}
	if len(r.Switches) > 0 {
		s := r.Switches[0]
		out.Version, out.SystemID, out.Pending = clip(s.Version.first()), clip(s.ExternalIDs["system-id"]), s.Next-s.Current
	}
	return out
}

// bridges joins the tables, sorted by name.
func (r ovsRows) bridges() []api.OVSBridge {
	ports, interfaces, controllers := map[ovsdbUUID]*portRow{}, map[ovsdbUUID]*interfaceRow{}, map[ovsdbUUID]*controllerRow{}
	for i := range r.Ports {
		ports[r.Ports[i].UUID] = &r.Ports[i]
	}
	for i := range r.Interfaces {
		interfaces[r.Interfaces[i].UUID] = &r.Interfaces[i]
	}
	for i := range r.Controllers {
		controllers[r.Controllers[i].UUID] = &r.Controllers[i]
	}
	out := make([]api.OVSBridge, 0, len(r.Bridges))
	for _, b := range r.Bridges {
		bridge := api.OVSBridge{
			Name: clip(b.Name), DatapathID: clip(b.DatapathID.first()), Datapath: clip(b.Datapath), FailMode: clip(b.FailMode.first()),
		}
		for _, p := range b.Protocols[:min(len(b.Protocols), 8)] {
			bridge.Protocols = append(bridge.Protocols, clip(p))
		}
		for _, id := range b.Controller[:min(len(b.Controller), 16)] {
			if c := controllers[id]; c != nil {
				bridge.Controllers = append(bridge.Controllers, api.OVSController{Target: clip(c.Target), Connected: c.Connected})
			}
		}
		for _, id := range b.Ports {
			p := ports[id]
			if p == nil {
				continue
			}
			for _, id := range p.Interfaces {
				if i := interfaces[id]; i != nil {
					bridge.Ports = append(bridge.Ports, joined(p, i))
				}
			}
		}
		slices.SortFunc(bridge.Ports, func(a, b api.OVSPort) int {
			return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Interface, b.Interface))
		})
		out = append(out, bridge)
	}
	slices.SortFunc(out, func(a, b api.OVSBridge) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func joined(p *portRow, i *interfaceRow) api.OVSPort {
	option := func(key string) string { return clip(i.Options[key]) }
	out := api.OVSPort{
		Name: clip(p.Name), Interface: clip(i.Name), Type: clip(i.Type),
		Tag: p.Tag.first(), VLANMode: clip(p.VLANMode.first()), Trunks: p.Trunks[:min(len(p.Trunks), 4096)],
		OFPort: i.OFPort.first(), Error: clip(i.Error.first()), Admin: clip(i.Admin.first()), LinkState: clip(i.LinkState.first()),
		MAC: clip(i.MAC.first()), MTU: i.MTU.first(),
		IfaceID: clip(i.ExternalIDs["iface-id"]), AttachedMAC: clip(i.ExternalIDs["attached-mac"]), IfaceStatus: clip(i.ExternalIDs["iface-status"]),
		Wired: wired(p.OtherConfig),
		Peer:  option("peer"), LocalIP: option("local_ip"), RemoteIP: option("remote_ip"), DstPort: option("dst_port"),
		Key: cmp.Or(option("key"), option("out_key"), option("in_key")),
		Stats: api.OVSStats{
			RxPackets: counted(i, "rx_packets"), TxPackets: counted(i, "tx_packets"), RxBytes: counted(i, "rx_bytes"), TxBytes: counted(i, "tx_bytes"),
			RxErrors: counted(i, "rx_errors"), TxErrors: counted(i, "tx_errors"), RxDropped: counted(i, "rx_dropped"), TxDropped: counted(i, "tx_dropped"),
		},
	}
	return out
}

func counted(i *interfaceRow, name string) uint64 { return uint64(max(0, i.Statistics[name])) }

// wired is what Neutron's agent noted, nil where it noted nothing.
func wired(config ovsdbMap[string]) *api.OVSWiring {
	if config["net_uuid"] == "" && config["tag"] == "" {
		return nil
	}
	out := api.OVSWiring{Network: clip(config["net_uuid"]), Type: clip(config["network_type"]), Physical: clip(config["physical_network"])}
	out.Tag, _ = strconv.Atoi(config["tag"]) // "None" where there is none
	out.SegmentID, _ = strconv.Atoi(config["segmentation_id"])
	return &out
}
