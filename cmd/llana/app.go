package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"llana/cmd/llana/internal/ui"
	"llana/kernels"
	"llana/kernels/devices"
	"llana/train"
)

// Exit codes of the program.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// app is what all commands share: the global flags and where output goes.
type app struct {
	device      string
	seed        uint64
	json, quiet bool

	in       io.Reader
	out, err io.Writer
	// running is set once a command has accepted its flags and arguments:
	// errors before that are wrong usage.
	running bool
}

// usageError is a wrong use of flags or arguments that a command finds itself.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// run runs the program and returns its exit code.
func run(args []string, in io.Reader, out, errw io.Writer) int {
	// The first signal asks to stop, a second one ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return runContext(ctx, args, in, out, errw)
}

func runContext(ctx context.Context, args []string, in io.Reader, out, errw io.Writer) int {
	a := &app{in: in, out: out, err: errw}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errw)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if errors.Is(err, train.ErrInterrupted) || errors.Is(err, context.Canceled) {
		fmt.Fprintf(errw, "llana: %s\n", interruption(err))
		return exitInterrupted
	}
	fmt.Fprintf(errw, "llana: %s\n", oneLine(err))
	if !a.running || errors.As(err, &usageError{}) {
		fmt.Fprintf(errw, "See \"%s --help\".\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

// interruption is the line that an interrupted command ends with.
func interruption(err error) string {
	s := strings.TrimSuffix(strings.TrimSuffix(oneLine(err), context.Canceled.Error()), ": ")
	switch {
	case s == "":
		return "interrupted"
	case strings.HasPrefix(s, "interrupted"):
		return s
	}
	return "interrupted: " + s
}

// oneLine folds the lines of an error's text into one.
func oneLine(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	s := strings.Join(lines, "; ")
	return strings.ReplaceAll(s, ":; ", ": ")
}

// do wraps the work of a command.
func (a *app) do(work func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.running = true
		return work(cmd.Context(), args)
	}
}

// withDevice opens the device that was asked for, does the work on it, and
// reports the device's error if the work itself did not fail.
func (a *app) withDevice(work func(d kernels.Device) error) (err error) {
	d, err := devices.Open(a.device)
	if err != nil {
		return err
	}
	defer func() {
		if err == nil {
			err = d.Err()
		}
		if e := d.Close(); err == nil {
			err = e
		}
	}()
	return work(d)
}

// checkFlags checks the global flags.
func (a *app) checkFlags() error {
	if !deviceSpec.MatchString(a.device) {
		return usagef("--device %q: want auto, cpu, cpu:N, vulkan or vulkan:N", a.device)
	}
	return nil
}

// deviceSpec is what devices.Open understands.
var deviceSpec = regexp.MustCompile(`^(|auto|cpu(:[0-9]+)?|vulkan(:[0-9]+)?)$`)

// makeFolders makes the folders of files that will be written, so that long work
// does not end for want of one. Empty names are skipped.
func makeFolders(files ...string) error {
	for _, f := range files {
		if f == "" {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f), 0o777); err != nil {
			return err
		}
	}
	return nil
}

// console is where progress and logs go.
func (a *app) console() *ui.Console { return ui.New(a.err, a.quiet) }

// writeJSON writes a result to standard output.
func (a *app) writeJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
