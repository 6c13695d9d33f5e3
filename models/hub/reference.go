package hub

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// DefaultRevision is the branch that a reference without a revision means.
const DefaultRevision = "main"

// Reference names a repository of models, and perhaps one file in it. Its text
// is owner/name[/file][@revision].
type Reference struct {
	Owner, Name string
	File        string // path in the repository; "": none in particular
	Revision    string // a branch, a tag or a commit
}

// repoName is what the Hub allows for an owner or a repository.
var repoName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$`)

// Parse reads a reference. It reports false for a text that is none, as most
// paths are: those that are absolute, begin with a dot or end with a slash.
func Parse(s string) (r Reference, ok bool) {
	path, revision, given := strings.Cut(s, "@")
	if !given {
		revision = DefaultRevision
	}
	parts := strings.SplitN(path, "/", 3)
	if len(parts) < 2 || !safePath(revision) {
		return Reference{}, false
	}
	for _, name := range parts[:2] {
		if !repoName.MatchString(name) || strings.Contains(name, "--") || strings.Contains(name, "..") {
			return Reference{}, false
		}
	}
	r = Reference{Owner: parts[0], Name: parts[1], Revision: revision}
	if len(parts) == 3 {
		r.File = parts[2]
		if !safePath(r.File) {
			return Reference{}, false
		}
	}
	return r, true
}

// safePath reports whether a name with slashes, from outside, stays inside the
// folder it is joined to.
func safePath(name string) bool {
	return name != "." && fs.ValidPath(name) && filepath.IsLocal(filepath.FromSlash(name)) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '\\' || r == ':' || r == 0x7f })
}

// Repository returns owner/name.
func (r Reference) Repository() string { return r.Owner + "/" + r.Name }

// WithoutRevision returns the reference's text up to the revision.
func (r Reference) WithoutRevision() string {
	s := r.Repository()
	if r.File != "" {
		s += "/" + r.File
	}
	return s
}

// String returns the reference's text, without the revision where it is the
// default.
func (r Reference) String() string {
	s := r.WithoutRevision()
	if r.Revision != DefaultRevision {
		s += "@" + r.Revision
	}
	return s
}
