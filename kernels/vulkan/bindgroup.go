//go:build !nogpu && !android && (linux || darwin || windows) && (amd64 || arm64)

package vulkan

import (
	"container/list"
	"encoding/binary"

	"github.com/gogpu/gputypes"
	"github.com/gogpu/wgpu/hal"
)

// maxBindGroups is how many bind groups are kept for a step that repeats.
const maxBindGroups = 8192

// binding is a range of a buffer.
type binding struct {
	buf       hal.Buffer
	off, size int64
}

// bindGroups keeps bind groups by what they bind, least recently used last.
type bindGroups struct {
	byKey  map[string]*bindGroup
	recent *list.List // of *bindGroup
	key    []byte
}

type bindGroup struct {
	hal     hal.BindGroup
	key     string
	buffers []hal.Buffer
	batch   uint64 // the last that uses it
	place   *list.Element
}

func (g *bindGroups) init() {
	g.byKey = map[string]*bindGroup{}
	g.recent = list.New()
}

// get returns the group that binds the given ranges under l, for use in batch;
// groups whose last batch is at most done may be dropped to make room. The
// element of ranges at an index that the layout does not declare is ignored.
func (g *bindGroups) get(dev hal.Device, l *layout, ranges []binding, batch, done uint64) (*bindGroup, error) {
	g.key = binary.LittleEndian.AppendUint32(g.key[:0], uint32(l.number))
	for i, r := range ranges {
		if l.bindings[i] == unbound {
			continue
		}
		g.key = binary.LittleEndian.AppendUint64(g.key, uint64(r.buf.NativeHandle()))
		g.key = binary.LittleEndian.AppendUint64(g.key, uint64(r.off))
		g.key = binary.LittleEndian.AppendUint64(g.key, uint64(r.size))
	}
	if b := g.byKey[string(g.key)]; b != nil {
		b.batch = batch
		g.recent.MoveToFront(b.place)
		return b, nil
	}
	if len(g.byKey) >= maxBindGroups {
		if last := g.recent.Back().Value.(*bindGroup); last.batch <= done {
			g.drop(dev, last)
		}
	}
	b := &bindGroup{key: string(g.key), batch: batch}
	var entries []gputypes.BindGroupEntry
	for i, r := range ranges {
		if l.bindings[i] == unbound {
			continue
		}
		b.buffers = append(b.buffers, r.buf)
		entries = append(entries, gputypes.BindGroupEntry{
			Binding:  uint32(i),
			Resource: gputypes.BufferBinding{Buffer: r.buf.NativeHandle(), Offset: uint64(r.off), Size: uint64(r.size)},
		})
	}
	var err error
	if b.hal, err = dev.CreateBindGroup(&hal.BindGroupDescriptor{Layout: l.group, Entries: entries}); err != nil {
		return nil, err
	}
	g.byKey[b.key] = b
	b.place = g.recent.PushFront(b)
	return b, nil
}

func (g *bindGroups) drop(dev hal.Device, b *bindGroup) {
	g.recent.Remove(b.place)
	delete(g.byKey, b.key)
	dev.DestroyBindGroup(b.hal)
}

// dropBuffer forgets the groups that bind buf, which is about to be destroyed.
// The device must be idle.
func (g *bindGroups) dropBuffer(dev hal.Device, buf hal.Buffer) {
	for _, b := range g.byKey {
		for _, x := range b.buffers {
			if x == buf {
				g.drop(dev, b)
				break
			}
		}
	}
}

func (g *bindGroups) destroy(dev hal.Device) {
	for _, b := range g.byKey {
		dev.DestroyBindGroup(b.hal)
	}
}
