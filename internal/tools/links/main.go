// Command links checks the links, images and anchors of the Markdown files in a directory, its
// argument: as GitHub shows the files, and those under docs/ also as the Terraform registry serves
// them.
package main

import (
	"fmt"
	"io/fs"
	"log"
	"net/url"
	"os"
	"path"
	"strings"
)

// These addresses show files of the repository.
const (
	blob     = "https://github.com/terraform-provider-cas/terraform-provider-cas/blob/main/"
	tree     = "https://github.com/terraform-provider-cas/terraform-provider-cas/tree/main/"
	raw      = "https://raw.githubusercontent.com/terraform-provider-cas/terraform-provider-cas/main/"
	registry = "https://registry.terraform.io/providers/terraform-provider-cas/cas/latest"
)

func main() {
	log.SetFlags(0)
	dead, err := check(os.DirFS(os.Args[1]))
	if err != nil {
		log.Fatal(err)
	}
	for _, link := range dead {
		log.Print(link)
	}
	if len(dead) > 0 {
		log.Fatalf("%d links lead nowhere", len(dead))
	}
}

// check describes each link in the Markdown files of root that leads nowhere.
func check(root fs.FS) (dead []string, err error) {
	pages := make(map[string]page) // other files, and directories, are pages without links and anchors
	var names []string
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || name == "dist" || entry.Name() == ".terraform"):
			return fs.SkipDir
		case path.Ext(name) != ".md":
			pages[name] = page{}
			return nil
		}
		source, err := fs.ReadFile(root, name)
		pages[name] = parse(source)
		names = append(names, name)
		return err
	})
	for _, name := range names {
		for _, l := range pages[name].links {
			if reason := follow(pages, name, l.address); reason != "" {
				dead = append(dead, fmt.Sprintf("%s:%d: %s: %s", name, l.line, l.address, reason))
			}
		}
	}
	return dead, err
}

// follow returns why a link in the file from leads nowhere, or nothing.
func follow(pages map[string]page, from, address string) string {
	link, err := url.Parse(address)
	if err != nil {
		return err.Error()
	}
	bases := []string{blob + from}
	if strings.HasPrefix(from, "docs/") {
		bases = append(bases, registry+"/"+strings.TrimSuffix(strings.TrimSuffix(from, ".md"), "/index"))
	}
	for _, base := range bases {
		at, err := url.Parse(base)
		if err != nil {
			return err.Error()
		}
		to := at.ResolveReference(link)
		name, ours := file(to.Scheme + "://" + to.Host + to.Path)
		page, exists := pages[name]
		switch {
		case !ours && link.IsAbs():
			return ""
		case !exists:
			return "nothing is at " + to.String()
		case to.Fragment != "" && !page.anchors[to.Fragment]:
			return "no such anchor in " + name
		}
	}
	return ""
}

// file returns the path of the file or directory that an address shows. It reports whether the
// address is one that shows nothing but files of the repository.
func file(address string) (name string, ours bool) {
	for _, prefix := range []string{blob, tree, raw} {
		if name, ours = strings.CutPrefix(address, prefix); ours {
			return path.Clean(name), true
		}
	}
	switch name, ours = strings.CutPrefix(address, registry); {
	case ours && (name == "" || name == "/docs"): // without a slash, so that relative links of this page lead elsewhere
		return "docs/index.md", true
	case ours && strings.HasPrefix(name, "/docs/") && !strings.HasPrefix(name, "/docs/index"):
		return strings.TrimSuffix(name[1:], ".md") + ".md", true
	}
	return "", ours
}
