package examples

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTroubleshootingKnowsEveryDiagnostic compares the summaries in the provider's code with the guide's headings.
func TestTroubleshootingKnowsEveryDiagnostic(t *testing.T) {
	t.Parallel()
	want := slices.Sorted(maps.Keys(summaries(t)))
	var got []string
	for _, heading := range regexp.MustCompile(`(?m)^### (.*)$`).FindAllStringSubmatch(read(t, "templates/guides/troubleshooting.md.tmpl"), -1) {
		got = append(got, heading[1])
	}
	slices.Sort(got)
	for _, summary := range want {
		if !slices.Contains(got, summary) {
			t.Errorf("the troubleshooting guide has no heading %q", summary)
		}
	}
	for i, heading := range got {
		if !slices.Contains(want, heading) || i > 0 && heading == got[i-1] {
			t.Errorf("the troubleshooting guide has the heading %q twice, or the provider has no such diagnostic", heading)
		}
	}
}

// TestVariablesAreRight compares the environment variables of the code with those of the documentation and the examples.
func TestVariablesAreRight(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`\b(ALIBABA_CLOUD|ALICLOUD|CAS)_[A-Z][A-Z_]*[A-Z]\b`)
	known := map[string]bool{
		// These are read by credentials-go.
		"ALIBABA_CLOUD_STS_REGION": true, "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": true, "ALIBABA_CLOUD_ECS_METADATA_DISABLED": true,
	}
	for _, room := range []string{"provider", "credential"} {
		for _, file := range sources(t, room) {
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && strconv.Quote(variable.FindString(literal.Value)) == literal.Value {
					known[variable.FindString(literal.Value)] = true // what only mentions it, such as a description, doesn't count
				}
				return true
			})
		}
	}
	for _, file := range documents(t) {
		for _, name := range variable.FindAllString(read(t, file), -1) {
			if !known[name] {
				t.Errorf("%s names %s, which the provider doesn't read", file, name)
			}
		}
	}
	explained := read(t, "templates/guides/authentication.md.tmpl") + read(t, "docs/index.md")
	for name := range known {
		if !strings.Contains(explained, name) {
			t.Errorf("neither the index nor the authentication guide names %s", name)
		}
	}
}

// TestExamplesAreShown finds an example that no document leads to.
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
			t.Errorf("no document shows or links examples/%s", file)
		}
	}
}

// TestReadmeShowsTheExample keeps the one snippet that no template can insert.
func TestReadmeShowsTheExample(t *testing.T) {
	t.Parallel()
	if !strings.Contains(read(t, "README.md"), "```terraform\n"+read(t, "examples/provider/provider.tf")+"```") {
		t.Error("README.md doesn't show examples/provider/provider.tf as it is")
	}
}

// TestSnippetsAreFormatted looks at those, too, that are in no example, because they need another provider or are a part.
func TestSnippetsAreFormatted(t *testing.T) {
	t.Parallel()
	snippet := regexp.MustCompile("(?s)```terraform\n(.*?)```")
	for _, file := range documents(t) {
		for _, found := range snippet.FindAllStringSubmatch(read(t, file), -1) {
			cmd := exec.CommandContext(t.Context(), binary(), "fmt", "-check", "-diff", "-no-color", "-")
			cmd.Env = []string{"CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE=" + os.DevNull}
			cmd.Stdin = strings.NewReader(found[1])
			if output, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", file, err, output)
			}
		}
	}
}

// documents are the files that a reader reads, by their paths from the root.
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

// sources are the files that ship of a package under internal.
func sources(t *testing.T, room string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "internal", room, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// summaryArguments says which argument of a call in internal/provider is a diagnostic's summary.
var summaryArguments = map[string]int{
	"refuse": 1, "match": 2, "AddError": 0, "AddAttributeError": 1, "AddWarning": 0, "AddAttributeWarning": 1,
	"NewErrorDiagnostic": 0, "NewAttributeErrorDiagnostic": 1,
}

// summaries are those of all diagnostics of the provider. It fails the test where the code writes one in a way that it
// doesn't understand.
func summaries(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	known := map[string][]string{"secretName": {"access key", "secret key", "security token", "OIDC token"}}
	files := sources(t, "provider")
	calls(files, func(name string, arguments []ast.Expr) {
		if name == "require" { // "Missing " and what
			known["what"] = append(known["what"], values(arguments[1], nil)...)
		}
	})
	note := func(e ast.Expr) {
		all := values(e, known)
		if len(all) == 0 {
			t.Errorf("a summary is written as %T, which this test doesn't understand", e)
		}
		for _, summary := range all {
			found[summary] = true
		}
	}
	calls(files, func(name string, arguments []ast.Expr) {
		i, ok := summaryArguments[name]
		if ok && i < len(arguments) && !passedOn(arguments[i]) {
			note(arguments[i])
		}
	})
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "summary" {
					note(n.Value)
				}
			case *ast.AssignStmt:
				if left, ok := n.Lhs[0].(*ast.SelectorExpr); ok && left.Sel.Name == "summary" {
					note(n.Rhs[0])
				}
			}
			return true
		})
	}
	return found
}

// passedOn tells a summary that a function only passes on from one that it makes.
func passedOn(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "summary"
	case *ast.SelectorExpr:
		return e.Sel.Name == "summary"
	}
	return false
}

func calls(files []*ast.File, visit func(name string, arguments []ast.Expr)) {
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if function, ok := call.Fun.(*ast.SelectorExpr); ok {
					visit(function.Sel.Name, call.Args)
				}
			}
			return true
		})
	}
}

// values are all that an expression of strings can be, given what variables and functions stand for.
func values(e ast.Expr, known map[string][]string) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return []string{text}
		}
	case *ast.BinaryExpr:
		var sums []string
		for _, left := range values(e.X, known) {
			for _, right := range values(e.Y, known) {
				sums = append(sums, left+right)
			}
		}
		return sums
	case *ast.IndexExpr:
		if list, ok := e.X.(*ast.CompositeLit); ok {
			var all []string
			for _, element := range list.Elts {
				all = append(all, values(element, known)...)
			}
			return all
		}
	case *ast.Ident:
		return known[e.Name]
	case *ast.CallExpr:
		if function, ok := e.Fun.(*ast.Ident); ok {
			return known[function.Name]
		}
	}
	return nil
}
