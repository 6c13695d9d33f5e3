// Package ui shows progress and logs on a terminal, and logs alone elsewhere.
package ui

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Console is where progress and logs go, usually standard error.
type Console struct {
	w        io.Writer
	quiet    bool
	terminal bool
	bar      *Bar // the one shown, if any
}

// New returns a console on w. A quiet one shows nothing.
func New(w io.Writer, quiet bool) *Console {
	f, ok := w.(*os.File)
	return &Console{w: w, quiet: quiet, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// Logf writes a line.
func (c *Console) Logf(format string, args ...any) {
	if c.quiet {
		return
	}
	if c.bar != nil {
		_ = c.bar.p.Clear()
	}
	fmt.Fprintf(c.w, format+"\n", args...)
}

// Bar is a progress bar on a terminal. Elsewhere it is nothing.
type Bar struct {
	c    *Console
	p    *progressbar.ProgressBar
	done int
}

// Bar starts a progress bar; a total of 0 or less means that the end is not
// known.
func (c *Console) Bar(title string, total int) *Bar { return c.start(title, int64(total), false) }

// ByteBar starts a progress bar that counts bytes and shows their rate.
func (c *Console) ByteBar(title string, total int64) *Bar { return c.start(title, total, true) }

func (c *Console) start(title string, total int64, bytes bool) *Bar {
	if c.quiet || !c.terminal {
		return &Bar{}
	}
	if total <= 0 {
		total = -1
	}
	b := &Bar{c: c, p: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(c.w), progressbar.OptionSetDescription(title), progressbar.OptionShowBytes(bytes),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetRenderBlankState(true),
	)}
	c.bar = b
	return b
}

// Set shows that done of the total are done.
func (b *Bar) Set(done int) {
	if b.p != nil {
		b.done = done
		_ = b.p.Set(done)
	}
}

// Total changes how many there are.
func (b *Bar) Total(n int) {
	if b.p != nil {
		b.p.ChangeMax(n)
	}
}

// SetBytes shows that done bytes are done.
func (b *Bar) SetBytes(done int64) {
	if b.p != nil {
		_ = b.p.Set64(done)
	}
}

// Add shows that n more are done.
func (b *Bar) Add(n int) { b.Set(b.done + n) }

// Describe changes the title.
func (b *Bar) Describe(format string, args ...any) {
	if b.p != nil {
		b.p.Describe(fmt.Sprintf(format, args...))
	}
}

// Close takes the bar away. Closing it again does nothing.
func (b *Bar) Close() {
	if b.p != nil {
		_ = b.p.Finish()
		_ = b.p.Clear()
		b.c.bar, b.p = nil, nil
	}
}

// Terminal reports whether the console is a terminal that shows bars.
func (c *Console) Terminal() bool { return c.terminal && !c.quiet }
