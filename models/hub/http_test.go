package hub

import (
	"net/http"
	"strings"
	"testing"

	"llana/models/hub/hubtest"
)

// The token goes to the endpoint and to no other host, wherever it redirects.
func TestToken(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	server.Token = "hf_secret"
	c := newClient(t, server)
	c.Token = server.Token
	download(t, c, files)
	hub, storage := 0, 0
	for _, r := range server.Requests() {
		switch {
		case r.Storage && r.Token != "":
			t.Errorf("the storage got %q for %s", r.Token, r.Path)
		case !r.Storage && r.Token != server.Token:
			t.Errorf("the Hub got %q for %s", r.Token, r.Path)
		case r.Storage && r.Method == "HEAD":
			t.Errorf("the storage was asked for the headers of %s", r.Path)
		case r.Storage:
			storage++
		default:
			hub++
		}
	}
	if hub == 0 || storage == 0 {
		t.Errorf("%d requests to the Hub, %d to the storage", hub, storage)
	}
}

// A repository that was renamed is found under its old name.
func TestRenamed(t *testing.T) {
	files := testFiles()
	server := hubtest.New(t, testRepository, files)
	server.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		now := strings.Replace(r.URL.Path, "someone/old-name", testRepository, 1)
		if now != r.URL.Path {
			http.Redirect(w, r, now, http.StatusTemporaryRedirect)
		}
		return now != r.URL.Path
	})
	c := newClient(t, server)
	s, err := c.Download(t.Context(), reference(t, "someone/old-name"), Model)
	if err != nil {
		t.Fatal(err)
	}
	checkModel(t, s.Folder, files)
}
