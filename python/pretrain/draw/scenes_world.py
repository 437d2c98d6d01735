"""Scenes of surfaces, plants, land and paper."""

import numpy as np
from numpy.random import Generator
from scipy import ndimage

from .canvas import Canvas, blank
from .shapes import blob, box, components, leaf, star, stroke, walk
from .texture import colour, fractal, noise, texture


def _crack(rng: Generator, h: int, w: int, wide: float) -> np.ndarray:
    """A jagged, branching line that crosses a part of the image."""
    mask = np.zeros((h, w), bool)
    heads = [(rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1.6) * max(h, w))]
    if rng.random() < 0.6:
        heads[0] = (0.0, rng.uniform(0, h), rng.uniform(-0.5, 0.5), 1.4 * w)
        if rng.random() < 0.5:
            heads[0] = (rng.uniform(0, w), 0.0, np.pi / 2 + rng.uniform(-0.5, 0.5), 1.4 * h)
    bend, branch, jag = rng.uniform(0.03, 0.2), rng.uniform(0, 4), rng.uniform(0, 1.5)
    for depth in range(3):
        grown = []
        for x, y, a, length in heads:
            path = walk(rng, x, y, a, length, bend)
            n = len(path)
            path = path + jag * rng.standard_normal((n, 2))
            widths = wide * 0.75**depth * np.clip(1 + 0.35 * np.cumsum(rng.standard_normal(n)) / 4, 0.4, 1.8)
            mask |= stroke(h, w, path, np.maximum(widths, 0.8))
            for _ in range(rng.poisson(branch) if depth < 2 else 0):
                k = int(rng.integers(0, n))
                turn = rng.choice([-1, 1]) * rng.uniform(0.4, 1.3)
                grown.append((*path[k], a + turn, length * rng.uniform(0.15, 0.5)))
        heads = grown[:8]
    return mask


def _rough_ground(rng: Generator, c: Canvas) -> None:
    """Asphalt, concrete, plaster, skin: one tone, fine grains, faint stains, perhaps a painted stripe."""
    h, w = c.shape
    tone = np.clip(rng.uniform(0.2, 0.85) + rng.choice([0.0, 0.02, 0.08]) * rng.standard_normal(3), 0.05, 0.95)
    grain = rng.standard_normal((h, w)).astype(np.float32)
    grain = ndimage.gaussian_filter(grain, rng.uniform(0.3, 1.2))
    grain *= rng.uniform(0.01, 0.09) / (grain.std() + 1e-6)
    stain = rng.uniform(0, 0.06) * fractal(rng, h, w, rng.uniform(1.5, 6), 3)
    c.image[:] = np.clip(tone + (grain + stain)[..., None], 0, 1)
    if rng.random() < 0.2:
        path = walk(rng, rng.uniform(0, w), 0, rng.uniform(0.8, 2.2), 1.5 * h, 0.005)
        c.paint(stroke(h, w, path, np.full(len(path), rng.uniform(8, 40))), np.full(3, rng.uniform(0.6, 0.95)), 0.8, rng.uniform(0.4, 0.9))


def cracks(rng: Generator) -> Canvas:
    """Thin cracks, threads, vessels or roots on a rough surface: darker or lighter than what lies beside them, by more than its grain."""
    c = blank(rng)
    h, w = c.shape
    if rng.random() < 0.7:
        _rough_ground(rng, c)
    else:
        c.image[:] = np.clip(c.image + rng.uniform(0, 0.06) * fractal(rng, h, w, 16, 4, 0.9)[..., None], 0, 1)
    for _ in range(int(rng.integers(0, 12)) if rng.random() < 0.4 else 0):
        m = blob(rng, h, w, rng.uniform(0, w), rng.uniform(0, h), rng.uniform(2, 26), 0.3)
        c.paint(m, np.clip(c.image.mean((0, 1)) + 0.15 * rng.standard_normal(), 0, 1), rng.uniform(1, 5), 0.5)
    mask = np.zeros((h, w), bool)
    for _ in range(1 if rng.random() < 0.6 else int(rng.integers(2, 4))):
        mask |= _crack(rng, h, w, np.exp(rng.uniform(np.log(1.3), np.log(8))))
    near = ndimage.gaussian_filter(c.image, (12, 12, 0))
    grain = float((c.image - near).std())
    depth = grain * rng.uniform(1.2, 4) + rng.uniform(0.06, 0.45)
    line = near - depth if near.mean() > 0.3 and rng.random() < 0.8 else near + depth
    strength = np.clip(rng.uniform(0.75, 1) + 0.15 * noise(rng, h, w, 8), 0.35, 1)
    alpha = ndimage.gaussian_filter(mask.astype(np.float32), rng.uniform(0.3, 0.8))
    c.blend(alpha * strength, np.clip(line + 0.02 * rng.standard_normal((h, w, 1)), 0, 1).astype(np.float32))
    for m in components(mask, 30)[:20]:
        c.mark(m)
    return c


def plants(rng: Generator) -> Canvas:
    """Seedlings on soil: each plant an object of several fine leaves."""
    c = blank(rng)
    h, w = c.shape
    c.image[:] = np.clip(0.5 * c.image + 0.5 * (0.35 + rng.uniform(0.02, 0.12) * fractal(rng, h, w, 20, 4, 0.9)[..., None]), 0, 1)
    green = np.array([rng.uniform(0.1, 0.5), rng.uniform(0.35, 0.8), rng.uniform(0.05, 0.4)], np.float32)
    if rng.random() < 0.6:
        green = green * (0.35 if c.image.mean() > green.mean() else 1.4)
    for _ in range(int(rng.integers(1, 14))):
        x, y, size = rng.uniform(0, w), rng.uniform(0, h), np.exp(rng.uniform(np.log(10), np.log(80)))
        n, slim = int(rng.integers(2, 10)), np.exp(rng.uniform(np.log(0.04), np.log(0.6)))
        stem = rng.uniform(0.15, 0.6) if rng.random() < 0.4 else 0.0
        tone = np.clip(green + 0.08 * rng.standard_normal(3), 0, 1)
        plant = np.zeros((h, w), bool)
        for k in range(n):
            a = 2 * np.pi * k / n + rng.uniform(-0.4, 0.4)
            length = size * rng.uniform(0.5, 1.2)
            x1, y1 = x + stem * length * np.cos(a), y + stem * length * np.sin(a)
            m = leaf(rng, h, w, x1, y1, a, length, size * slim)
            if stem:
                m |= stroke(h, w, np.array([[x, y], [x1, y1]]), np.full(2, rng.uniform(1, 2.5)))
            c.paint(m, np.clip(tone + 0.06 * rng.standard_normal(), 0, 1), 0.6)
            plant |= m
        if plant.sum() > 20:
            c.mark(plant)
    return c


def sick_leaf(rng: Generator) -> Canvas:
    """A big leaf (or fruit, or plate) with small lesions on it: wholes and parts."""
    c = blank(rng)
    h, w = c.shape
    tone = colour(rng) if rng.random() < 0.4 else np.array([0.25, rng.uniform(0.4, 0.7), 0.2], np.float32)
    if rng.random() < 0.6:
        angle = rng.uniform(0, 2 * np.pi)
        x, y = w / 2 - 0.45 * w * np.cos(angle), h / 2 - 0.45 * h * np.sin(angle)
        m = leaf(rng, h, w, x, y, angle, max(h, w) * rng.uniform(0.7, 1.2), min(h, w) * rng.uniform(0.3, 0.9))
    else:
        m = blob(rng, h, w, w * rng.uniform(0.3, 0.7), h * rng.uniform(0.3, 0.7), rng.uniform(50, 115), 0.12)
    c.paint(m, texture(rng, h, w, tone), 0.8)
    ids = [c.mark(m, False)]
    spot, r0 = colour(rng), np.exp(rng.uniform(np.log(2.5), np.log(18)))
    ys, xs = np.nonzero(m)
    for _ in range(int(rng.integers(1, 40))):
        k = int(rng.integers(0, len(xs)))
        s = blob(rng, h, w, xs[k], ys[k], r0 * rng.uniform(0.4, 1.6), 0.35) & m & (c.label == ids[0])
        if s.sum() < 6:
            continue
        c.paint(ndimage.binary_dilation(s, iterations=1), np.clip(spot + 0.2, 0, 1), 1, 0.4)
        c.paint(s, np.clip(spot + 0.06 * rng.standard_normal(), 0, 1), rng.uniform(0.4, 1.5), rng.uniform(0.5, 1))
        ids.append(c.mark(s))
    c.objects += [ids] * 3
    return c


def surface(rng: Generator) -> Canvas:
    """A surface with faults: blotches, scratches, chips, of low contrast."""
    c = blank(rng)
    h, w = c.shape
    ground = c.image.mean((0, 1))
    for _ in range(int(rng.integers(1, 7))):
        kind = rng.integers(0, 4)
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), np.exp(rng.uniform(np.log(3), np.log(60)))
        if kind == 0:
            m = blob(rng, h, w, x, y, r, 0.4, rng.uniform(1, 3))
        elif kind == 1:
            path = walk(rng, x, y, rng.uniform(0, 7), rng.uniform(20, 250), rng.uniform(0, 0.1))
            m = stroke(h, w, path, np.full(len(path), rng.uniform(1, 5)))
        elif kind == 2:
            m = blob(rng, h, w, x, y, r, 0.3) & (fractal(rng, h, w, 12) > rng.uniform(-1, 0.5))
            m = ndimage.binary_closing(m)
        else:
            m = star(rng, h, w, x, y, r)
        tone = np.clip(ground + rng.choice([-1, 1]) * rng.uniform(0.05, 0.5) + 0.05 * rng.standard_normal(3), 0, 1)
        c.paint(m, tone if rng.random() < 0.6 else texture(rng, h, w, tone), rng.uniform(0.4, 3), rng.uniform(0.5, 1))
        for part in components(m, 12)[:3]:
            c.mark(part)
    return c


def regions(rng: Generator) -> Canvas:
    """Land cover or sky: a few large regions of different texture with free borders."""
    c = blank(rng)
    h, w = c.shape
    for _ in range(int(rng.integers(1, 4))):
        field = fractal(rng, h, w, rng.uniform(1, 5), int(rng.integers(1, 6)), rng.uniform(0.25, 0.6))
        threshold, soft = rng.uniform(-0.4, 1.2), rng.uniform(0.5, 6)
        m = field > threshold
        tex = texture(rng, h, w, np.array([0.9, 0.92, 0.95]) if rng.random() < 0.2 else None)
        if soft > 3:
            c.blend(np.clip((field - threshold) * rng.uniform(1, 4) + 0.5, 0, 1), tex)
        else:
            c.paint(m, tex, soft)
        for part in components(m, 150)[:12]:
            c.mark(part)
    return c


def town(rng: Generator) -> Canvas:
    """From above: roofs with shadows, roads, trees."""
    c = blank(rng)
    h, w = c.shape
    turn, ground = rng.uniform(0, np.pi), c.image.mean((0, 1))
    for _ in range(int(rng.integers(0, 3))):
        path = walk(rng, rng.uniform(0, w), 0, rng.uniform(0.8, 2.2), 1.5 * h, 0.03)
        road = stroke(h, w, path, np.full(len(path), rng.uniform(4, 22)))
        c.paint(road, texture(rng, h, w, np.full(3, rng.uniform(0.3, 0.7))), 0.6)
        if rng.random() < 0.6 and road.any():
            c.mark(road)
    for _ in range(int(rng.integers(0, 25))):
        tree = blob(rng, h, w, rng.uniform(0, w), rng.uniform(0, h), rng.uniform(3, 16), 0.3)
        c.paint(tree, np.array([0.15, rng.uniform(0.2, 0.45), 0.12]), 1)
        c.label[tree] = 0
    size = np.exp(rng.uniform(np.log(8), np.log(60)))
    for _ in range(int(rng.integers(2, 30))):
        bw, bh = size * rng.uniform(0.6, 1.8, 2)
        angle = turn + (np.pi / 2) * rng.integers(0, 2) + rng.normal(0, 0.05 if rng.random() < 0.8 else 1)
        m = box(rng, h, w, rng.uniform(0, w), rng.uniform(0, h), bw, bh, angle)
        if not m.any() or (c.label[ndimage.binary_dilation(m, iterations=2)] > 0).mean() > 0.05:
            continue
        c.paint(np.roll(m, (3, 3), (0, 1)), ground * 0.3, 0.8, 0.6)
        c.paint(m, texture(rng, h, w, colour(rng)), 0.4)
        c.mark(m)
    return c


def paper(rng: Generator) -> Canvas:
    """A page: lines of writing, blocks, figures, tables, stamps."""
    c = blank(rng)
    h, w = c.shape
    page = box(rng, h, w, w / 2, h / 2, w * rng.uniform(0.75, 1.3), h * rng.uniform(0.75, 1.3), rng.normal(0, 0.06))
    white = np.full(3, rng.uniform(0.75, 1), np.float32) * (1 - 0.12 * rng.random(3))
    c.paint(page, texture(rng, h, w, white) * 0.3 + white * 0.7, 0.6)
    ids = [c.mark(page, False)]
    ink, y, line = colour(rng) * 0.4, rng.uniform(8, 30), rng.uniform(4, 13)
    while y < h - 12 and not c.full:
        x, end = rng.uniform(8, 40), w - rng.uniform(8, 60)
        if rng.random() < 0.12:
            r = rng.uniform(14, 50)
            m = box(rng, h, w, w * rng.uniform(0.2, 0.8), y + r, rng.uniform(1, 2.5) * r, 1.6 * r, 0) & page
            c.paint(m, texture(rng, h, w), 0.4)
            if m.sum() > 30:
                ids.append(c.mark(m))
            y += 2.1 * r
            continue
        words = np.zeros((h, w), bool)
        while x < end:
            n = rng.uniform(1, 5) * line
            y0, y1, x0, x1 = int(y), int(y + line * 0.8), int(x), int(min(x + n, end))
            words[y0:y1, x0:x1] = True
            x += n + line * 0.5
        glyph = words & (spaced(rng, h, w, line) > 0)
        c.paint(glyph, ink, 0.4)
        if rng.random() < 0.6 and (glyph & page).sum() > 20:
            ids.append(c.mark(glyph & page if rng.random() < 0.4 else words & page))
        y += line * rng.uniform(1.2, 2)
    for _ in range(int(rng.integers(0, 3))):
        m = blob(rng, h, w, rng.uniform(0, w), rng.uniform(0, h), rng.uniform(8, 30), 0.05)
        c.paint(m, colour(rng), 0.6, rng.uniform(0.4, 0.9))
        ids.append(c.mark(m) if m.any() else 0)
    c.objects.append([i for i in ids if i])
    return c


def spaced(rng: Generator, h: int, w: int, line: float) -> np.ndarray:
    """Writing-like noise: upright strokes of a letter's size."""
    n = rng.standard_normal((h, w)).astype(np.float32)
    n = ndimage.gaussian_filter(n, (line * 0.18, line * 0.09))
    return n / (n.std() + 1e-6) + 0.2


def shapes(rng: Generator) -> Canvas:
    """Overlapping textured things of any form, with holes and thin ones among them."""
    c = blank(rng)
    h, w = c.shape
    visible = []
    for _ in range(int(rng.integers(2, 14))):
        x, y, r = rng.uniform(0, w), rng.uniform(0, h), np.exp(rng.uniform(np.log(5), np.log(90)))
        kind = rng.integers(0, 6)
        if kind == 0:
            m = box(rng, h, w, x, y, r * rng.uniform(0.6, 2), r * rng.uniform(0.6, 2), rng.uniform(0, 7))
        elif kind == 1:
            m = star(rng, h, w, x, y, r)
        elif kind == 2:
            path = walk(rng, x, y, rng.uniform(0, 7), rng.uniform(40, 400), rng.uniform(0.02, 0.3))
            m = stroke(h, w, path, np.full(len(path), rng.uniform(1.5, 14)))
        else:
            m = blob(rng, h, w, x, y, r, rng.uniform(0, 0.4), rng.uniform(1, 3))
        if rng.random() < 0.12:
            m &= ~blob(rng, h, w, x, y, r * rng.uniform(0.3, 0.7), 0.1)
        if m.sum() < 20:
            continue
        if rng.random() < 0.3:
            c.paint(np.roll(m, (4, 4), (0, 1)), c.image * 0.4, 3, 0.7)
        c.paint(m, texture(rng, h, w), rng.uniform(0.3, 1.5), 1 if rng.random() < 0.8 else rng.uniform(0.4, 1))
        visible.append(c.mark(m))
    c.objects = [o for o in c.objects if (c.label == o[0]).sum() > 12]
    return c
