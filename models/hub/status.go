package hub

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// statusError is an answer that is no success.
type statusError struct {
	status  int
	code    string // the Hub's X-Error-Code
	message string // and its X-Error-Message
	address string
	after   time.Duration // to wait before another request; 0: not said
}

func newStatusError(resp *http.Response) *statusError {
	message := []rune(strings.Join(strings.Fields(resp.Header.Get("X-Error-Message")), " "))
	u := *resp.Request.URL
	u.RawQuery = "" // a storage's address has its signature there
	return &statusError{
		status: resp.StatusCode, code: resp.Header.Get("X-Error-Code"), message: string(message[:min(len(message), 200)]),
		address: u.String(), after: retryAfter(resp.Header, time.Now()),
	}
}

func (e *statusError) Error() string {
	s := fmt.Sprintf("%s: %d %s", e.address, e.status, http.StatusText(e.status))
	if e.message != "" {
		s += ": " + e.message
	}
	return s
}

// explain says what can be done about an answer of the endpoint. Other errors
// stay as they are.
func (c *Client) explain(err error, r Reference) error {
	var s *statusError
	if !errors.As(err, &s) || !strings.HasPrefix(s.address, c.Endpoint+"/") {
		return err
	}
	if text := c.explainStatus(s, r, c.Endpoint+"/"+r.Repository()); text != "" {
		return fmt.Errorf("%s: %w", text, err)
	}
	return err
}

func (c *Client) explainStatus(s *statusError, r Reference, page string) string {
	switch {
	case s.code == "GatedRepo" && c.Token == "":
		return fmt.Sprintf("%s needs a licence to be accepted at %s, and then a token: %s", r.Repository(), page, c.howToLogIn())
	case s.code == "GatedRepo", s.status == http.StatusForbidden:
		return fmt.Sprintf("%s needs access that the token's user does not have: accept its licence at %s", r.Repository(), page)
	case s.code == "RevisionNotFound":
		return fmt.Sprintf("%s has no revision %q", r.Repository(), r.Revision)
	case s.code == "EntryNotFound":
		return fmt.Sprintf("%s has no such file", r)
	case s.status == http.StatusUnauthorized && c.Token == "":
		// The Hub says the same of repositories that do not exist.
		return fmt.Sprintf("%s: there is no such repository, or it needs a token: %s", page, c.howToLogIn())
	case s.status == http.StatusUnauthorized:
		return fmt.Sprintf("%s: there is no such repository, or the token of %s is refused: make another at %s/settings/tokens",
			page, c.TokenSource, c.Endpoint)
	case s.code == "RepoNotFound", s.status == http.StatusNotFound && r.Revision == DefaultRevision:
		return fmt.Sprintf("%s: there is no such repository", page)
	case s.status == http.StatusNotFound:
		return fmt.Sprintf("%s: there is no such repository, or no revision %q in it", page, r.Revision)
	}
	return ""
}

func (c *Client) howToLogIn() string {
	return fmt.Sprintf("make one at %s/settings/tokens and set HF_TOKEN, or write it to %s", c.Endpoint, c.TokenPath)
}
