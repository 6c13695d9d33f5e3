"""Makes a weights2space checkpoint of the published size with random weights,
weight matrices, and the tokens PyTorch computes from them:

    python3 full_size.py DIR [SEED]
    llana encode --weights2space DIR/weights2space.pt --matrix DIR/matrix.npy --out DIR/tokens.npy

DIR/tokens.npy must then equal DIR/want.npy within 5e-5 + 5e-4 |want|.
"""
import sys

import numpy as np
import torch
from torch import nn


class Layer(nn.Module):
    def __init__(self, width=516, memory=1024, heads=12, ffn=2064):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.multihead_attn = nn.MultiheadAttention(width, heads, kdim=memory, vdim=memory, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, ffn), nn.Linear(ffn, width)
        self.norm1, self.norm2, self.norm3 = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, m):
        n = self.norm1(x)
        x = x + self.self_attn(n, n, n, need_weights=False)[0]
        x = x + self.multihead_attn(self.norm2(x), m, m, need_weights=False)[0]
        return x + self.linear2(torch.relu(self.linear1(self.norm3(x))))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        layers, width = [], 64
        for out in (512, 512, 1024, 1024):
            layers += [nn.Conv1d(width, out, 1), nn.BatchNorm1d(out), nn.ReLU()]
            width = out
        self.layers = nn.Sequential(*layers, nn.Conv1d(width, 1024, 1))

    def forward(self, m):
        return self.layers(m.transpose(1, 2)).transpose(1, 2)


class Weights2Space(nn.Module):
    def __init__(self):
        super().__init__()
        self.query_tokens = nn.Parameter(0.02 * torch.randn(1, 3072, 516))
        self.encoder = Encoder()
        self.transformer = nn.Module()
        self.transformer.layers = nn.ModuleList(Layer() for _ in range(12))

    def forward(self, m):
        memory, x = self.encoder(m), self.query_tokens.expand(len(m), -1, -1)
        for layer in self.transformer.layers:
            x = layer(x, memory)
        return x


def main(folder, seed=0):
    torch.manual_seed(seed)
    net = Weights2Space()
    for b in net.encoder.layers:
        if isinstance(b, nn.BatchNorm1d):
            b.running_mean.uniform_(-0.3, 0.3)
            b.running_var.uniform_(0.5, 1.5)
    net.eval()
    matrix = 0.2 * torch.randn(1, 336, 64)
    with torch.no_grad():
        want = net(matrix)
    state = {"module." + k: v for k, v in net.state_dict().items()}
    torch.save({"epoch": 1, "weights2space": state, "best_psnr": 0.0}, folder + "/weights2space.pt")
    np.save(folder + "/matrix.npy", matrix.numpy())
    np.save(folder + "/want.npy", want.numpy())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
