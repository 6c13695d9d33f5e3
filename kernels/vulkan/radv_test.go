//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"llana/kernels"
	"llana/kernels/conformance"
)

// Mesa's driver for AMD GPUs compiles for hardware that is not there, and
// prints what it made. It reads its environment when it is loaded, so the
// compiling is done by a child process, this test binary again: the driver's
// statistics and machine code, and between them a line that names the kernel,
// come out of its standard error.

// compileEnv makes the test binary the child.
const compileEnv = "LLANA_TEST_COMPILE_ONLY"

// marker begins the lines of the child that name a kernel.
const marker = "@kernel "

// compiled is what the driver says of one kernel.
type compiled struct {
	Key      string
	VGPRs    int // vector registers of an invocation
	SGPRs    int // scalar registers of a subgroup
	Spills   int // registers of both kinds that went to memory
	LDS      int // bytes of workgroup memory
	Resident int // subgroups a SIMD can hold at once, see docs/navi21.md
	Code     int // instructions
	Latency  int // cycles of a subgroup alone, loops by the compiler's guess
	Inverse  int // cycles of a SIMD that holds enough subgroups, the same way
	machineCode
}

// radvEnv returns the environment for compiling, or why there is none.
func radvEnv(family string) ([]string, error) {
	var icd []string
	for _, dir := range []string{"/usr/share", "/usr/local/share", "/etc"} {
		found, _ := filepath.Glob(filepath.Join(dir, "vulkan/icd.d/radeon_icd*.json"))
		icd = append(icd, found...)
	}
	if len(icd) == 0 {
		return nil, fmt.Errorf("Mesa's driver for AMD GPUs is not installed (radeon_icd*.json)")
	}
	return append(os.Environ(), compileEnv+"=1",
		"VK_DRIVER_FILES="+icd[0], "VK_ICD_FILENAMES="+icd[0],
		"RADV_FORCE_FAMILY="+family, "AMD_FORCE_FAMILY="+family,
		"RADV_DEBUG=shaders,shaderstats,nocache"), nil
}

// compileForRADV compiles every kernel of every case for a family of GPUs. It
// returns the driver's name and what it said, in the order of compilation.
func compileForRADV(t *testing.T, family, test string) (driver string, all []compiled) {
	t.Helper()
	env, err := radvEnv(family)
	if err != nil {
		unavailable(t, err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+test+"$", "-test.count=1")
	// The library keeps compiled pipelines in the user's cache folder.
	cmd.Env = append(env, "XDG_CACHE_HOME="+t.TempDir())
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("compiling for %s: %v\n%s", family, err, out.String())
	}
	for _, part := range strings.Split(log.String(), "\n"+marker)[1:] {
		key, text, _ := strings.Cut(part, "\n")
		if name, ok := strings.CutPrefix(key, "driver "); ok {
			driver = name
			continue
		}
		c, err := parseCompiled(text)
		if err != nil {
			unavailable(t, fmt.Errorf("output of %s is not understood: kernel %s: %v", driver, key, err))
		}
		c.Key = key
		all = append(all, c)
		if *machine != "" {
			file := filepath.Join(*machine, strings.NewReplacer(" ", "_", "=", "").Replace(key)+".txt")
			if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
				t.Error(err)
			}
		}
	}
	return driver, all
}

// unavailable skips the test, or fails it where Vulkan is demanded.
func unavailable(t *testing.T, err error) {
	t.Helper()
	if strings.HasPrefix(os.Getenv("LLANA_TEST_DEVICE"), "vulkan") {
		t.Fatal(err)
	}
	t.Skip(err)
}

// compileOnly is the child: it compiles, under the limits every device has and
// under those of the device, and computes nothing.
func compileOnly(t *testing.T) {
	adapters, err := Adapters()
	if err != nil {
		t.Fatal(err)
	}
	d, err := connect(adapters[0])
	if err != nil {
		t.Fatal(err)
	}
	d.pipelines.init()
	fmt.Fprintf(os.Stderr, "\n%sdriver %s\n", marker, d.info.Driver)
	for _, limits := range []kernels.Limits{kernels.BaseLimits, d.info.Limits} {
		conformance.Plans(limits, func(op *kernels.Op, c kernels.Case, plan *kernels.Plan) {
			for _, disp := range plan.Dispatches {
				key := disp.Key()
				if d.pipelines.byKey[key] != nil {
					continue
				}
				fmt.Fprintf(os.Stderr, "\n%s%s\n", marker, key)
				if _, err := d.pipelines.get(d.hal, &disp); err != nil {
					t.Fatalf("%s, %s: %v", op.Name, c.Name, err)
				}
			}
		})
	}
}

var statistic = regexp.MustCompile(`^([A-Z][A-Za-z ]*): (\d+)$`)

// parseCompiled reads what the driver prints for one pipeline.
func parseCompiled(text string) (compiled, error) {
	stats := map[string]int{}
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if m := statistic.FindStringSubmatch(lines.Text()); m != nil {
			stats[m[1]], _ = strconv.Atoi(m[2])
		}
	}
	for _, name := range []string{"VGPRs", "Spilled VGPRs", "Spilled SGPRs", "LDS size", "Subgroups per SIMD", "Instructions"} {
		if _, ok := stats[name]; !ok {
			return compiled{}, fmt.Errorf("no %q", name)
		}
	}
	_, code, ok := strings.Cut(text, "\ndisasm:\n")
	if !ok {
		return compiled{}, fmt.Errorf("no machine code")
	}
	return compiled{
		VGPRs: stats["VGPRs"], SGPRs: stats["SGPRs"], Spills: stats["Spilled VGPRs"] + stats["Spilled SGPRs"],
		LDS: stats["LDS size"], Resident: stats["Subgroups per SIMD"], Code: stats["Instructions"],
		Latency: stats["Latency"], Inverse: stats["Inverse Throughput"],
		machineCode: parseMachineCode(code),
	}, nil
}
