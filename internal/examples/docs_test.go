package examples

import (
	"cmp"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestVariablesAreRight compares the environment variables of the code with those of the
// documentation and the examples.
func TestVariablesAreRight(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`\b(ALIBABA_CLOUD|ALICLOUD|CAS)_[A-Z][A-Z0-9_]*[A-Z0-9]\b`)
	known := map[string]bool{}
	// What only mentions a variable, such as a description, doesn't count.
	literal := regexp.MustCompile(`"` + variable.String() + `"`)
	for _, file := range sources(t, "provider", "credential") {
		for _, quoted := range literal.FindAllString(read(t, file), -1) {
			known[strings.Trim(quoted, `"`)] = true
		}
	}
	for _, file := range documents(t) {
		for _, name := range variable.FindAllString(read(t, file), -1) {
			if !known[name] {
				t.Errorf("%s: got %s named, want none but what the provider reads", file, name)
			}
		}
	}
	explained := read(t, "templates/guides/authentication.md.tmpl") + read(t, "docs/index.md")
	for name := range known {
		if !strings.Contains(explained, name) {
			t.Errorf("got no %s in the index and in the authentication guide, want it in one of them", name)
		}
	}
}

// TestExamplesAreShown finds an example that no document shows or links to.
func TestExamplesAreShown(t *testing.T) {
	t.Parallel()
	var shown strings.Builder
	for _, file := range documents(t) {
		if path.Dir(file) != "." && !strings.HasPrefix(file, "templates/") {
			continue
		}
		shown.WriteString(read(t, file))
	}
	for _, file := range exampleFiles(t) {
		if !strings.Contains(shown.String(), "examples/"+file) {
			t.Errorf("got examples/%s in no document, want it shown or linked", file)
		}
	}
}

// TestReadmeShowsTheExample keeps the one snippet that no template can insert.
func TestReadmeShowsTheExample(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, "README.md"), "```terraform\n"+read(t, "examples/provider/provider.tf")+"```") {
		t.Error("got another example in README.md, want examples/provider/provider.tf as it is")
	}
}

// TestReadmesSayTheSame finds a heading or an example of README.md without a counterpart in the
// Chinese one, and the other way round. Headings are compared by their levels, examples by their
// text.
func TestReadmesSayTheSame(t *testing.T) {
	t.Parallel()
	outline := func(file string) string {
		part := regexp.MustCompile("(?ms)^(#+) [^\n]*$|^```.*?^```$|^!\\[[^\\]]*(\\]\\(.*?\\))$")
		var b strings.Builder
		for _, found := range part.FindAllStringSubmatch(read(t, file), -1) {
			b.WriteString(cmp.Or(found[1]+found[2], found[0]) + "\n")
		}
		return b.String()
	}
	if got, want := outline("README.zh-CN.md"), outline("README.md"); got != want {
		t.Errorf("got headings, examples and pictures\n%s\nin README.zh-CN.md, want those of README.md:\n%s", got, want)
	}
}

// TestSnippetsAreFormatted also checks snippets of no example, which need another provider or are
// part of a configuration.
func TestSnippetsAreFormatted(t *testing.T) {
	t.Parallel()
	snippet := regexp.MustCompile("(?s)```terraform\n(.*?)```")
	for _, file := range documents(t) {
		for _, found := range snippet.FindAllStringSubmatch(read(t, file), -1) {
			cmd := exec.CommandContext(t.Context(), binary(), "fmt", "-check", "-diff", "-no-color", "-")
			cmd.Env = []string{"CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=" + os.DevNull}
			cmd.Stdin = strings.NewReader(found[1])
			if output, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: got %v, want it formatted: %s", file, err, output)
			}
		}
	}
}

// TestReleasedTargetsAreVetted compares the targets of GNUmakefile with those of .goreleaser.yml.
func TestReleasedTargetsAreVetted(t *testing.T) {
	t.Parallel()
	target := regexp.MustCompile(`\b(darwin|freebsd|linux|windows)_\w+`)
	got, want := target.FindAllString(read(t, "GNUmakefile"), -1), target.FindAllString(read(t, ".goreleaser.yml"), -1)
	if !slices.Equal(got, want) {
		t.Errorf("got the targets %s in GNUmakefile, want %s", got, want)
	}
}

// documents are the paths of the files that users read, relative to the root.
func documents(t *testing.T) (files []string) {
	t.Helper()
	repository := os.DirFS(root)
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "templates/*", "templates/*/*.tmpl"} {
		found, err := fs.Glob(repository, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			if info, err := fs.Stat(repository, file); err == nil && info.Mode().IsRegular() {
				files = append(files, file)
			}
		}
	}
	for _, file := range exampleFiles(t) {
		files = append(files, "examples/"+file)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// sources are the files that ship of packages under internal.
func sources(t *testing.T, packages ...string) (files []string) {
	t.Helper()
	for _, name := range packages {
		found, err := fs.Glob(os.DirFS(root), "internal/"+name+"/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, slices.DeleteFunc(found,
			func(file string) bool { return strings.HasSuffix(file, "_test.go") })...)
	}
	return files
}
