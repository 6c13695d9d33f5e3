package nerf

import (
	"encoding/json"
	"fmt"
	"math"
	"os"

	"llana/kernels"
	"llana/models/checkpoint/atomicfile"
)

// Camera is a pinhole camera in the OpenGL convention: it looks along its -z
// axis, y is up. Pose is camera-to-world, row-major.
type Camera struct {
	Pose   [4][4]float64
	AngleX float64 // horizontal field of view in radians
	W, H   int
}

// Ray returns the ray through the centre of pixel (x, y), counted from the top
// left.
func (c *Camera) Ray(x, y int) kernels.Ray {
	focal := float32(0.5 * float64(c.W) / math.Tan(c.AngleX/2))
	cam := [3]float32{(float32(x) - float32(c.W)/2 + 0.5) / focal, -(float32(y) - float32(c.H)/2 + 0.5) / focal, -1}
	var r kernels.Ray
	var norm float64
	for i := range 3 {
		for j := range 3 {
			r.D[i] += float32(c.Pose[i][j]) * cam[j]
		}
		r.O[i] = float32(c.Pose[i][3])
		norm += float64(r.D[i]) * float64(r.D[i])
	}
	n := float32(math.Sqrt(norm))
	for i := range r.D {
		r.D[i] /= n
	}
	return r
}

// Rays returns the origins and directions (H*W x 3, flat) of all pixels,
// row-major.
func (c *Camera) Rays() (origins, directions []float32) {
	for y := range c.H {
		for x := range c.W {
			r := c.Ray(x, y)
			origins = append(origins, r.O[:]...)
			directions = append(directions, r.D[:]...)
		}
	}
	return origins, directions
}

// ShapeNetAngleX is the field of view of the published ShapeNet views.
const ShapeNetAngleX = 0.8575560450553894

// Orbit returns a camera that looks at the origin from the given distance,
// azimuth and elevation in degrees, with z up, as nf2vec places its synthetic
// viewpoints.
func Orbit(azimuth, elevation, distance float64, size int) Camera {
	theta, phi := azimuth*math.Pi/180, -elevation*math.Pi/180
	c, s := math.Cos(theta), math.Sin(theta)
	cp, sp := math.Cos(phi), math.Sin(phi)
	t := [4][4]float64{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, distance}, {0, 0, 0, 1}}
	rx := [4][4]float64{{1, 0, 0, 0}, {0, cp, -sp, 0}, {0, sp, cp, 0}, {0, 0, 0, 1}}
	ry := [4][4]float64{{c, 0, -s, 0}, {0, 1, 0, 0}, {s, 0, c, 0}, {0, 0, 0, 1}}
	a := [4][4]float64{{-1, 0, 0, 0}, {0, 0, 1, 0}, {0, 1, 0, 0}, {0, 0, 0, 1}}
	return Camera{Pose: mul4(a, mul4(ry, mul4(rx, t))), AngleX: ShapeNetAngleX, W: size, H: size}
}

func mul4(a, b [4][4]float64) (m [4][4]float64) {
	for i := range 4 {
		for j := range 4 {
			for k := range 4 {
				m[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return m
}

// Transforms is a camera file in the layout of the NeRF-synthetic data set.
type Transforms struct {
	CameraAngleX float64 `json:"camera_angle_x"`
	Frames       []Frame `json:"frames"`
}

// Frame is one view: the image's path without or with its extension, relative
// to the file, and the camera-to-world matrix.
type Frame struct {
	FilePath        string      `json:"file_path"`
	TransformMatrix [][]float64 `json:"transform_matrix"`
}

// ReadTransforms reads and checks a transforms file.
func ReadTransforms(path string) (*Transforms, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	t, err := ParseTransforms(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// ParseTransforms parses a transforms file.
func ParseTransforms(b []byte) (*Transforms, error) {
	var t Transforms
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, err
	}
	if !(t.CameraAngleX > 0 && t.CameraAngleX < math.Pi) {
		return nil, fmt.Errorf("camera_angle_x is %g, want an angle between 0 and pi", t.CameraAngleX)
	}
	if len(t.Frames) == 0 {
		return nil, fmt.Errorf("no frames")
	}
	for i, f := range t.Frames {
		if len(f.TransformMatrix) != 4 {
			return nil, fmt.Errorf("frame %d: transform_matrix has %d rows, want 4", i, len(f.TransformMatrix))
		}
		for _, row := range f.TransformMatrix {
			if len(row) != 4 {
				return nil, fmt.Errorf("frame %d: transform_matrix has a row of %d values, want 4", i, len(row))
			}
		}
	}
	if err := t.checkPoses(); err != nil {
		return nil, err
	}
	return &t, nil
}

// maxPose bounds the values of a pose. From further away than this, a step
// along a ray is lost in the rounding of float32.
const maxPose = 1e4

// checkPoses checks that every pixel of every camera has a ray that can be
// marched.
func (t *Transforms) checkPoses() error {
	for i, f := range t.Frames {
		m := f.TransformMatrix
		for _, row := range m[:3] {
			for _, v := range row {
				if !(math.Abs(v) <= maxPose) {
					return fmt.Errorf("frame %d: transform_matrix has the value %g, want at most %g", i, v, float64(maxPose))
				}
			}
		}
		det := m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) -
			m[0][1]*(m[1][0]*m[2][2]-m[1][2]*m[2][0]) +
			m[0][2]*(m[1][0]*m[2][1]-m[1][1]*m[2][0])
		if math.Abs(det) < 1e-6 {
			return fmt.Errorf("frame %d: transform_matrix has the determinant %g, want a rotation", i, det)
		}
	}
	return nil
}

// Scale multiplies the cameras' positions, so that the world that they look at
// fits into a NeRF's box.
func (t *Transforms) Scale(by float64) error {
	for _, f := range t.Frames {
		for _, row := range f.TransformMatrix[:3] {
			row[3] *= by
		}
	}
	return t.checkPoses()
}

// Write writes the cameras to a transforms file.
func (t *Transforms) Write(path string) error {
	b, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, append(b, '\n'))
}

// Camera returns the camera of frame i for images of w x h pixels.
func (t *Transforms) Camera(i, w, h int) Camera {
	c := Camera{AngleX: t.CameraAngleX, W: w, H: h}
	for r, row := range t.Frames[i].TransformMatrix {
		copy(c.Pose[r][:], row)
	}
	return c
}
