package cloudapi

import (
	"maps"
	"time"

	"steth/lab/scenario"
)

// common are the attributes that every object with a life of its own has.
func (a *API) common(o object, project *scenario.Project) object {
	id := ""
	if project != nil {
		id = project.ID
	}
	maps.Copy(o, object{
		"project_id": id, "tenant_id": id, "description": "", "tags": []string{}, "revision_number": 1,
		"created_at": stamp(a.started), "updated_at": stamp(a.started),
	})
	return o
}

func (a *API) networkBody(n *scenario.Network) object {
	o := a.common(object{
		"id": n.ID, "name": n.Name, "admin_state_up": true, "status": "ACTIVE", "shared": false, "mtu": n.MTU,
		"subnets": []string{n.Subnet.ID}, "router:external": n.External, "is_default": n.External,
		"availability_zone_hints": []string{}, "availability_zones": []string{"nova"}, "port_security_enabled": true,
		"ipv4_address_scope": nil, "ipv6_address_scope": nil,
		"provider:network_type": "vxlan", "provider:physical_network": nil, "provider:segmentation_id": n.VNI,
	}, n.Project)
	if n.External {
		o["provider:network_type"], o["provider:physical_network"], o["provider:segmentation_id"] = "flat", n.Physical, nil
	}
	return o
}

func (a *API) subnetBody(n *scenario.Network) object {
	s := n.Subnet
	return a.common(object{
		"id": s.ID, "name": s.Name, "network_id": n.ID, "ip_version": 4, "cidr": s.CIDR.String(), "gateway_ip": s.Gateway.String(),
		"enable_dhcp": s.DHCP.IsValid(), "allocation_pools": []object{{"start": s.PoolFirst.String(), "end": s.PoolEnd.String()}},
		"dns_nameservers": []string{}, "host_routes": []object{}, "ipv6_address_mode": nil, "ipv6_ra_mode": nil,
		"service_types": []string{}, "subnetpool_id": nil,
	}, n.Project)
}

func (a *API) portBody(p *scenario.Port) object {
	o := a.common(object{
		"id": p.ID, "name": p.Name, "network_id": p.Network.ID, "mac_address": p.MAC, "admin_state_up": true, "status": "ACTIVE",
		"device_id": p.DeviceID, "device_owner": p.Owner, "fixed_ips": fixedIPs(p), "allowed_address_pairs": []object{},
		"extra_dhcp_opts": []object{}, "security_groups": []string{}, "port_security_enabled": p.Owner == scenario.OwnerServer,
		"binding:vnic_type": "normal", "binding:host_id": "", "binding:profile": object{}, "binding:vif_type": "unbound", "binding:vif_details": object{},
	}, p.Project)
	for _, g := range p.SecurityGroups {
		o["security_groups"] = append(o["security_groups"].([]string), g.ID)
	}
	if p.Host == nil {
		o["status"] = "N/A"
		return o
	}
	o["binding:host_id"] = p.Host.Name
	o["binding:vif_type"], o["binding:vif_details"] = binding(p)
	return o
}

// binding is what the mechanism driver of a port's host says of how it is
// plugged. Whether that is hybrid follows from the agent there, so Neutron says
// it of ports of DHCP and routers too, which never are
// (mech_openvswitch.py _pre_get_vif_details).
func binding(p *scenario.Port) (vifType string, details object) {
	if p.Network.Plug == scenario.PlugBridge {
		return "bridge", object{"connectivity": "l2", "port_filter": true, "bound_drivers": object{"0": "linuxbridge"}}
	}
	return "ovs", object{
		"connectivity": "l2", "port_filter": true, "ovs_hybrid_plug": p.Network.Plug == scenario.PlugHybrid,
		"datapath_type": "netdev", "bridge_name": "br-int", "bound_drivers": object{"0": "openvswitch"},
	}
}

func fixedIPs(p *scenario.Port) []object {
	return []object{{"subnet_id": p.Network.Subnet.ID, "ip_address": p.Address.String()}}
}

func (a *API) routerBody(r *scenario.Router) object {
	return a.common(object{
		"id": r.ID, "name": r.Name, "admin_state_up": true, "status": "ACTIVE", "routes": []object{}, "distributed": false, "ha": false,
		"external_gateway_info": object{"network_id": r.Gateway.Network.ID, "enable_snat": true, "external_fixed_ips": fixedIPs(r.Gateway)},
		"flavor_id":             nil, "availability_zone_hints": []string{}, "availability_zones": []string{"nova"},
	}, r.Project)
}

func (a *API) floatingIPBody(f *scenario.FloatingIP) object {
	o := a.common(object{
		"id": f.ID, "floating_ip_address": f.Address.String(), "floating_network_id": f.Network.ID, "status": "DOWN",
		"port_id": nil, "fixed_ip_address": nil, "router_id": nil, "port_details": nil,
	}, f.Project)
	if p := f.Port; p != nil {
		o["status"], o["port_id"], o["fixed_ip_address"], o["router_id"] = "ACTIVE", p.ID, p.Address.String(), f.Router.ID
		o["port_details"] = object{
			"name": p.Name, "network_id": p.Network.ID, "mac_address": p.MAC, "admin_state_up": true, "status": "ACTIVE",
			"device_id": p.DeviceID, "device_owner": p.Owner,
		}
	}
	return o
}

func (a *API) securityGroupBody(g *scenario.SecurityGroup) object {
	return a.common(object{
		"id": g.ID, "name": g.Name, "stateful": true, "shared": false, "security_group_rules": a.ruleBodies(g),
	}, g.Project)
}

func (a *API) ruleBodies(g *scenario.SecurityGroup) []object {
	return each(g.Rules, func(r scenario.Rule) object {
		o := a.common(object{
			"id": r.ID, "security_group_id": g.ID, "direction": r.Direction, "ethertype": "IPv4", "protocol": nil,
			"port_range_min": nil, "port_range_max": nil, "remote_ip_prefix": nil, "remote_group_id": nil,
			"remote_address_group_id": nil, "normalized_cidr": nil,
		}, g.Project)
		delete(o, "tags") // rules have none
		if r.Protocol != "" {
			o["protocol"] = r.Protocol
		}
		if r.PortMin != 0 {
			o["port_range_min"], o["port_range_max"] = r.PortMin, r.PortMax
		}
		if r.RemotePrefix.IsValid() {
			o["remote_ip_prefix"], o["normalized_cidr"] = r.RemotePrefix.String(), r.RemotePrefix.Masked().String()
		}
		if r.RemoteGroup != nil {
			o["remote_group_id"] = r.RemoteGroup.ID
		}
		return o
	})
}

// reportInterval is how often Neutron's agents report (report_interval).
const reportInterval = 30 * time.Second

// lastReport is when every agent reported last.
func (a *API) lastReport() time.Time {
	return a.started.Add(a.now().Sub(a.started).Truncate(reportInterval)).UTC()
}

func (a *API) agentBody(g *scenario.Agent) object {
	conf := object{}
	switch g.Binary {
	case scenario.BinaryOpenVSwitch:
		conf = object{
			"bridge_mappings": a.cloud.BridgeMappings(g.Host), "integration_bridge": "br-int", "datapath_type": "netdev", "ovs_hybrid_plug": true,
			"tunneling_ip": g.Host.Underlay.String(), "tunnel_types": []string{"vxlan"}, "l2_population": true, "arp_responder_enabled": true,
			"enable_distributed_routing": false, "devices": len(a.cloud.HostPorts(g.Host)), "extensions": []string{},
		}
	case scenario.BinaryLinuxBridge:
		conf = object{
			"bridge_mappings": object{}, "interface_mappings": object{}, "tunneling_ip": g.Host.Underlay.String(), "tunnel_types": []string{"vxlan"},
			"l2_population": true, "devices": len(a.cloud.HostPorts(g.Host)), "extensions": []string{},
		}
	case "neutron-dhcp-agent":
		conf = object{"dhcp_driver": "neutron.agent.linux.dhcp.Dnsmasq", "dhcp_lease_duration": 86400, "networks": len(a.served())}
	case "neutron-l3-agent":
		conf = object{"agent_mode": "legacy", "handle_internal_only_routers": true, "routers": len(a.cloud.Routers), "floating_ips": len(a.cloud.FloatingIPs)}
	}
	zone := any("nova")
	if g.Topic == "N/A" {
		zone = nil
	}
	return object{
		"id": g.ID, "binary": g.Binary, "agent_type": g.Type, "topic": g.Topic, "host": g.Host.Name, "availability_zone": zone,
		"admin_state_up": true, "alive": true, "description": nil, "resources_synced": nil, "resource_versions": object{},
		"created_at": a.started.Format(neutronTime), "started_at": a.started.Format(neutronTime),
		"heartbeat_timestamp": a.lastReport().Format(neutronTime), "configurations": conf,
	}
}

// served are the networks that dnsmasq serves.
func (a *API) served() []*scenario.Network {
	var out []*scenario.Network
	for _, n := range a.cloud.Networks {
		if n.Subnet.DHCP.IsValid() {
			out = append(out, n)
		}
	}
	return out
}
