"""weights2space of the published size in PyTorch, with random weights, as
pytorch.py times it."""
import math

import torch
import torch.nn.functional as F
from torch import nn

POINTS = 35000
RAYS, SAMPLES = 512, 48


def frequencies(u, octaves=24):
    """(N, 3) to (N, 6 octaves): for each axis sin and cos of pi 2^k u."""
    a = u[..., None] * (math.pi * 2.0 ** torch.arange(octaves))
    return torch.stack([a.sin(), a.cos()], -1).flatten(1)


def conv(i, o):
    return [nn.Conv1d(i, o, 1), nn.BatchNorm1d(o), nn.ReLU()]


class Weights2Space(nn.Module):
    def __init__(self):
        super().__init__()
        self.query_tokens = nn.Parameter(0.02 * torch.randn(1, 3072, 516))
        self.encoder = nn.Sequential(*conv(64, 512), *conv(512, 512), *conv(512, 1024), *conv(1024, 1024), nn.Conv1d(1024, 1024, 1))
        layer = nn.TransformerDecoderLayer(516, 12, 2064, 0.1, batch_first=True, norm_first=True)
        layer.multihead_attn = nn.MultiheadAttention(516, 12, 0.1, kdim=1024, vdim=1024, batch_first=True)
        self.transformer = nn.TransformerDecoder(layer, 12)
        lin = lambda i, o: nn.Sequential(nn.Linear(i, o), nn.ReLU())
        self.inner, self.skip = lin(660, 1024), lin(660, 1024)
        self.before = nn.Sequential(lin(1024, 1024), lin(1024, 1024))
        self.after = nn.Sequential(lin(1024, 1024), lin(1024, 1024), nn.Linear(1024, 4))

    def tokens(self, matrix):
        """(B, 336, 64) to (B, 3072, 516)."""
        memory = self.encoder(matrix.transpose(1, 2)).transpose(1, 2)
        return self.transformer(self.query_tokens.expand(len(matrix), -1, -1), memory)

    def decode(self, tokens, points):
        """Colours (N, 3) and densities (N) of one NeRF at points (N, 3) in [-1, 1]."""
        planes = tokens.reshape(3, 32, 32, 516).permute(0, 3, 1, 2)
        at = torch.stack([points[:, [0, 1]], points[:, [0, 2]], points[:, [1, 2]]])
        f = F.grid_sample(planes, at[:, None], align_corners=True).sum(0)[:, 0].t()
        x = torch.cat([frequencies((points + 1) / 2), f], 1)
        y = self.after(self.before(self.inner(x)) + self.skip(x))
        return y[:, :3].sigmoid(), (y[:, 3] - 1).exp()


def encode():
    net, matrix = Weights2Space().eval(), torch.randn(1, 336, 64)

    def run():
        with torch.no_grad():
            net.tokens(matrix)

    return run


def composite(rgb, sigma, background, step=0.01):
    """Pixels of rays (R, S, 3), (R, S) in front of a background."""
    alpha = 1 - (-sigma * step).exp()
    through = torch.cumprod(torch.cat([torch.ones(len(alpha), 1), 1 - alpha[:, :-1]], 1), 1)
    weight = alpha * through
    return (weight[..., None] * rgb).sum(1) + (1 - weight.sum(1, keepdim=True)) * background


def train():
    """A step on one NeRF: 512 rays of 48 samples, the other points in empty space."""
    net, matrix = Weights2Space().train(), torch.randn(1, 336, 64)
    points, target, background = 2 * torch.rand(POINTS, 3) - 1, torch.rand(RAYS, 3), torch.rand(3)
    opt = torch.optim.AdamW(net.parameters(), lr=1e-5)

    def step():
        opt.zero_grad()
        rgb, sigma = net.decode(net.tokens(matrix), points)
        n = RAYS * SAMPLES
        pixels = composite(rgb[:n].reshape(RAYS, SAMPLES, 3), sigma[:n].reshape(RAYS, SAMPLES), background)
        empty = rgb[n:] * sigma[n:, None] + background * (1 - sigma[n:, None])
        loss = 0.8 * F.smooth_l1_loss(pixels, target) + 0.2 * F.smooth_l1_loss(empty, background.expand_as(empty))
        loss.backward()
        opt.step()

    return step
