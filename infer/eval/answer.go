package eval

import (
	"cmp"
	"context"
	"fmt"

	"llana/infer"
	"llana/models/conversation"
	"llana/models/llama"
	"llana/models/spatialllana"
	"llana/tensor"
)

// Answerer answers questions, each as if it were the only one.
type Answerer interface {
	// Answer answers some items, which follow one another.
	Answer(ctx context.Context, items []Item) ([]infer.Answer, error)
	// Window is how many items it is best given at a time.
	Window() int
}

// asker asks a model. What may be computed together is: prompts in a batch, or,
// where a batch would take too much memory, the questions about one object in
// one session. Both round differently from a prompt on its own; an answer with
// a margin that rounding could reach is asked for again, alone.
type asker struct {
	m    *spatialllana.Model
	vecs func(id string) (path string, err error)
	o    infer.Options
	rows int     // of a batch at most
	sure float32 // tolerance, but in tests

	session *infer.Session // of rows 1: about the object asked last
	object  *spatialllana.Object
	about   string // the object's id, "" for none
	fresh   bool   // the last answer was the session's first
}

// packedTolerance is tolerance for keys and values in 16 bits: a last bit of
// float32 may round one of theirs the other way.
const packedTolerance = 0.02

// tolerance is the margin below which an answer is not taken from a batch. On
// the CPU device the margins of a batch and of single prompts differ by less
// than 1e-6 for the toy model; larger models add up more roundings.
const tolerance = 1e-4

// batchMemory bounds the cache of a batch, in bytes; maxRows its prompts.
// questionTokens is what a question and the system sentence usually take.
const (
	batchMemory    = 1 << 30
	questionTokens = 128
	maxRows        = 32 // more are not faster on a CPU
)

// NewAnswerer returns an Answerer that asks a model. batch is how many prompts
// are read together at most; 0: as many as their cache takes 1 GiB for.
// Sampled answers are never batched: each is drawn with a seed of its own,
// which follows from o.Seed and the item's number.
func NewAnswerer(m *spatialllana.Model, s Source, o infer.Options, batch int) (a Answerer, close func()) {
	rows := batch
	if rows == 0 {
		limit := o.MaxNewTokens
		if limit == 0 {
			limit = infer.DefaultNewTokens
		}
		tokens := questionTokens + limit
		if m.Projector != nil {
			tokens += m.Projector.Tokens
		}
		one := llama.CacheBytes(m.Config.Config, 1, tokens, cmp.Or(o.CacheType, tensor.F32))
		rows = int(min(maxRows, max(1, batchMemory/one)))
	}
	if o.Temperature > 0 && o.TopK != 1 {
		rows = 1
	}
	k := &asker{m: m, vecs: s.VecPath, o: o, rows: rows, sure: tolerance}
	if o.CacheType.IsPacked() {
		k.sure = packedTolerance
	}
	k.o.Margins = true
	return k, k.close
}

func (a *asker) close() {
	if a.session != nil {
		a.session.Close()
		a.session = nil
	}
}

// Window is a batch.
func (a *asker) Window() int { return a.rows }

// Answer implements Answerer.
func (a *asker) Answer(ctx context.Context, items []Item) ([]infer.Answer, error) {
	if a.rows == 1 {
		answers := make([]infer.Answer, len(items))
		for i, item := range items {
			var err error
			if answers[i], err = a.one(ctx, item); err != nil {
				return nil, about(item, err)
			}
		}
		return answers, nil
	}
	return a.batch(ctx, items)
}

// about says which item an error is about.
func about(item Item, err error) error {
	return fmt.Errorf("record %d, object %q: %w", item.Record, item.ObjectID, err)
}

// batch answers items in one batch. What questions about one object begin with
// is read once.
func (a *asker) batch(ctx context.Context, items []Item) ([]infer.Answer, error) {
	objects := make([]*spatialllana.Object, len(items))
	prompts := make([][]int32, len(items))
	known := map[string]*spatialllana.Object{}
	for i, item := range items {
		if item.Object && known[item.ObjectID] == nil {
			o, err := a.read(item)
			if err != nil {
				return nil, about(item, err)
			}
			known[item.ObjectID] = o
		}
		if item.Object {
			objects[i] = known[item.ObjectID]
		}
		prompts[i] = a.prompt(item, objects[i])
	}
	answers, err := infer.GenerateBatch(ctx, a.m, prompts, objects, a.o)
	if err != nil {
		return nil, fmt.Errorf("records %d to %d: %w", items[0].Record, items[len(items)-1].Record, err)
	}
	for i := range answers {
		if len(items) == 1 || answers[i].Margin >= a.sure {
			continue
		}
		alone, err := infer.GenerateBatch(ctx, a.m, prompts[i:i+1], objects[i:i+1], a.o)
		if err != nil {
			return nil, about(items[i], err)
		}
		answers[i] = alone[0]
	}
	a.trim()
	return answers, nil
}

// pooledLimit is how much freed memory is kept from window to window. Batches
// differ in size, and so do the buffers that they leave in the device's pool.
const pooledLimit = 256 << 20

// trim gives the device's freed memory back if there is much of it.
func (a *asker) trim() {
	d := a.m.Device()
	if t, ok := d.(interface{ Trim() }); ok && d.Stats().Pooled > pooledLimit {
		t.Trim()
	}
}

// one answers one item, in the session of the item before if that was about the
// same object.
func (a *asker) one(ctx context.Context, item Item) (infer.Answer, error) {
	o := a.o
	o.Seed = seedOf(a.o.Seed, item.Index)
	answer, err := a.inSession(ctx, item, o)
	// Sampling compares with a random number instead of with the next logit:
	// there is no margin, so nothing is shared.
	if err != nil || a.fresh || answer.Margin >= a.sure {
		return answer, err
	}
	a.close()
	return a.inSession(ctx, item, o)
}

// inSession asks in the open session if it is about the item's object, else in
// a new one.
func (a *asker) inSession(ctx context.Context, item Item, o infer.Options) (infer.Answer, error) {
	a.fresh = false
	if a.session == nil || !item.Object || a.about != item.ObjectID || o.Temperature > 0 {
		if err := a.open(item); err != nil {
			return infer.Answer{}, err
		}
	}
	return a.session.Generate(ctx, a.prompt(item, a.object), o, nil)
}

// open begins a session about an item's object. The one before is freed first:
// there is room for one of a large model.
func (a *asker) open(item Item) (err error) {
	a.close()
	a.object, a.about, a.fresh = nil, "", true
	if item.Object {
		if a.object, err = a.read(item); err != nil {
			return err
		}
		a.about = item.ObjectID
	}
	a.session, err = infer.NewSession(a.m, a.object)
	return err
}

// read reads the tokens of an item's object.
func (a *asker) read(item Item) (*spatialllana.Object, error) {
	path, err := a.vecs(item.ObjectID)
	if err != nil {
		return nil, err
	}
	return a.m.Projector.ReadObject(path)
}

// prompt returns the ids of an item's prompt.
func (a *asker) prompt(item Item, o *spatialllana.Object) []int32 {
	question := item.Prompt
	if o != nil {
		question = conversation.ExpandPoint(question, o.Tokens)
	}
	var ids []int32
	for _, id := range a.m.Tokenizer.Encode(a.m.Template().Prompt(question)) {
		ids = append(ids, int32(id))
	}
	return ids
}

// seedOf is an item's own seed: the same whatever is answered before it, in
// whatever shard.
func seedOf(seed uint64, item int) uint64 {
	z := seed + 0x9e3779b97f4a7c15*uint64(item+1) // SplitMix64
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
