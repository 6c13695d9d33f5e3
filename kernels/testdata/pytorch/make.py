"""Writes pytorch.json: what PyTorch computes for operations whose conventions
are PyTorch's own (AdamW, gradient clipping, batch norm's running statistics,
layer norm, smooth L1), in float64. Run in this folder: python3 make.py
"""
import json

import torch
from torch import nn

torch.manual_seed(5)
torch.set_default_dtype(torch.float64)
EPS = 2.0 ** -10  # exact in float32, as the parameters of the operations are


def flat(t):
    return t.detach().reshape(-1).tolist()


def adamw():
    start = [torch.randn(3, 5), torch.randn(7)]
    params = [nn.Parameter(p.clone()) for p in start]
    opt = torch.optim.AdamW(params, lr=1e-3, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.05)
    steps = []
    for i in range(6):
        grads = [torch.randn_like(p) * (0.01 if i % 2 else 3.0) for p in params]
        lr = 1e-3 * (i + 1)
        for p, g in zip(params, grads):
            p.grad = g.clone()
        norm = nn.utils.clip_grad_norm_(params, 1.0)
        opt.param_groups[0]["lr"] = lr
        opt.step()
        steps.append({
            "lr": lr,
            "grads": [flat(g) for g in grads],
            "norm": norm.item(),
            "params": [flat(p) for p in params],
            "m": [flat(opt.state[p]["exp_avg"]) for p in params],
            "v": [flat(opt.state[p]["exp_avg_sq"]) for p in params],
        })
    return {"start": [flat(p) for p in start], "steps": steps}


def batch_norm():
    bn = nn.BatchNorm1d(4, eps=EPS, momentum=0.125)
    nn.init.normal_(bn.weight)
    nn.init.normal_(bn.bias)
    out = {"rows": 9, "channels": 4, "eps": EPS, "momentum": 0.125, "w": flat(bn.weight), "b": flat(bn.bias), "batches": []}
    for _ in range(3):
        x = torch.randn(9, 4, requires_grad=True)
        dy = torch.randn(9, 4)
        bn.zero_grad()
        y = bn(x)
        y.backward(dy)
        out["batches"].append({
            "x": flat(x), "y": flat(y), "dy": flat(dy), "dx": flat(x.grad), "dw": flat(bn.weight.grad), "db": flat(bn.bias.grad),
            "running_mean": flat(bn.running_mean), "running_var": flat(bn.running_var),
        })
    bn.eval()
    x = torch.randn(9, 4)
    out["eval"] = {"x": flat(x), "y": flat(bn(x))}
    return out


def layer_norm():
    ln = nn.LayerNorm(7, eps=EPS)
    nn.init.normal_(ln.weight)
    nn.init.normal_(ln.bias)
    x = torch.randn(3, 7, requires_grad=True)
    dy = torch.randn(3, 7)
    y = ln(x)
    y.backward(dy)
    return {"rows": 3, "n": 7, "eps": EPS, "w": flat(ln.weight), "b": flat(ln.bias), "x": flat(x), "y": flat(y), "dy": flat(dy),
            "dx": flat(x.grad), "dw": flat(ln.weight.grad), "db": flat(ln.bias.grad)}


def smooth_l1():
    pred, target = 2 * torch.randn(5, 3), torch.randn(5, 3)
    pred[0] = target[0] + torch.tensor([1.0, -1.0, 0.0])
    pred.requires_grad_()
    loss = nn.SmoothL1Loss()(pred, target)
    (3 * loss).backward()
    return {"pred": flat(pred), "target": flat(target), "loss": loss.item(), "dloss": 3.0, "dpred": flat(pred.grad)}


with open("pytorch.json", "w") as f:
    json.dump({"adamw": adamw(), "batch_norm": batch_norm(), "layer_norm": layer_norm(), "smooth_l1": smooth_l1()}, f, separators=(",", ":"))
    f.write("\n")
