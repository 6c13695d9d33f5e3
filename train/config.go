package train

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"gopkg.in/yaml.v3"
)

// ReadConfig reads a YAML configuration into a struct that holds the defaults,
// then applies settings "key=value" in order. A key that the struct does not
// know is an error. Without a path only the settings count.
func ReadConfig(path string, set []string, into any) error {
	if path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := decodeConfig(b, into); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, s := range set {
		key, value, ok := strings.Cut(s, "=")
		if key = strings.TrimSpace(key); !ok || key == "" || strings.ContainsAny(key, ":\n#") {
			return fmt.Errorf("setting %q: want key=value", s)
		}
		if strings.TrimSpace(value) == "" {
			value = `""` // nothing would leave the key as it is
		}
		if err := decodeConfig([]byte(key+": "+value), into); err != nil {
			return fmt.Errorf("setting %q: %w", s, err)
		}
	}
	return nil
}

func decodeConfig(b []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
