package provider

import (
	"slices"
	"testing"
)

// TestSummaries looks for the settings' summaries in the list, as TestDiagnose and checkProblems do for all diagnostics that
// they meet.
func TestSummaries(t *testing.T) {
	t.Parallel()
	for _, s := range settings {
		if s.summary != "" && !slices.Contains(Summaries, s.summary) {
			t.Errorf("%s: %q isn't in Summaries", s.name, s.summary)
		}
	}
}
