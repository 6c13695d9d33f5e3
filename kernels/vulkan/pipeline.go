//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"fmt"

	"github.com/gogpu/gputypes"
	"github.com/gogpu/wgpu/hal"

	"llana/kernels"
)

// pipelines holds the compiled kernels by Dispatch.Key and the layouts they
// share by signature.
type pipelines struct {
	byKey   map[string]*pipeline
	layouts map[string]*layout
	// rewrite, if not nil, changes every kernel's text. For tests.
	rewrite func(text string) string
}

type pipeline struct {
	*layout
	hal hal.ComputePipeline
}

// layout is a bind group layout, with the pipeline layout made of it alone.
type layout struct {
	number   int
	bindings []access
	group    hal.BindGroupLayout
	pipeline hal.PipelineLayout
}

func (p *pipelines) init() {
	p.byKey = map[string]*pipeline{}
	p.layouts = map[string]*layout{}
}

// get compiles the dispatch's kernel on its first use.
func (p *pipelines) get(dev hal.Device, disp *kernels.Dispatch) (*pipeline, error) {
	key := disp.Key()
	if pl := p.byKey[key]; pl != nil {
		return pl, nil
	}
	text, err := disp.Source()
	if err != nil {
		return nil, err
	}
	if p.rewrite != nil {
		text = p.rewrite(text)
	}
	pl, err := p.compile(dev, key, text)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", key, err)
	}
	p.byKey[key] = pl
	return pl, nil
}

func (p *pipelines) compile(dev hal.Device, label, text string) (*pipeline, error) {
	bindings, err := bindingsOf(text)
	if err != nil {
		return nil, err
	}
	l, err := p.layout(dev, bindings)
	if err != nil {
		return nil, err
	}
	code, err := compileWGSL(text)
	if err != nil {
		return nil, err
	}
	module, err := dev.CreateShaderModule(&hal.ShaderModuleDescriptor{Label: label, Source: hal.ShaderSource{SPIRV: code}})
	if err != nil {
		return nil, err
	}
	defer dev.DestroyShaderModule(module)
	c, err := dev.CreateComputePipeline(&hal.ComputePipelineDescriptor{
		Label: label, Layout: l.pipeline,
		Compute: hal.ComputeState{Module: module, EntryPoint: "main"},
	})
	if err != nil {
		return nil, err
	}
	return &pipeline{layout: l, hal: c}, nil
}

func (p *pipelines) layout(dev hal.Device, bindings []access) (*layout, error) {
	signature := string(accessBytes(bindings))
	if l := p.layouts[signature]; l != nil {
		return l, nil
	}
	types := map[access]gputypes.BufferBindingType{
		uniform:   gputypes.BufferBindingTypeUniform,
		readOnly:  gputypes.BufferBindingTypeReadOnlyStorage,
		readWrite: gputypes.BufferBindingTypeStorage,
	}
	var entries []gputypes.BindGroupLayoutEntry
	for i, a := range bindings {
		if a == unbound {
			continue
		}
		entries = append(entries, gputypes.BindGroupLayoutEntry{
			Binding: uint32(i), Visibility: gputypes.ShaderStageCompute,
			Buffer: &gputypes.BufferBindingLayout{Type: types[a]},
		})
	}
	l := &layout{number: len(p.layouts), bindings: bindings}
	var err error
	if l.group, err = dev.CreateBindGroupLayout(&hal.BindGroupLayoutDescriptor{Entries: entries}); err != nil {
		return nil, err
	}
	l.pipeline, err = dev.CreatePipelineLayout(&hal.PipelineLayoutDescriptor{BindGroupLayouts: []hal.BindGroupLayout{l.group}})
	if err != nil {
		dev.DestroyBindGroupLayout(l.group)
		return nil, err
	}
	p.layouts[signature] = l
	return l, nil
}

func accessBytes(bindings []access) []byte {
	b := make([]byte, len(bindings))
	for i, a := range bindings {
		b[i] = byte(a)
	}
	return b
}

func (p *pipelines) destroy(dev hal.Device) {
	for _, pl := range p.byKey {
		dev.DestroyComputePipeline(pl.hal)
	}
	for _, l := range p.layouts {
		dev.DestroyPipelineLayout(l.pipeline)
		dev.DestroyBindGroupLayout(l.group)
	}
}
