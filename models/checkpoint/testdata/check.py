"""Loads files that WriteTorch wrote and compares them with what PyTorch holds.

Called by TestPyTorchReadsOurFiles with the folder of the written files. It
needs PyTorch 1.13 and prints nothing when all is well.
"""
import sys
from collections import OrderedDict

import numpy as np
import torch

out, here = sys.argv[1], sys.argv[2]


def equal(a, b, path):
    if isinstance(a, torch.Tensor):
        a, b = (x.to_dense() if x.is_sparse else x for x in (a, b))
        assert a.dtype == b.dtype and a.shape == b.shape, (path, a.dtype, b.dtype, a.shape, b.shape)
        assert torch.equal(a, b), path
    elif isinstance(a, dict):
        assert type(a) is type(b) and list(a) == list(b), (path, type(a), type(b), list(a), list(b))
        for k in a:
            equal(a[k], b[k], f"{path}[{k!r}]")
    elif isinstance(a, (list, tuple)) and not isinstance(a, torch.Size):
        assert type(a) is type(b) and len(a) == len(b), path
        for i, (x, y) in enumerate(zip(a, b)):
            equal(x, y, f"{path}[{i}]")
    elif isinstance(a, (torch.Size, torch.device, frozenset)):
        assert str(b) in (str(a), str(tuple(a)) if not isinstance(a, torch.device) else "", str(set(a)) if isinstance(a, frozenset) else ""), (path, a, b)
    else:
        assert type(a) is type(b) and repr(a) == repr(b), (path, a, b)


weights = torch.load(f"{out}/nerf_weights.pth")
assert type(weights) is OrderedDict
assert np.array_equal(weights["mlp_base.params"].numpy(), np.load(f"{here}/nerf/params.npy"))

grid = torch.load(f"{out}/grid.pth")
assert grid["_binary"].is_sparse and grid["_binary"].coalesce()._nnz() == grid["_binary"]._nnz()
equal(torch.load(f"{here}/nerf/grid.pth"), grid, "grid")
# State dicts load with weights_only too; PyTorch 1.13 has no floats there.
equal(grid, torch.load(f"{out}/grid.pth", weights_only=True), "grid, weights only")

equal(torch.load(f"{here}/train.pt"), torch.load(f"{out}/train.pt"), "train")
model = torch.nn.Sequential(torch.nn.Conv1d(3, 4, 1), torch.nn.BatchNorm1d(4), torch.nn.Linear(5, 2))
opt = torch.optim.AdamW(model.parameters())
ckpt = torch.load(f"{out}/train.pt")
model.load_state_dict({k[len("module."):]: v for k, v in ckpt["weights2space"].items()})
opt.load_state_dict(ckpt["optimizer"])
model(torch.randn(2, 3, 5)).sum().backward()
opt.step()

objects = torch.load(f"{out}/objects.pt")
equal(torch.load(f"{here}/objects.pt"), objects, "objects")

tied = torch.load(f"{out}/tied.pt")
assert tied["a"].data_ptr() == tied["b"].data_ptr()
