package tools

import (
	"fmt"
	"strings"

	"steth/agent/api"
)

// ready is a check that always passes.
func ready(*Node) api.ToolState { return api.ToolState{Ready: true} }

// readyWith checks for an installed program (or none, "") and for capabilities.
func readyWith(program, debian string, need ...capability) func(*Node) api.ToolState {
	return func(*Node) api.ToolState {
		if missing := missingCapabilities(need...); len(missing) > 0 {
			return api.ToolState{Reason: fmt.Sprintf("the agent runs without %s: start it as root or grant it in the unit", strings.Join(missing, ", "))}
		}
		if program != "" {
			if _, err := findProgram(program, debian); err != nil {
				return api.ToolState{Reason: err.Error()}
			}
		}
		return api.ToolState{Ready: true}
	}
}
