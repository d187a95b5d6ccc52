package bw

import (
	"fmt"

	"steth/agent/api"
	"steth/probes"
)

// segment is the usual TCP payload of an Ethernet frame, to estimate how many
// segments a byte count took; iperf3 reports only how many were sent again.
const segment = 1448

// judge concludes from the end of a test. Without a rate to expect nothing can
// be too slow: that judgement belongs to the probes that know the link's speed
// and its QoS policy.
func judge(t test, end api.IperfEvent) probes.Finding {
	f := probes.Finding{
		Host: t.From, Verdict: probes.OK, Code: "measured",
		Fields: map[string]any{
			"bits_per_second": received(end), "bits_per_second_sent": end.Bits, "bytes": end.Bytes,
			"cpu_local_percent": end.CPULocal, "cpu_remote_percent": end.CPURemote,
		},
	}
	f.Reason = fmt.Sprintf("%s to %s carries %s over %s", t.From, t.To, probes.FormatBits(received(end)), t.Client.Protocol)
	if limit := float64(t.Client.Bits); t.Client.Protocol == api.IperfTCP && limit > 0 && end.Bits > 0.95*limit {
		f.Fields["limited"] = true
		f.Reason = fmt.Sprintf("%s to %s carries at least %s over %s, which was this test's limit", t.From, t.To, probes.FormatBits(received(end)), t.Client.Protocol)
	}
	if t.Client.Protocol == api.IperfUDP {
		f.Fields["datagrams"], f.Fields["lost"], f.Fields["jitter_ms"] = end.Datagrams, end.Lost, float64(end.Jitter)/1e6
		if end.Datagrams > 0 && end.Lost > 0 {
			loss := 100 * float64(end.Lost) / float64(end.Datagrams)
			f.Fields["loss_percent"] = loss
			f.Code, f.Verdict = "loss", probes.Warn
			if loss >= 5 {
				f.Verdict = probes.Fail
			}
			f.Reason = fmt.Sprintf("%s to %s loses %.2g %% of the datagrams at %s", t.From, t.To, loss, probes.FormatBits(end.Bits))
		}
		return f
	}
	f.Fields["retransmits"] = end.Retransmits
	if segments := end.Bytes / segment; segments > 0 && float64(end.Retransmits) > 0.001*float64(segments) {
		f.Code, f.Verdict = "retransmits", probes.Warn
		f.Reason += fmt.Sprintf(", but %d of about %d segments had to be sent again", end.Retransmits, segments)
	}
	return f
}
