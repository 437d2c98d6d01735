import type { Shape } from '../../graph/shape.ts';
import { type AttentionAttributes, attentionSizes } from './sizes.ts';

/** Attention in float64 with the whole score row at hand: the output and log Σ w·exp(s) of every query and head. */
export function attentionReference(
  [q, k, v, relPos, mass, bias]: readonly (Float64Array | null | undefined)[],
  [qShape, kShape]: readonly (Shape | null)[],
  attrs: AttentionAttributes,
): readonly Float64Array[] {
  if (!q || !k || !v || !qShape || !kShape) throw new RangeError('attention: q, k and v');
  const { M, Nq, Nk, C, D } = attentionSizes(qShape, kShape, attrs);
  const { heads, prefix, gridW } = attrs;
  const gridH = (Nk - prefix) / gridW;
  const out = new Float64Array(M * Nq * C);
  const lse = new Float64Array(M * heads * Nq);
  for (let m = 0; m < M; m++) {
    const prefixWeight = mass?.[Math.floor((m * mass.length) / M)] ?? 1;
    for (let head = 0; head < heads; head++) {
      for (let n = 0; n < Nq; n++) {
        const row = (m * heads + head) * Nq + n;
        const qAt = (m * Nq + n) * C + head * D;
        const scores = Array.from({ length: Nk }, (_, j) => {
          let sum = 0;
          for (let c = 0; c < D; c++) sum += (q[qAt + c] ?? 0) * (k[(m * Nk + j) * C + head * D + c] ?? 0);
          const score = sum / Math.sqrt(D);
          if (j < prefix) return score;
          if (bias) return score + (bias[(head * Nq + n) * (Nk - prefix) + j - prefix] ?? 0);
          if (!relPos) return score;
          const at = row * (gridH + gridW);
          const [y, x] = [Math.floor((j - prefix) / gridW), (j - prefix) % gridW];
          return score + (relPos[at + y] ?? 0) + (relPos[at + gridH + x] ?? 0);
        });
        const most = Math.max(...scores);
        const weights = scores.map((s, j) => (j < prefix ? prefixWeight : 1) * Math.exp(s - most));
        const total = weights.reduce((sum, w) => sum + w, 0);
        weights.forEach((w, j) => {
          for (let c = 0; c < D; c++)
            out[qAt + c] = (out[qAt + c] ?? 0) + (w / total) * (v[(m * Nk + j) * C + head * D + c] ?? 0);
        });
        lse[row] = most + Math.log(total);
      }
    }
  }
  return [out, lse];
}
