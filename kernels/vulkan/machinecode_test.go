//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"regexp"
	"strings"
	"testing"
)

// machineCode is what a kernel's instructions for an AMD GPU tell.
type machineCode struct {
	Hot   mix // the innermost loop with most fused multiply-adds
	Loops mix // all that is in any loop
	// Loads from global memory, and how many of them bring four words.
	Loads, WideLoads int
}

// mix counts the vector arithmetic of a piece of code, how much of it is fused
// multiply-adds (what is left is addresses, conversions, moves), and the words
// that an invocation reads from workgroup memory.
type mix struct{ Fused, Vector, Words int }

// Share is the part of fused multiply-adds in per cent.
func (m mix) Share() int {
	if m.Vector == 0 {
		return 0
	}
	return 100 * m.Fused / m.Vector
}

// WordsEach is the words read from workgroup memory for each multiply-add.
func (m mix) WordsEach() float64 { return float64(m.Words) / float64(max(1, m.Fused)) }

func (m *mix) count(op string) {
	if w := localLoad.FindStringSubmatch(op); w != nil {
		words := map[string]int{"32": 1, "64": 2, "96": 3, "128": 4}[w[2]]
		if w[1] != "" {
			words *= 2
		}
		m.Words += words
	}
	if !strings.HasPrefix(op, "v_") {
		return
	}
	m.Vector++
	if fused.MatchString(op) {
		m.Fused++
	}
}

var (
	fused      = regexp.MustCompile(`^v_(pk_)?(fma|dot)`)
	codeLabel  = regexp.MustCompile(`^(BB\d+):`)
	codeBranch = regexp.MustCompile(`^\s+s_c?branch\w*\s+(BB\d+)`)
	localLoad  = regexp.MustCompile(`^ds_(?:read|load)_?(2\w*)?_b(32|64|96|128)$`)
	globalLoad = regexp.MustCompile(`^(buffer|global|flat)_load_`)
)

// loop is a range of instructions that a backward branch closes.
type loop struct{ from, to int }

// parseMachineCode reads a disassembly: a line for each instruction and for
// each label, until the first line that is neither.
func parseMachineCode(text string) machineCode {
	var ops []string
	labels := map[string]int{}
	ends := map[int]int{} // of loops, by where they begin
	for line := range strings.Lines(text) {
		if m := codeLabel.FindStringSubmatch(line); m != nil {
			labels[m[1]] = len(ops)
			continue
		}
		f := strings.Fields(line)
		if len(f) == 0 || line[0] != '\t' {
			break
		}
		if m := codeBranch.FindStringSubmatch(line); m != nil {
			if at, ok := labels[m[1]]; ok {
				ends[at] = len(ops) + 1
			}
		}
		ops = append(ops, f[0])
	}
	var code machineCode
	for i, op := range ops {
		if globalLoad.MatchString(op) {
			code.Loads++
			if strings.HasSuffix(op, "x4") || strings.HasSuffix(op, "b128") {
				code.WideLoads++
			}
		}
		for from, to := range ends {
			if from <= i && i < to {
				code.Loops.count(op)
				break
			}
		}
	}
	for from, to := range ends {
		if inner(loop{from, to}, ends) {
			var m mix
			for _, op := range ops[from:to] {
				m.count(op)
			}
			if m.Fused > code.Hot.Fused || m.Fused == code.Hot.Fused && m.Share() > code.Hot.Share() {
				code.Hot = m
			}
		}
	}
	return code
}

// inner reports that no other loop is inside l.
func inner(l loop, ends map[int]int) bool {
	for from, to := range ends {
		if from > l.from && to <= l.to {
			return false
		}
	}
	return true
}

func TestParseMachineCode(t *testing.T) {
	got := parseMachineCode(`BB0:
	buffer_load_dword v1, v0, s[4:7], 0 offen                   ; e0301000
	v_fma_f32 v1, v2, v3, v4                                    ; d54b0001
BB1:
	v_add_nc_u32_e32 v4, 1, v18                                 ; 4a142481
	s_cbranch_execz BB7                                         ; bf880006
BB2:
	ds_read_b128 v[8:11], v0                                    ; 4a142481
	ds_read2_b32 v[8:9], v0 offset1:1                           ; 4a142481
	buffer_load_dwordx4 v[0:3], v0, s[4:7], 0 offen             ; e0301000
	v_fmac_f32_e32 v14, s7, v15                                 ; 561c1e07
	v_fmaak_f32 v14, v7, v15, 0x3f800000                        ; 561c1e07
	v_mul_f32_e32 v14, v7, v15                                  ; 561c1e07
	v_fmac_f32_e32 v14, s7, v15                                 ; 561c1e07
	s_cbranch_scc1 BB2                                          ; bf85ffe0
BB4:
	v_mad_u32_u24 v0, v1, v2, v3                                ; d5000000
	s_cbranch_scc1 BB4                                          ; bf85ffe0
BB5:
	s_branch BB1                                                ; bf82ffe0
BB7:
	s_endpgm                                                    ; bf810000

Compute Shader:
	v_fma_f32 v1, v2, v3, v4
`)
	want := machineCode{Hot: mix{3, 4, 6}, Loops: mix{3, 6, 6}, Loads: 2, WideLoads: 1}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if s := got.Hot.Share(); s != 75 {
		t.Errorf("%d %% of %+v are fused", s, got.Hot)
	}
}
