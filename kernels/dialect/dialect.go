// Package dialect checks WGSL text against the restricted language that this
// project's kernels are written in.
//
// The compiler that turns WGSL into SPIR-V is young: it accepts some
// constructs and compiles them to something else, and it rejects others though
// they are valid. Some drivers add their own traps. The rules keep kernels to
// what is known to be right; the canary tests of package vulkan show what the
// compiler does with each of the rest. A rule may be lifted when its canary
// says so.
//
// Two rules cannot be checked here. Workgroup memory is not zeroed on the
// Vulkan device: write before reading (a test there poisons it). And a barrier
// must be reached by all invocations: no return before one that depends on the
// invocation.
package dialect

import (
	"fmt"
	"regexp"
	"strings"
)

// Fault is a place where a text leaves the dialect.
type Fault struct {
	Line   int    // from 1; 0 if it concerns the whole text
	Rule   string // what is forbidden, and what to write instead
	Source string // the line
}

func (f Fault) String() string {
	if f.Line == 0 {
		return f.Rule
	}
	return fmt.Sprintf("line %d: %s: %s", f.Line, f.Rule, strings.TrimSpace(f.Source))
}

// rule forbids what a pattern matches in text without comments.
type rule struct {
	name    string
	pattern *regexp.Regexp
	// Module rules look at module scope only.
	module bool
}

func forbid(name, pattern string) rule { return rule{name: name, pattern: regexp.MustCompile(pattern)} }

func forbidInModule(name, pattern string) rule {
	r := forbid(name, pattern)
	r.module = true
	return r
}

var rules = []rule{
	// Compiled to something else.
	forbid("a variable without initialiser is not zeroed: give it one", `\bvar\s+\w+\s*(:[^=;]*)?;`),
	forbid("the initialiser of a private variable is ignored: pass values, or assign in main", `\bvar\s*<\s*private\s*>`),
	forbidInModule("a module constant array or vector reads as 0 when indexed: declare it in the function", `\bconst\s+\w+[^;]*\b(array|vec[234]|mat\dx\d)\b`),
	forbid("countLeadingZeros is wrong: 31u - firstLeadingBit(x) for x other than 0", `\bcountLeadingZeros\b`),
	forbid("compare-exchange loses updates: reduce in a fixed order", `\batomicCompareExchangeWeak\b`),
	forbid("override constants are ignored: use a constant of the dispatch", `\boverride\b|@id\b`),

	// Rejected, or accepted by this compiler alone.
	forbid("any and all are rejected: combine the components", `\b(any|all)\s*\(`),
	forbid("a float literal needs digits on both sides of its point", `(^|[^\w.)\]])\.\d|\b\d+\.([^\d]|$)`),
	forbid("hexadecimal floats are rejected", `\b0[xX][0-9a-fA-F]*(\.|[pP])`),
	forbid("a lone semicolon is rejected", `[{};]\s*;`),
	forbid("directives are rejected or need features that no adapter has", `(^|\n)\s*(requires|enable|diagnostic)\b`),
	forbidInModule("builtins and comparisons in module constants are rejected: write the value", `\bconst\s+\w+[^=;]*=[^;]*[<>=!(]`),
	forbidInModule("float arithmetic in a module constant needs its type written", `\bconst\s+\w+\s*=[^;]*(\d\.\d+(e[-+]?\d+)?f?\s*[-+*/%]|[\w)]\s*[-+*/%][^;]*\d\.\d)`),
	forbid("matrices that are not square are mishandled, by transpose at least: use vectors", `\bmat(2x3|2x4|3x2|3x4|4x2|4x3)\b`),

	// Right here, but not everywhere, or not in this project's conventions.
	forbid("pointers stay out of arguments and variables: return values", `\bptr\s*<|[^&]&\s*[A-Za-z_]\w*\s*(\)\s*;|,)|=\s*&`),
	forbid("subgroup operations are on no list of features", `\b(subgroup|quad)[A-Z]\w*`),
	forbid("f16 is stored packed: unpack2x16float", `\bf16\b`),
	forbid("dot4I8Packed needs a capability that is not enabled: dot of unpack4xI8", `\bdot4[IU]8Packed\b`),
	forbid("lengths are parameters: a binding may be longer than its tensor", `\barrayLength\b`),
}

// atomics are the one use of an address in an argument.
var atomics = regexp.MustCompile(`\batomic[A-Z]\w*\s*\(\s*&[\w.]+(\[[^;]*?\])?`)

// Check returns where text leaves the dialect: first the faults of its
// wording, then those that only its types show.
func Check(text string) []Fault {
	plain := stripComments(text)
	module := moduleScope(plain)
	lines := strings.Split(text, "\n")
	var faults []Fault
	add := func(at int, name string) {
		n := 1 + strings.Count(plain[:at], "\n")
		faults = append(faults, Fault{n, name, lines[n-1]})
	}
	noAtomics := blankOut(plain, atomics)
	for _, r := range rules {
		in := noAtomics
		if r.module {
			in = module
		}
		if strings.Contains(r.name, "compare-exchange") {
			in = plain
		}
		for _, m := range r.pattern.FindAllStringIndex(in, -1) {
			// The match may begin with the end of the line before.
			at := m[0]
			for at < m[1]-1 && (in[at] == '\n' || in[at] == ' ') {
				at++
			}
			add(at, r.name)
		}
	}
	for _, m := range comparison.FindAllStringSubmatchIndex(plain, -1) {
		if plain[m[2]:m[3]] == plain[m[4]:m[5]] {
			add(m[0], "comparing a value with itself does not find NaN: test the bits")
		}
	}
	return append(faults, checkTypes(text)...)
}

var comparison = regexp.MustCompile(`([A-Za-z_][\w.]*(?:\[\w+\])?)\s*[!=]=\s*([A-Za-z_][\w.]*(?:\[\w+\])?)(?:[^\w.\[(]|$)`)

// stripComments replaces comments by blanks, so that places stay.
func stripComments(text string) string {
	return blankOut(text, regexp.MustCompile(`//[^\n]*|(?s:/\*.*?\*/)`))
}

func blankOut(text string, what *regexp.Regexp) string {
	return what.ReplaceAllStringFunc(text, blank)
}

func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return ' '
	}, s)
}

// moduleScope blanks out what stands between braces.
func moduleScope(text string) string {
	depth := 0
	return strings.Map(func(r rune) rune {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth--
		case r != '\n' && depth > 0:
			return ' '
		}
		return r
	}, text)
}
