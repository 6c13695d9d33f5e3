package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"llana/models/nerf"
)

// encodeJob is a NeRF to encode.
type encodeJob struct {
	id, path, out string
	keep          bool // what is there, if it is whole
}

// nerfArguments finds the NeRFs that the arguments name: files, folders of a
// NeRF, and folders that hold such folders at any depth. many is false if there
// is one and no folder was searched.
func nerfArguments(args []string) (jobs []encodeJob, many bool, err error) {
	from := map[string]string{}
	add := func(path string) error {
		id := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		if filepath.Base(path) == nerf.WeightsName {
			whole, err := filepath.Abs(path)
			if err != nil {
				return err
			}
			id = filepath.Base(filepath.Dir(whole))
		}
		if other, twice := from[id]; twice {
			return fmt.Errorf("%s and %s have the same object id %q", other, path, id)
		}
		from[id] = path
		jobs = append(jobs, encodeJob{id: id, path: path})
		return nil
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, false, err
		}
		if weights := filepath.Join(arg, nerf.WeightsName); info.IsDir() && isFile(weights) {
			arg = weights
		} else if info.IsDir() {
			many = true
			if err := findNeRFs(arg, add); err != nil {
				return nil, false, err
			}
			continue
		}
		if err := add(arg); err != nil {
			return nil, false, err
		}
	}
	return jobs, many || len(jobs) > 1, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// findNeRFs calls add for every nerf_weights.pth below a folder, in order.
func findNeRFs(dir string, add func(path string) error) error {
	found := false
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() != nerf.WeightsName {
			return err
		}
		found = true
		return add(path)
	})
	if err == nil && !found {
		err = fmt.Errorf("%s: no %s in it", dir, nerf.WeightsName)
	}
	return err
}
