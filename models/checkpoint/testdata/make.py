"""Makes the test files of this folder that are not golden data (see README.md).

Run with PyTorch 1.13.1 and NumPy: python3 make.py, inside this folder.
"""
import io
import json
import os
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import torch

torch.manual_seed(1)


class Evil:
    def __reduce__(self):
        return os.system, ("true",)


def training_checkpoint():
    """A checkpoint after two AdamW steps, as a training loop saves it."""
    model = torch.nn.Sequential(torch.nn.Conv1d(3, 4, 1), torch.nn.BatchNorm1d(4), torch.nn.Linear(5, 2))
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda step: 1.0)
    for _ in range(2):
        opt.zero_grad()
        model(torch.randn(2, 3, 5)).square().mean().backward()
        opt.step()
        sched.step()
    state = OrderedDict(("module." + k, v) for k, v in model.state_dict().items())
    state._metadata = model.state_dict()._metadata  # becomes a BUILD opcode
    torch.save({"epoch": 7, "weights2space": state, "optimizer": opt.state_dict(),
                "best_psnr": 21.5, "scheduler": sched.state_dict()}, "train.pt")
    json.dump({
        "state": {k: [list(v.shape), v.flatten().tolist()] for k, v in state.items()},
        "exp_avg": [s["exp_avg"].flatten().tolist() for s in opt.state_dict()["state"].values()],
    }, open("train.json", "w"))


def objects():
    """Every kind of value, in the default pickle protocol and in protocol 4."""
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    v = {
        "none": None, "true": True, "false": False,
        "ints": [0, 1, 255, 256, 65535, 65536, -1, -129, 2**31 - 1, -2**31, 2**31, 2**40, -2**40, 2**63 - 1, -2**63],
        "floats": [0.5, -0.0, float("inf"), float("-inf"), 1e-300],
        "text": "größe \U0001F600", "empty_text": "",
        "bytes": bytes(range(256)), "empty_bytes": b"",
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "set": {5}, "empty_set": set(), "frozenset": frozenset(["a"]),
        "dtype": torch.bfloat16, "device": torch.device("cuda:1"), "cpu": torch.device("cpu"),
        "size": torch.Size([2, 3]),
        "ordered": OrderedDict(b=1, a=2),
        3: {True: "yes"},
        "permuted": base.permute(2, 0, 1), "slice": base[:, 1:, ::2], "expanded": torch.tensor([1.0, 2.0]).expand(3, 2),
        "empty": torch.zeros(0, 5), "scalar": torch.tensor(7),
        "param": torch.nn.Parameter(torch.ones(2, dtype=torch.float64)),
        "coo": torch.tensor([[0, 0, 2.5], [-1.5, 0, 0]]).to_sparse(),
        "hybrid": torch.tensor([[[0, 0], [1, 2]], [[0, 0], [3, 4.0]]]).to_sparse(2),
        "coo_empty": torch.zeros(2, 2).to_sparse(),
        "half": torch.tensor([0.1, -65504, 6e-8, float("inf")], dtype=torch.float16),
    }
    v["same_list"] = v["ints"]
    torch.save(v, "objects.pt")
    torch.save(v, "objects_protocol4.pt", pickle_protocol=4)


def refused():
    torch.save({"x": Evil()}, "evil.pt")
    torch.save({"x": torch.ones(2)}, "legacy.pt", _use_new_zipfile_serialization=False)
    torch.save({"x": torch.ones(2, dtype=torch.int16)}, "int16.pt")
    i = torch.tensor([[0, 0]])
    torch.save({"x": torch.sparse_coo_tensor(i, torch.ones(2), (3,))}, "uncoalesced.pt")
    loop = []
    loop.append(loop)
    torch.save({"x": loop}, "loop.pt")
    torch.save({"x": torch.ones(2)}, "plain.pt")
    with zipfile.ZipFile("plain.pt") as src:
        entries = {i.filename: src.read(i) for i in src.infolist()}
    with zipfile.ZipFile("compressed.pt", "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in entries.items():
            z.writestr(name, data)
    with zipfile.ZipFile("big_endian.pt", "w") as z:
        for name, data in entries.items():
            z.writestr(name, data)
        z.writestr("plain/byteorder", "big")
    os.remove("plain.pt")


def safetensors(path, tensors):
    types = {torch.float32: "F32", torch.bfloat16: "BF16", torch.int64: "I64"}
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, t in tensors.items():
        raw = t.contiguous().view(torch.uint8).numpy().tobytes() if t.dim() else t.numpy().tobytes()
        header[name] = {"dtype": types[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def folders():
    """The same two tensors as sharded safetensors and as sharded PyTorch files."""
    a, b = torch.arange(6.0).reshape(2, 3), torch.tensor([1.5, -2.0]).bfloat16()
    os.makedirs("sharded_safetensors", exist_ok=True)
    os.makedirs("sharded_bin", exist_ok=True)
    for folder, pattern, index in (("sharded_safetensors", "model-%05d-of-00002.safetensors", "model.safetensors.index.json"),
                                   ("sharded_bin", "pytorch_model-%05d-of-00002.bin", "pytorch_model.bin.index.json")):
        save = safetensors if folder == "sharded_safetensors" else lambda p, t: torch.save(t, p)
        save(f"{folder}/{pattern % 1}", {"a": a})
        save(f"{folder}/{pattern % 2}", {"b": b})
        json.dump({"metadata": {"total_size": 28}, "weight_map": {"a": pattern % 1, "b": pattern % 2}},
                  open(f"{folder}/{index}", "w"), indent=1)


def arrays():
    os.makedirs("npy", exist_ok=True)
    x = np.arange(24).reshape(2, 3, 4)
    for t in ("float16", "float32", "float64", "int32", "int64", "uint8"):
        np.save(f"npy/{t}.npy", x.astype(t))
    np.save("npy/bool.npy", x % 2 == 1)
    np.save("npy/fortran.npy", np.asfortranarray(x.astype("float32")))
    np.save("npy/scalar.npy", np.float32(2.5))
    np.save("npy/vector.npy", np.float32([1, 2]))
    np.save("npy/empty.npy", np.zeros((3, 0), "float32"))
    with open("npy/version2.npy", "wb") as f:
        np.lib.format.write_array(f, np.float32([1, 2]), version=(2, 0))
    np.save("npy/refused_big_endian.npy", x.astype(">f4"))
    np.save("npy/refused_complex.npy", x.astype("complex64"))
    np.save("npy/refused_record.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
    np.save("npy/refused_object.npy", np.array([None]), allow_pickle=True)


training_checkpoint()
objects()
refused()
folders()
arrays()
