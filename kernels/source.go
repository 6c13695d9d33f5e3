package kernels

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"text/template"
)

// shaders are the kernels, *.wgsl, and the texts that several of them share,
// *.tmpl, files of {{define}} blocks.
//
//go:embed *.wgsl *.tmpl
var shaders embed.FS

// Key identifies the specialised text of a dispatch's shader.
func (d *Dispatch) Key() string {
	b := append(make([]byte, 0, 256), d.Shader...)
	for _, c := range d.Consts {
		b = append(append(append(b, ' '), c.Name...), '=')
		switch v := c.Value.(type) { // those of most launches without fmt
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case bool:
			b = strconv.AppendBool(b, v)
		case string:
			b = append(b, v...)
		default:
			b = fmt.Append(b, v)
		}
	}
	return string(b)
}

// Source returns the specialised WGSL text: the constants, then the file. A
// file may use text/template actions over the constants' names, to unroll a
// loop, leave a binding out or bring in a text of the *.tmpl files.
func (d *Dispatch) Source() (string, error) {
	text, err := shaders.ReadFile(d.Shader + ".wgsl")
	if err != nil {
		return "", fmt.Errorf("kernels: no shader %q: %w", d.Shader, err)
	}
	var b bytes.Buffer
	values := map[string]any{}
	for _, c := range d.Consts {
		values[c.Name] = c.Value
		switch v := c.Value.(type) {
		case int, uint32:
			fmt.Fprintf(&b, "const %s: u32 = %du;\n", c.Name, v)
		case float32:
			fmt.Fprintf(&b, "const %s: f32 = %s;\n", c.Name, floatLiteral(v))
		case bool:
			fmt.Fprintf(&b, "const %s: bool = %t;\n", c.Name, v)
		case string: // for the template alone
		default:
			return "", fmt.Errorf("kernels: constant %s of type %T", c.Name, v)
		}
	}
	if !bytes.Contains(text, []byte("{{")) {
		b.Write(text)
		return b.String(), nil
	}
	tmpl, err := sharedTexts().Clone()
	if err == nil {
		tmpl, err = tmpl.New(d.Shader).Parse(string(text))
	}
	if err != nil {
		return "", fmt.Errorf("kernels: shader %q: %w", d.Shader, err)
	}
	if err := tmpl.Execute(&b, values); err != nil {
		return "", fmt.Errorf("kernels: shader %q: %w", d.Shader, err)
	}
	return b.String(), nil
}

// sharedTexts holds the texts of the *.tmpl files and the functions of all.
var sharedTexts = sync.OnceValue(func() *template.Template {
	funcs := template.FuncMap{
		"seq": seq, "list": func(v ...any) []any { return v }, "xyzw": xyzw,
		"dict": func(named ...any) map[string]any { return set(map[string]any{}, named...) }, "set": set,
		"add": func(a, b int) int { return a + b }, "sub": func(a, b int) int { return a - b },
		"mul": func(a, b int) int { return a * b }, "div": func(a, b int) int { return a / b },
		"mod": func(a, b int) int { return a % b }, "max": func(a, b int) int { return max(a, b) },
	}
	return template.Must(template.New("").Funcs(funcs).Option("missingkey=error").ParseFS(shaders, "*.tmpl"))
})

// TextHash identifies the text of all shaders.
var TextHash = sync.OnceValue(func() string {
	h := sha256.New()
	files, _ := shaders.ReadDir(".") // sorted; an embedded folder can be read
	for _, f := range files {
		text, _ := shaders.ReadFile(f.Name())
		fmt.Fprintf(h, "%s %d\n%s", f.Name(), len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil))
})

// seq returns 0..n-1, to unroll loops in templates.
func seq(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// set returns values and the named ones given behind it, to pass both to a
// shared text.
func set(values map[string]any, named ...any) map[string]any {
	all := maps.Clone(values)
	for i := 0; i < len(named); i += 2 {
		all[named[i].(string)] = named[i+1]
	}
	return all
}

// xyzw returns the name of component i modulo 4 of a vector.
func xyzw(i int) string { return "xyzw"[i%4 : i%4+1] }

// floatLiteral writes v so that WGSL reads the same float32; the library's
// compiler accepts neither ".5" nor "1.e0".
func floatLiteral(v float32) string {
	s := fmt.Sprintf("%v", v)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	if i := strings.IndexByte(s, 'e'); i >= 0 && !strings.Contains(s[:i], ".") {
		s = s[:i] + ".0" + s[i:]
	}
	return s
}
