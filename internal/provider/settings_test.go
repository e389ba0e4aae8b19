package provider

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// TestGuideShowsEverySetting compares the authentication guide with the settings and with the
// variables that the code names. If the table of arguments differs, it prints the one that the
// guide needs.
func TestGuideShowsEverySetting(t *testing.T) {
	t.Parallel()
	guide := source(t, "../../templates/guides/authentication.md.tmpl")
	table := "| Argument | Environment, the first one that is set | Default |\n|---|---|---|\n"
	for _, s := range settings {
		if s.check == nil {
			continue
		}
		variables, fallback := "none", ""
		if len(s.variables) > 0 {
			variables = "`" + strings.Join(s.variables, "`, `") + "`"
		}
		if s.fallback != "" {
			fallback = "`" + s.fallback + "` "
		}
		table += fmt.Sprintf("| `%s` | %s | %s|\n", s.name, variables, fallback)
	}
	if !strings.Contains(guide, "\n\n"+table+"\n") {
		t.Errorf("got another table in the authentication guide, want this one:\n%s", table)
	}
	_, order, _ := strings.Cut(guide, "## Which source is used")
	order, _, _ = strings.Cut(order, "\n## ")
	for _, source := range sources {
		if name := "`" + source.names[0] + "`"; !strings.Contains(order, name) {
			t.Errorf("got no %s in the order of sources of the authentication guide, want it", name)
		}
	}
	variable := regexp.MustCompile(`\b(ALI[A-Z]*CLOUD|CAS|TFC)_[A-Z0-9_]+\b`)
	read, shown := map[string]bool{}, map[string]bool{}
	for _, pattern := range []string{"*.go", "../credential/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, name := range regexp.MustCompile(`"`+variable.String()+`"`).FindAllString(source(t, file), -1) {
				read[strings.Trim(name, `"`)] = true
			}
		}
	}
	for _, name := range variable.FindAllString(guide, -1) {
		shown[name] = true
	}
	if !maps.Equal(read, shown) {
		t.Errorf("got the variables\n%q in the authentication guide, want those that are read:\n%q",
			slices.Sorted(maps.Keys(shown)), slices.Sorted(maps.Keys(read)))
	}
}

func source(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestSettings checks what the code assumes about the table.
func TestSettings(t *testing.T) {
	t.Parallel()
	var seen []string
	for _, s := range settings {
		if slices.Contains(seen, s.name) {
			t.Errorf("got %s twice, want it once", s.name)
		}
		seen = append(seen, s.name)
		if s.check == nil {
			continue
		}
		var resp validator.StringResponse
		req := validator.StringRequest{Path: path.Root(s.name), ConfigValue: types.StringValue(s.fallback)}
		if _, isNumber := s.check.(number); s.fallback != "" || !isNumber {
			s.check.ValidateString(t.Context(), req, &resp)
		}
		if resp.Diagnostics.HasError() {
			t.Errorf("%s: got %v for the default %q, want it accepted", s.name, resp.Diagnostics, s.fallback)
		}
		if s.check.Description(t.Context()) == "" || s.check.MarkdownDescription(t.Context()) == "" {
			t.Errorf("%s: got a check without a description, want one", s.name)
		}
	}
}
