//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"encoding/binary"
	"fmt"

	"github.com/gogpu/naga"
)

// compileWGSL translates a kernel to SPIR-V. Workgroup memory is left as it
// is: WGSL wants it zeroed, and the compiler has the first invocation of every
// workgroup store all of it, element by element, before any work begins. That
// can take longer than the work, and takes a software driver minutes to
// compile. Kernels write workgroup memory before they read it; a test poisons
// it to show that.
func compileWGSL(text string) ([]uint32, error) {
	code, err := naga.Compile(text)
	if err != nil {
		return nil, err
	}
	words := make([]uint32, len(code)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(code[4*i:])
	}
	return dropZeroing(words)
}

// What dropZeroing needs of SPIR-V, version 1, unified specification.
const (
	spirvMagic  = 0x07230203
	spirvHeader = 5 // words

	opEntryPoint        = 15
	opConstantNull      = 46
	opFunction          = 54
	opFunctionEnd       = 56
	opVariable          = 59
	opStore             = 62
	opLabel             = 248
	opBranch            = 249
	opBranchConditional = 250

	storageWorkgroup = 4
)

// dropZeroing removes the stores of zero to workgroup variables that stand
// alone in the block behind the entry point's first branch, which is how the
// compiler zeroes them. It leaves everything else in place.
func dropZeroing(words []uint32) ([]uint32, error) {
	if len(words) < spirvHeader || words[0] != spirvMagic {
		return nil, fmt.Errorf("not SPIR-V")
	}
	workgroup, null := map[uint32]bool{}, map[uint32]bool{}
	var main, target uint32 // the entry point; where its first branch goes
	inMain, inBlock := false, false
	from, to := 0, 0 // the stores
	for at := spirvHeader; at < len(words); {
		n, op := int(words[at]>>16), words[at]&0xffff
		if n == 0 || at+n > len(words) {
			return nil, fmt.Errorf("broken SPIR-V at word %d", at)
		}
		var w [4]uint32 // the instruction's first words
		copy(w[:], words[at:at+n])
		switch {
		case op == opEntryPoint:
			main = w[2]
		case op == opVariable && w[3] == storageWorkgroup:
			workgroup[w[2]] = true
		case op == opConstantNull:
			null[w[2]] = true
		case op == opFunction:
			inMain = w[2] == main
		case op == opBranchConditional && inMain && target == 0:
			target = w[2]
		case op == opLabel && inMain && target != 0 && w[1] == target && !inBlock:
			inBlock, from, to = true, at+n, at+n
		case inBlock && op == opStore && workgroup[w[1]] && null[w[2]]:
			to = at + n
		case inBlock && op == opBranch:
			return append(words[:from:from], words[to:]...), nil
		case inBlock || inMain && op == opFunctionEnd:
			return words, nil
		}
		at += n
	}
	return words, nil
}
