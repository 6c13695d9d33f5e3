"""NeRFs in PyTorch with random weights, as pytorch.py times them: a published one,
and 64 of llana's toy world at the same positions."""
import torch
import torch.nn.functional as F

from weights2space import composite, frequencies

PUBLISHED, TOY = (144, 64, 64, 64, 16), (18, 64, 64, 4)
QUERIES, MANY = 65536, 262144
NERFS, POINTS = 64, 512
SAMPLES = 16  # of a ray


def weights(sizes, nerfs, trained=False):
    """Matrices (NeRFs, out, in)."""
    return [((2 * torch.rand(nerfs, o, i) - 1) * (6 / (i + o)) ** 0.5).requires_grad_(trained) for i, o in zip(sizes, sizes[1:])]


def raw(w, u):
    """Outputs (NeRFs, N, 4) at positions (N, 3)."""
    h = frequencies(u, w[0].shape[2] // 6)
    for m in w[:-1]:
        h = (h @ m.transpose(-1, -2)).relu()
    return (h @ w[-1].transpose(-1, -2))[..., :4]


def radiance(y):
    return y[..., :3].sigmoid(), (y[..., 3] - 1).exp()


def query(sizes, nerfs, n):
    w, u = weights(sizes, nerfs), torch.rand(n, 3)

    def run():
        with torch.no_grad():
            return radiance(raw(w, u))

    return run


def step(w, loss):
    opt = torch.optim.Adam(w)

    def run():
        opt.zero_grad()
        loss().backward()
        opt.step()

    return run


def fit():
    """A step on rays of 16 samples."""
    w, u = weights(PUBLISHED, 1, True), torch.rand(QUERIES, 3)
    rays = QUERIES // SAMPLES
    target = torch.rand(rays, 3)

    def loss():
        rgb, sigma = radiance(raw(w, u))
        return F.smooth_l1_loss(composite(rgb.view(rays, SAMPLES, 3), sigma.view(rays, SAMPLES), torch.zeros(3)), target)

    return step(w, loss)


def fit_small():
    """A step on single points, of all NeRFs."""
    w, u = weights(TOY, NERFS, True), torch.rand(POINTS, 3)
    colour, inside = torch.rand(NERFS, POINTS, 3), torch.rand(NERFS, POINTS)

    def loss():
        y = raw(w, u)
        return F.binary_cross_entropy_with_logits(y[..., 3], inside) + (y[..., :3].sigmoid() - colour).pow(2).mean()

    return step(w, loss)
