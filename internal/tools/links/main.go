// Command links checks the relative links of the Markdown files in a directory, its argument, fragments included.
package main

import (
	"errors"
	"io/fs"
	"log"
	"os"
	"slices"
	"strings"

	"github.com/artyom/mdlinks"
)

func main() {
	log.SetFlags(0)
	pages := registry{os.DirFS(os.Args[1])}
	checker := mdlinks.Checker{Matcher: func(path string) (bool, error) {
		page, err := fs.Stat(pages.FS, strings.TrimSuffix(path, ".md")+".md")
		return err == nil && page.Mode().IsRegular(), nil
	}}
	err := checker.CheckFS(pages)
	broken, ok := errors.AsType[*mdlinks.BrokenLinksError](err)
	if err != nil && !ok {
		log.Fatal(err)
	}
	if !ok {
		return
	}
	// tfplugindocs links the anchors of nested blocks, which it writes itself, as HTML.
	broken.Links = slices.DeleteFunc(broken.Links, func(link mdlinks.BrokenLink) bool {
		return strings.HasPrefix(link.Link.Raw, "#nested")
	})
	for _, link := range broken.Links {
		log.Printf("%s:%d: %s: %s", link.File, link.Link.LineStart, link.Link.Raw, link.Reason())
	}
	if len(broken.Links) > 0 {
		os.Exit(1)
	}
}

// registry opens a page under its name without .md too, because that is how the registries link pages.
type registry struct{ fs.FS }

func (r registry) Open(name string) (fs.File, error) {
	file, err := r.FS.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return r.FS.Open(name + ".md")
	}
	return file, err
}
