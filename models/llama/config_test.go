package llama

import (
	"encoding/json"
	"strings"
	"testing"
)

const good = `{"hidden_size": 48, "intermediate_size": 112, "num_hidden_layers": 3, "num_attention_heads": 6,
"num_key_value_heads": 2, "rms_norm_eps": 1e-6, "vocab_size": 603, "eos_token_id": 2, "rope_scaling": null, "other": [1]}`

func TestParseConfig(t *testing.T) {
	c, err := ParseConfig([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if c.HeadDim() != 8 || c.KeyHeads != 2 || c.RopeTheta != 10000 || c.NormEps != 1e-6 || !c.EOS.Has(2) {
		t.Errorf("read %+v", c)
	}
	c, err = ParseConfig([]byte(strings.Replace(good, `"num_key_value_heads": 2, `, "", 1)))
	if err != nil || c.KeyHeads != 6 {
		t.Errorf("without num_key_value_heads: %d (error %v), want 6", c.KeyHeads, err)
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`{`, ``, "not a model's config"},
		{good[20:], "", "not a model's config"},
		{`"hidden_size": 48`, `"hidden_size": "48"`, "hidden_size"},
		{`"hidden_size": 48`, `"hidden_size": 50`, "does not divide"},
		{`"hidden_size": 48`, `"hidden_size": 1e300`, "hidden_size"},
		{`"hidden_size": 48`, `"hidden_size": 2000000000`, "hidden_size is 2000000000"},
		{`"num_hidden_layers": 3`, `"num_hidden_layers": -1`, "num_hidden_layers is -1"},
		{`"num_attention_heads": 6`, `"num_attention_heads": 0`, "num_attention_heads is 0"},
		{`"num_attention_heads": 6`, `"num_attention_heads": 16`, "does not divide"}, // heads of size 3
		{`"num_key_value_heads": 2`, `"num_key_value_heads": 4`, "not a multiple"},
		{`"vocab_size": 603`, `"vocab_size": 99999999`, "vocab_size"},
		{`"rms_norm_eps": 1e-6, `, ``, "rms_norm_eps"},
		{`"rope_scaling": null`, `"rope_scaling": {"type": "linear", "factor": 2}`, "rope_scaling"},
		{`"rope_scaling": null`, `"rope_theta": -1`, "rope_theta"},
		{`"rope_scaling": null`, `"initializer_range": -0.1`, "initializer_range"},
		{`"rope_scaling": null`, `"hidden_act": "gelu"`, "hidden_act"},
		{`"rope_scaling": null`, `"attention_bias": true`, "biases"},
		{`"rope_scaling": null`, `"head_dim": 16`, "head_dim"},
		{`"eos_token_id": 2`, `"eos_token_id": "</s>"`, "eos_token_id"},
	} {
		_, err := ParseConfig([]byte(strings.Replace(good, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: error %v, want one with %q", c.new, c.old, err, c.want)
		}
	}
}

func TestTokenIDs(t *testing.T) {
	for text, n := range map[string]int{"null": 0, "2": 1, "[2, 7]": 2} {
		var ids TokenIDs
		if err := json.Unmarshal([]byte(text), &ids); err != nil || len(ids) != n {
			t.Errorf("%s: read %v (error %v), want %d ids", text, ids, err, n)
		}
		b, err := json.Marshal(ids)
		if err != nil || strings.ReplaceAll(string(b), ",", ", ") != text {
			t.Errorf("%s: written %s (error %v)", text, b, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"eos_token_id": [2, null]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseConfig(b); err == nil {
			if err := c.Validate(); err != nil {
				t.Errorf("accepted a config that is not valid: %v", err)
			}
		}
	})
}
