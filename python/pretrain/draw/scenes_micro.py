"""Scenes of the microscope and the scanner: cells, nets, grains, soft organs."""

import numpy as np
from numpy.random import Generator
from scipy import ndimage
from scipy.spatial import cKDTree

from .canvas import Canvas, blank
from .shapes import blob, components, warp_points
from .texture import colour, fractal, noise, texture


def cells(rng: Generator) -> Canvas:
    """A crowd of cells; many touch; some have a nucleus (cell = body + nucleus)."""
    c = blank(rng)
    h, w = c.shape
    r0 = np.exp(rng.uniform(np.log(4), np.log(42)))
    count = int(min(rng.uniform(0.15, 1.1) * h * w / (3.2 * r0 * r0), 160)) + 1
    tone, spread = colour(rng), rng.uniform(0.02, 0.25)
    nucleus = colour(rng) if rng.random() < 0.35 and r0 > 10 else None
    soft, rough, halo = rng.uniform(0.3, 2.2), rng.uniform(0, 0.35), rng.random() < 0.3
    rim = colour(rng) if rng.random() < 0.4 else None
    inner = texture(rng, h, w, tone) if rng.random() < 0.5 else None
    marked = rng.random() < 0.85
    for _ in range(count):
        r = r0 * rng.uniform(0.6, 1.5)
        x, y = rng.uniform(0, w), rng.uniform(0, h)
        m = blob(rng, h, w, x, y, r, rough, rng.uniform(1, 2.2))
        if not m.any() or (marked and (c.label[m] > 0).mean() > 0.25):
            continue
        m &= c.label == 0
        if halo:
            c.paint(ndimage.binary_dilation(m, iterations=2) & ~m, 1 - tone, 1, 0.5)
        body = (inner if inner is not None else tone) + spread * rng.standard_normal()
        c.paint(m, np.clip(body, 0, 1), soft, rng.uniform(0.5, 1))
        if rim is not None:
            c.paint(m & ~ndimage.binary_erosion(m, iterations=int(rng.integers(1, 3))), rim, 0.5, 0.8)
        body_id = c.mark(m, nucleus is None)
        if nucleus is not None and body_id:
            q = rng.uniform(-0.2, 0.2, 2) * r
            n = blob(rng, h, w, x + q[0], y + q[1], r * rng.uniform(0.25, 0.5), rough / 2) & m
            if n.sum() > 8:
                c.paint(n, nucleus, soft, 0.9)
                c.objects.append([body_id, c.mark(n)])
            else:
                c.objects.append([body_id])
        if c.full:
            break
    return c


def net(rng: Generator) -> Canvas:
    """A net over the whole image: warped Voronoi walls; the net is one object, each room another."""
    c = blank(rng)
    h, w = c.shape
    count = int(np.exp(rng.uniform(np.log(6), np.log(170))))
    sites = rng.uniform(-0.1, 1.1, (count, 2)) * [h, w]
    y, x = warp_points(rng, h, w, rng.uniform(0.5, 9))
    stretch = rng.uniform(0.5, 1)
    tree = cKDTree(sites * [1, stretch])
    d, i = tree.query(np.stack([y.ravel(), x.ravel() * stretch], 1), k=2)
    gap, room = (d[:, 1] - d[:, 0]).reshape(h, w), i[:, 0].reshape(h, w)
    thick = rng.uniform(1.2, 7) * (1 + 0.25 * np.clip(noise(rng, h, w, 6), -1.5, 1.5))
    wall = gap < thick
    if rng.random() < 0.35:
        wall &= noise(rng, h, w, rng.uniform(3, 10)) > rng.uniform(-1.8, -0.6)
    ground, line = colour(rng), colour(rng)
    if abs(ground.mean() - line.mean()) < 0.12:
        line = np.clip(ground + rng.choice([-0.4, 0.4]), 0, 1)
    rooms = ground + rng.uniform(0, 0.12) * rng.standard_normal((count, 1)) * np.ones(3)
    c.image[:] = np.clip(rooms[room], 0, 1) + rng.uniform(0, 0.1) * fractal(rng, h, w, rng.uniform(8, 40))[..., None]
    for _ in range(int(rng.integers(0, 25)) if rng.random() < 0.5 else 0):
        m = blob(rng, h, w, rng.uniform(0, w), rng.uniform(0, h), rng.uniform(2, 8), 0.2, rng.uniform(1, 2))
        c.paint(m, line if rng.random() < 0.6 else colour(rng), 0.8, rng.uniform(0.3, 0.9))
    c.paint(wall, line, rng.uniform(0.4, 1.2), rng.uniform(0.5, 1))
    for m in components(wall, 60)[:6]:
        c.objects += [[c.mark(m, False)]] * 3  # one net among many rooms: asked for as often as several of them
    for m in components(~wall, 30)[:120]:
        c.mark(m)
    return c


def grains(rng: Generator) -> Canvas:
    """Packed stones or particles, shaded, each an object."""
    c = blank(rng)
    h, w = c.shape
    count = int(np.exp(rng.uniform(np.log(12), np.log(200))))
    sites = rng.uniform(0, 1, (count, 2)) * [h, w]
    y, x = warp_points(rng, h, w, rng.uniform(0, 5))
    d, i = cKDTree(sites).query(np.stack([y.ravel(), x.ravel()], 1), k=2)
    gap, room = (d[:, 1] - d[:, 0]).reshape(h, w), i[:, 0].reshape(h, w)
    tone = colour(rng)
    tones = np.clip(tone + rng.uniform(0.03, 0.2) * rng.standard_normal((count, 3)), 0, 1)
    shade = np.clip(gap / rng.uniform(3, 14), 0, 1)[..., None]
    surface = tones[room] + rng.uniform(0, 0.12) * fractal(rng, h, w, rng.uniform(8, 50))[..., None]
    kept = rng.random(count) < rng.uniform(0.35, 1)
    body = (gap > rng.uniform(0.5, 3)) & kept[room]
    c.paint(body, surface * (0.5 + 0.5 * shade), 0.5)
    for k in np.flatnonzero(kept)[:240]:
        m = body & (room == k)
        if m.sum() > 20:
            c.mark(m)
    return c


def organs(rng: Generator) -> Canvas:
    """A radiograph: a few large soft regions of low contrast, often in mirrored pairs."""
    c = blank(rng)
    h, w = c.shape
    base = rng.uniform(0.3, 0.8)
    c.image[:] = base + 0.1 * noise(rng, h, w, 2)[..., None] + 0.03 * fractal(rng, h, w, 8)[..., None]
    body = blob(rng, h, w, w / 2, h / 2, min(h, w) * rng.uniform(0.38, 0.6), 0.1, rng.uniform(0.7, 1.3))
    c.paint(~body, np.full(3, rng.uniform(0, 0.2), np.float32), 4, rng.uniform(0.4, 1))
    for _ in range(int(rng.integers(1, 4))):
        dx, y = rng.uniform(0.1, 0.28) * w, h * rng.uniform(0.35, 0.65)
        r, ratio = min(h, w) * rng.uniform(0.06, 0.22), rng.uniform(0.5, 2)
        tone = np.full(3, np.clip(base + rng.choice([-1, 1]) * rng.uniform(0.06, 0.4), 0, 1), np.float32)
        soft, alpha, rough = rng.uniform(0.8, 5), rng.uniform(0.5, 1), rng.uniform(0, 0.3)
        for side in (-1, 1) if rng.random() < 0.7 else (rng.choice([-1, 1]),):
            m = blob(rng, h, w, w / 2 + side * dx, y, r * rng.uniform(0.85, 1.1), rough, ratio)
            c.paint(m, tone, soft, alpha)
            if m.any():
                c.mark(m)
    for k in range(int(rng.integers(0, 14))):
        rib = np.abs((np.mgrid[:h, :w][0] - h * k / 12) - 0.002 * (np.mgrid[:h, :w][1] - w / 2) ** 2) < 3
        c.paint(rib, np.full(3, min(1, base + 0.2), np.float32), 2, 0.35)
    return c
