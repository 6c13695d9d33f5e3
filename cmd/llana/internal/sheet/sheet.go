// Package sheet draws contact sheets: pictures side by side with a few lines
// of text under each pair.
package sheet

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"llana/models/checkpoint/atomicfile"
)

// Line is a line of text.
type Line struct {
	Text   string
	Colour color.Color
	Bold   bool
}

// Cell is a row of pictures of one size with lines under them. Lines too long
// for the cell are broken.
type Cell struct {
	Pictures []image.Image
	Labels   []string // of the pictures, written into their corners
	Lines    []Line
}

// Colours of a sheet.
var (
	Ink   = color.RGBA{225, 228, 235, 255}
	Faint = color.RGBA{140, 147, 160, 255}
	Good  = color.RGBA{120, 210, 130, 255}
	Bad   = color.RGBA{240, 120, 110, 255}
	paper = color.RGBA{24, 26, 32, 255}
)

const (
	gap        = 12
	lineHeight = 15
	fontSize   = 11.5
)

// Sheet is a grid of cells under a title.
type Sheet struct {
	Title   []Line
	Columns int
	Cells   []Cell
}

// Write writes the sheet as a PNG file.
func (s *Sheet) Write(path string) error {
	img, err := s.Draw()
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, img) })
}

// Draw draws the sheet.
func (s *Sheet) Draw() (*image.RGBA, error) {
	p, err := newPen()
	if err != nil {
		return nil, err
	}
	width, height := s.cellSize(p)
	rows := (len(s.Cells) + s.Columns - 1) / s.Columns
	top := gap + len(s.Title)*(lineHeight+2) + gap/2
	p.img = image.NewRGBA(image.Rect(0, 0, gap+s.Columns*(width+gap), top+rows*(height+gap)))
	draw.Draw(p.img, p.img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	for i, l := range s.Title {
		p.text(gap, gap+(i+1)*(lineHeight+2)-4, l)
	}
	for i := range s.Cells {
		p.cell(&s.Cells[i], gap+i%s.Columns*(width+gap), top+i/s.Columns*(height+gap), width)
	}
	return p.img, nil
}

func (s *Sheet) cellSize(p *pen) (width, height int) {
	for i := range s.Cells {
		w, h := 0, 0
		for _, pic := range s.Cells[i].Pictures {
			w += pic.Bounds().Dx()
			h = max(h, pic.Bounds().Dy())
		}
		width = max(width, w)
		height = max(height, h)
	}
	lines := 0
	for i := range s.Cells {
		n := 0
		for _, l := range s.Cells[i].Lines {
			n += len(p.wrap(l, width))
		}
		lines = max(lines, n)
	}
	return width, height + 4 + lines*lineHeight
}

// pen draws text.
type pen struct {
	img           *image.RGBA
	regular, bold font.Face
}

func newPen() (*pen, error) {
	p := &pen{}
	for _, f := range []struct {
		to  *font.Face
		ttf []byte
	}{{&p.regular, goregular.TTF}, {&p.bold, gobold.TTF}} {
		parsed, err := opentype.Parse(f.ttf)
		if err != nil {
			return nil, err
		}
		if *f.to, err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: fontSize, DPI: 72, Hinting: font.HintingFull}); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *pen) face(l Line) font.Face {
	if l.Bold {
		return p.bold
	}
	return p.regular
}

func (p *pen) text(x, y int, l Line) {
	d := font.Drawer{Dst: p.img, Src: image.NewUniform(l.Colour), Face: p.face(l), Dot: fixed.P(x, y)}
	d.DrawString(l.Text)
}

// wrap breaks a line's words to a width in pixels.
func (p *pen) wrap(l Line, width int) []string {
	var lines []string
	line := ""
	for _, w := range strings.Fields(l.Text) {
		longer := strings.TrimSpace(line + " " + w)
		if line != "" && font.MeasureString(p.face(l), longer).Ceil() > width {
			lines = append(lines, line)
			longer = w
		}
		line = longer
	}
	return append(lines, line)
}

func (p *pen) cell(c *Cell, x, y, width int) {
	left, bottom := x, y
	for i, pic := range c.Pictures {
		b := pic.Bounds()
		draw.Draw(p.img, image.Rect(left, y, left+b.Dx(), y+b.Dy()), pic, b.Min, draw.Src)
		if i < len(c.Labels) {
			p.text(left+4, y+b.Dy()-5, Line{Text: c.Labels[i], Colour: Faint})
		}
		left += b.Dx()
		bottom = max(bottom, y+b.Dy())
	}
	at := bottom + 4
	for _, l := range c.Lines {
		for _, part := range p.wrap(l, width) {
			at += lineHeight
			p.text(x, at-3, Line{part, l.Colour, l.Bold})
		}
	}
}
