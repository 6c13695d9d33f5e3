package infer

import (
	"fmt"

	"llana/models/llama"
	"llana/models/spatialllana"
	"llana/tensor"
)

// Options of an answer.
type Options struct {
	MaxNewTokens int // 0: DefaultNewTokens
	// Context is the largest number of tokens of a prompt and its answer
	// together, and so of the cache's memory; 0: the model's Config.Context.
	Context int
	// CacheType is how keys and values are stored: float32 (also the zero
	// value), BF16 or F16.
	CacheType tensor.DType
	Sampling
	// Seeds are those of each prompt of a batch; none: Seed for all of them.
	Seeds   []uint64
	Margins bool // ask for Answer.Margin
	// Chunk is how many tokens of a prompt are read at a time, of all prompts of
	// a batch together; 0: DefaultChunk. The memory of intermediate results
	// follows from it, whatever the length of the prompt.
	Chunk int
	// Progress, if not nil, is told how many tokens of all that have to be read
	// before the first one of an answer are read.
	Progress func(done, total int)
}

const (
	// DefaultNewTokens is the length that the reference cuts answers off at.
	DefaultNewTokens = 512
	// DefaultChunk is long enough to keep a GPU busy; the intermediate results
	// of a model of 7 billion parameters then take 144 MB.
	DefaultChunk = 512
)

// Validate says what is wrong with the values, if anything.
func (o Options) Validate() error {
	for _, f := range []struct {
		name string
		v    int
	}{{"the longest answer", o.MaxNewTokens}, {"the context", o.Context}, {"the chunk", o.Chunk}} {
		if f.v < 0 {
			return fmt.Errorf("%s is %d tokens, want 1 or more", f.name, f.v)
		}
	}
	return o.Sampling.Validate()
}

func (o Options) limit() int {
	if o.MaxNewTokens > 0 {
		return o.MaxNewTokens
	}
	return DefaultNewTokens
}

func (o Options) chunk() int {
	if o.Chunk > 0 {
		return o.Chunk
	}
	return DefaultChunk
}

func (o Options) context(c llama.Config) int {
	if o.Context > 0 {
		return o.Context
	}
	return c.Context()
}

// room returns how many tokens an answer to a prompt may have: all that are
// asked for, or those that the context leaves. An error also says that the cache
// cannot be stored as asked for.
func (o Options) room(m *spatialllana.Model, prompt int) (int, error) {
	if err := m.Config.CheckCacheType(o.CacheType); err != nil {
		return 0, err
	}
	context := o.context(m.Config.Config)
	if prompt >= context {
		return 0, fmt.Errorf("a prompt of %d tokens leaves no room for an answer in a context of %d tokens", prompt, context)
	}
	return min(o.limit(), context-prompt), nil
}

// progress counts tokens that are read.
type progress struct {
	report      func(done, total int)
	done, total int
}

func (p *progress) add(n int) {
	if p.done += n; p.report != nil {
		p.report(p.done, p.total)
	}
}
