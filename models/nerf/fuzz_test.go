package nerf

import (
	"testing"
)

// No camera file may panic, and what is accepted gives cameras with rays.
func FuzzTransforms(f *testing.F) {
	for _, seed := range []string{
		`{"camera_angle_x": 0.9, "frames": [{"file_path": "r_0", "transform_matrix": [[1,0,0,0],[0,1,0,0],[0,0,1,2],[0,0,0,1]]}]}`,
		`{"camera_angle_x": 0.9, "frames": []}`,
		`{"camera_angle_x": 4, "frames": [{}]}`,
		`{"camera_angle_x": 0.9, "frames": [{"transform_matrix": [[1],[2],[3],[4]]}]}`,
		`{"camera_angle_x": 1e-300, "frames": [{"transform_matrix": [[0,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0]]}]}`,
		`{"frames": null`,
		``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tr, err := ParseTransforms(b)
		if err != nil {
			return
		}
		for i := range tr.Frames {
			c := tr.Camera(i, 8, 8)
			c.Ray(3, 4)
		}
	})
}
