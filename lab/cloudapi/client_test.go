package cloudapi

import (
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
)

// TestRealClient drives the API with gophercloud: discovery, catalogue, pages
// by links and by marker.
func TestRealClient(t *testing.T) {
	s := newSite(t)
	provider, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: s.url + "/identity/v3", Username: "admin", Password: "secret", DomainName: "Default", TenantName: "admin",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(provider.HTTPClient.CloseIdleConnections)
	network, err := openstack.NewNetworkV2(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := ports.List(network, ports.ListOpts{Limit: 5}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := ports.ExtractPorts(pages)
	if err != nil || len(list) != len(s.cloud.Ports) {
		t.Errorf("%d ports, %v", len(list), err)
	}
	compute, err := openstack.NewComputeV2(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		t.Fatal(err)
	}
	compute.Microversion = "2.96"
	found, err := servers.List(compute, servers.ListOpts{AllTenants: true, Limit: 4}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := servers.ExtractServers(found)
	if err != nil || len(all) != len(s.cloud.Servers) {
		t.Errorf("%d servers, %v", len(all), err)
	}
}
