package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuideShowsEverySetting compares the tables of the authentication guide with the settings. Where they differ, it prints
// the table that the guide needs.
func TestGuideShowsEverySetting(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join("..", "..", "templates", "guides", "authentication.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	quoted := func(names []string) string {
		if len(names) == 0 {
			return "none"
		}
		return "`" + strings.Join(names, "`, `") + "`"
	}
	arguments := "| Argument | Environment, the first one that is set | Default |\n|---|---|---|\n"
	variables := "| Variable | What it does |\n|---|---|\n"
	for _, s := range settings {
		switch {
		case s.block:
		case s.name == "":
			variables += fmt.Sprintf("| %s | %s |\n", quoted(s.variables), s.description)
		case s.fallback == "":
			arguments += fmt.Sprintf("| `%s` | %s | |\n", s.name, quoted(s.variables))
		default:
			arguments += fmt.Sprintf("| `%s` | %s | `%s` |\n", s.name, quoted(s.variables), s.fallback)
		}
	}
	for _, table := range []string{arguments, variables} {
		if !strings.Contains(string(guide), "\n\n"+table+"\n") {
			t.Errorf("got another table in the authentication guide, want this one:\n%s", table)
		}
	}
}

// TestSettings checks what the code assumes about the table.
func TestSettings(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range settings {
		if seen[s.name+s.variableAlone()] {
			t.Errorf("got %s twice, want it once", s.name+s.variableAlone())
		}
		seen[s.name+s.variableAlone()] = true
		if s.fallback != "" && s.flaw != nil {
			if err := s.flaw(s.fallback); err != nil {
				t.Errorf("%s: got %v of the default %s, want it accepted", s.name, err, s.fallback)
			}
		}
		if s.secret && !s.hidden {
			t.Errorf("%s: got a secret that a diagnostic shows, want it hidden", s.name)
		}
	}
}

func (s setting) variableAlone() string {
	if s.name != "" {
		return ""
	}
	return s.variables[0]
}
