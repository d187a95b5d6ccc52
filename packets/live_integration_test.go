//go:build integration

package packets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// wire is two network namespaces with a veth pair between them, v0 in the
// client's and v1 in the server's.
type wire struct {
	t              *testing.T
	dir            string
	client, server string
}

func newWire(t *testing.T) *wire {
	w := &wire{t, t.TempDir(), fmt.Sprintf("steth-%d-c", os.Getpid()), fmt.Sprintf("steth-%d-s", os.Getpid())}
	for _, ns := range []string{w.client, w.server} {
		w.do("", "ip netns add "+ns)
		t.Cleanup(func() { exec.Command("ip", "netns", "delete", ns).Run() })
		w.do(ns, "ip link set lo up")
	}
	w.do(w.client, "ip link add v0 type veth peer name v1 netns "+w.server)
	for _, c := range []string{"ip addr add 10.79.0.1/24 dev v1", "ip addr add fd79::1/64 dev v1 nodad", "ip link set v1 up"} {
		w.do(w.server, c)
	}
	for _, c := range []string{"ip addr add 10.79.0.2/24 dev v0", "ip addr add fd79::2/64 dev v0 nodad", "ip link set v0 up"} {
		w.do(w.client, c)
	}
	return w
}

func (w *wire) command(ns, line string) *exec.Cmd {
	if ns != "" {
		line = "ip netns exec " + ns + " " + line
	}
	args := strings.Fields(line)
	cmd := exec.CommandContext(w.t.Context(), args[0], args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

func (w *wire) do(ns, line string) {
	w.t.Helper()
	if out, err := w.command(ns, line).CombinedOutput(); err != nil {
		w.t.Fatalf("%s: %v\n%s", line, err, out)
	}
}

// try runs what may well fail: it's sent to nobody.
func (w *wire) try(ns, line string) { w.command(ns, line).Run() }

// start starts a program and waits until it said that it's ready.
func (w *wire) start(ns, line, ready string) (stop func()) {
	w.t.Helper()
	log := filepath.Join(w.dir, strings.Fields(line)[0]+".log")
	f, err := os.Create(log)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	cmd := w.command(ns, line)
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	stop = func() {
		cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		cmd.Wait()
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		said, _ := os.ReadFile(log)
		if bytes.Contains(said, []byte(ready)) {
			return stop
		}
		if time.Now().After(end) {
			stop()
			w.t.Fatalf("%s did not say %q but\n%s", line, ready, said)
		}
	}
}

func (w *wire) script(name, text string) string {
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// speak makes programs talk: what Linux, dnsmasq, keepalived, iperf3 and
// busybox's DHCP client send.
func (w *wire) speak() {
	const dnsmasq = "dnsmasq --keep-in-foreground --conf-file=/dev/null --log-facility=- --interface=v1 --bind-interfaces --except-interface=lo" +
		" --no-resolv --no-hosts --local=/example.test/ --user=root --dhcp-range=10.79.0.50,10.79.0.60,1h --dhcp-range=fd79::50,fd79::60,64,1h --enable-ra" +
		" --host-record=db-2.example.test,10.79.0.9,fd79::9 --cname=www.example.test,db-2.example.test --mx-host=example.test,db-2.example.test,10" +
		" --srv-host=_ldap._tcp.example.test,db-2.example.test,389,1,2 --txt-record=example.test,hello --auth-ttl=60"
	defer w.start(w.server, dnsmasq+" --pid-file= --dhcp-leasefile="+filepath.Join(w.dir, "leases"), "started")()
	vrrp := w.script("keepalived.conf", "global_defs { vrrp_garp_master_repeat 2 }\n"+
		"vrrp_instance a { state MASTER\n interface v1\n virtual_router_id 51\n priority 100\n advert_int 1\n virtual_ipaddress { 10.79.0.99/24 } }\n"+
		"vrrp_instance b { version 3\n state MASTER\n interface v1\n virtual_router_id 52\n priority 200\n advert_int 0.2\n virtual_ipaddress { fe80::99\n fd79::99/64 } }\n")
	keepalived := "keepalived --dont-fork --log-console --vrrp --no-syslog --use-file=" + vrrp + " --pid=" + filepath.Join(w.dir, "k") + " --vrrp_pid=" + filepath.Join(w.dir, "kv")
	defer w.start(w.server, keepalived, "Entering MASTER STATE")()
	defer w.start(w.server, "iperf3 --server --forceflush", "listening")()

	for _, line := range []string{
		"ping -c 2 -i 0.1 10.79.0.1", "ping -c 1 -s 3000 10.79.0.1", "ping -c 1 -s 0 10.79.0.1", "ping -c 1 fd79::1", "ping -c 1 -s 3000 fd79::1",
		"busybox udhcpc -i v0 -n -q -f -s /bin/true -t 3 -x hostname:db-1",
		"busybox nslookup db-2.example.test 10.79.0.1", "busybox nslookup www.example.test 10.79.0.1", "busybox nslookup www.example.test fd79::1",
		"busybox nslookup -type=mx example.test 10.79.0.1", "busybox nslookup -type=srv _ldap._tcp.example.test 10.79.0.1",
		"busybox nslookup -type=txt example.test 10.79.0.1", "busybox nslookup 10.79.0.9 10.79.0.1", "busybox nslookup nobody.example.test 10.79.0.1",
		"iperf3 -c 10.79.0.1 -n 200K", "iperf3 -c 10.79.0.1 -u -b 4M -n 40K", "iperf3 -6 -c fd79::1 -n 20K",
		"bash -c true>/dev/tcp/10.79.0.1/9", "bash -c true>/dev/tcp/fd79::1/9",
	} {
		if shell, ok := strings.CutPrefix(line, "bash -c "); ok {
			w.try(w.client, "bash "+w.script("tcp.sh", strings.Replace(shell, ">", " >", 1)+"\n"))
		} else if strings.Contains(line, "nobody") || strings.Contains(line, "nslookup 10.79") {
			w.try(w.client, line)
		} else {
			w.do(w.client, line)
		}
	}
	w.try(w.client, "ping -c 1 -W 1 10.79.0.77")
	w.do(w.client, "python3 "+w.script("sockets.py", sockets))
}

// sockets joins groups in each version of IGMP and MLD, asks a closed port, and
// solicits an address by DHCPv6.
const sockets = `
import socket, struct, time
index = socket.if_nametoindex('v0')
def force(family, name, version):
    open('/proc/sys/net/%s/conf/v0/%s' % (family, name), 'w').write(str(version))
def join4(group):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack('4s4si', socket.inet_aton(group), bytes(4), index))
    time.sleep(0.05)
    s.close()
def join6(group):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, group) + struct.pack('i', index))
    time.sleep(0.05)
    s.close()
for version, group in ((1, '239.1.1.1'), (2, '239.1.1.2'), (3, '239.1.1.3')):
    force('ipv4', 'force_igmp_version', version)
    join4(group)
for version, group in ((1, 'ff05::1:1'), (2, 'ff05::1:2')):
    force('ipv6', 'force_mld_version', version)
    join6(group)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b'nobody listens', ('10.79.0.1', 9999))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.sendto(b'nobody listens', ('fd79::1', 9999))
mac = bytes.fromhex(open('/sys/class/net/v0/address').read().strip().replace(':', ''))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(('::', 546))
s.settimeout(3)
client = struct.pack('!HHHHI', 1, 14, 1, 1, 700000000) + mac
s.sendto(bytes.fromhex('01abcdef') + client + struct.pack('!HHIII', 3, 12, 7, 0, 0) + struct.pack('!HHH', 8, 2, 0), ('ff02::1:2', 547, 0, index))
s.recv(2000)
time.sleep(0.6)
`

// recorded reads the packets of a file as tcpdump -w writes it.
func recorded(t *testing.T, path string) []Packet {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 24 || binary.LittleEndian.Uint32(data) != 0xa1b2c3d4 {
		t.Fatalf("%s is no capture of this machine", path)
	}
	var all []Packet
	for b := data[24:]; len(b) >= 16; {
		kept, length := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
		all = append(all, Packet{Time: int64(len(all)) * 1e9, Data: b[16 : 16+kept], Length: length})
		b = b[16+kept:]
	}
	return all
}

// TestRowsOfRealPacketsSayWhatTcpdumpSays captures what programs send.
func TestRowsOfRealPacketsSayWhatTcpdumpSays(t *testing.T) {
	w := newWire(t)
	path := filepath.Join(w.dir, "real.pcap")
	stop := w.start(w.client, "tcpdump -i v0 --immediate-mode -U -Z root -w "+path, "listening on")
	w.speak()
	stop()
	packets := recorded(t, path)
	lines := tcpdump(t, packets, "-e")
	ours, theirs := ourLanguage(), plainLanguage()
	seen := map[Proto]int{}
	for i := range packets {
		row, proto := Describe(nil, &packets[i])
		seen[proto]++
		a, b := read(string(row), ours), read(lines[i], theirs)
		only := onlyOurs
		problems := differ(a, b, only, nil)
		if len(a.rest)+len(b.rest) > 0 {
			problems = append(problems, fmt.Sprintf("not understood: ours %q, theirs %q", a.rest, b.rest))
		}
		if len(problems) > 0 {
			t.Errorf("%s\nours   %s\ntheirs %s", strings.Join(problems, "\n"), row, lines[i])
		}
		if proto == Malformed {
			t.Errorf("malformed: %s", row)
		}
	}
	t.Logf("%d packets: %v", len(packets), seen)
	for _, p := range []Proto{ARP, ICMPRequest, ICMPReply, ICMPError, ND, TCP, TCPReset, UDP, DHCP, DNS, VRRP, IGMP} {
		if seen[p] == 0 {
			t.Errorf("nobody sent %s", p)
		}
	}
	text := strings.Join(texts(packets), "\n")
	for _, want := range []string{
		"first fragment of", "last fragment of", "DHCP Discover", "DHCP ACK", "DHCP6 Advertise", "router advertisement", "IGMP v1 report",
		"IGMP v2 report", "IGMP v3 report", "MLD v1 report", "MLD v2 report", "VRRPv2 router 51", "VRRPv3 router 52", "NXDomain", "port unreachable",
		"TCP [S]", "TCP [R.]", "ARP announcement",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("nobody sent %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func texts(packets []Packet) []string {
	var rows []string
	for i := range packets {
		rows = append(rows, string(Summarise(nil, &packets[i])))
	}
	return rows
}
