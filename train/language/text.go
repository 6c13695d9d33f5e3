package language

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"llana/models/conversation"
)

// readTexts reads a file of Text: a JSON array of conversations, or objects one
// after another, each a conversation or {"text": ...}.
func readTexts(path string) ([]sample, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTexts(f, path)
}

func parseTexts(r io.Reader, name string) ([]sample, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	first, err := firstByte(in)
	if err != nil {
		return nil, fmt.Errorf("%s: want conversations or texts: %w", name, err)
	}
	var out []sample
	if first == '[' {
		for rec, err := range conversation.Read(in, name) {
			if err != nil {
				return nil, err
			}
			out = append(out, sample{record: rec})
		}
		return out, nil
	}
	dec := json.NewDecoder(in)
	for i := 0; ; i++ {
		s, err := parseText(dec)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: object %d: %w", name, i, err)
		}
		out = append(out, s)
	}
}

// firstByte skips white space and returns the byte behind it, unread.
func firstByte(in *bufio.Reader) (byte, error) {
	for {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return b, in.UnreadByte()
	}
}

func parseText(dec *json.Decoder) (sample, error) {
	var o struct {
		Text *string `json:"text"`
		conversation.Record
	}
	if err := dec.Decode(&o); err != nil {
		return sample{}, err
	}
	if o.Text != nil {
		return sample{text: *o.Text, plain: true}, nil
	}
	if len(o.Turns) == 0 {
		return sample{}, errors.New(`want "text" or "conversations", found neither`)
	}
	return sample{record: o.Record}, nil
}
