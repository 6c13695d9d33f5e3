package spatialllana

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestParseProjector(t *testing.T) {
	p, err := ParseProjector([]byte("model : {\n  trans_dim: 516,\n  num_group: 3071,\n  encoder_dims: 256,\n  projection_hidden_layer: 1,\n  projection_hidden_dim: [2048],\n  use_max_pool: false\n}\n"))
	must(t, err)
	if p.Width != 516 || p.Tokens != 3072 || !slices.Equal(p.Hidden, []int{2048}) {
		t.Errorf("read %+v", p)
	}
	for _, want := range []Projector{p, {Width: 4, Tokens: 1, Pool: PoolMean, Hidden: []int{}}, {Width: 4, Tokens: 9, Hidden: []int{8, 7}}} {
		got, err := ParseProjector(want.YAML())
		must(t, err)
		if !got.sameSizes(want) || got.Tokens != want.Tokens || got.Pool != want.Pool {
			t.Errorf("%+v comes back as %+v", want, got)
		}
	}
}

func TestParseProjectorRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "missing",
		"model: [1":                            "YAML",
		"model: 3":                             "YAML",
		"model: {trans_dim: 4}":                "num_group",
		"model: {trans_dim: 0, num_group: 1}":  "trans_dim",
		"model: {trans_dim: 4, num_group: -1}": "num_group is -1",
		"model: {trans_dim: 4, num_group: 9000000000}":                                                    "num_group",
		"model: {trans_dim: 4, num_group: 1, use_max_pool: true}":                                         "use_max_pool",
		"model: {trans_dim: 4, num_group: 1, projection_hidden_layer: 2, projection_hidden_dim: [3]}":     "projection_hidden_layer is 2",
		"model: {trans_dim: 4, num_group: 1, projection_hidden_dim: [-3]}":                                "projection_hidden_dim is -3",
		"model: {trans_dim: 4, num_group: 1, pool_tokens: max}":                                           "pool_tokens",
		"model: {trans_dim: 4, num_group: 1, pool_tokens: mean}":                                          "num_group is 1, want 0",
		"model: {trans_dim: 4, num_group: 1, projection_hidden_dim: [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}": "17 entries",
	} {
		if p, err := ParseProjector([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, error %v, want one with %q", text, p, err, want)
		}
	}
}

func FuzzParseProjector(f *testing.F) {
	b, err := os.ReadFile("testdata/hf_model/projector.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("model: &a {trans_dim: 4, num_group: 1, projection_hidden_dim: [*a]}"))
	f.Add([]byte("model: {trans_dim: 1e3, num_group: 0x10, pool_tokens: mean}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProjector(b)
		if err != nil {
			return
		}
		if q, err := ParseProjector(p.YAML()); err != nil || !q.sameSizes(p) || q.Tokens != p.Tokens || q.Pool != p.Pool {
			t.Errorf("%+v comes back as %+v (error %v)", p, q, err)
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	b, err := os.ReadFile("testdata/hf_model/config.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"hidden_size": 2, "intermediate_size": 1, "num_hidden_layers": 1, "num_attention_heads": 1, "rms_norm_eps": 0, "vocab_size": 3, "system_prompt": "", "eos_token_id": [1, 2]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, _, err := ParseConfig(b)
		if err != nil {
			return
		}
		// What is written back says the same.
		again, _, err := ParseConfig(c.files()[ConfigName])
		if err != nil || again.HiddenSize != c.HiddenSize || again.SystemPrompt != c.SystemPrompt || !slices.Equal(again.EOS, c.EOS) {
			t.Errorf("%+v comes back as %+v (error %v)", c, again, err)
		}
	})
}
