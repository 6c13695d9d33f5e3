package textencoder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"llana/kernels"
	"llana/models/checkpoint"
	"llana/nn"
)

// Encoder turns texts into vectors.
type Encoder struct {
	Config
	Params *nn.Set
	model  *transformer
	tok    tokenizer
	most   int // tokens of a text, <s> and </s> included
}

// Open loads an encoder onto d from its folder: config.json, the weights as
// safetensors or pytorch_model.bin, and the tokenizer's files: vocab.txt for
// MPNet, vocab.json and merges.txt for RoBERTa. Weights may carry the model's
// name as a prefix, as those of task models do; other tensors are left out.
func Open(d kernels.Device, dir string) (*Encoder, error) {
	e, err := open(d, dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return e, nil
}

func open(d kernels.Device, dir string) (*Encoder, error) {
	folder := os.DirFS(dir)
	e, err := readFolder(folder)
	if err != nil {
		return nil, err
	}
	src, err := checkpoint.Open(dir)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	if err := e.load(d, src); err != nil {
		return nil, err
	}
	return e, nil
}

// readFolder reads everything but the weights.
func readFolder(folder fs.FS) (*Encoder, error) {
	b, err := fs.ReadFile(folder, "config.json")
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(b)
	if err != nil {
		return nil, fmt.Errorf("config.json: %w", err)
	}
	var tok tokenizerConfig
	if err := readJSON(folder, "tokenizer_config.json", &tok); err != nil {
		return nil, err
	}
	e := &Encoder{Config: c}
	var sentence sentenceConfig
	if c.Kind == MPNet {
		if err := readJSON(folder, "sentence_bert_config.json", &sentence); err != nil {
			return nil, err
		}
		var p pooling
		const name = "1_Pooling/config.json"
		if err := readJSON(folder, name, &p); err != nil {
			return nil, err
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		e.tok, err = readWordPiece(folder, c, tok)
	} else {
		e.tok, err = readByteBPE(folder, c, tok)
	}
	if err != nil {
		return nil, err
	}
	e.most, err = c.maxTokens(tok, sentence)
	return e, err
}

func readWordPiece(folder fs.FS, c Config, o tokenizerConfig) (tokenizer, error) {
	const name = "vocab.txt"
	b, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, err
	}
	vocab, err := parseVocab(string(b))
	if err == nil {
		err = checkVocab(vocab, c)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	t, err := newWordPiece(vocab, o.wordPieceOptions)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

func readByteBPE(folder fs.FS, c Config, o tokenizerConfig) (tokenizer, error) {
	const name, mergesName = "vocab.json", "merges.txt"
	b, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, err
	}
	vocab, err := parseVocabJSON(b)
	if err == nil {
		err = checkVocab(vocab, c)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	b, err = fs.ReadFile(folder, mergesName)
	if err != nil {
		return nil, err
	}
	merges, err := parseMerges(string(b), vocab)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", mergesName, err)
	}
	t, err := newByteBPE(vocab, merges, o.PrefixSpace)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// checkVocab compares a vocabulary with the table that its ids index, and with
// the ids that both models give to the tokens around a text.
func checkVocab(vocab map[string]int32, c Config) error {
	for t, id := range vocab {
		if int(id) >= c.VocabSize {
			return fmt.Errorf("token %.60q has id %d, but config.json says vocab_size %d", t, id, c.VocabSize)
		}
	}
	for _, t := range []struct {
		name string
		id   int32
	}{{"<s>", startID}, {"<pad>", padID}, {"</s>", endID}} {
		if id, ok := vocab[t.name]; !ok || id != t.id {
			return fmt.Errorf("expected token %s with id %d, as in MPNet and RoBERTa", t.name, t.id)
		}
	}
	return nil
}

// load makes the model on d and sets its parameters.
func (e *Encoder) load(d kernels.Device, src checkpoint.Source) error {
	prefix := e.Kind + "."
	if slices.ContainsFunc(src.Names(), func(n string) bool { return strings.HasPrefix(n, prefix) }) {
		src = checkpoint.TrimPrefix(src, prefix)
	}
	if err := e.checkSizes(src); err != nil {
		return err
	}
	e.Params = nn.NewSet(d)
	e.model = newTransformer(e.Params, e.Config)
	err := e.Params.Load(func(name string, shape []int) ([]float32, error) {
		t, err := src.Tensor(name)
		if errors.Is(err, checkpoint.ErrNoTensor) {
			return nil, nn.ErrMissing
		}
		if err != nil {
			return nil, err
		}
		if !slices.Equal(t.Shape, shape) {
			return nil, fmt.Errorf("tensor %s has shape %v, want %v", name, t.Shape, shape)
		}
		return t.Float32s()
	})
	if err != nil {
		e.Free()
	}
	return err
}

// checkSizes compares the sizes that config.json claims with the tensors, so
// that no memory is taken for a claim. The other tensors are checked by load.
func (e *Encoder) checkSizes(src checkpoint.Source) error {
	layers := 0
	for _, n := range src.Names() {
		if strings.HasPrefix(n, "encoder.layer.") && strings.HasSuffix(n, ".intermediate.dense.weight") {
			layers++
		}
	}
	if layers != e.Layers {
		return fmt.Errorf("config.json: num_hidden_layers is %d, but the weights have %d layers", e.Layers, layers)
	}
	type claim struct {
		name  string
		shape []int
	}
	claims := []claim{
		{"embeddings.word_embeddings.weight", []int{e.VocabSize, e.HiddenSize}},
		{"embeddings.position_embeddings.weight", []int{e.Positions, e.HiddenSize}},
		{"encoder.layer.0.intermediate.dense.weight", []int{e.Intermediate, e.HiddenSize}},
	}
	if e.Kind == MPNet {
		claims = append(claims, claim{"encoder.relative_attention_bias.weight", []int{e.Buckets, e.Heads}},
			claim{"encoder.layer.0.attention.attn.q.weight", []int{e.HiddenSize, e.HiddenSize}})
	} else {
		claims = append(claims, claim{"embeddings.token_type_embeddings.weight", []int{e.TokenTypes, e.HiddenSize}},
			claim{"encoder.layer.0.attention.self.query.weight", []int{e.HiddenSize, e.HiddenSize}})
	}
	for _, t := range claims {
		info, err := src.Info(t.name)
		if err != nil {
			return err
		}
		if !slices.Equal(info.Shape, t.shape) {
			return fmt.Errorf("tensor %s has shape %v, but config.json says %v", t.name, info.Shape, t.shape)
		}
	}
	return nil
}

// Free frees the encoder's memory.
func (e *Encoder) Free() { e.Params.Free() }
