package main

import (
	"fmt"
	"time"

	"llana/cmd/llana/internal/ui"
	"llana/train"
)

// logInterval is how often a training says where it stands when there is no
// terminal to show a bar on.
const logInterval = 15 * time.Second

// trainingProgress shows a training's progress: a bar on a terminal, else a
// line now and then.
type trainingProgress struct {
	console *ui.Console
	bar     *ui.Bar
	start   int
	began   time.Time
	logged  time.Time
}

// trainingProgress starts to show a training of which start steps are done.
func (a *app) trainingProgress() *trainingProgress {
	return &trainingProgress{console: a.console(), bar: &ui.Bar{}, start: -1}
}

func (p *trainingProgress) update(done, total int, m train.Metrics) {
	now := time.Now()
	if p.start < 0 {
		p.start, p.began, p.logged = done, now, now
		p.bar = p.console.Bar("training", total)
	}
	p.bar.Describe("loss %.4f", m.Loss)
	p.bar.Set(done)
	if p.console.Terminal() || now.Sub(p.logged) < logInterval && done < total {
		return
	}
	p.logged = now
	line := fmt.Sprintf("step %d of %d, loss %.4f, lr %.3g, gradient norm %.3g", done, total, m.Loss, m.LR, m.GradNorm)
	switch {
	case m.TokensPerSecond > 0:
		line += fmt.Sprintf(", %.0f tokens/s", m.TokensPerSecond)
	case m.RaysPerSecond > 0:
		line += fmt.Sprintf(", %.0f rays/s", m.RaysPerSecond)
	}
	if n := done - p.start; n > 0 && done < total {
		left := now.Sub(p.began) / time.Duration(n) * time.Duration(total-done)
		line += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	p.console.Logf("%s", line)
}

func (p *trainingProgress) close() { p.bar.Close() }
