package probes

// Failed is the finding of what asked agents without being a [Probe] and could
// not run: f with the verdict Error and the code that err stands for.
func Failed(f Finding, err error) Finding { return failed(f, err, false) }
