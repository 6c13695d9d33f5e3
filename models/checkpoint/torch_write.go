package checkpoint

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"

	"llana/models/checkpoint/atomicfile"
)

// torchRoot is the folder inside the zip; PyTorch takes any name.
const torchRoot = "archive/"

// torchAlign is the alignment of storages in the file, for readers that map it.
const torchAlign = 64

// WriteTorch writes v as torch.save has done since PyTorch 1.6: a zip file of
// stored entries with a pickle of protocol 2. Tensors with the same Data slice,
// such as tied weights, share one storage. See Value for what v may hold.
func WriteTorch(path string, v Value) error {
	return atomicfile.Write(path, func(w io.Writer) error { return encodeTorch(w, v) })
}

func encodeTorch(w io.Writer, v Value) error {
	p := newPickler()
	p.op(opProto, 2)
	if err := p.value(v, "", 0); err != nil {
		return err
	}
	p.op(opStop)
	z := storedZip{w: zip.NewWriter(w)}
	z.add("data.pkl", p.out)
	z.add("byteorder", []byte("little"))
	for i, data := range p.storages {
		z.add("data/"+strconv.Itoa(i), data)
	}
	z.add("version", []byte("3\n"))
	if z.err != nil {
		return z.err
	}
	return z.w.Close()
}

// storedZip writes uncompressed, aligned entries.
type storedZip struct {
	w   *zip.Writer
	at  int64 // bytes written so far
	err error
}

func (z *storedZip) add(name string, data []byte) {
	if z.err != nil {
		return
	}
	name = torchRoot + name
	if int64(len(data)) >= math.MaxUint32 {
		z.err = fmt.Errorf("zip entry %s: %d bytes exceed the 4 GiB of this writer, use safetensors", name, len(data))
		return
	}
	// As PyTorch does, an extra field with the id "FB" fills the header up to
	// the alignment: 30 bytes of fixed header, name, 4 bytes of id and length.
	const fixed = 30
	pad := -(z.at + fixed + int64(len(name)) + 4) & (torchAlign - 1)
	extra := binary.LittleEndian.AppendUint16([]byte("FB"), uint16(pad))
	extra = append(extra, make([]byte, pad)...)
	w, err := z.w.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, Extra: extra, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	})
	if err == nil {
		_, err = w.Write(data)
	}
	z.at += fixed + int64(len(name)+len(extra)+len(data))
	z.err = err
}
