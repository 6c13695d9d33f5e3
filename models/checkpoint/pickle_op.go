package checkpoint

// Opcodes of Python's pickle protocol; names as in Lib/pickle.py.
const (
	opMark            = '('
	opStop            = '.'
	opPop             = '0'
	opPopMark         = '1'
	opDup             = '2'
	opBinFloat        = 'G'
	opBinInt          = 'J'
	opBinInt1         = 'K'
	opBinInt2         = 'M'
	opNone            = 'N'
	opBinPersID       = 'Q'
	opReduce          = 'R'
	opBinString       = 'T'
	opShortBinString  = 'U'
	opBinUnicode      = 'X'
	opAppend          = 'a'
	opBuild           = 'b'
	opGlobal          = 'c'
	opAppends         = 'e'
	opBinGet          = 'h'
	opLongBinGet      = 'j'
	opBinPut          = 'q'
	opLongBinPut      = 'r'
	opSetItem         = 's'
	opTuple           = 't'
	opSetItems        = 'u'
	opEmptyDict       = '}'
	opEmptyList       = ']'
	opEmptyTuple      = ')'
	opBinBytes        = 'B'
	opShortBinBytes   = 'C'
	opProto           = 0x80
	opTuple1          = 0x85
	opTuple2          = 0x86
	opTuple3          = 0x87
	opNewTrue         = 0x88
	opNewFalse        = 0x89
	opLong1           = 0x8a
	opLong4           = 0x8b
	opShortBinUnicode = 0x8c
	opBinUnicode8     = 0x8d
	opBinBytes8       = 0x8e
	opEmptySet        = 0x8f
	opAddItems        = 0x90
	opFrozenSet       = 0x91
	opStackGlobal     = 0x93
	opMemoize         = 0x94
	opFrame           = 0x95
)

// step executes one opcode. Errors go to u.err.
func (u *unpickler) step(op byte) {
	switch op {
	case opProto:
		if v := u.uint(1); v < 2 || v > 5 {
			u.fail("pickle protocol %d is not supported", v)
		}
	case opFrame:
		u.bytes(8) // the length of what follows; only a hint for buffering
	case opMark:
		u.marks = append(u.marks, len(u.stack))
	case opPop:
		u.pop()
	case opPopMark:
		u.popMark()
	case opDup:
		u.push(u.top())
	case opReduce:
		u.reduce()
	case opBuild:
		u.build()
	case opBinPersID:
		id := u.pop()
		if u.err != nil {
			return
		}
		v, err := u.persistent(id)
		if err != nil {
			u.fail("%w", err)
		}
		u.push(v)
	case opGlobal:
		module := u.line()
		u.pushGlobal(module, u.line())
	case opStackGlobal:
		name, ok1 := u.pop().(string)
		module, ok2 := u.pop().(string)
		if !ok1 || !ok2 {
			u.fail("expected a module and a name")
		}
		u.pushGlobal(module, name)
	default:
		if !u.stepMemo(op) && !u.stepScalar(op) && !u.stepContainer(op) {
			u.fail("opcode %#x is not supported", op)
		}
	}
}

func (u *unpickler) stepMemo(op byte) bool {
	switch op {
	case opBinPut:
		u.put(u.uint(1))
	case opLongBinPut:
		u.put(u.uint(4))
	case opMemoize:
		u.put(uint64(len(u.memo)))
	case opBinGet:
		u.get(u.uint(1))
	case opLongBinGet:
		u.get(u.uint(4))
	default:
		return false
	}
	return true
}

func (u *unpickler) stepScalar(op byte) bool {
	switch op {
	case opNone:
		u.push(nil)
	case opNewTrue:
		u.push(true)
	case opNewFalse:
		u.push(false)
	case opBinInt:
		u.push(int64(int32(u.uint(4))))
	case opBinInt1:
		u.push(int64(u.uint(1)))
	case opBinInt2:
		u.push(int64(u.uint(2)))
	case opLong1:
		u.pushLong(u.uint(1))
	case opLong4:
		u.pushLong(u.uint(4))
	case opBinFloat:
		u.push(float64FromBig(u.bytes(8)))
	case opBinUnicode, opBinString:
		u.pushText(u.bytes(u.uint(4)))
	case opShortBinUnicode, opShortBinString:
		u.pushText(u.bytes(u.uint(1)))
	case opBinUnicode8:
		u.pushText(u.bytes(u.uint(8)))
	case opBinBytes:
		u.push(u.bytes(u.uint(4)))
	case opShortBinBytes:
		u.push(u.bytes(u.uint(1)))
	case opBinBytes8:
		u.push(u.bytes(u.uint(8)))
	default:
		return false
	}
	return true
}

func (u *unpickler) stepContainer(op byte) bool {
	switch op {
	case opEmptyTuple:
		u.push(&pyTuple{})
	case opTuple1:
		u.push(&pyTuple{u.popN(1)})
	case opTuple2:
		u.push(&pyTuple{u.popN(2)})
	case opTuple3:
		u.push(&pyTuple{u.popN(3)})
	case opTuple:
		u.push(&pyTuple{u.popMark()})
	case opEmptyList:
		u.push(&pyList{})
	case opAppend:
		u.extend([]any{u.pop()})
	case opAppends, opAddItems:
		u.extend(u.popMark())
	case opEmptySet:
		u.push(&pySet{})
	case opFrozenSet:
		u.push(&pySet{u.popMark()})
	case opEmptyDict:
		u.push(&pyDict{})
	case opSetItem:
		u.setItems(u.popN(2))
	case opSetItems:
		u.setItems(u.popMark())
	default:
		return false
	}
	return true
}
